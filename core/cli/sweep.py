"""python -m core sweep show SWEEP, SWEEP being path.csv or trainings"""

import argparse
from typing import Any

from core import sweeps
from core.cli.words import Said, aligned, verb


def add(verbs: Any) -> None:
    own = verb(verbs, "sweep", overview, "read a search over settings").add_subparsers(metavar="VERB")
    p = verb(own, "show", shown, "the runs of a sweep, and the best of them")
    p.add_argument("sweep", metavar="SWEEP", help="path of a CSV file, or 'trainings' for this studio's own")
    p.add_argument("--metric", default="", help="what is minimised (default: found by name)")


def overview(ns: argparse.Namespace) -> Said:
    rows = [{"source": s.name, "what": s.label} for s in sweeps.SOURCES.values()]
    return rows, aligned(rows, "")


def shown(ns: argparse.Namespace) -> Said:
    document = sweeps.to_json(sweeps.load(ns.sweep), ns.metric or None)
    rows = [{"run": r["name"] or r["run_id"], "state": r["state"], **r["params"], **r["metrics"]} for r in document["rows"]]
    best = document["best"]
    columns = dict.fromkeys(k for r in rows for k in r)
    text = aligned([{k: r.get(k) for k in columns} for r in rows], "No runs.")
    return document, text + (f"\nbest: {best['name'] or best['run_id']}" if best else "\nno finished run")

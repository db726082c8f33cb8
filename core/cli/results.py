"""python -m core results [export BUNDLE | import BUNDLE]: evaluations on record, and carried to another machine"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from core import datasets, evaluate, protocols, results
from core.cli.words import Said, aligned, verb


def add(verbs: Any) -> None:
    own = verb(verbs, "results", listed, "count the evaluations; export or import them").add_subparsers(metavar="VERB")
    p = verb(own, "export", exported, "write evaluations as one file, for another machine")
    p.add_argument("bundle", metavar="BUNDLE", type=Path, help="a new .zip")
    p.add_argument("--dataset", help="only those on this data set")
    p.add_argument("--protocol", help="only those under this protocol")
    p = verb(own, "import", imported, "add the evaluations of a bundle to the leaderboard")
    p.add_argument("bundle", metavar="BUNDLE", type=Path, help="a .zip made by `results export`")


def listed(ns: argparse.Namespace) -> Said:
    counted: Counter[tuple[str, str, str]] = Counter()
    scores: Counter[tuple[str, str, str]] = Counter()
    for e in results.read():
        counted[e.dataset, e.protocol, e.origin] += 1
        scores[e.dataset, e.protocol, e.origin] += len(e.scores)
    rows = [
        {"dataset": d, "protocol": p, "from": origin, "evaluations": n, "scores": scores[d, p, origin]}
        for (d, p, origin), n in sorted(counted.items())
    ]
    shown = [row | {"from": row["from"] or "this machine"} for row in rows]
    return rows, aligned(shown, "Nothing is evaluated yet. Start with: python -m core evaluate noise --dataset petals")


def exported(ns: argparse.Namespace) -> Said:
    dataset = evaluate.dataset_name(ns.dataset) if ns.dataset else None
    found = results.read(dataset, ns.protocol)
    # A folder, or a name that is on record, is no slip of the pen.
    if not found and dataset and dataset == ns.dataset and not results.read(dataset):
        datasets.card(dataset)
    if not found and ns.protocol:
        protocols.protocol(ns.protocol)
    results.bundle(found, ns.bundle)
    document = {"bundle": str(ns.bundle), "evaluations": len(found), "bytes": ns.bundle.stat().st_size}
    return document, f"{len(found)} evaluations are in {ns.bundle} ({document['bytes'] / 1e6:.3g} MB)"


def imported(ns: argparse.Namespace) -> Said:
    added, known = results.unbundle(ns.bundle)
    return {
        "bundle": str(ns.bundle),
        "added": added,
        "known": known,
    }, f"{added} evaluations are added; {known} were known already"

"""python -m core leaderboard [--dataset NAME] [--protocol P] [--seed S] [--methods] [--format table|csv|md|latex|json]"""

import argparse
from typing import Any

from core import datasets, export, leaderboard, protocols
from core.cli.words import Said, aligned, verb


def add(verbs: Any) -> None:
    p = verb(verbs, "leaderboard", ranked, "the ranked evaluations")
    p.add_argument("--dataset")
    p.add_argument("--protocol")
    p.add_argument("--seed", type=int, help="seed of the images that models are selected on (default: the one that most have)")
    p.add_argument("--methods", action="store_true", help="trainings that differ in their seed only, together")
    p.add_argument("--format", choices=("table", *export.FORMATS), default="table")


def ranked(ns: argparse.Namespace) -> Said:
    rows = leaderboard.rows(ns.dataset, ns.protocol, ns.seed)
    if not rows:
        _check_names(ns)
    if ns.methods:
        # In the order of the rows, each pair once.
        pairs = dict.fromkeys((str(r["dataset"]), str(r["protocol"])) for r in rows)
        rows = [m for pair in pairs for m in leaderboard.methods(*pair, ns.seed)]
        footnote, printed = "", [{k: v for k, v in r.items() if k not in ("experiment", "terms")} for r in rows]
        empty = "No trained model is evaluated yet."
    else:
        footnote, printed = leaderboard.footnote(rows), leaderboard.for_print(rows)
        empty = "Nothing is evaluated yet. Start with: python -m core evaluate noise --dataset petals"
    if ns.format == "table":
        return rows, aligned(printed, empty) + (f"\n{footnote}" if footnote else "")
    whole = printed if ns.format in ("md", "latex") else rows
    return rows, export.table(whole, ns.format, footnote).rstrip("\n")


def _check_names(ns: argparse.Namespace) -> None:
    """An empty table is right for a data set that is there, wrong for a slip of the pen."""
    if ns.dataset:
        datasets.card(ns.dataset)
    if ns.protocol:
        protocols.protocol(ns.protocol)

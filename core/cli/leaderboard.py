"""python -m core leaderboard [--dataset NAME] [--protocol P] [--format table|csv|md|latex|json]"""

import argparse
from typing import Any

from core import datasets, export, leaderboard, protocols
from core.cli.words import Said, aligned, verb


def add(verbs: Any) -> None:
    p = verb(verbs, "leaderboard", ranked, "the ranked evaluations")
    p.add_argument("--dataset")
    p.add_argument("--protocol")
    p.add_argument("--format", choices=("table", *export.FORMATS), default="table")


def ranked(ns: argparse.Namespace) -> Said:
    rows = leaderboard.rows(ns.dataset, ns.protocol)
    if not rows:
        # An empty table is right for a data set that is there, wrong for a slip of the pen.
        if ns.dataset:
            datasets.card(ns.dataset)
        if ns.protocol:
            protocols.protocol(ns.protocol)
    if ns.format == "table":
        keep = [{k: v for k, v in r.items() if k not in ("command", "terms")} for r in rows]
        return rows, aligned(keep, "Nothing is evaluated yet. Start with: python -m core evaluate noise --dataset petals")
    printed = leaderboard.for_print(rows) if ns.format in ("md", "latex") else rows
    return rows, export.table(printed, ns.format, leaderboard.footnote(rows)).rstrip("\n")

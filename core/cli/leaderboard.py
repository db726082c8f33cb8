"""python -m core leaderboard [--dataset NAME] [--protocol P] [--format table|csv|md|latex|json]"""

import argparse
from typing import Any

from core import export, leaderboard
from core.cli.words import Said, aligned, verb


def add(verbs: Any) -> None:
    p = verb(verbs, "leaderboard", ranked, "the ranked evaluations")
    p.add_argument("--dataset")
    p.add_argument("--protocol")
    p.add_argument("--format", choices=("table", *export.FORMATS), default="table")


def ranked(ns: argparse.Namespace) -> Said:
    rows = leaderboard.rows(ns.dataset, ns.protocol)
    if ns.format == "table":
        keep = [{k: v for k, v in r.items() if k not in ("command", "terms")} for r in rows]
        return rows, aligned(keep, "Nothing is evaluated yet. Start with: python -m core evaluate noise --dataset petals")
    return rows, export.table(rows, ns.format).rstrip("\n")

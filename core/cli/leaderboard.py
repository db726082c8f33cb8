"""python -m core leaderboard [--dataset NAME] [--protocol P] [--seed S] [--methods] [--format table|csv|md|latex|json]"""

import argparse
from typing import Any

from core import datasets, evaluate, export, leaderboard, protocols
from core.cli.words import Said, aligned, verb


def add(verbs: Any) -> None:
    p = verb(verbs, "leaderboard", ranked, "the ranked evaluations")
    p.add_argument("--dataset")
    p.add_argument("--protocol")
    p.add_argument("--seed", type=int, help="seed of the images that models are selected on (default: the one that most have)")
    p.add_argument("--methods", action="store_true", help="trainings that differ in their seed only, together")
    p.add_argument("--format", choices=("table", *export.FORMATS), default="table")


def ranked(ns: argparse.Namespace) -> Said:
    if ns.dataset:
        ns.dataset = evaluate.dataset_name(ns.dataset)
    rows = leaderboard.rows(ns.dataset, ns.protocol, ns.seed)
    if not rows:
        _check_names(ns)
    if ns.methods:
        return _methods(rows, ns)
    if ns.format == "table":
        parts = [f"{t}\n{aligned(leaderboard.for_print(r), '')}\n{leaderboard.footnote(r)}" for t, r in leaderboard.blocks(rows)]
        empty = "Nothing is evaluated yet. Start with: python -m core evaluate noise --dataset petals"
        text = "\n\n".join(parts) or empty
    else:
        text = leaderboard.text(rows, ns.format).rstrip("\n")
    printed = leaderboard.published(ns.protocol) if ns.protocol else []
    if printed and ns.format == "table":
        text += f"\n\nAs the study printed it, never ranked:\n{aligned(printed, '')}"
    return rows, text


def _methods(rows: list[dict[str, Any]], ns: argparse.Namespace) -> Said:
    # In the order of the rows, each pair once.
    pairs = dict.fromkeys((str(r["dataset"]), str(r["protocol"])) for r in rows)
    found = [m for pair in pairs for m in leaderboard.methods(*pair, ns.seed)]
    printed = [{k: v for k, v in r.items() if k not in ("experiment", "terms")} for r in found]
    if ns.format == "table":
        return found, aligned(printed, "No trained model is evaluated yet.")
    return found, export.table(printed if ns.format in ("md", "latex") else found, ns.format).rstrip("\n")


def _check_names(ns: argparse.Namespace) -> None:
    """An empty table is right for a data set that is there, wrong for a slip of the pen."""
    if ns.dataset:
        datasets.card(ns.dataset)
    if ns.protocol:
        protocols.protocol(ns.protocol)

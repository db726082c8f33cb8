"""python -m core leaderboard [--dataset NAME] [--protocol P] [--seed S] [--methods] [--format table|csv|md|latex|json]

Table, Markdown and LaTeX have one table for each data set and protocol, and one for figures that others printed under a protocol.
CSV, JSON and --json are one list of evaluations and nothing else: programs take each row as measured.
"""

import argparse
from typing import Any

from core import datasets, evaluate, export, leaderboard, protocols
from core.cli.words import Said, aligned, verb
from core.leaderboard import Table


def add(verbs: Any) -> None:
    p = verb(verbs, "leaderboard", ranked, "the ranked evaluations")
    p.add_argument("--dataset")
    p.add_argument("--protocol")
    p.add_argument("--seed", type=int, help="seed of the images that models are selected on (default: the one that most have)")
    p.add_argument("--methods", action="store_true", help="trainings that differ in their seed only, together")
    p.add_argument("--format", choices=("table", *export.FORMATS), default="table")


def ranked(ns: argparse.Namespace) -> Said:
    dataset = evaluate.dataset_name(ns.dataset) if ns.dataset else None
    rows = leaderboard.rows(dataset, ns.protocol, ns.seed)
    if not rows:
        _check_names(ns, dataset)
    if ns.methods:
        return _methods(rows, ns)
    empty = "Nothing is evaluated yet. Start with: python -m core evaluate noise --dataset petals"
    if ns.format == "table":
        parts = [] if rows else [empty]
        return rows, "\n\n".join([*parts, *map(_aligned, leaderboard.tables(rows, ns.protocol))])
    return rows, leaderboard.text(rows, ns.format, ns.protocol).rstrip("\n")


def _methods(rows: list[dict[str, Any]], ns: argparse.Namespace) -> Said:
    # In the order of the rows, each pair once.
    pairs = dict.fromkeys((str(r["dataset"]), str(r["protocol"])) for r in rows)
    found = [m for pair in pairs for m in leaderboard.methods(*pair, ns.seed)]
    if ns.format in ("csv", "json"):
        return found, export.table(found, ns.format).rstrip("\n")
    tables = leaderboard.method_tables(found)
    if ns.format == "table":
        return found, "\n\n".join(map(_aligned, tables)) or "No trained model is evaluated yet."
    return found, leaderboard.paper(tables, ns.format).rstrip("\n")


def _aligned(table: Table) -> str:
    title, rows, footnote = table
    return f"{title}\n{aligned(rows, '')}\n{footnote}"


def _check_names(ns: argparse.Namespace, dataset: str | None) -> None:
    """An empty table is right for a data set that is there, a folder, or what is on record; wrong for a slip of the pen."""
    if dataset and dataset == ns.dataset and dataset not in leaderboard.references():
        datasets.card(dataset)
    if ns.protocol:
        protocols.protocol(ns.protocol)

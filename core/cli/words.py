"""What the verbs share: sub-parsers, and tables as aligned text."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Said = tuple[Any, str]
"""(document for --json, text for people)"""
Verb = Callable[[argparse.Namespace], Said]


def verb(verbs: Any, name: str, run: Verb, help: str) -> argparse.ArgumentParser:
    p: argparse.ArgumentParser = verbs.add_parser(name, help=help, description=help)
    p.set_defaults(run=run)
    return p


def aligned(rows: Sequence[Mapping[str, Any]], empty: str) -> str:
    """Rows of equal keys as columns; `empty` where there are none."""
    if not rows:
        return empty
    table = [list(rows[0]), *([cell(v) for v in r.values()] for r in rows)]
    widths = [max(len(r[i]) for r in table) for i in range(len(table[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in table)


def cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)

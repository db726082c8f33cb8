"""Evaluations for good: one SQLite file, append only. The only package that writes it.

record(evaluation)                     a new row, with its id and time
read(dataset, protocol)                rows without influences: ten thousand scores in a moment
with_influences_of(evaluations, role)  what pairs are compared by, in one query
bundle(evaluations, path)              rows as one file, for another machine's `unbundle(path)`
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from core import paths
from core.results import rows
from core.results.bundles import bundle, unbundle
from core.results.file import opened
from core.types import Evaluation

__all__ = ["bundle", "last_id", "read", "record", "unbundle", "with_influences", "with_influences_of"]


def record(e: Evaluation) -> Evaluation:
    """The evaluation with its new id and its time (UTC, ISO 8601). ScoreError for a number that is not finite."""
    e = replace(e, created_at=datetime.now(UTC).isoformat(timespec="seconds"))
    with opened() as db:
        db.execute("BEGIN IMMEDIATE")
        e = replace(e, id=rows.insert(db, e))
        db.execute("COMMIT")
    return e


def last_id() -> int:
    """The newest row's id, 0 where there is none: grows with every row, so that what was read stays right until it does."""
    if not paths.results().is_file():
        return 0
    with opened() as db:
        return int(db.execute("SELECT coalesce(max(id), 0) FROM evaluations").fetchone()[0])


def read(dataset: str | None = None, protocol: str | None = None, influences: bool = False) -> list[Evaluation]:
    """Every evaluation, or those of a data set or protocol, oldest first; without influences unless they are asked for.

    StoreError where the file, or one of its rows, cannot be read.
    """
    if not paths.results().is_file():
        return []
    with opened() as db:
        found = rows.evaluations(db, dataset, protocol)
        kept = rows.vectors(db, [e.id for e in found]) if influences else {}
    return [rows.joined(e, kept) for e in found] if influences else found


def with_influences(e: Evaluation) -> Evaluation:
    """A recorded evaluation with what its scores were kept with, float64. ScoreError where that is damaged."""
    with opened() as db:
        return rows.joined(e, rows.vectors(db, [e.id]))


def with_influences_of(evaluations: Sequence[Evaluation], role: str) -> list[Evaluation]:
    """Recorded evaluations with the influences of their scores of this role, all of them by one query."""
    with opened() as db:
        kept = rows.vectors(db, [e.id for e in evaluations], role)
    return [rows.joined(e, kept) for e in evaluations]

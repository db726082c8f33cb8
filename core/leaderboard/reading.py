"""The records as the leaderboard reads them: each model under its id of today, so that a renamed one stays one line."""

from collections.abc import Sequence
from dataclasses import replace

from core import models, results
from core.types import Evaluation


def read(dataset: str | None = None, protocol: str | None = None) -> list[Evaluation]:
    """`results.read` without influences, oldest first, renamed models under their present ids; commands stay as they were."""
    return renamed(results.read(dataset, protocol), models.present_ids())


def renamed(evaluations: Sequence[Evaluation], present: dict[str, str]) -> list[Evaluation]:
    """A model of another machine may have any name, so imported records are left alone."""
    return [
        replace(e, subject=present[e.subject]) if e.kind == "model" and not e.origin and e.subject in present else e
        for e in evaluations
    ]

"""How far the features of generated images lie from those of real ones. NumPy only; float64 throughout.

A new metric is one file and one row here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import ScoreError, unknown
from core.metrics import fd, kid
from core.metrics.reference import Measure, Reference
from core.types import Features

__all__ = ["METRICS", "Measure", "Metric", "Reference", "metric"]

Compute = Callable[[Features, Reference, Mapping[str, Any]], Measure | None]


@dataclass(frozen=True)
class Metric:
    """`better`: "lower" or "higher".  `compute(fake, reference, params)`: None where the reference is too small for it."""

    name: str
    label: str
    better: str
    source: str
    compute: Compute


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric("kid", "KID", "lower", "Binkowski et al. 2018, eq. 4", kid.score),
        Metric("fd", "FD", "lower", "Heusel et al. 2017, eq. 6", fd.score),
    )
}


def metric(name: str) -> Metric:
    """The row of this name; ScoreError with the known ones otherwise."""
    if name not in METRICS:
        raise ScoreError(unknown("metric", name, METRICS))
    return METRICS[name]

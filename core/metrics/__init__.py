"""How generated images compare with real ones, by their features. NumPy only; float64 throughout.

A new metric is one file and one row here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import ScoreError, unknown
from core.metrics import frechet, inception_score, kernel, memorisation, prdc
from core.metrics.reference import Measure, Reference
from core.types import Features

__all__ = ["METRICS", "Measure", "Metric", "Reference", "metric"]

Compute = Callable[[Features, Reference, Mapping[str, Any]], Measure]


@dataclass(frozen=True)
class Metric:
    """`compute(fake, reference, params)`; raises Refused where these images allow no honest value.

    better: "lower", "higher", or "" where neither is.  ranked: whether verdicts may be given by it.
    """

    name: str
    label: str
    better: str
    source: str
    compute: Compute
    ranked: bool = False


METRICS: Mapping[str, Metric] = {
    m.name: m
    for m in (
        Metric("kid", "KID", "lower", "Binkowski et al. 2018, eq. 4", kernel.score, ranked=True),
        Metric("fd", "FD", "lower", "Heusel et al. 2017, eq. 6", frechet.score),
        Metric("fd_corrected", "FD corrected", "lower", "Quenouille 1949 on Heusel et al. 2017", frechet.corrected, ranked=True),
        Metric("is", "IS", "higher", "Salimans et al. 2016, section 4", inception_score.score),
        Metric("precision", "Precision", "higher", "Kynkäänniemi et al. 2019, eq. 2", prdc.precision),
        Metric("recall", "Recall", "higher", "Kynkäänniemi et al. 2019, eq. 2", prdc.recall),
        Metric("density", "Density", "higher", "Naeem et al. 2020, eq. 3", prdc.density),
        Metric("coverage", "Coverage", "higher", "Naeem et al. 2020, eq. 5", prdc.coverage),
        Metric("copies", "Copies", "lower", "Bates et al. 2023, on nearest neighbours", memorisation.score),
    )
}


def metric(name: str) -> Metric:
    """The row of this name; ScoreError with the known ones otherwise."""
    if name not in METRICS:
        raise ScoreError(unknown("metric", name, METRICS))
    return METRICS[name]

"""A search over settings as its runs, and what is asked of it. Runs are ranked by value, never by where they stand."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import DataError, unknown
from core.sweeps import columns
from core.types import Run

if TYPE_CHECKING:
    import pandas as pd

# fmt: off
FAILED = frozenset({
    "failed", "fail", "crashed", "killed", "preempted", "preempting", "error", "errored", "cancelled", "canceled",
    "lost", "timeout",
})
# fmt: on
"""States that say a run did not come to its end."""
UNFINISHED = frozenset({"running", "pending", "queued", "waiting"})
"""States of a run that may still get its result."""


@dataclass(frozen=True)
class Sweep:
    """The runs of one search. metrics[0] leads: a run has failed if its state says so or if it ended without a finite one.

    notes: sentences about what was left out or assumed in reading.
    """

    name: str
    runs: tuple[Run, ...]
    params: tuple[str, ...]
    metrics: tuple[str, ...]
    notes: tuple[str, ...] = ()


def number(value: Any) -> float | None:
    """A finite number, also where it is written as a text; None for everything else, booleans included."""
    if isinstance(value, str):
        value = columns.number(value)
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def has_failed(state: str, metrics: Mapping[str, float], leading: str | None) -> bool:
    """Whether the run's state says so, or it ended (as far as is known) without the leading metric: a run that diverged."""
    if state in FAILED:
        return True
    return leading is not None and leading not in metrics and state not in UNFINISHED


def leading(sweep: Sweep, metric: str) -> Sweep:
    """The same sweep judged by another metric. DataError for one that no run has."""
    if metric not in sweep.metrics:
        raise DataError(unknown("metric", metric, sweep.metrics))
    runs = tuple(dataclasses.replace(r, failed=has_failed(r.state, r.metrics, metric)) for r in sweep.runs)
    order = (metric, *(m for m in sweep.metrics if m != metric))
    return dataclasses.replace(sweep, runs=runs, metrics=order)


def best(sweep: Sweep, metric: str, better: str = "lower") -> Run | None:
    """The run with the best finite value; None if there is none. Among equals the earlier, then the smaller id.

    A run whose state says that it failed is taken only where no other has a value. DataError for an unknown metric.
    """
    assert better in ("lower", "higher"), better
    if metric not in sweep.metrics:
        raise DataError(unknown("metric", metric, sweep.metrics))
    measured = [r for r in sweep.runs if metric in r.metrics]
    candidates = [r for r in measured if r.state not in FAILED] or measured
    sign = 1 if better == "lower" else -1
    return min(candidates, key=lambda r: (sign * r.metrics[metric], r.created_at, r.id), default=None)


def varying(sweep: Sweep) -> tuple[str, ...]:
    """The settings that differ between runs, one that only some runs have included."""
    return tuple(p for p in sweep.params if len({_kind_and_value(r.params.get(p)) for r in sweep.runs}) > 1)


def _kind_and_value(value: Any) -> tuple[bool, Any]:
    # True == 1 in Python, but not in a setting.
    return isinstance(value, bool), value


def frame(sweep: Sweep) -> "pd.DataFrame":
    """One row a run: run_id, name, state, failed, the settings, the metrics (missing: NaN), and created_at and url if known."""
    import pandas as pd

    table: dict[str, Any] = {
        "run_id": [r.id for r in sweep.runs],
        "name": [r.name for r in sweep.runs],
        "state": [r.state for r in sweep.runs],
        "failed": [r.failed for r in sweep.runs],
    }
    table |= {p: [r.params.get(p) for r in sweep.runs] for p in sweep.params}
    table |= {m: pd.Series([r.metrics.get(m, math.nan) for r in sweep.runs], dtype="float64") for m in sweep.metrics}
    for known in ("created_at", "url"):
        if any(getattr(r, known) for r in sweep.runs):
            table[known] = [getattr(r, known) for r in sweep.runs]
    return pd.DataFrame(table)


def to_json(sweep: Sweep, metric: str | None = None, better: str | None = None) -> dict[str, Any]:
    """The document of `sweep show --json`: plain data, no NaN.

    metric: None takes the leading one.  better: None goes by the metric's name (`columns.direction`).
    """
    if metric is not None:
        sweep = leading(sweep, metric)
    judge = sweep.metrics[0] if sweep.metrics else None
    better = better or (columns.direction(judge) if judge else "lower")
    winner = best(sweep, judge, better) if judge else None
    return {
        "name": sweep.name,
        "metric": judge,
        "better": better,
        "rows": [_row(r) for r in sweep.runs],
        "best": _row(winner) if winner else None,
        "notes": list(sweep.notes),
    }


def _row(run: Run) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "name": run.name,
        "state": run.state,
        "failed": run.failed,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
        "created_at": run.created_at,
        "url": run.url,
    }

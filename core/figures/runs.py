"""Runs of a search as lines over parallel axes."""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from core.figures.axes import Axis, axis, dimension, numbers, text
from core.figures.style import GREY, bare, counted, cut, number, plain

if TYPE_CHECKING:
    import pandas as pd

MOST_AXES = 60  # Plotly's own limit
# Of middle lightness, so that every line is seen on white and on black; orange against blue for every eye.
POOR_TO_GOOD = ("#E8891C", "#C2559A", "#1479C4")
# Under the right end, 260 pixels wide.
COLOURBAR = {
    "orientation": "h",
    "thickness": 8,
    "lenmode": "pixels",
    "len": 260,
    "x": 1,
    "xanchor": "right",
    "y": 0,
    "yref": "container",
    "yanchor": "bottom",
    "tickangle": 0,
    "outlinewidth": 0,
}


def parallel(
    data: "pd.DataFrame",
    dimensions: Sequence[str],
    metric: str,
    *,
    better: str = "lower",
    log: Collection[str] | None = None,
    inverted: Collection[str] = (),
    ranges: Mapping[str, Any] | None = None,
) -> tuple[go.Figure, str]:
    """One line a run over one axis a column, coloured by the metric: blue is best, failed runs are grey.

    data: as `sweeps.frame` gives it; a column `failed` (bool) and `name` are used where they are.
    dimensions: columns in order, with or without the metric, which is added as the last.
    better: "lower" or "higher".  log: columns on a log axis; None takes those that span two decades.
    inverted: columns with their lowest value on top.  ranges: preselected (low, high), or categories, by column.
    A missing value stands in a lane below its axis ("missing"; "failed" for the metric of a failed run) and is never a number.
    """
    data, names = _columns(data, dimensions, metric)
    failed = data["failed"].to_numpy(bool) if "failed" in data else np.zeros(len(data), bool)
    axes = {}
    for name in names:
        words = np.where(failed, "failed", "missing") if name == metric else np.full(len(data), "missing")
        axes[name] = axis(data[name], words, None if log is None else name in log)
    labels = [cut(n, 20) for n in names]
    made = [
        dimension(plain(label), axes[n], inverted=n in inverted, chosen=(ranges or {}).get(n))
        for n, label in zip(names, labels, strict=True)
    ]
    line = _line(axes[metric], failed, better)
    angle = -15 if _crowded(labels) else 0
    # Plotly's halo around tick texts is white on a dark page.
    figure = go.Figure(go.Parcoords(dimensions=made, line=line, labelangle=angle, tickfont={"shadow": "none"}))
    bare(figure, 450)
    figure.update_layout(margin={"l": 90, "r": 90, "t": 60, "b": 90})
    return figure, _sentence(data, [n for n in names if n != metric], metric, better, failed)


def _columns(data: "pd.DataFrame", dimensions: Sequence[str], metric: str) -> tuple["pd.DataFrame", list[str]]:
    """The frame and the names of the axes: with the metric, at most as many as Plotly draws, and at least two."""
    names = list(dict.fromkeys([*dimensions, metric]))
    if len(names) > MOST_AXES:
        names = [*[n for n in names if n != metric][: MOST_AXES - 1], metric]
    if len(names) == 1:
        names, data = ["run", metric], data[[c for c in data if c != "run"]].assign(run=range(1, len(data) + 1))
    return data, names


def _crowded(labels: Sequence[str]) -> bool:
    """Whether two neighbours would touch in a figure 700 pixels wide, at about 6 pixels a letter."""
    apart = (700 - 180) / (len(labels) - 1)
    return any(6 * (len(a) + len(b)) / 2 + 6 > apart for a, b in pairwise(labels))


def _line(a: Axis, failed: np.ndarray, better: str) -> dict[str, Any]:
    """Line colours by how good the run is, 0 to 1, and below that a grey step for failed and missing runs.

    Plotly draws larger numbers over smaller ones: so the best lie on top and the failed at the bottom.
    """
    measured = a.present & ~failed
    apart = 0.0 if measured.all() else 0.3  # of the scale, before goodness 0
    goodness = np.full(len(a.positions), -apart / 2)
    if measured.any():
        values = a.positions[measured]
        low, high = float(values.min()), float(values.max())
        share = (values - low) / (high - low) if high > low else np.zeros(len(values))
        goodness[measured] = 1 - share if better == "lower" else share
    zero = apart / (1 + apart)
    stops = zip(np.linspace(zero, 1, len(POOR_TO_GOOD)), POOR_TO_GOOD, strict=True)
    ticks = [(0.08, "worst"), (1.0, "best")]
    if apart:
        ticks.insert(0, (-apart / 2, "failed" if failed.any() else "missing"))
    return {
        "color": goodness,
        "cmin": -apart,
        "cmax": 1.0,
        "colorscale": [*([[0, GREY], [zero, GREY]] if apart else []), *([float(s), c] for s, c in stops)],
        "showscale": True,
        "colorbar": COLOURBAR | {"tickvals": [t for t, _ in ticks], "ticktext": [w for _, w in ticks]},
    }


def _sentence(data: "pd.DataFrame", settings: Sequence[str], metric: str, better: str, failed: np.ndarray) -> str:
    values = numbers(data[metric])
    assert values is not None, f"{metric} holds words"
    measured = np.isfinite(values)
    candidates = np.flatnonzero(measured & ~failed)
    lost = f"; {counted(int(failed.sum()), 'run')} failed" if failed.any() else ""
    waiting = int((~measured & ~failed).sum())
    lost += f"; {counted(waiting, 'run')} without a value" if waiting else ""
    if not len(candidates):
        return f"None of {counted(len(data), 'run')} has a {metric}{lost}."
    order = values[candidates] if better == "lower" else -values[candidates]
    best = int(candidates[order.argmin()])
    name = str(data["name"].iloc[best]) if "name" in data and data["name"].iloc[best] else f"run {best + 1}"
    known = [n for n in settings if not data[n].isna().iloc[best]][:6]
    where = ", ".join(f"{n} {_shown(data[n].iloc[best])}" for n in known)
    extreme = "lowest" if better == "lower" else "highest"
    return (
        f"Of {counted(len(data), 'run')}, {name} has the {extreme} {metric}, {number(float(values[best]))}"
        f"{f' ({where})' if where else ''}{lost}."
    )


def _shown(value: Any) -> str:
    return number(float(value)) if isinstance(value, float | np.floating) else text(value)

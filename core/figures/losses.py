"""Curves of a training: what it told of its loss on the way, as points and as a running mean, and its checks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures.style import BLUE, VERMILLION, bare, nice, number

Event = Mapping[str, Any]
Point = tuple[float, float]

FEW = 12
"""Up to so many points a running mean would hide what it is made of."""
WINDOW = 16
"""Points of a running mean at least: losses of single batches differ by half."""
MOST = 400
"""Points of a line that are drawn; more cannot be told apart on a screen, and the page polls."""


def curves(events: Sequence[Event], each: int = 0) -> tuple[go.Figure, str]:
    """Training and validation loss against the step, from a job's events (`done` or `step`, `loss`, `val_loss`).

    Training losses are faint points under their running mean; validation losses stand as they are. The loss axis is logarithmic
    where all values are positive. Values that are not finite (also as words: "nan") are left out and counted in the sentence.
    each: steps of one training, where several follow each other in the events (seeds); their lines start anew.
    """
    runs, broken = _runs(events, each)
    checked = [p for run in runs for p in run["val_loss"]]
    told = [p for run in runs for p in run["loss"]]
    best = min(checked, key=lambda p: p[1], default=None)
    figure = go.Figure()
    if told:
        _training(figure, [run["loss"] for run in runs])
    if checked:
        _validation(figure, [run["val_loss"] for run in runs])
    if best:
        _best(figure, best)
    bare(figure, 320, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    values, last = [v for _, v in (*told, *checked)], max((s for s, _ in (*told, *checked)), default=0)
    figure.update_xaxes(title_text="optimiser steps", rangemode="tozero", dtick=1 if 0 < last <= 10 else None)
    figure.update_yaxes(title_text="loss")
    if values and min(values) > 0:
        figure.update_yaxes(
            type="log", exponentformat="power", title_text="loss, log scale", **_log_ticks(min(values), max(values))
        )
    return figure, _sentence(runs, best, broken)


def _runs(events: Sequence[Event], each: int) -> tuple[list[dict[str, list[Point]]], list[float]]:
    """Finite (step, loss) and (step, val_loss) of each training, steps counted from its own start; the steps of the others."""
    runs: list[dict[str, list[Point]]] = []
    broken: list[float] = []
    for event in events:
        step = float(event.get("step", event.get("done", 0)))
        run, within = divmod(step - 1, each) if each and step > 0 else (0, step - 1)
        while len(runs) <= run:
            runs.append({"loss": [], "val_loss": []})
        for key in ("loss", "val_loss"):
            if key in event:
                value = _number(event[key])
                if math.isfinite(value):
                    runs[int(run)][key].append((within + 1, value))
                else:
                    broken.append(step)
    return runs or [{"loss": [], "val_loss": []}], broken


def _training(figure: go.Figure, runs: Sequence[Sequence[Point]]) -> None:
    few = max(len(run) for run in runs) <= FEW
    raw, mean = [_thinned(run) for run in runs], [_thinned(_smoothed(run)) for run in runs]
    if not few:
        x, y = _joined(raw)
        points = {"color": BLUE, "size": 3, "opacity": 0.3}
        figure.add_trace(_line("as told", x, y, mode="markers", marker=points, showlegend=False))
    x, y = _joined(raw if few else mean)
    name = "training" if few else "training, running mean"
    mode = "lines+markers" if few else "lines"
    figure.add_trace(_line(name, x, y, mode=mode, line={"color": BLUE, "width": 2}, marker={"size": 5}))


def _validation(figure: go.Figure, runs: Sequence[Sequence[Point]]) -> None:
    x, y = _joined([_thinned(run) for run in runs])
    mode = "lines+markers" if len(x) <= 60 else "lines"
    look = {"color": VERMILLION, "dash": "dash", "width": 2}
    figure.add_trace(_line("validation", x, y, mode=mode, line=look, marker={"size": 6, "symbol": "diamond"}))


def _best(figure: go.Figure, best: Point) -> None:
    name, star = f"best validation: {number(best[1])}", {"symbol": "star", "size": 13, "color": VERMILLION}
    figure.add_trace(_line(name, [best[0]], [best[1]], mode="markers", marker=star))
    figure.data[-1].hovertemplate = "best %{y:.4g} at step %{x}<extra></extra>"


def _line(name: str, x: Sequence[float | None], y: Sequence[float | None], **look: Any) -> go.Scatter:
    hover = f"{name} %{{y:.4g}} at step %{{x}}<extra></extra>"
    return go.Scatter(x=x, y=y, name=name, cliponaxis=False, hovertemplate=hover, **look)


def _smoothed(run: Sequence[Point]) -> list[Point]:
    """Means over a fifteenth of the steps, or WINDOW points; over less at the start, where the loss falls fast."""
    if not run:
        return []
    x, y = np.array(run).T
    half = np.minimum((x[-1] - x[0]) * max(1 / 30, WINDOW / 2 / len(x)), x / 4)
    low, high = np.searchsorted(x, x - half, "left"), np.searchsorted(x, x + half, "right")
    sums = np.concatenate([[0.0], np.cumsum(y)])
    return list(zip(x.tolist(), ((sums[high] - sums[low]) / (high - low)).tolist(), strict=True))


def _thinned(run: Sequence[Point]) -> list[Point]:
    """At most MOST of the points, evenly picked, the first and the last among them."""
    if len(run) <= MOST:
        return list(run)
    return [run[i] for i in np.linspace(0, len(run) - 1, MOST).round().astype(int)]


def _joined(runs: Sequence[Sequence[Point]]) -> tuple[list[float | None], list[float | None]]:
    """x and y of all trainings, a gap between two; five digits are enough for a screen."""
    x: list[float | None] = []
    y: list[float | None] = []
    for run in filter(None, runs):
        x += [None] * bool(x) + [s for s, _ in run]
        y += [None] * bool(y) + [float(f"{v:.5g}") for _, v in run]
    return x, y


def _log_ticks(low: float, high: float) -> dict[str, Any]:
    """Plotly labels a short log axis 2, 5, 2, 5 or not at all: below two decades the marks are numbers in full."""
    if high / low >= 100 or low == high:
        return {}
    if high / low < 5:
        inside = [float(v) for v in nice(low, high)]
    else:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        inside = [m * 10.0**p for p in decades for m in (1, 2, 5) if low / 1.05 <= m * 10.0**p <= high * 1.05]
    return {"tickvals": inside, "ticktext": [number(v) for v in inside]}


def _number(value: Any) -> float:
    """A number, NaN for what is none: events spell what is not finite as words."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _sentence(runs: Sequence[Mapping[str, Sequence[Point]]], best: Point | None, broken: Sequence[float]) -> str:
    tail = f"; {len(broken)} values were not finite, the first at step {number(min(broken))}" if broken else ""
    last = [run for run in runs if run["loss"] or run["val_loss"]][-1:]
    if not last:
        return f"No loss has been reported yet{tail}."
    checks, told = last[0]["val_loss"], last[0]["loss"]
    which = f" of training {len(runs)}" if len(runs) > 1 else ""
    if len(checks) == 1:
        return f"The validation loss{which} is {number(checks[0][1])} at step {checks[0][0]:.0f}{tail}."
    if checks and best:
        lowest = "the lowest of all" if which else "its lowest"
        begun, ended = number(checks[0][1]), number(checks[-1][1])
        return (
            f"The validation loss{which} went from {begun} to {ended} by step {checks[-1][0]:.0f}; "
            f"{lowest} is {number(best[1])} at step {best[0]:.0f}{tail}."
        )
    return f"The training loss{which} went from {number(told[0][1])} to {number(told[-1][1])} by step {told[-1][0]:.0f}{tail}."

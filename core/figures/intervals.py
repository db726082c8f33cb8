"""Scores with their errors, side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures.style import BLUE, GREY, bare, counted, cut, number, plain

Row = Mapping[str, Any]
Z95 = 1.96
"""Standard errors on each side of the value that make an interval of 95 % (normal)."""


def ranking(rows: Sequence[Row], metric: str = "kid", label: str = "") -> tuple[go.Figure, str]:
    """Value +- 1.96 standard errors of each row, the lowest on top; yardsticks are hollow and grey.

    rows: as `leaderboard.rows` gives them: model, kind, sampler, METRIC, METRIC_error, n and terms, or n_matched and
    terms_matched for "kid_matched". Rows of other terms are not comparable and stand in a panel of their own. A row without a
    value is left out.
    """
    label = label or metric.upper()
    groups = _groups([r for r in rows if _finite(r.get(metric)) is not None], "terms_matched" if _matched(metric) else "terms")
    heights = [len(g) * (44 if any(len(_parts(r)) > 1 for r in g) else 30) for g in groups] or [30]
    between = 70 / (sum(heights) + 70 * (len(heights) - 1))
    figure = make_subplots(rows=len(heights), cols=1, row_heights=heights, vertical_spacing=between if len(heights) > 1 else 0.0)
    for panel, group in enumerate(groups, start=1):
        group = sorted(group, key=lambda r: float(r[metric]))
        for yardstick in (False, True):
            figure.add_trace(_points(group, metric, yardstick, legend=panel == 1), row=panel, col=1)
        low, high = _reach(group, metric)
        names = ["<br>".join(plain(cut(part, 36)) for part in _parts(r)) for r in group]
        n = group[0].get("n_matched" if _matched(metric) else "n")
        title = f"{plain(label)}{f', n = {n:,}' if n else ''}<br>95 % intervals; lower is better"
        figure.update_yaxes(tickvals=list(range(len(group))), ticktext=names, range=[len(group) - 0.4, -0.6], row=panel)
        figure.update_xaxes(title_text=title, range=[low, high], row=panel)
    bare(figure, 100 + sum(heights) + 70 * (len(heights) - 1), legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0})
    figure.update_layout(margin={"b": 80})
    figure.update_xaxes(showgrid=True, zeroline=True, zerolinecolor=GREY)
    figure.update_yaxes(zeroline=False, showgrid=False)
    return figure, _sentence(groups, metric, label)


def _points(group: Sequence[Row], metric: str, yardstick: bool, *, legend: bool) -> go.Scatter:
    places = [i for i, r in enumerate(group) if _is_yardstick(r) == yardstick]
    chosen = [group[i] for i in places]
    errors = [_finite(r.get(f"{metric}_error")) for r in chosen]
    colour = GREY if yardstick else BLUE
    texts = [
        f"{plain(_name(r))}: {number(r[metric])}" + (f" ± {number(Z95 * e)}" if e is not None else ", error unknown")
        for r, e in zip(chosen, errors, strict=True)
    ]
    return go.Scatter(
        x=[float(r[metric]) for r in chosen],
        y=places,
        error_x={"type": "data", "array": [Z95 * (e or 0.0) for e in errors], "color": colour, "thickness": 2, "width": 5},
        mode="markers",
        marker={
            "color": colour,
            "size": 10,
            "symbol": "diamond-open" if yardstick else "circle",
            "line": {"width": 2, "color": colour},
        },
        name="yardstick" if yardstick else "model",
        legendgroup="yardstick" if yardstick else "model",
        showlegend=legend,
        hovertext=texts,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _reach(group: Sequence[Row], metric: str) -> tuple[float, float]:
    """From 0, or the lowest interval, to the highest one, and a little around."""
    values = [(float(r[metric]), Z95 * (_finite(r.get(f"{metric}_error")) or 0.0)) for r in group]
    low, high = min(0.0, *(v - e for v, e in values)), max(0.0, *(v + e for v, e in values))
    around = 0.05 * (high - low) or 0.5
    return low - around, high + around


def _matched(metric: str) -> bool:
    return metric.endswith("_matched")


def _is_yardstick(row: Row) -> bool:
    return bool(row["kind"] == "yardstick")


def _groups(rows: Sequence[Row], terms: str) -> list[list[Row]]:
    """Rows of equal terms together, the group with the most models first."""
    groups: dict[str, list[Row]] = {}
    for r in rows:
        groups.setdefault(str(r[terms]), []).append(r)
    return sorted(groups.values(), key=lambda g: -sum(not _is_yardstick(r) for r in g))


def _name(row: Row) -> str:
    return " · ".join(_parts(row))


def _parts(row: Row) -> list[str]:
    """The model, and how it was drawn where that is a choice."""
    return [str(p) for p in (row["model"], row.get("sampler")) if p]


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _sentence(groups: Sequence[Sequence[Row]], metric: str, label: str) -> str:
    if not groups:
        return f"No {label} has been measured yet."
    models = [r for r in groups[0] if not _is_yardstick(r)]
    others = [r for r in groups[0] if _is_yardstick(r)]
    parts = []
    if models:
        lowest = min(models, key=lambda r: float(r[metric]))
        error = _finite(lowest.get(f"{metric}_error"))
        interval = f" ± {number(Z95 * error)}" if error is not None else ""
        parts.append(
            f"Of {counted(len(models), 'model')}, {_name(lowest)} has the lowest {label}, {number(lowest[metric])}{interval}"
        )
    if others:
        parts.append("yardsticks: " + ", ".join(f"{_name(r)} {number(r[metric])}" for r in _sorted(others, metric)))
    if len(groups) > 1:
        parts.append(f"{counted(sum(map(len, groups[1:])), 'row')} measured under other terms apart")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _sorted(rows: Sequence[Row], metric: str) -> list[Row]:
    return sorted(rows, key=lambda r: float(r[metric]))

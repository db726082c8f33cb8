"""Scores with their errors, side by side."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures.style import BLUE, GREY, VERMILLION, bare, counted, cut, number, plain

Row = Mapping[str, Any]
Z95 = 1.96
"""Standard errors on each side of the value that make an interval of 95 % (normal)."""

MOST, PANELS = 40, 4
"""Rows drawn in a panel, besides yardsticks and flagged ones; groups of equal terms that are drawn."""

MODEL, YARDSTICK, COPIES = "model", "yardstick", "copies training images"
LOOKS = {MODEL: (BLUE, "circle"), YARDSTICK: (GREY, "diamond-open"), COPIES: (VERMILLION, "x")}


def ranking(rows: Sequence[Row], metric: str = "kid", label: str = "") -> tuple[go.Figure, str]:
    """Value +- 1.96 standard errors of each row, the lowest on top; yardsticks are hollow and grey, copiers are crosses.

    rows: as `leaderboard.rows` gives them: model, kind, flagged, sampler, METRIC, METRIC_error, n and terms, or n_matched and
    terms_matched for "kid_matched". Rows of other terms are not comparable and stand in a panel of their own. A row without a
    value is left out; so are rows behind the MOST best of a panel, and panels behind the first PANELS, which the sentence says.
    """
    label = label or metric.upper()
    everything = grouped(rows, metric)
    groups = [drawn(g, metric) for g in everything[:PANELS]]
    heights = [len(g) * (44 if any(len(_parts(r)) > 1 for r in g) else 30) for g in groups] or [30]
    between = 70 / (sum(heights) + 70 * (len(heights) - 1))
    figure = make_subplots(rows=len(heights), cols=1, row_heights=heights, vertical_spacing=between if len(heights) > 1 else 0.0)
    known: set[str] = set()
    for panel, group in enumerate(groups, start=1):
        # The copiers' trace is there only where one is: the two others always.
        for look in (MODEL, YARDSTICK, *({COPIES} & {kind(r) for r in group})):
            figure.add_trace(_points(group, metric, look, legend=look not in known), row=panel, col=1)
            known.add(look)
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
    return figure, _sentence(everything, metric, label, len(groups[0]) if groups else 0)


def grouped(rows: Sequence[Row], metric: str) -> list[list[Row]]:
    """Rows that have a value, those of equal terms together: the group with the most models first."""
    terms = "terms_matched" if _matched(metric) else "terms"
    groups: dict[str, list[Row]] = {}
    for r in rows:
        if finite(r.get(metric)) is not None:
            groups.setdefault(str(r[terms]), []).append(r)
    return sorted(groups.values(), key=lambda g: -sum(not is_yardstick(r) for r in g))


def drawn(group: Sequence[Row], metric: str) -> list[Row]:
    """The MOST lowest, and every yardstick and flagged row, in order."""
    rows = sorted(group, key=lambda r: float(r[metric]))
    best = {id(r) for r in [r for r in rows if kind(r) == MODEL][:MOST]}
    return [r for r in rows if id(r) in best or kind(r) != MODEL]


def kind(row: Row) -> str:
    """A copier is one whatever else it is."""
    return COPIES if row.get("flagged") else YARDSTICK if is_yardstick(row) else MODEL


def is_yardstick(row: Row) -> bool:
    return bool(row["kind"] == "yardstick")


def name(row: Row) -> str:
    return " · ".join(_parts(row))


def hover(row: Row, metric: str) -> str:
    error = finite(row.get(f"{metric}_error"))
    return f"{plain(name(row))}: {number(row[metric])}" + (
        f" ± {number(Z95 * error)}" if error is not None else ", error unknown"
    )


def finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def reached(rows: Sequence[Row], metric: str) -> list[tuple[float, float]]:
    """The interval of each row; the value alone where no error is known."""
    found = [(float(r[metric]), Z95 * (finite(r.get(f"{metric}_error")) or 0.0)) for r in rows]
    return [(value - half, value + half) for value, half in found]


def _points(group: Sequence[Row], metric: str, look: str, *, legend: bool) -> go.Scatter:
    places = [i for i, r in enumerate(group) if kind(r) == look]
    chosen = [group[i] for i in places]
    colour, symbol = LOOKS[look]
    halves = [Z95 * (finite(r.get(f"{metric}_error")) or 0.0) for r in chosen]
    return go.Scatter(
        x=[float(r[metric]) for r in chosen],
        y=places,
        ids=[name(r) for r in chosen],
        error_x={"type": "data", "array": halves, "color": colour, "thickness": 2, "width": 5},
        mode="markers",
        marker={"color": colour, "size": 10, "symbol": symbol, "line": {"width": 2, "color": colour}},
        name=look,
        legendgroup=look,
        showlegend=legend and (bool(chosen) or look != COPIES),
        hovertext=[hover(r, metric) for r in chosen],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _reach(group: Sequence[Row], metric: str) -> tuple[float, float]:
    """From 0, or the lowest interval, to the highest one, and a little around."""
    ends = reached(group, metric)
    low, high = min(0.0, *(a for a, _ in ends)), max(0.0, *(b for _, b in ends))
    around = 0.05 * (high - low) or 0.5
    return low - around, high + around


def _matched(metric: str) -> bool:
    return metric.endswith("_matched")


def _parts(row: Row) -> list[str]:
    """The model, and how it was drawn where that is a choice."""
    return [str(p) for p in (row["model"], row.get("sampler")) if p]


def _sentence(groups: Sequence[Sequence[Row]], metric: str, label: str, shown: int) -> str:
    if not groups:
        return f"No {label} has been measured yet."
    models = [r for r in groups[0] if not is_yardstick(r)]
    others = [r for r in groups[0] if is_yardstick(r)]
    parts = []
    if models:
        lowest = min(models, key=lambda r: float(r[metric]))
        error = finite(lowest.get(f"{metric}_error"))
        interval = f" ± {number(Z95 * error)}" if error is not None else ""
        parts.append(
            f"Of {counted(len(models), 'model')}, {name(lowest)} has the lowest {label}, {number(lowest[metric])}{interval}"
        )
    if others:
        parts.append("yardsticks: " + ", ".join(f"{name(r)} {number(r[metric])}" for r in _sorted(others, metric)))
    copiers = [name(r) for r in groups[0] if r.get("flagged")]
    if copiers:
        parts.append(f"copying training images: {', '.join(copiers)}")
    if shown < len(groups[0]):
        parts.append(f"{shown} of {counted(len(groups[0]), 'row')} drawn")
    if len(groups) > 1:
        parts.append(f"{counted(sum(map(len, groups[1:])), 'row')} measured under other terms apart")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _sorted(rows: Sequence[Row], metric: str) -> list[Row]:
    return sorted(rows, key=lambda r: float(r[metric]))

"""Quality against cost: what more steps, or a slower model, buy."""

import math
import re
from collections.abc import Sequence

import plotly.graph_objects as go

from core.figures.intervals import COPIES, MOST, Z95, Row, drawn, finite, grouped, hover, is_yardstick, kind, name, reached
from core.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, bare, counted, cut, number, plain

COSTS = {
    "network_evaluations": ("Network evaluations an image", "network evaluations an image"),
    "seconds_per_1000": ("Seconds for 1,000 images", "s for 1,000 images"),
}
"""Columns of a row that say what its images cost: title of the axis, unit in a sentence."""

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION)
SYMBOLS = ("circle", "square", "triangle-up", "cross", "star")


def cost(rows: Sequence[Row], metric: str = "kid", by: str = "network_evaluations", label: str = "") -> tuple[go.Figure, str]:
    """METRIC +- 1.96 standard errors against what the images cost, on a log axis; a model's step counts are one line.

    rows: as for `ranking`, with the columns of COSTS. Only the group of equal terms with the most models is drawn: rows of other
    terms do not compare. Yardsticks, and what costs nothing, have no place on the axis and are dashed lines at their value.
    """
    label, (title, unit) = label or metric.upper(), COSTS[by]
    groups = grouped(rows, metric)
    group = drawn(groups[0], metric) if groups else []
    placed = [r for r in group if not is_yardstick(r) and (finite(r.get(by)) or 0) > 0]
    level = [r for r in group if is_yardstick(r)]
    figure = go.Figure()
    lines: dict[str, list[Row]] = {}
    for r in placed:
        lines.setdefault(_line(r), []).append(r)
    for i, (line, members) in enumerate(lines.items()):
        figure.add_trace(_trace(line, sorted(members, key=lambda r: float(r[by])), metric, by, i))
    ends = [float(r[by]) for r in placed] or [1.0, 100.0]
    low, high = math.log10(min(ends)) - 0.15, math.log10(max(ends)) + 0.15
    for r in level:
        figure.add_trace(_level(r, metric, (10**low, 10**high)))
    bare(figure, 460, legend={"orientation": "h", "y": -0.25, "yanchor": "top", "x": 0})
    figure.update_xaxes(
        type="log", range=[low, high], title_text=f"{title} (log scale)", tickformat="~g", dtick=_ticks(low, high)
    )
    intervals = reached([*placed, *level], metric) or [(0.0, 1.0)]
    bottom, top = min(0.0, *(a for a, _ in intervals)), max(b for _, b in intervals)
    around = 0.06 * (top - bottom) or 0.5
    for value, names in _close(level, metric, 0.05 * (top - bottom)):
        words = {"text": plain(cut(", ".join(names), 80)), "font": {"color": GREY}, "showarrow": False}
        figure.add_annotation(x=low, y=value, xanchor="left", yshift=9, **words)
    figure.update_yaxes(title_text=f"{plain(label)}, lower is better", range=[bottom - around, top + around])
    return figure, _sentence(placed, metric, by, label, unit) + _left_out(groups, group, placed, level)


def _line(row: Row) -> str:
    """What stays the same while the number of steps changes."""
    return name({**row, "sampler": re.sub(r"\b\d+ steps(, )?", "", str(row.get("sampler") or "")).rstrip(", ")})


def _trace(line: str, members: Sequence[Row], metric: str, by: str, i: int) -> go.Scatter:
    copies = any(kind(r) == COPIES for r in members)
    colour = COLOURS[i % len(COLOURS)]
    return go.Scatter(
        x=[float(r[by]) for r in members],
        y=[float(r[metric]) for r in members],
        ids=[name(r) for r in members],
        error_y={
            "type": "data",
            "array": [Z95 * (finite(r.get(f"{metric}_error")) or 0.0) for r in members],
            "color": colour,
            "thickness": 2,
            "width": 5,
        },
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": ("solid", "dot", "dash")[i // len(COLOURS) % 3]},
        marker={"color": colour, "size": 10, "symbol": SYMBOLS[i % len(SYMBOLS)]},
        name=plain(cut(line, 44)) + (f" ({COPIES})" if copies else ""),
        hovertext=[f"{hover(r, metric)}<br>{number(float(r[by]))} {COSTS[by][1]}" for r in members],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _level(row: Row, metric: str, ends: tuple[float, float]) -> go.Scatter:
    value = float(row[metric])
    return go.Scatter(
        x=list(ends),
        y=[value, value],
        mode="lines",
        line={"color": GREY, "width": 1.5, "dash": "dash"},
        name=plain(name(row)),
        showlegend=False,
        hovertext=[hover(row, metric)] * 2,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _close(level: Sequence[Row], metric: str, apart: float) -> list[tuple[float, list[str]]]:
    """Lines so near to each other that their names would overlap share one label, above the highest of them."""
    found: list[tuple[float, list[str]]] = []
    for r in sorted(level, key=lambda r: float(r[metric])):
        value, names = float(r[metric]), [name(r)]
        if found and value - found[-1][0] < apart:
            names = [*found.pop()[1], *names]
        found.append((value, names))
    return found


def _ticks(low: float, high: float) -> str | int:
    """1, 2 and 5 of each power of ten where few of them are seen, else the powers alone."""
    return "D2" if high - low < 2.5 else 1


def _sentence(placed: Sequence[Row], metric: str, by: str, label: str, unit: str) -> str:
    if not placed:
        return f"No model has both a {label} and a known cost yet"
    best, cheapest = min(placed, key=lambda r: float(r[metric])), min(placed, key=lambda r: (float(r[by]), float(r[metric])))

    def at(row: Row) -> str:
        return f"{number(float(row[metric]))} for {number(float(row[by]))} {unit}"

    text = f"Of {counted(len(placed), 'row')}, {name(best)} has the lowest {label}, {at(best)}"
    return text + ("; it is the cheapest too" if best is cheapest else f"; the cheapest is {name(cheapest)}, {at(cheapest)}")


def _left_out(groups: Sequence[Sequence[Row]], group: Sequence[Row], placed: Sequence[Row], level: Sequence[Row]) -> str:
    without = len(group) - len(placed) - len(level)
    parts = [f"; {counted(without, 'row')} without a known cost left out"] if without else []
    if groups and len(group) < len(groups[0]):
        parts.append(f"; only the {MOST} best are drawn")
    if len(groups) > 1:
        parts.append(f"; {counted(sum(map(len, groups[1:])), 'row')} measured under other terms left out")
    return "".join(parts) + "."

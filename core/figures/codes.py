"""The codes of images in the plane, beside the part of it whose decodes are shown."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, bare, plain

# Shapes differ too: a colour is not told apart by every eye.
MARKS = ((BLUE, "circle"), (VERMILLION, "square"), (GREEN, "diamond"), (PURPLE, "triangle-up"), (ORANGE, "x"), (GREY, "cross"))
HEIGHT = 460


def codes(
    values: np.ndarray,
    labels: np.ndarray | None,
    classes: Sequence[str],
    edge: float,
    mark: np.ndarray | None = None,
) -> tuple[go.Figure, str]:
    """A dot an image, by class where there are no more than can be told apart.

    values: (N, 2).  labels: (N,) places in `classes`, or None.  edge: the shown part of the plane is the square [-edge, edge].
    mark: (2,), the code of one more image.
    """
    assert values.ndim == 2 and values.shape[1] == 2, values.shape
    figure = go.Figure()
    groups = [("validation images", values)]
    if labels is not None and 1 < len(classes) <= len(MARKS):
        groups = [(name, values[labels == i]) for i, name in enumerate(classes)]
    for (name, own), (colour, symbol) in zip(groups, MARKS, strict=False):
        dots = {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.7}
        figure.add_trace(_dots(name, own, dots))
    if mark is not None:
        star = {"color": VERMILLION, "symbol": "star", "size": 18, "line": {"color": "white", "width": 1}}
        figure.add_trace(_dots("your image", mark[None], star))
    line = {"color": GREY, "dash": "dash", "width": 1.5}
    figure.add_shape(type="rect", x0=-edge, x1=edge, y0=-edge, y1=edge, line=line)
    legend = {"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0}
    bare(figure, HEIGHT, legend=legend)
    figure.update_xaxes(title_text="first number of the code", constrain="domain")
    figure.update_yaxes(title_text="second number of the code", scaleanchor="x")
    return figure, _sentence(values, edge, mark)


def _dots(name: str, values: np.ndarray, marker: dict[str, object]) -> go.Scatter:
    label = plain(name)
    return go.Scatter(
        x=values[:, 0],
        y=values[:, 1],
        name=label,
        mode="markers",
        marker=marker,
        hovertemplate=f"{label}: %{{x:.2f}}, %{{y:.2f}}<extra></extra>",
    )


def _sentence(values: np.ndarray, edge: float, mark: np.ndarray | None) -> str:
    inside = float((np.abs(values) <= edge).all(axis=1).mean())
    said = f"Codes of {len(values):,} validation images; {inside:.0%} of them lie within the decoded square, ±{edge:.2f}."
    if mark is None:
        return said
    where = "inside" if (np.abs(mark) <= edge).all() else "outside"
    return f"{said} The code of your image, {mark[0]:.2f} and {mark[1]:.2f}, lies {where} it."

"""The numbers behind a figure, for whoever wants to draw it otherwise."""

from typing import Any

import plotly.graph_objects as go


def points(figure: go.Figure) -> list[dict[str, Any]]:
    """One row a point of every trace with x and y: series, name (where points have one), x, y, and the half interval drawn."""
    found = []
    for trace in figure.data:
        if trace.type not in ("scatter", "scattergl", "bar") or trace.x is None:
            continue
        errors = next((e.array for e in (trace.error_x, trace.error_y) if e.array is not None), None)
        for i, (x, y) in enumerate(zip(trace.x, trace.y, strict=True)):
            row: dict[str, Any] = {"series": trace.name or ""}
            row |= {} if trace.ids is None else {"name": str(trace.ids[i])}
            found.append(row | {"x": x, "y": y} | ({} if errors is None else {"half_interval": float(errors[i])}))
    return found

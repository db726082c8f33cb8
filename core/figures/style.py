"""What all figures share: colours, layout, numbers and names as texts."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

# Okabe and Ito 2008: told apart with any common colour blindness.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
GREY = "#8C8C8C"
GRID = "rgba(128,128,128,0.25)"
CLEAR = "rgba(0,0,0,0)"


def bare(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """No background, quiet grid, axes that make room for their own labels."""
    figure.update_layout(
        height=height, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, margin={"l": 60, "r": 20, "t": 40, "b": 50}, **layout
    )
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, linecolor=GRID, automargin=True, title_standoff=8)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, linecolor=GRID, automargin=True)
    return figure


def number(value: float) -> str:
    return f"{value:.4g}"


def cut(text: str, most: int = 32) -> str:
    """Shortened in the middle: names of models and runs differ at their ends."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"


def plain(text: str) -> str:
    """Plotly reads tags in titles, labels and hovers: a name stays as it is."""
    return html.escape(text, quote=False)


def counted(n: int, what: str) -> str:
    """1 run, 2 runs."""
    return f"{n} {what}" if n == 1 else f"{n:,} {what}s"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def nice(low: float, high: float, wanted: int = 5) -> np.ndarray:
    """About `wanted` round numbers in [low, high], 1, 2 or 5 times a power of ten apart; low < high."""
    rough = (high - low) / wanted
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * min((m for m in (1, 2, 5, 10) if m * power >= 0.6 * rough), default=10)
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    # Adding 0 turns a negative zero into zero.
    return np.arange(first, last + 1) * step + 0.0

"""Colour densities of sets of images, as lines over the pixel values."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, bare, listed, number, plain

# Red against green is the worst pair for many eyes: channels differ by dash and by a letter at the line, too.
CHANNELS = (("red", "R", VERMILLION, "solid"), ("green", "G", GREEN, "dash"), ("blue", "B", BLUE, "dot"))
PER_ROW = 4


SET_STYLES = ((BLUE, "solid"), (VERMILLION, "dash"), (GREEN, "dot"), (PURPLE, "dashdot"), (ORANGE, "longdash"), (GREY, "solid"))


def density(
    sets: Mapping[str, np.ndarray], *, across: int = PER_ROW, log: bool = False, signed: bool = False
) -> tuple[go.Figure, str]:
    """Share of the pixels at each value, one panel a set on shared axes, one line a channel.

    sets: (3, 256) by label, each channel sums to 1.  across: panels in a row.
    log: share on a log axis, which an empty bin leaves downwards.
    signed: values in [-1, 1] as networks get them (v / 127.5 - 1) instead of [0, 255].
    """
    assert sets and all(d.shape == (3, 256) for d in sets.values()), {k: d.shape for k, d in sets.items()}
    across = min(len(sets), across)
    figure = make_subplots(
        rows=-(-len(sets) // across),
        cols=across,
        shared_xaxes="all",
        shared_yaxes="all",
        # Where panels are narrow, a title of one line would run into the next one.
        subplot_titles=[plain(label).replace(", ", "<br>") for label in sets],
        horizontal_spacing=0.03,
    )
    x = np.arange(256) / 127.5 - 1 if signed else np.arange(256)
    for panel, lines in enumerate(sets.values()):
        where = {"row": panel // across + 1, "col": panel % across + 1}
        for channel, label_at in enumerate(_label_places(lines)):
            figure.add_trace(_channel(x, lines[channel], channel, label_at, first=panel == 0), **where)
        figure.update_xaxes(title_text="pixel value", **where)
    legend = {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0}
    bare(figure, 60 + 280 * -(-len(sets) // across), legend=legend)
    figure.update_layout(margin={"b": 80})
    _density_axes(figure, np.concatenate([d.ravel() for d in sets.values()]), log, signed)
    return figure, _density_sentence(sets, x)


def overlaid(sets: Mapping[str, np.ndarray], *, log: bool = False, signed: bool = False) -> tuple[go.Figure, str]:
    """The same as three panels, one a channel, with one line a set: where sets differ is seen there."""
    assert sets and all(d.shape == (3, 256) for d in sets.values()), {k: d.shape for k, d in sets.items()}
    titles = [name for name, *_ in CHANNELS]
    figure = make_subplots(rows=1, cols=3, shared_xaxes="all", shared_yaxes="all", subplot_titles=titles, horizontal_spacing=0.03)
    x = np.arange(256) / 127.5 - 1 if signed else np.arange(256)
    for i, (label, shares) in enumerate(sets.items()):
        colour, dash = SET_STYLES[i % len(SET_STYLES)]
        for c, (channel, *_) in enumerate(CHANNELS):
            line = go.Scatter(
                x=x,
                y=shares[c],
                name=plain(label),
                legendgroup=label,
                showlegend=c == 0,
                mode="lines",
                line={"color": colour, "dash": dash, "width": 1.6},
                hovertemplate=f"{plain(label)}, {channel} %{{x}}: %{{y:.3%}}<extra></extra>",
            )
            figure.add_trace(line, row=1, col=c + 1)
    figure.update_xaxes(title_text="pixel value")
    bare(figure, 380, legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0})
    figure.update_layout(margin={"b": 90})
    _density_axes(figure, np.concatenate([d.ravel() for d in sets.values()]), log, signed)
    return figure, _density_sentence(sets, x)


def _density_axes(figure: go.Figure, shares: np.ndarray, log: bool, signed: bool) -> None:
    """Ranges and ticks that all panels share; room above the highest line for its letter."""
    first, last, edge = (-1, 1, 0.02) if signed else (0, 255, 3)
    ticks = [-1, -0.5, 0, 0.5] if signed else [0, 64, 128, 192]
    figure.update_xaxes(range=[first - edge, last + edge], tickvals=ticks, showticklabels=True)
    if log:
        # Plotly finds no range of its own on a log axis that meets a 0.
        low, high = np.log10([shares[shares > 0].min(), shares.max()])
        figure.update_yaxes(type="log", range=[float(low) - 0.1, float(high) + 0.12 * float(high - low) + 0.1], dtick=1)
        figure.update_yaxes(exponentformat="power")
    else:
        figure.update_yaxes(range=[0, 1.12 * float(shares.max())], tickformat=".1%")
    figure.update_yaxes(title_text="share of pixels", col=1)


def _channel(x: np.ndarray, y: np.ndarray, channel: int, label_at: int, *, first: bool) -> go.Scatter:
    name, letter, colour, dash = CHANNELS[channel]
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        legendgroup=name,
        showlegend=first,
        mode="lines+text",
        line={"color": colour, "dash": dash, "width": 1.6},
        text=[f"<b>{letter}</b>" if i == label_at else "" for i in range(256)],
        textposition="top center",
        textfont={"color": colour, "size": 14},
        cliponaxis=False,
        hovertemplate=f"{name} %{{x}}: %{{y:.3%}}<extra></extra>",
    )


def _label_places(shares: np.ndarray) -> list[int]:
    """(3, 256) -> where each channel's letter stands: where its line rises highest above the two others."""
    places = []
    for c in range(3):
        # Not at the ends, where over- and underexposed pixels pile up to a spike.
        above = (shares[c] - np.delete(shares, c, axis=0).max(axis=0))[8:-8]
        # Grey images have three equal lines: the letters then stand side by side on it.
        places.append(8 + int(above.argmax()) if above.max() > 1e-12 else 64 * (c + 1))
    return places


def _density_sentence(sets: Mapping[str, np.ndarray], x: np.ndarray) -> str:
    if len(sets) == 1:
        ((label, shares),) = sets.items()
        means = [f"{name} {number(float(shares[c] @ x))}" for c, (name, *_) in enumerate(CHANNELS)]
        return f"Colour densities of {label}; mean values: {listed(means)}."
    gaps = {
        (a, b, c): np.abs(np.cumsum(sets[a][c] - sets[b][c])) for a, b in combinations(sets, 2) for c in range(3)
    }  # Kolmogorov and Smirnov's distance is the largest of each
    a, b, c = max(gaps, key=lambda k: gaps[k].max())
    gap = gaps[a, b, c]
    return (
        f"Colour densities of {listed(list(sets))}; the largest difference is in {CHANNELS[c][0]} between {a} and {b}: "
        f"{gap.max():.1%} of the pixels lie on the other side of value {number(float(x[gap.argmax()]))}."
    )

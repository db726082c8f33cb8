"""One axis of parallel coordinates: finite positions, ticks with texts, a lane below for what is missing.

Plotly draws a NaN as 0 (plotly.js #4341) and knows neither log nor categorical axes here: positions are finite, logarithms and
codes are ours. An axis with tick texts takes them for the identities of its ticks, so that two equal ones break it; and there a
brush snaps between ticks. So texts are unique, and every value has a tick, most of them with a blank text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.figures.style import cut, nice

if TYPE_CHECKING:
    import pandas as pd

LANE = 0.12  # of the axis, between its lowest value and what is missing
MANY_DECADES = 2.0  # an axis that spans at least so many is logarithmic unless said otherwise
CROWDED = 0.07  # of the axis, between two marks, at least
FEW = 7  # so many different values are each marked
MOST_CATEGORIES = 20  # marked; of more only some
MOST_BLANK = 200  # ticks without a visible text


@dataclass(frozen=True, eq=False)
class Axis:
    """positions: (N,) float64, finite.  present: (N,) bool, those with a value; the others stand in a lane.

    ticks: the marked ones, in rising order with the lanes.  low, high: the ends of the axis, lanes included.
    """

    positions: np.ndarray
    present: np.ndarray
    ticks: tuple[tuple[float, str], ...]
    low: float
    high: float
    log: bool
    categories: tuple[str, ...]


def axis(column: "pd.Series", words: np.ndarray, log: bool | None) -> Axis:
    """A column laid out.

    words: (N,) of texts, what a missing value in that row is called ("missing", "failed"): one lane each.
    log: None decides by the values. A value that is not positive forbids it.
    """
    values = numbers(column)
    categories: tuple[str, ...] = ()
    if values is None:
        texts = [None if missing else text(v) for v, missing in zip(column, column.isna(), strict=True)]
        categories = tuple(sorted({t for t in texts if t is not None}))
        code = {c: float(i) for i, c in enumerate(categories)}
        values = np.array([np.nan if t is None else code[t] for t in texts])
        log = False
    present = np.isfinite(values)
    known = values[present]
    log = _is_log(known, log)
    known = np.log10(known) if log else known
    low, high = _ends(known)
    positions = np.full(len(values), low)
    positions[present] = known
    ticks = _category_ticks(categories) if categories else _number_ticks(np.unique(known), low, high, log)
    lanes: list[tuple[float, str]] = []
    for i, word in enumerate(sorted(set(words[~present]), reverse=True)):
        place = low - (i + 1) * LANE * (high - low)
        positions[~present & (words == word)] = place
        lanes.append((place, word))
    bottom = lanes[-1][0] if lanes else low
    return Axis(positions, present, (*reversed(lanes), *_unique(ticks, [w for _, w in lanes])), bottom, high, log, categories)


def numbers(column: "pd.Series") -> np.ndarray | None:
    """(N,) float64 with NaN for missing and not finite, or None where the column holds words or truth values."""
    found = [v for v in column.tolist() if v is not None and v == v]
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in found):
        return None
    values = np.array([float("nan") if v is None else float(v) for v in column.tolist()], dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def dimension(label: str, a: Axis, *, inverted: bool, chosen: Any) -> dict[str, Any]:
    """The axis as Plotly's Parcoords wants it.

    chosen: (low, high) in the column's own units, a sequence of categories, or None: what is preselected.
    """
    made: dict[str, Any] = {
        "label": label,
        "values": a.positions,
        "range": [a.high, a.low] if inverted else [a.low, a.high],
    }
    ticks = sorted([*a.ticks, *_blank_ticks(a)])
    if ticks:
        made |= {"tickvals": [t for t, _ in ticks], "ticktext": [w for _, w in ticks]}
    if chosen is not None:
        made["constraintrange"] = _constraint(a, chosen)
    return made


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | np.bool_) else str(value)


def _blank_ticks(a: Axis) -> list[tuple[float, str]]:
    """Ticks at the values that none marks, for the brush; their texts are different numbers of blanks, spelled in binary."""
    places = np.unique(a.positions[a.present])
    if len(places) > MOST_BLANK:
        places = np.linspace(places[0], places[-1], MOST_BLANK)
    marked = np.array([t for t, _ in a.ticks])
    near = 1e-9 * (a.high - a.low)
    free = [float(p) for p in places if not len(marked) or np.abs(marked - p).min() > near]
    return [(p, f"{i + 1:b}".replace("0", " ").replace("1", "\u00a0")) for i, p in enumerate(free)]


def _is_log(known: np.ndarray, wanted: bool | None) -> bool:
    if not len(known) or known.min() <= 0:
        return False
    return bool(known.max() / known.min() >= 10**MANY_DECADES) if wanted is None else wanted


def _ends(known: np.ndarray) -> tuple[float, float]:
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if low == high:
        half = abs(low) / 2 or 0.5
        return low - half, high + half
    return low, high


def _category_ticks(categories: Sequence[str]) -> list[tuple[float, str]]:
    stride = -(-len(categories) // MOST_CATEGORIES)
    return [(float(i), cut(c, 18)) for i, c in enumerate(categories) if i % stride == 0]


def _number_ticks(different: np.ndarray, low: float, high: float, log: bool) -> list[tuple[float, str]]:
    """The values themselves where they are few and not crowded; else both ends and round numbers (decades on a log axis)."""
    if not len(different):
        return []
    if len(different) <= FEW and (len(different) == 1 or np.diff(different).min() >= CROWDED * (high - low)):
        places = different
    elif log:
        places = _log_places(low, high)
    else:
        places = nice(low, high)
    if places is not different:
        # The axis is drawn from its first tick to its last.
        inner = places[(places > low + CROWDED * (high - low)) & (places < high - CROWDED * (high - low))]
        places = np.concatenate([[low], inner, [high]])
    values = 10.0**places if log else places
    digits = next((d for d in range(3, 12) if len({f"{v:.{d}g}" for v in values}) == len(values)), 12)
    return [(float(p), f"{v:.{digits}g}") for p, v in zip(places, values, strict=True)]


def _log_places(low: float, high: float) -> np.ndarray:
    """Logarithms of powers of ten; of 1, 2 and 5 times them where there would be fewer than three."""
    decades = np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
    if len(decades) >= 3:
        return decades[:: -(-len(decades) // 8)]
    marks = np.log10([m * 10.0**p for p in range(int(np.floor(low)), int(np.ceil(high)) + 1) for m in (1, 2, 5)])
    return marks[(marks >= low) & (marks <= high)]


def _unique(ticks: Sequence[tuple[float, str]], taken: Sequence[str]) -> list[tuple[float, str]]:
    seen = set(taken)
    made = []
    for place, text in ticks:
        count, unique = 2, text
        while unique in seen:
            unique, count = f"{text} ({count})", count + 1
        seen.add(unique)
        made.append((place, unique))
    return made


def _constraint(a: Axis, chosen: Any) -> list[Any]:
    """In positions, a hair wider than asked for: the ends count as inside."""
    if a.categories:
        codes = [float(a.categories.index(c)) for c in map(text, chosen) if c in a.categories]
        return [[c - 0.25, c + 0.25] for c in codes]
    low, high = (float(v) for v in chosen)
    if a.log:
        low, high = (float(np.log10(max(v, np.finfo(float).tiny))) for v in (low, high))
    hair = 1e-9 * (a.high - a.low)
    return [low - hair, high + hair]

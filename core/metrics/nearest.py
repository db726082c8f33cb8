"""The nearest of many real images, and how far the next ones are. Memory is bounded by blocks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SIDE = 32
"""Larger images are compared at this side."""

QUERIES, INDEXED, EXACT = 1024, 4096, 32
"""Rows compared at a time: 17 MB of products, and 50 MB where distances are worked out exactly."""

SPARE = 14
"""Candidates beyond the neighbours asked for, whose order single precision may have wrong."""


@dataclass(frozen=True, eq=False)
class Near:
    """The nearest row of each query. place: (n,) int64, counted through the sides.

    distance: (n,) float64, to that row.  rest: (n,) float64, mean distance to the next ones.
    """

    place: np.ndarray
    distance: np.ndarray
    rest: np.ndarray


def near(x: np.ndarray, sides: Sequence[np.ndarray], k: int) -> Near:
    """The nearest of all rows of `sides`, each (N, ...), to each row of x (n, ...), and the next ones up to the k-th, k >= 2.

    Candidates come from single-precision products; their distances are then worked out from differences, so that equal rows
    have distance 0 and nothing else has. Of equal distances the earlier row is the nearest.
    """
    assert k >= 2 and len({len(s) for s in sides}) == 1, f"{k} neighbours in {[len(s) for s in sides]}"
    places = _candidates(x, sides, k + SPARE)
    away = distances(x, sides, places)
    order = np.lexsort((places, away))[:, :k]
    rising = np.take_along_axis(away, order, 1)
    return Near(np.take_along_axis(places, order[:, :1], 1)[:, 0], rising[:, 0], rising[:, 1:].mean(1))


def distances(x: np.ndarray, sides: Sequence[np.ndarray], places: np.ndarray) -> np.ndarray:
    """(n, k) float64: from each row of x (n, ...) to the rows of `sides` at its places (n, k), worked out from differences."""
    side, row = np.divmod(places, len(sides[0]))
    parts = []
    for start in range(0, len(x), EXACT):
        some = slice(start, start + EXACT)
        rows = np.empty((*places[some].shape, *sides[0].shape[1:]), sides[0].dtype)
        for s, real in enumerate(sides):
            here = side[some] == s
            rows[here] = real[row[some][here]]
        away = rows.reshape(*rows.shape[:2], -1).astype(np.float64) - x[some].reshape(len(rows), 1, -1)
        parts.append(np.sqrt(np.einsum("nkd,nkd->nk", away, away)))
    return np.concatenate(parts)


def small(images: np.ndarray) -> np.ndarray:
    """(N, H, H, 3) uint8 as they are up to SIDE; else (N, SIDE, SIDE, 3) float32, each pixel the mean of the area it covers."""
    side = images.shape[1]
    if side <= SIDE:
        return images
    edges, pixel = np.arange(SIDE + 1) * side / SIDE, np.arange(side)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = (np.maximum(covered, 0) * SIDE / side).astype(np.float32)
    out = np.empty((len(images), SIDE, SIDE, 3), np.float32)
    for i, image in enumerate(images):
        rows = (weights @ image.reshape(side, -1).astype(np.float32)).reshape(SIDE, side, 3)
        out[i] = weights @ rows
    return out


def _candidates(x: np.ndarray, sides: Sequence[np.ndarray], k: int) -> np.ndarray:
    """(n, k) int64, or as many as there are: the nearest rows as single precision sees them, in no order."""
    # Products of numbers with a common offset lose the digits that tell near from far.
    centre = _flat(sides[0][:INDEXED]).mean(0)
    scores, places = np.empty((len(x), 0), np.float32), np.empty((len(x), 0), np.int64)
    for first, real in _blocks(sides):
        rows = _flat(real) - centre
        squares = np.einsum("nd,nd->n", rows, rows)
        parts = []
        for start in range(0, len(x), QUERIES):
            part = slice(start, start + QUERIES)
            # Squared distance less the query's own square, which is the same for all rows.
            here = squares - 2 * ((_flat(x[part]) - centre) @ rows.T)
            new, where = _least(here, np.broadcast_to(np.arange(first, first + len(rows)), here.shape), k)
            both = np.concatenate([scores[part], new], axis=1), np.concatenate([places[part], where], axis=1)
            parts.append(_least(*both, k))
        scores, places = (np.concatenate(found) for found in zip(*parts, strict=True))
    return places


def _least(scores: np.ndarray, places: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k least scores of each row with their places."""
    if scores.shape[1] <= k:
        return scores, places
    chosen = np.argpartition(scores, k - 1, axis=1)[:, :k]
    return np.take_along_axis(scores, chosen, 1), np.take_along_axis(places, chosen, 1)


def _blocks(sides: Sequence[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Number of the first row, rows."""
    for s, real in enumerate(sides):
        for start in range(0, len(real), INDEXED):
            yield s * len(real) + start, real[start : start + INDEXED]


def _flat(rows: np.ndarray) -> np.ndarray:
    """(n, ...) -> (n, D) float32."""
    return rows.reshape(len(rows), -1).astype(np.float32)

"""Whether the colours of two sets differ by more than two random parts of one set would."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.types import Arrays

_DRAWS = 128  # shuffled at a time: what bounds the memory


@dataclass(frozen=True)
class Drift:
    """How far the values of one channel lie apart in two sets, and how far they would if the sets were parts of one.

    wasserstein: grey levels by which values must be moved on average.  ks: the greatest difference of the cumulative shares
    (Kolmogorov-Smirnov), 0..1.  Of each: `expected`, the mean of random parts; `limit`, which 95 % of them do not exceed; `p`,
    the share that lie as far apart or farther.
    """

    channel: str
    wasserstein: float
    wasserstein_expected: float
    wasserstein_limit: float
    wasserstein_p: float
    ks: float
    ks_expected: float
    ks_limit: float
    ks_p: float


def drift(a: Arrays, b: Arrays, draws: int = 999, seed: int = 0) -> tuple[Drift, ...]:
    """What `described` found in two sets of images of one shape -> their drift in R, G and B.

    The pixels of an image are not independent, so whole groups of images change sides at random (Phipson & Smyth 2010:
    p = (1 + hits) / (1 + draws)). That is exact where the groups have one size; else the sides drawn are of nearly the sizes
    that the sets have, and what they differ by is scaled to these sizes.
    """
    assert draws > 0
    counts = np.concatenate([a["counts"], b["counts"]]).reshape(-1, 768).astype(np.float64)
    sizes = np.concatenate([a["group_sizes"], b["group_sizes"]])
    pixels = counts[:, :256].sum(axis=1)
    assert (pixels * sizes[0] == pixels[0] * sizes).all(), "images of two shapes"
    in_a = np.arange(len(sizes)) < len(a["group_sizes"])
    least = min(a["group_sizes"].sum(), b["group_sizes"].sum())
    sides = (in_a[None], *_drawn(sizes, int(least), draws, np.random.default_rng(seed)))
    # (1 + draws, 3) each; the sets as they are come first.
    wasserstein, ks = (np.concatenate(rows) for rows in zip(*(_apart(s, in_a, counts, pixels) for s in sides), strict=True))
    return tuple(Drift("RGB"[c], *_against(wasserstein[:, c]), *_against(ks[:, c])) for c in range(3))


def _drawn(sizes: np.ndarray, least: int, draws: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Sizes of groups (G,) -> at random which of them make up the smaller side, of about `least` images, (k, G) bool."""
    for start in range(0, draws, _DRAWS):
        order = np.argsort(rng.random((min(_DRAWS, draws - start), len(sizes))), axis=1)
        ordered = sizes[order]
        # A group that reaches over the end is taken where more than half of it lies before.
        taken = np.cumsum(ordered, axis=1) - ordered / 2 < least
        taken[:, 0] = True
        out = np.empty_like(taken)
        np.put_along_axis(out, order, taken, axis=1)
        yield out


def _apart(sides: np.ndarray, real: np.ndarray, counts: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wasserstein and Kolmogorov-Smirnov distance, (k, 3) each, of the groups on one side to those on the other.

    sides: (k, G) bool.  real: (G,) bool, the sides whose sizes the result is scaled to.  counts: (G, 768), pixels: (G,)
    float64, whole numbers, so that equal sides have equal distances to the last bit.
    """
    one = sides.astype(np.float64)
    n, n_real = one @ pixels, real @ pixels
    cumulative = (one @ counts).reshape(-1, 3, 256).cumsum(axis=2)
    total = counts.sum(axis=0).reshape(3, 256).cumsum(axis=1)
    rest = pixels.sum() - n
    difference = np.abs(cumulative / n[:, None, None] - (total - cumulative) / rest[:, None, None])
    # Of independent groups, the difference of two means goes with the root of this.
    scale = np.sqrt((1 / n_real + 1 / (pixels.sum() - n_real)) / (1 / n + 1 / rest))[:, None]
    return difference.sum(axis=2) * scale, np.minimum(difference.max(axis=2) * scale, 1)


def _against(values: np.ndarray) -> tuple[float, float, float, float]:
    """(1 + draws,) -> the first one; mean and 95 % limit of the others; p."""
    found, null = values[0], values[1:]
    limit = np.quantile(null, 0.95, method="inverted_cdf")
    return float(found), float(null.mean()), float(limit), float(np.mean(values >= found))

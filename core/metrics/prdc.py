"""How many generated images look real, and how much of the real ones is reached, by balls around each image.

Improved precision and recall (Kynkäänniemi et al. 2019, eq. 1 and 2), density and coverage (Naeem et al. 2020, eq. 3 and 5). An
image's ball reaches to its k-th nearest neighbour of its own side, itself not counted; its edge belongs to it. Both sides have
equal n, since all four depend on n: the first min(n, N) images of each. They are blind to what the features do not see, and even
equal distributions do not score 1: coverage is `covered`, precision and recall in many dimensions often 0.6 to 0.8.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import Refused
from core.metrics.reference import Measure, Reference, wilson
from core.types import Features

SIDE = 2048
"""Rows of each side in one product; bounds the memory (33 MB)."""

USUAL = 5
"""Neighbours that are looked for at once, so that the protocols' k = 3 and k = 5 share them."""

SAME = 1e-12
"""Squared distances up to this share of the squared lengths are 0: what rounding leaves between equal rows."""


@dataclass(frozen=True, eq=False)
class Balls:
    """inside: (n,) int64, real balls around each fake image.  reached: (n,) bool, real images within any fake ball.

    covered: (n,) bool, real images whose ball holds any fake image.
    """

    inside: np.ndarray
    reached: np.ndarray
    covered: np.ndarray


def precision(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """Share of fake images within any real ball. Error and interval as `_share` has them."""
    return _share(_balls(fake, ref, int(params["k"])).inside > 0)


def recall(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """Share of real images within any fake ball."""
    return _share(_balls(fake, ref, int(params["k"])).reached)


def density(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """Mean number of real balls around a fake image, by k: 1 for equal distributions, and it may exceed 1.

    Error: of the mean over fake images, the balls taken as they are.
    """
    k = int(params["k"])
    counts = _balls(fake, ref, k).inside / k
    return Measure(float(counts.mean()), float(counts.std(ddof=1) / math.sqrt(len(counts))))


def coverage(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """Share of real images whose ball holds a fake image."""
    return _share(_balls(fake, ref, int(params["k"])).covered)


def covered(n: int, k: int) -> float:
    """Expected coverage of n images by n of the same distribution: 1 - prod (n - i) / (2 n - i), i from 1 to k.

    Of a real image's 2n - 1 neighbours of both sides, in random order, it is not covered if the k nearest are all real ones.
    """
    return 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))


def _share(hits: np.ndarray) -> Measure:
    """Share of the images over which it is a mean, with its binomial error and an interval that has a width at 0 and 1.

    Both take the balls as they are, so chance in the images around which they lie is not in them: on toys (6 and 32 numbers, 200
    and 800 images) the true spread was 1.1 to 1.8 times the error, and so was that of density.
    """
    n, share = len(hits), float(hits.mean())
    return Measure(share, math.sqrt(share * (1 - share) / n), interval=wilson(share, n))


def _balls(fake: Features, ref: Reference, k: int) -> Balls:
    """Worked out once for the metrics of one k. Refused for n <= k."""
    n, most = min(len(fake), len(ref)), max(k, USUAL)
    if n <= k:
        raise Refused(f"The {k} nearest neighbours need more than {k} images a side; there are {n}: make more.")

    def compute() -> Balls:
        x, y = fake.values[:n], ref.real.values[:n]
        what = {"metric": "prdc", "n": n, "neighbours": most}
        of_real = ref.keep(what, lambda: {"nearest": nearest(y, most)})["nearest"]
        of_fake = ref.share(fake, f"distances to {most} of {n} neighbours", lambda: nearest(x, most))
        return balls(x, y, of_fake[:, k - 1], of_real[:, k - 1])

    found: Balls = ref.share(fake, f"balls of {k} neighbours", compute)
    return found


def nearest(x: np.ndarray, most: int) -> np.ndarray:
    """(n, most) float64, rising: squared distances of each row to its nearest other rows; infinite beyond n - 1."""
    found = []
    for i, a in _parts(x):
        least = np.full((len(a), most), np.inf)
        for j, b in _parts(x):
            d = distances(a, b)
            if i == j:
                np.fill_diagonal(d, np.inf)
            least = np.partition(np.concatenate([least, d], axis=1), most - 1, axis=1)[:, :most]
        found.append(np.sort(least, axis=1))
    return np.concatenate(found)


def balls(fake: np.ndarray, real: np.ndarray, fake_radii: np.ndarray, real_radii: np.ndarray) -> Balls:
    """Of (n, D) and (n, D) with the squared radii (n,) of either."""
    inside, closest, reached = np.zeros(len(fake), np.int64), np.full(len(real), np.inf), np.zeros(len(real), bool)
    for i, a in _parts(fake):
        for j, b in _parts(real):
            d = distances(a, b)
            inside[i] += (d <= real_radii[j]).sum(1)
            reached[j] |= (d <= fake_radii[i, None]).any(0)
            closest[j] = np.minimum(closest[j], d.min(0))
    return Balls(inside, reached, closest <= real_radii)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) float64: squared distances, exactly 0 between equal rows."""
    lengths = (a * a).sum(1)[:, None] + (b * b).sum(1)
    d = a @ b.T
    d *= -2
    d += lengths
    d[d <= SAME * lengths] = 0
    return d


def _parts(x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, len(x), SIDE):
        part = slice(start, min(start + SIDE, len(x)))
        yield part, x[part].astype(np.float64)

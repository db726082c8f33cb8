"""Whether the colours of two sets differ by more than chance would have them differ."""

from dataclasses import dataclass

import numpy as np

from core.types import Arrays

_AT_ONCE = 128  # draws worked out together: what bounds the memory


@dataclass(frozen=True)
class Drift:
    """One channel of two sets. wasserstein: in grey levels; ks: Kolmogorov and Smirnov's distance, 0..1.

    expected, limit: mean and 95 % quantile of each where only chance divides the images.  p: how often chance gives as much.
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
    """R, G and B of two sets, as `described` gives them: counts (G, 3, 256) and group_sizes (G,).

    Wasserstein's distance of order 1 between the values of all pixels is the area between their cumulative shares, Kolmogorov
    and Smirnov's the widest gap. The test is one of permutation: the images, in their groups, change sides at random `draws`
    times. Pixels of one image are not independent, so tables of either distance would call everything different.
    p = (1 + draws that reach the distance) / (1 + draws) (Phipson and Smyth 2010).
    """
    groups = np.concatenate([a["counts"], b["counts"]]).reshape(-1, 768)
    in_a = len(a["counts"])
    seen = _distances(groups[:in_a].sum(axis=0)[None], groups.sum(axis=0))[:, 0]
    generator = np.random.default_rng(seed)
    chance = []
    for start in range(0, draws, _AT_ONCE):
        sides = np.zeros((min(_AT_ONCE, draws - start), len(groups)))
        for row in sides:
            row[generator.permutation(len(groups))[:in_a]] = 1
        chance.append(_distances(sides @ groups, groups.sum(axis=0)))
    null = np.concatenate(chance, axis=1)
    expected, limit = null.mean(axis=1), np.quantile(null, 0.95, axis=1)
    # A hair below, so that a draw which gives the sets back counts, whatever the order of its sums.
    p = (1 + (null >= seen[:, None] * (1 - 1e-9)).sum(axis=1)) / (1 + draws)
    table = np.stack([seen, expected, limit, p])
    return tuple(Drift("RGB"[c], *table[:, 0, c].tolist(), *table[:, 1, c].tolist()) for c in range(3))


def _distances(one: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Counts of one side (d, 768) and of both (768,) -> (2, d, 3): Wasserstein's and Kolmogorov and Smirnov's distance."""
    sides = np.stack([one, both - one]).reshape(2, -1, 3, 256)
    below = np.cumsum(sides, axis=3) / sides.sum(axis=3, keepdims=True)
    gaps = np.abs(below[0] - below[1])
    return np.stack([gaps.sum(axis=2), gaps.max(axis=2)])

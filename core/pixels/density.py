"""How often each grey level occurs in each channel."""

import numpy as np

from core.types import Arrays, ImageSet

_AT_ONCE = 1 << 20  # pixels counted at a time: what bounds the memory


def rgb_density(images: ImageSet) -> np.ndarray:
    """(3, 256) float64: the share of each value 0..255 in R, G and B; each row sums to 1.

    Equal to `np.histogram` with 256 bins of width 1 and density=True; memory does not grow with the set.
    """
    n, height, width, _ = images.images.shape
    assert n > 0, f"{images.name} has no images"
    step = max(1, _AT_ONCE // (height * width))
    counts = sum(_counts(images.images[start : start + step]) for start in range(0, n, step))
    return counts / (n * height * width)


def density_of(described: Arrays) -> np.ndarray:
    """The same (3, 256) from what `described` has counted."""
    counts = np.asarray(described["counts"]).sum(axis=0)
    return counts / counts[0].sum()


def rgb_moments(density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(3, 256) density -> mean and standard deviation of R, G and B, each (3,) float64 in 0..255."""
    levels = np.arange(256)
    mean = density @ levels
    return mean, np.sqrt((density * (levels - mean[:, None]) ** 2).sum(axis=1))


def _counts(images: np.ndarray) -> np.ndarray:
    """(n, H, W, 3) uint8 -> how often each value occurs in R, G and B, (3, 256) int64.

    Two neighbouring values are counted as one number of two bytes: half as many to count, then added up for each byte.
    """
    flat = np.ascontiguousarray(images).ravel()
    whole = len(flat) // 6 * 6
    pairs = flat[:whole].view("<u2").reshape(-1, 3)  # two pixels: RG, BR, GB
    both = np.stack([np.bincount(pairs[:, k], minlength=1 << 16) for k in range(3)]).reshape(3, 256, 256)
    first, second = both.sum(axis=1), both.sum(axis=2)
    counts = first[[0, 2, 1]] + second[[1, 0, 2]]
    # The last pixel, where their number is odd.
    for channel, value in enumerate(flat[whole:]):
        counts[channel, value] += 1
    return counts

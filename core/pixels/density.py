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
    counts = np.zeros((3, 256), np.int64)
    for start in range(0, n, step):
        part = images.images[start : start + step]
        counts += np.stack([np.bincount(part[..., c].ravel(), minlength=256) for c in range(3)])
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

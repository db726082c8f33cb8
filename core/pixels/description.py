"""One pass over a set of images: colours in groups, mean and variance image, and a few values of each image."""

import numpy as np

from core.pixels import signature
from core.types import Arrays, ImageSet, Progress, silent

GROUPS = 2048
"""Groups of images at most whose colours are counted apart; drift moves whole groups."""
VALUES = ("brightness", "saturation", "contrast", "sharpness")
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601


def described(images: ImageSet, progress: Progress = silent) -> Arrays:
    """What one streaming pass finds in N > 0 square images of side S; memory grows with N by some 200 bytes an image only.

    counts (G, 3, 256) int64: how often each value occurs in R, G, B of each group; group_sizes (G,) int64: its images.
    Groups are runs of the set's fixed order, of ceil(N / GROUPS) images, the last one maybe shorter.
    mean, variance (S, S, 3) float64: of each pixel over the images, in 0..255 and its square.
    values (N, 4) float32, the columns being VALUES: mean luma in 0..255; mean saturation of HSV in 0..1; standard deviation of
    luma; variance of the Laplacian of luma (Pech-Pacheco et al. 2000), low where an image is blurred.
    signature (N, signature.LENGTH) float32.
    """
    n, side = len(images), images.images.shape[1]
    assert n > 0, f"{images.name} has no images"
    step = -(-n // GROUPS)
    sizes = np.minimum(step, n - np.arange(0, n, step))
    counts = np.zeros((len(sizes), 3, 256), np.int64)
    values, signatures = np.empty((n, len(VALUES)), np.float32), np.empty((n, signature.LENGTH), np.float32)
    # Sums of squares of bytes are exact integers far beyond any set's size: no running variance is needed.
    total, squares = np.zeros((2, side, side, 3), np.int64)
    at = 0
    for block in images.blocks():
        here = slice(at, at + len(block))
        groups = np.arange(at, at + len(block)) // step
        counts[groups[0] : groups[-1] + 1] += _histograms(block, groups - groups[0])
        total += block.sum(axis=0, dtype=np.int64)
        squares += np.square(block, dtype=np.uint16).sum(axis=0, dtype=np.int64)
        values[here] = _values(block)
        signatures[here] = signature.of(block)
        at += len(block)
        progress(at, n, "looking at colours")
    mean = total / n
    # n * squares - total**2 in whole numbers: no digits are lost where all images are nearly equal.
    variance = (n * squares - total**2) / n**2
    return {
        "counts": counts,
        "group_sizes": sizes,
        "mean": mean,
        "variance": variance,
        "values": values,
        "signature": signatures,
    }


def _histograms(block: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(n, S, S, 3) uint8 and the group of each, rising from 0 (n,) -> (groups, 3, 256) int64, all counted at once."""
    first = 768 * groups[:, None, None, None] + 256 * np.arange(3)
    return np.bincount((block + first).ravel(), minlength=768 * (int(groups[-1]) + 1)).reshape(-1, 3, 256)


def _values(block: np.ndarray) -> np.ndarray:
    """(n, S, S, 3) uint8 -> (n, 4) float32."""
    pixels = block.astype(np.float32)
    luma = pixels @ _LUMA
    red, green, blue = block[..., 0], block[..., 1], block[..., 2]
    # Twenty times faster than along an axis of three.
    greatest, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    saturation = (greatest - least) / np.maximum(greatest, 1, dtype=np.float32)
    inner = luma[:, 1:-1, 1:-1]
    laplacian = luma[:, :-2, 1:-1] + luma[:, 2:, 1:-1] + luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:] - 4 * inner
    each = (1, 2)
    return np.stack([luma.mean(each), saturation.mean(each), luma.std(each), laplacian.var(each)], axis=1)

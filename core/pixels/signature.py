"""A perceptual hash before it is cut to bits: the lowest frequencies of an image, whose distances bound those of the images."""

import functools

import numpy as np

LUMA, CHROMA = 4, 2
"""Frequencies a side that are kept of the brightness, and of each of the two colour differences."""
LENGTH = LUMA**2 - 1 + 2 * CHROMA**2
"""Numbers in a signature. The mean brightness, which standardising takes away, is none of them."""
FLAT = 4.0
"""Deviation of an image's values, in 0..255, below which standardising would show its noise instead of what is in it."""

# An orthonormal turn of (R, G, B): brightness, red against blue, green against both.
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


def of(images: np.ndarray) -> np.ndarray:
    """(n, S, S, 3) uint8 -> signatures (n, LENGTH) float32; all zero for an image flatter than FLAT.

    Each image is standardised (`standardised`), then turned into orthonormal DCT-II coefficients (Ahmed et al. 1974), of which
    the lowest are kept, as in pHash (Zauner 2010) but not cut to bits. By Parseval's theorem two signatures are never farther
    apart than the standardised images: whoever looks for near images among signatures, within the same radius, misses none
    (Faloutsos et al. 1994).
    """
    flat, deviation = standardised(images)
    n, side = images.shape[0], images.shape[1]
    assert images.shape[2] == side >= LUMA, images.shape
    pixels = flat.reshape(n, side, side, 3) @ _OPPONENT.T.astype(np.float32)
    basis = _basis(side)
    luma = (basis @ pixels[..., 0] @ basis.T).reshape(n, -1)[:, 1:]
    low = basis[:CHROMA]
    chroma = [(low @ pixels[..., c] @ low.T).reshape(n, -1) for c in (1, 2)]
    return np.concatenate([luma, *chroma], axis=1) * (deviation >= FLAT)[:, None]


def mirrored(signatures: np.ndarray) -> np.ndarray:
    """(n, LENGTH) -> the signatures of the mirror images: odd horizontal frequencies change their sign."""
    luma = np.arange(1, LUMA**2) % LUMA % 2
    chroma = np.arange(CHROMA**2) % CHROMA % 2
    return signatures * (1 - 2 * np.concatenate([luma, chroma, chroma])).astype(signatures.dtype)


def standardised(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, H, W, 3) uint8 -> (n, 3 H W) float32 of mean 0 and length 1 each (0 for an image of one value), and deviations (n,).

    The product of two of them is Pearson's correlation of the images, r, and their distance is sqrt(2 - 2 r).
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1)
    flat /= np.where(length > 0, length, 1)[:, None]
    return flat, length / np.float32(np.sqrt(flat.shape[1]))


@functools.cache
def _basis(side: int) -> np.ndarray:
    """(LUMA, side) float32: the first rows of the orthonormal DCT-II."""
    k, x = np.arange(LUMA)[:, None], np.arange(side)[None]
    rows = np.sqrt(2 / side) * np.cos(np.pi * (2 * x + 1) * k / (2 * side))
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)

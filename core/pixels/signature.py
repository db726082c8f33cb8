"""A perceptual hash before it is cut to bits: the lowest frequencies of an image, whose distances bound those of the images."""

import functools

import numpy as np

SIDE = 32
"""Images with a longer side are averaged down to this one; what is finer does not survive compressing and resizing."""
FLAT = 4.0
"""Deviation of an image's values, in 0..255, below which standardising would show its noise instead of what is in it."""
LUMA, CHROMA = 6, 2
"""Frequencies a side that are kept of the brightness, and of each of the two colour differences."""
LENGTH = LUMA**2 - 1 + 2 * (CHROMA**2 - 1)
"""Numbers in a signature. The means, which standardising takes away, are none of them."""
ODD = np.concatenate([np.arange(1, side**2) % side % 2 == 1 for side in (LUMA, CHROMA, CHROMA)])
"""(LENGTH,) bool: the horizontal frequencies that a mirror turns over."""

# An orthonormal turn of (R, G, B): brightness, red against blue, green against both.
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


def of(images: np.ndarray) -> np.ndarray:
    """(n, S, S, 3) uint8, n > 0, S >= LUMA -> signatures (n, LENGTH) float32; all zero for an image flatter than FLAT.

    Each image is standardised (`standardised`), then turned into orthonormal DCT-II coefficients (Ahmed et al. 1974), of which
    the lowest are kept, as in pHash (Zauner 2010) but not cut to bits. By Parseval's theorem two signatures are never farther
    apart than the standardised images: whoever looks for near images among signatures, within the same radius, misses none
    (Faloutsos et al. 1994).
    """
    flat, deviation = standardised(images)
    n, side = len(images), min(images.shape[1], SIDE)
    assert images.shape[1] == images.shape[2] >= LUMA, images.shape
    planes = (_OPPONENT.astype(np.float32) @ flat.reshape(n, 3, -1)).reshape(n, 3, side, side)
    basis = _basis(side)
    luma = basis @ planes[:, 0] @ basis.T
    chroma = basis[:CHROMA] @ planes[:, 1:] @ basis[:CHROMA].T
    kept = np.concatenate([luma.reshape(n, -1)[:, 1:], chroma.reshape(n, 2, -1)[:, :, 1:].reshape(n, -1)], axis=1)
    return kept * (deviation >= FLAT)[:, None]


def mirrored(signatures: np.ndarray) -> np.ndarray:
    """(n, LENGTH) -> the signatures of the mirror images: odd horizontal frequencies change their sign."""
    return np.where(ODD, -signatures, signatures)


def standardised(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, S, S, 3) uint8 -> (n, D) float32, D = 3 min(S, SIDE)^2, and the deviations (n,) of what is seen in them, 0..255.

    Each channel has mean 0, so that a picture that is yellow all over resembles no other yellow one for that, and each image
    length 1 (0 if it is of one colour). The product of two is Pearson's correlation r within channels; their distance is
    sqrt(2 - 2 r).
    """
    planes = images.transpose(0, 3, 1, 2).astype(np.float32)
    if images.shape[1] > SIDE:
        average = _average(images.shape[1])
        planes = average @ planes @ average.T
    flat = planes.reshape(len(images), 3, -1)
    flat = (flat - flat.mean(axis=2, keepdims=True)).reshape(len(images), -1)
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


@functools.cache
def _average(side: int) -> np.ndarray:
    """(SIDE, side) float32: each row averages over its share of the pixels, those at its ends in part."""
    ends = np.linspace(0, side, SIDE + 1)
    pixel = np.arange(side)
    overlap = np.minimum(ends[1:, None], pixel + 1) - np.maximum(ends[:-1, None], pixel)
    return (np.maximum(overlap, 0) * SIDE / side).astype(np.float32)

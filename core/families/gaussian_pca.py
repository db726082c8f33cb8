"""A Gaussian in pixel PCA space: what mean and covariance of the training images alone can draw.

Beyond 32 x 32 pixels a covariance has no room (38,655 million numbers at 256 px) and needs none: normal weights on the centred
images themselves draw from the same Gaussian, with every component kept.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core import pixels, store
from core.errors import DataError
from core.families import Draw, final
from core.types import Arrays, ImageSet, Step

SHARE = 0.999
"""Share of the variance that is kept: on flower photos at 32 px 1,064 of 3,072 components. What is left out is noise of about 2
of 255 levels a pixel."""

LARGEST = 32 * 32 * 3
"""Numbers an image up to which the covariance is taken apart."""

_AT_ONCE = 1 << 24  # numbers weighed at a time where it is not: 64 MB


def recipe(images: ImageSet) -> dict[str, Any]:
    """All that shapes what is drawn, for cache keys."""
    return {"images": images.fingerprint, "share": SHARE if _small(images) else 1.0}


def fit(images: ImageSet) -> Arrays:
    """mean (D,), components (K, D) in rows, deviations (K,), falling, float64, in pixel values 0..255; D = H W 3.

    K: the fewest principal components with SHARE of the variance, so at most N - 1. Kept in the store by the images' fingerprint.
    For D > LARGEST instead: mean, and images (N, D) uint8 as they are. DataError for fewer than two images.
    """
    if len(images) < 2:
        raise DataError(f"{images.name} has {len(images)} training images; a Gaussian needs at least 2: add images.")
    if _small(images):
        return store.get_or_compute("gaussian_pca", recipe(images), lambda: _fit(images))
    flat = images.images.reshape(len(images), -1)
    return {"mean": flat.mean(0, dtype=np.float64), "images": flat}


def _small(images: ImageSet) -> bool:
    return int(np.prod(images.images.shape[1:])) <= LARGEST


def _fit(images: ImageSet) -> Arrays:
    n, d = len(images), int(np.prod(images.images.shape[1:]))
    total, products = np.zeros(d), np.zeros((d, d))
    for block in images.blocks():
        # Sums of whole numbers below 2**53: exact in any order.
        x = block.reshape(len(block), d).astype(np.float64)
        total += x.sum(0)
        products += x.T @ x
    mean = total / n
    variances, vectors = np.linalg.eigh((products - n * np.outer(mean, mean)) / (n - 1))
    variances, vectors = np.maximum(variances[::-1], 0), vectors[:, ::-1]
    k = _kept(variances[: n - 1])
    return {"mean": mean, "components": np.ascontiguousarray(vectors[:, :k].T), "deviations": np.sqrt(variances[:k])}


def _kept(variances: np.ndarray) -> int:
    """How many of the falling variances make up SHARE of their sum; 0 where there is none."""
    shares = np.cumsum(variances)
    return int(np.searchsorted(shares, SHARE * shares[-1]) + 1) if shares[-1] > 0 else 0


def walk(d: Draw, seeds: Sequence[int]) -> Iterator[Step]:
    """One image a seed: mean + sum of deviation_k z_k component_k, rounded and clipped to 0..255."""
    away = _by_components if "components" in d.model else _by_images
    x = d.model["mean"] + away(d.model, seeds)
    images = np.clip(np.rint(x), 0, 255).astype(np.uint8).reshape(len(seeds), d.size, d.size, 3)
    yield final(pixels.to_signed(images), evaluations=0)


def _by_components(model: Arrays, seeds: Sequence[int]) -> np.ndarray:
    return np.asarray((_normal(seeds, len(model["deviations"])) * model["deviations"]) @ model["components"])


def _by_images(model: Arrays, seeds: Sequence[int]) -> np.ndarray:
    """sum of z_i (image_i - mean) / sqrt(N - 1): its covariance is that of the images. Single precision is off by 0.02 levels."""
    images, mean = model["images"], model["mean"]
    z = _normal(seeds, len(images)) / np.sqrt(len(images) - 1)
    step = max(1, _AT_ONCE // images.shape[1])
    sums = np.zeros((len(seeds), len(mean)))
    for start in range(0, len(images), step):
        sums += z[:, start : start + step].astype(np.float32) @ images[start : start + step].astype(np.float32)
    return sums - z.sum(1, keepdims=True) * mean


def _normal(seeds: Sequence[int], count: int) -> np.ndarray:
    """(len(seeds), count) float64, each row from its own seed."""
    return np.stack([np.random.default_rng(s).standard_normal(count) for s in seeds])

"""A Gaussian in pixel PCA space: what mean and covariance of the training images alone can draw."""

from collections.abc import Iterator, Sequence

import numpy as np

from core import pixels, store
from core.errors import DataError
from core.families import Draw, final
from core.types import Arrays, ImageSet, Step

SHARE = 0.999
"""Share of the variance that is kept: on flower photos at 32 px 1,064 of 3,072 components. What is left out is noise of about 2
of 255 levels a pixel."""


def fit(images: ImageSet) -> Arrays:
    """mean (D,), components (K, D) in rows, deviations (K,), falling, float64, in pixel values 0..255; D = H W 3.

    K: the fewest principal components with SHARE of the variance, so at most N - 1. Kept in the store by the images' fingerprint;
    DataError for fewer than two images.
    """
    if len(images) < 2:
        raise DataError(f"{images.name} has {len(images)} training images; a Gaussian needs at least 2: add images.")
    recipe = {"images": images.fingerprint, "share": SHARE}
    return store.get_or_compute("gaussian_pca", recipe, lambda: _fit(images))


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
    z = np.stack([np.random.default_rng(s).standard_normal(len(d.model["deviations"])) for s in seeds])
    x = d.model["mean"] + (z * d.model["deviations"]) @ d.model["components"]
    images = np.clip(np.rint(x), 0, 255).astype(np.uint8).reshape(len(seeds), d.size, d.size, 3)
    yield final(pixels.to_signed(images), evaluations=0)

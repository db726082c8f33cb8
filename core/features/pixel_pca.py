"""Principal components of the reference's pixels (Pearson 1901): what can be compared without any network. No torch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from core import store
from core.errors import ScoreError
from core.features import Opened
from core.features.table import Extractor
from core.types import Arrays, ImageSet, digest

LEAST_SHARE = 1e-12
"""Components with less of the variance than this are rounding; they are taken as 0."""


def fit(reference: ImageSet, e: Extractor) -> str:
    """Works the basis out and keeps it in the store: mean (P,) and components (P, K), scaled by one number, float64.

    P = 3 side^2 values of an image, K the row's number of components. The sha256 that comes back names what the basis follows
    from, the images and the rule: so it is the same on every machine, though the basis differs in its last digits.
    ScoreError for fewer than two images, or for images that are all the same.
    """
    if len(reference) < 2:
        raise ScoreError(f"{reference.name} has {len(reference)} images; principal components need at least 2: add images.")
    _basis(reference.fingerprint, e, lambda: _fit(reference, e))
    return digest(_recipe(reference.fingerprint, e))


def load(e: Extractor) -> Opened:
    def lost() -> Arrays:
        raise ScoreError("The principal components are gone from the cache; start the evaluation again.")

    basis = _basis(e.where, e, lost)
    mean, components = np.asarray(basis["mean"]), np.asarray(basis["components"])
    (layer,) = e.layers

    def look(images: np.ndarray) -> dict[str, np.ndarray]:
        return {layer: ((_values(images, e.input_size) - mean) @ components).astype(np.float32)}

    return Opened(look, e.batch)


def _basis(fingerprint: str, e: Extractor, compute: Callable[[], Arrays]) -> Arrays:
    return store.get_or_compute("pixel-pca", _recipe(fingerprint, e), compute)


def _recipe(fingerprint: str, e: Extractor) -> dict[str, Any]:
    return {
        "images": fingerprint,
        "components": dict(e.layers),
        "input_size": e.input_size,
        "resize": e.resize,
        "values": e.values,
    }


def _fit(reference: ImageSet, e: Extractor) -> Arrays:
    """Sums of whole levels are exact, so they hang on no order; each component's largest weight is positive."""
    (k,) = e.layers.values()
    total: np.ndarray | float = 0.0
    products: np.ndarray | float = 0.0
    for block in reference.blocks():
        x = _values(block, e.input_size)
        total, products = total + x.sum(0), products + x.T @ x
    n, mean = len(reference), np.asarray(total) / len(reference)
    covariance = (n * np.asarray(products) - np.outer(total, total)) / (n * (n - 1))
    # Only the largest: all 3,072 take 1.6 times as long.
    top = (max(0, len(mean) - k), len(mean) - 1)
    variances, vectors = scipy.linalg.eigh(covariance, subset_by_index=top)
    variances, vectors = variances[::-1], vectors[:, ::-1]
    if variances[0] <= LEAST_SHARE * (mean**2).max():
        raise ScoreError(f"All images of {reference.name} are the same; principal components need different ones.")
    variances = np.where(variances > LEAST_SHARE * variances[0], variances, 0)
    largest = vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])]
    signs = np.where(variances > 0, np.where(largest < 0, -1, 1), 0)
    return {"mean": mean, "components": vectors * signs / np.sqrt(variances.mean())}


def _values(images: np.ndarray, side: int) -> np.ndarray:
    """(n, H, H, 3) uint8 -> (n, P) float64 in 0..255; larger images by the mean of what a pixel covers."""
    height = images.shape[1]
    assert images.shape[2] == height, images.shape
    x = images.astype(np.float64)
    if height > side:
        edges = np.arange(side + 1) * height / side
        pixel = np.arange(height)
        covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
        w = np.maximum(covered, 0) * side / height
        x = np.einsum("ah,nhwc,bw->nabc", w, x, w, optimize=True)
    return x.reshape(len(x), -1)

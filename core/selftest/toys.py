"""What the checks are made of: small samples, and metrics as an evaluation calls them."""

from typing import Any

import numpy as np

from core import protocols, store
from core.metrics import METRICS, Measure, Reference
from core.types import Features

PARAMS = {r.metric: r.params for r in protocols.protocol("lite0").metrics}
DIM = 16

Found = tuple[float | str, float | str, float]
"""(expected, found, tolerance); words have tolerance 0."""


def features(values: np.ndarray, logits: np.ndarray | None = None, images: np.ndarray | None = None) -> Features:
    return Features(values, logits, "selftest", "", store.key("selftest", {"values": values.tolist()}), images)


def draw(n: int, seed: int, dim: int = DIM) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim))


def white(n: int, seed: int) -> np.ndarray:
    """(n, DIM) with sample mean 0 and sample covariance 1, exactly."""
    z = draw(n, seed)
    return np.asarray(np.linalg.svd(z - z.mean(0), full_matrices=False)[0] * np.sqrt(n - 1))


def measure(metric: str, fake: np.ndarray, real: np.ndarray, **params: Any) -> Measure:
    return METRICS[metric].compute(features(fake), Reference(features(real)), {**PARAMS[metric], **params})

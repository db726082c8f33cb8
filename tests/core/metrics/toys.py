"""Samples with exact moments, and Features around plain numbers."""

import hashlib

import numpy as np

from core.types import Features

KID = {"estimator": "unbiased, all pairs", "degree": 3, "offset": 1.0, "scale": "1/D"}
KID_SUBSETS = {**KID, "estimator": "subsets", "subsets": 100, "subset_size": 1000, "seed": 0}
FD = {"estimator": "Gaussian moments", "covariance": "unbiased"}
FD_CORRECTED = {"estimator": "2 FD - mean FD of halves", "covariance": "unbiased"}


def features(values: np.ndarray, logits: np.ndarray | None = None) -> Features:
    return Features(values, logits, "toy", "0" * 64, hashlib.sha256(np.ascontiguousarray(values).data).hexdigest())


def white(n: int, dim: int, seed: int) -> np.ndarray:
    """(n, dim), n > dim, with sample mean exactly 0 and sample covariance exactly the identity."""
    z = np.random.default_rng(seed).normal(size=(n, dim))
    return np.linalg.svd(z - z.mean(0), full_matrices=False)[0] * np.sqrt(n - 1)


def rotation(dim: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


def root(covariance: np.ndarray) -> np.ndarray:
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(eigenvalues)) @ vectors.T

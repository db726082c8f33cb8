"""Fréchet distance of the Gaussians with the two samples' means and covariances (Heusel et al. 2017, eq. 6).

Biased upwards by the size of both samples, differently for different models; so it never decides between two models here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.metrics.reference import Measure, Reference, standard_error
from core.types import BLOCK, Arrays, Features

FULL = 10_000
"""Generated images from which on the distance is not called provisional (the metric's authors' advice)."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The real side. mean: (D,); covariance = vectors diag(roots^2) vectors', vectors (D, r), roots (r,) > 0; all float64.

    Of a covariance that is only semi-definite (units that never fire, fewer images than units) r is the rank.
    """

    mean: np.ndarray
    vectors: np.ndarray
    roots: np.ndarray
    trace: float


def score(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure | None:
    """FD of fake (n, D) against real (N, D); None for N < D, where the reference has no covariance to speak of.

    For n > D and N > D with its standard error, which holds the spread and not the bias (on toys with n from 1.1 D to 10 D it was
    1.3 to 1.4 times the true spread); else the error is None. band: "small" for n < D, "provisional" for n < 10,000.
    """
    assert params["covariance"] == "unbiased", params
    n, dim = fake.values.shape
    if len(ref) < dim:
        return None
    real = Gaussian(
        **_arguments(ref.keep({"metric": "fd", "form": "vectors, roots"}, lambda: _arrays(gaussian(ref.real.values))))
    )
    band = "small" if n < dim else "provisional" if n < FULL else ""
    if not (n > dim and len(ref) > dim):
        return Measure(distance(fake.values, real), band=band)
    value, on_fake, on_real = influences(fake.values, ref.real.values, real)
    return Measure(value, standard_error(on_fake, on_real), band, on_fake, on_real)


def distance(fake: np.ndarray, real: Gaussian) -> float:
    """|m1 - m2|^2 + Tr(S1 + S2 - 2 sqrt(S1 S2)); never negative.

    With S1 = F F', Tr sqrt(S1 S2) is the sum of the square roots of the eigenvalues of the symmetric F' S2 F. Fewer images than
    numbers: with S2 = A' A, it is the sum of the singular values of A F, which keeps all digits where eigenvalues lose half.
    """
    n, dim = fake.shape
    mean, covariance = moments(fake)
    if n < dim:
        a = (fake.astype(np.float64) - mean) / np.sqrt(n - 1)
        overlap = np.linalg.svd(a @ _factor(real), compute_uv=False).sum()
    else:
        factor = _factor(real)
        overlap = np.sqrt(np.maximum(np.linalg.eigvalsh(factor.T @ covariance @ factor), 0)).sum()
    return _distance(mean, float(np.trace(covariance)), real, float(overlap))


def influences(fake: np.ndarray, real: np.ndarray, g: Gaussian) -> tuple[float, np.ndarray, np.ndarray]:
    """The distance with the first-order effect of each fake (n,) and each real (N,) image on it, both of mean 0.

    psi(x) = 2 (m2 - m1)'(x - m2) + (x - m2)'(I - T)(x - m2), with T = F (F' S2 F)^(-1/2) F' the map that carries the fake
    Gaussian onto the real one; for a real image with the inverse map. `g` is the Gaussian of `real`.
    """
    mean, covariance = moments(fake)
    factor = _factor(g)
    eigenvalues, turn = np.linalg.eigh(factor.T @ covariance @ factor)
    eigenvalues = np.maximum(eigenvalues, 0)
    value = _distance(mean, float(np.trace(covariance)), g, float(np.sqrt(eigenvalues).sum()))
    kept = eigenvalues > eigenvalues.max() * len(eigenvalues) * np.finfo(float).eps
    roots, turn = np.sqrt(eigenvalues[kept]), turn[:, kept]
    on_fake = _effects(fake, mean, mean - g.mean, factor @ turn / np.sqrt(roots))
    on_real = _effects(real, g.mean, g.mean - mean, (g.vectors / g.roots) @ turn * np.sqrt(roots))
    return value, on_fake, on_real


def _effects(values: np.ndarray, mean: np.ndarray, shift: np.ndarray, half: np.ndarray) -> np.ndarray:
    """2 shift'(x - mean) + |x - mean|^2 - |half'(x - mean)|^2 of each row, less their mean."""
    parts = []
    for block in _blocks(values):
        x = block - mean
        parts.append(2 * x @ shift + (x * x).sum(1) - ((x @ half) ** 2).sum(1))
    effects = np.concatenate(parts)
    return np.asarray(effects - effects.mean())


def _distance(mean: np.ndarray, trace: float, real: Gaussian, overlap: float) -> float:
    value = float(((mean - real.mean) ** 2).sum()) + trace + real.trace - 2 * overlap
    assert value > -1e-6 * (trace + real.trace), f"a distance of {value} is more than rounding"
    return max(value, 0.0)


def gaussian(values: np.ndarray) -> Gaussian:
    """(N, D) -> mean and unbiased covariance as the square root of its positive part."""
    mean, covariance = moments(values)
    eigenvalues, vectors = np.linalg.eigh(covariance)
    kept = eigenvalues > eigenvalues.max() * len(mean) * np.finfo(float).eps
    return Gaussian(mean, vectors[:, kept], np.sqrt(eigenvalues[kept]), float(np.trace(covariance)))


def moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, D) -> mean (D,), covariance with N - 1 (D, D), float64.

    Blocks are merged in order (Chan et al. 1979), so blocks from anywhere give the same bits.
    """
    n, dim = values.shape
    assert n >= 2, f"{n} rows have no covariance"
    seen, mean, scatter = 0, np.zeros(dim), np.zeros((dim, dim))
    for x in _blocks(values):
        here = x.mean(0)
        x -= here
        shift = here - mean
        total = seen + len(x)
        scatter += x.T @ x + np.outer(shift, shift) * (seen * len(x) / total)
        mean += shift * (len(x) / total)
        seen = total
    return mean, scatter / (n - 1)


def _factor(g: Gaussian) -> np.ndarray:
    """F (D, r) with F F' the covariance."""
    return np.asarray(g.vectors * g.roots)


def _blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(values), BLOCK):
        yield values[start : start + BLOCK].astype(np.float64)


def _arrays(g: Gaussian) -> Arrays:
    return {"mean": g.mean, "vectors": g.vectors, "roots": g.roots, "trace": np.array([g.trace])}


def _arguments(arrays: Arrays) -> dict[str, Any]:
    return {**arrays, "trace": float(arrays["trace"][0])}

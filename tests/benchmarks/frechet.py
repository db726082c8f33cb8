"""The Fréchet distance from cached features, the reference's side prepared: D = 2048 numbers an image, 5,000 images a side.

Beside it the two ways that other tools take to the trace of the square root of S1 S2: `scipy.linalg.sqrtm`, as clean-fid and
pytorch-fid call it, and the eigenvalues of the product, as torchmetrics does. The values agree to 1e-9.
"""

import tempfile
from collections.abc import Callable
from unittest import mock

import numpy as np

from core.metrics import METRICS, Reference
from core.types import Features
from tests.benchmarks.timing import Row, in_turns, relative

SAME = 1e-9


def measure(quick: bool) -> list[Row]:
    n, dim, repeats = (400, 96, 1) if quick else (5000, 2048, 5)
    fake, real = features(n, dim, seed=1), features(n, dim, seed=2)
    sides = (
        studio_value(fake, real),
        studio(fake, real),
        scipys(fake.values, real.values),
        torchmetrics_(fake.values, real.values),
    )
    with tempfile.TemporaryDirectory() as cache, mock.patch.dict("os.environ", {"STUDIO_CACHE": cache}):
        (value, score, sqrtm, eigvals), gave = in_turns(sides, repeats)
    numbers = [float(x) for x in gave]  # type: ignore[arg-type]
    apart = max(relative(x, numbers[0]) for x in numbers[1:])
    assert apart < SAME, numbers
    work = f"FD, D = {dim}, N = {n}"
    note = f"The values differ by {apart:.1g} at most."
    return [
        Row(work, "sqrtm of SciPy, as clean-fid", value, sqrtm, ">= 8x", least=8, note=note),
        Row(work, "eigvals of torch, as torchmetrics", value, eigvals, ">= 2x", least=2),
        Row(f"{work}, with error and influences", "sqrtm of SciPy, as clean-fid", score, sqrtm, ""),
        Row(f"{work}, with error and influences", "eigvals of torch, as torchmetrics", score, eigvals, ""),
    ]


def features(n: int, dim: int, seed: int) -> Features:
    """Like a network's: never negative, correlated, of very unequal spread."""
    weights = np.random.default_rng(0).normal(size=(dim, dim)) / np.sqrt(np.arange(1, dim + 1))[:, None]
    values = np.maximum(np.random.default_rng(seed).normal(size=(n, dim)) @ weights + 0.1 * seed, 0).astype(np.float32)
    return Features(values, None, "benchmark", "0" * 64, f"features of seed {seed}")


def studio(fake: Features, real: Features) -> Callable[[], float]:
    """The metric as an evaluation calls it; its first call, which is not timed, prepares the reference."""
    params = {"estimator": "Gaussian moments", "covariance": "unbiased"}
    reference = Reference(real)

    def run() -> float:
        # A new reference each time: nothing that was shared in memory, only what is kept on disk.
        return METRICS["fd"].compute(fake, Reference(reference.real), params).value

    return run


def studio_value(fake: Features, real: Features) -> Callable[[], float]:
    """The value alone, as the others give it."""
    from core.metrics import frechet

    gaussian = frechet.gaussian(real.values)
    return lambda: frechet.distance(fake.values, gaussian)


def scipys(fake: np.ndarray, real: np.ndarray) -> Callable[[], float]:
    """clean-fid's and pytorch-fid's `frechet_distance`, on moments as they take them."""
    from scipy import linalg

    mu2, sigma2 = real.astype(np.float64).mean(0), np.cov(real.astype(np.float64), rowvar=False)

    def run() -> float:
        values = fake.astype(np.float64)
        mu1, sigma1 = values.mean(0), np.cov(values, rowvar=False)
        root = linalg.sqrtm(sigma1.dot(sigma2))
        root = root.real if np.iscomplexobj(root) else root
        diff = mu1 - mu2
        return float(diff.dot(diff) + np.trace(sigma1) + np.trace(sigma2) - 2 * np.trace(root))

    return run


def torchmetrics_(fake: np.ndarray, real: np.ndarray) -> Callable[[], float]:
    """torchmetrics' own metric on the same features. float64, in which it computes anyhow: it rounds its result to its input."""
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    passing = torch.nn.Identity()
    passing.num_features = fake.shape[1]  # type: ignore[assignment]
    metric = FrechetInceptionDistance(feature=passing, reset_real_features=False)
    metric.update(torch.from_numpy(real).double(), real=True)
    given = torch.from_numpy(fake).double()

    def run() -> float:
        metric.reset()
        metric.update(given, real=False)
        return float(metric.compute())

    return run

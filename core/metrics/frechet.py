"""Fréchet distance of the Gaussians with the two samples' means and covariances (Heusel et al. 2017, eq. 6).

Biased upwards by the size of both samples, differently for different models; so it never decides between two models here. Most
of that is taken off in `corrected`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import Refused
from core.metrics.reference import Measure, Reference, standard_error
from core.types import BLOCK, Arrays, Features

BANDS = ((50_000, "50k"), (10_000, "full"), (0, "provisional"))
"""From so many generated images on; the metric's authors ask for 10,000, papers use 50,000. Fewer than features: "small"."""

CORRECTED = 4
"""Images a feature that the correction needs: with 2 it leaves so much bias that equal models are told apart falsely."""

ABSURD = 10
"""Ratio of the halves' distance to that of the whole sets from which on the halves are no samples of one set."""

ROWS = 8 * BLOCK
"""Rows of one product; bounds the memory (33 MB at D = 2048) and, since sums run in this order, fixes the rounding."""


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The real side. mean: (D,); covariance = vectors diag(roots^2) vectors', vectors (D, r), roots (r,) > 0; all float64.

    Of a covariance that is only semi-definite (units that never fire, fewer images than units) r is the rank.
    """

    mean: np.ndarray
    vectors: np.ndarray
    roots: np.ndarray
    trace: float


def score(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """FD of fake (n, D) against real (N, D).

    For n > D with its standard error, which holds the spread and not the bias (on toys with n from 1.1 D to 10 D it was 1.0 to
    1.6 times the true spread); else the error is None. band: "small" for n < D, then see BANDS.
    With `groups` in the params the mean over so many pairs of groups of `group_size` images, with the error of that mean.
    Refused for N < D: such a reference has no covariance to speak of.
    """
    assert params["covariance"] == "unbiased", params
    if "groups" in params:
        return _of_groups(fake.values, ref.real.values, int(params["groups"]), int(params["group_size"]))
    n, dim = fake.values.shape
    real = _reference(ref, dim)
    if n <= dim:
        return Measure(distance(fake.values, real), band=_band(n, dim))
    value, on_fake, on_real = _with_influences(fake, ref, real)
    return Measure(value, standard_error(on_fake, on_real), _band(n, dim), on_fake, on_real)


def corrected(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """2 FD - the mean FD of the first halves of both sides and the second halves of both: the bias of FD falls as 1/n and 1/N, so
    this takes its first order off (Quenouille 1949). It may be slightly negative.

    Both sides are halved, since what the reference's size adds depends on the model too: with the fake side alone halved, models
    of equal true FD and unequal diversity were told apart in 44 % of runs at D = 32, n = N = 4 D, and with both in 5 %.
    Influences and error are those of FD, whose first order it shares. Refused for n < 4 D or N < 4 D.
    """
    assert params["covariance"] == "unbiased", params
    n, dim = fake.values.shape
    real = _reference(ref, dim)
    if min(n, len(ref)) < CORRECTED * dim:
        raise Refused(
            f"The correction of FD needs at least {CORRECTED * dim} images a side; there are {n} generated and {len(ref)} "
            "reference ones: KID stands."
        )
    value, on_fake, on_real = _with_influences(fake, ref, real)
    halves = [distance(half, _half(ref, i)) for i, half in enumerate((fake.values[: n // 2], fake.values[n // 2 :]))]
    mean = sum(halves) / 2
    # Halving about doubles the bias and leaves the truth, so halves of one set lie little more than twice as far apart.
    if mean > ABSURD * value + 1e-6 * real.trace:
        raise Refused(
            f"The correction of FD takes both halves of a set for samples of the same, and here they lie {mean / value:.3g} "
            "times as far apart as the whole sets: the images seem to be sorted, KID stands."
        )
    return Measure(2 * value - mean, standard_error(on_fake, on_real), _band(n, dim), on_fake, on_real)


def _reference(ref: Reference, dim: int) -> Gaussian:
    if len(ref) < dim:
        raise Refused(f"FD needs at least {dim} reference images; there are {len(ref)}: KID stands.")
    return _kept(ref, "whole", slice(None))


def _half(ref: Reference, i: int) -> Gaussian:
    middle = len(ref) // 2
    return _kept(ref, f"half {i}", slice(middle) if i == 0 else slice(middle, None))


def _kept(ref: Reference, part: str, rows: slice) -> Gaussian:
    what = {"metric": "fd", "form": "vectors, roots", "part": part}
    kept = ref.keep(what, lambda: _arrays(gaussian(ref.real.values[rows])))
    return Gaussian(kept["mean"], kept["vectors"], kept["roots"], float(kept["trace"][0]))


def _with_influences(fake: Features, ref: Reference, real: Gaussian) -> tuple[float, np.ndarray, np.ndarray]:
    found: tuple[float, np.ndarray, np.ndarray] = ref.share(
        fake, "FD with influences", lambda: influences(fake.values, ref.real.values, real)
    )
    return found


def _band(n: int, dim: int) -> str:
    return "small" if n < dim else next(name for least, name in BANDS if n >= least)


def _of_groups(fake: np.ndarray, real: np.ndarray, groups: int, size: int) -> Measure:
    if min(len(fake), len(real)) < groups * size:
        raise Refused(
            f"{groups} groups of {size} need {groups * size} images a side; there are {len(fake)} and {len(real)}: make more."
        )
    parts = [slice(i * size, (i + 1) * size) for i in range(groups)]
    values = np.array([of_few(fake[part], real[part]) for part in parts])
    return Measure(float(values.mean()), float(values.std(ddof=1) / np.sqrt(groups)), _band(size, fake.shape[1]))


def of_few(fake: np.ndarray, real: np.ndarray) -> float:
    """The distance of (n, D) and (N, D) for n and N far below D, where no covariance need be worked out.

    With S1 = A' A and S2 = B' B, A and B the centred samples, Tr sqrt(S1 S2) is the sum of the singular values of A B'.
    """
    (m1, a), (m2, b) = _centred(real), _centred(fake)
    traces = float((a * a).sum() + (b * b).sum())
    return _distance(m2 - m1, traces, float(np.linalg.svd(a @ b.T, compute_uv=False).sum()))


def distance(fake: np.ndarray, real: Gaussian) -> float:
    """|m1 - m2|^2 + Tr(S1 + S2 - 2 sqrt(S1 S2)); never negative.

    With S1 = F F', Tr sqrt(S1 S2) is the sum of the square roots of the eigenvalues of the symmetric F' S2 F. No more images than
    numbers: with S2 = A' A, it is the sum of the singular values of A F, which keeps all digits where eigenvalues lose half.
    """
    n, dim = fake.shape
    factor = _factor(real)
    if n <= dim:
        mean, a = _centred(fake)
        trace, overlap = (a * a).sum(), np.linalg.svd(a @ factor, compute_uv=False).sum()
    else:
        mean, covariance = moments(fake)
        eigenvalues = np.linalg.eigvalsh(factor.T @ covariance @ factor)
        trace, overlap = np.trace(covariance), np.sqrt(np.maximum(eigenvalues, 0)).sum()
    return _distance(mean - real.mean, float(trace) + real.trace, float(overlap))


def influences(fake: np.ndarray, real: np.ndarray, g: Gaussian) -> tuple[float, np.ndarray, np.ndarray]:
    """The distance with the first-order effect of each fake (n,) and each real (N,) image on it, both of mean 0.

    psi(x) = 2 (m2 - m1)'(x - m2) + (x - m2)'(I - T)(x - m2), with T = F (F' S2 F)^(-1/2) F' the map that carries the fake
    Gaussian onto the real one; for a real image with the inverse map. `g` is the Gaussian of `real`.
    """
    mean, covariance = moments(fake)
    factor = _factor(g)
    eigenvalues, turn = np.linalg.eigh(factor.T @ covariance @ factor)
    eigenvalues = np.maximum(eigenvalues, 0)
    value = _distance(mean - g.mean, float(np.trace(covariance)) + g.trace, float(np.sqrt(eigenvalues).sum()))
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


def _distance(shift: np.ndarray, traces: float, overlap: float) -> float:
    value = float((shift**2).sum()) + traces - 2 * overlap
    assert value > -1e-6 * traces, f"a distance of {value} is more than rounding"
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
        scatter += x.T @ x
        if seen:
            scatter += np.outer(shift, shift * (seen * len(x) / total))
        mean += shift * (len(x) / total)
        seen = total
    return mean, scatter / (n - 1)


def _centred(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and A (n, D) with A' A the covariance."""
    mean = values.mean(0, dtype=np.float64)
    return mean, (values - mean) / np.sqrt(len(values) - 1)


def _factor(g: Gaussian) -> np.ndarray:
    """F (D, r) with F F' the covariance."""
    return np.asarray(g.vectors * g.roots)


def _blocks(values: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(values), ROWS):
        yield values[start : start + ROWS].astype(np.float64)


def _arrays(g: Gaussian) -> Arrays:
    return {"mean": g.mean, "vectors": g.vectors, "roots": g.roots, "trace": np.array([g.trace])}

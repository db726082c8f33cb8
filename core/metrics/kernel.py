"""Kernel inception distance: squared maximum mean discrepancy with k(x, y) = (x.y / D + 1)^3 (Binkowski et al. 2018).

The unbiased U-statistic over all pairs: no subsets, so no offset that depends on n and no chance in the result. Around 0 it may
be slightly negative. The mean over random subsets, as torchmetrics and torch-fidelity take it, is there for comparison with them.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from core.errors import Refused
from core.metrics.reference import Measure, Reference, standard_error
from core.types import Arrays, Features

SIDE = 2048
"""Rows of each side in one product; bounds the memory (33 MB) and, since sums run in this order, fixes the rounding."""


def score(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """KID of fake (n, D) against real (N, D), n and N at least 2; standard error of both samples.

    value = A + B - 2 C, where A and B are the means of k over pairs of different images of one side and C over pairs across.
    The influence of fake image i is 2 (mean_j k(x_i, x_j) - A) - 2 (mean_j k(x_i, y_j) - C), of a real one likewise
    (Hoeffding's projection of the U-statistic). For the estimator "subsets" see `_over_subsets`.
    """
    x, y = fake.values, ref.real.values
    n, n_real = len(x), len(y)
    assert min(n, n_real) >= 2 and x.shape[1] == y.shape[1], f"{x.shape} against {y.shape}"
    kernel = (int(params["degree"]), float(params["offset"]))
    what = {"metric": "kid", "degree": kernel[0], "offset": kernel[1]}
    same_real = ref.keep(what, lambda: _real_side(y, kernel))["similarity"]
    same_fake = within(x, kernel) / (n - 1)
    across_fake, across_real = across(x, y, kernel)
    across_fake, across_real = across_fake / n_real, across_real / n
    mean_across = across_fake.mean()
    value = same_fake.mean() + same_real.mean() - 2 * mean_across
    influence_fake = 2 * (same_fake - same_fake.mean()) - 2 * (across_fake - mean_across)
    influence_real = 2 * (same_real - same_real.mean()) - 2 * (across_real - mean_across)
    whole = Measure(
        float(value),
        standard_error(influence_fake, influence_real),
        influence_fake=influence_fake,
        influence_real=influence_real,
    )
    return _over_subsets(x, y, params, whole) if params["estimator"] == "subsets" else whole


def _over_subsets(x: np.ndarray, y: np.ndarray, params: Mapping[str, Any], whole: Measure) -> Measure:
    """The mean of the unbiased estimate over random subsets of both sides, drawn by a seeded generator.

    Given the images, subsets are independent and their mean is that of all pairs; so it has the influences of all pairs, and
    error^2 = error^2 of all pairs + variance over subsets / their number. None for one subset, which does not show its variance,
    unless it holds all images. Refused where a side is smaller than a subset.
    """
    subsets, size = int(params["subsets"]), int(params["subset_size"])
    kernel = (int(params["degree"]), float(params["offset"]))
    if min(len(x), len(y)) < size:
        raise Refused(
            f"KID over subsets of {size} needs as many images a side; there are {len(x)} generated and {len(y)} real ones: "
            "make more, or choose a protocol that takes all pairs."
        )
    if len(x) == len(y) == size:
        return whole
    rng = np.random.default_rng(int(params["seed"]))
    values = np.empty(subsets)
    for i in range(subsets):
        a, b = (side[rng.permutation(len(side))[:size]] for side in (x, y))
        same = (within(a, kernel).sum() + within(b, kernel).sum()) / (size * (size - 1))
        values[i] = same - 2 * across(a, b, kernel)[0].sum() / size**2
    assert whole.error is not None
    error = math.hypot(whole.error, values.std(ddof=1) / math.sqrt(subsets)) if subsets > 1 else None
    return replace(whole, value=float(values.mean()), error=error)


def _real_side(y: np.ndarray, kernel: tuple[int, float]) -> Arrays:
    """similarity: (N,) float64, mean kernel of each real image with the other real ones."""
    return {"similarity": within(y, kernel) / (len(y) - 1)}


def within(x: np.ndarray, kernel: tuple[int, float]) -> np.ndarray:
    """(n,) float64: sum of k(x_i, x_j) over j other than i. Each pair is worked out once."""
    sums = np.zeros(len(x))
    for i, a in _parts(x):
        for j, b in _parts(x):
            if j.start < i.start:
                continue
            k = similarities(a, b, kernel)
            if j == i:
                np.fill_diagonal(k, 0)
            else:
                sums[j] += k.sum(0)
            sums[i] += k.sum(1)
    return sums


def across(x: np.ndarray, y: np.ndarray, kernel: tuple[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """(n,) and (N,) float64: sums of k(x_i, y_j) over j, and over i."""
    rows, columns = np.zeros(len(x)), np.zeros(len(y))
    for i, a in _parts(x):
        for j, b in _parts(y):
            k = similarities(a, b, kernel)
            rows[i] += k.sum(1)
            columns[j] += k.sum(0)
    return rows, columns


def similarities(a: np.ndarray, b: np.ndarray, kernel: tuple[int, float]) -> np.ndarray:
    """(a.b / D + offset)^degree for every pair, float64; multiplied out, since a power is ten times slower."""
    degree, offset = kernel
    base = a @ b.T
    base /= a.shape[1]
    base += offset
    k = base.copy()
    for _ in range(degree - 1):
        k *= base
    return k


def _parts(x: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    for start in range(0, len(x), SIDE):
        part = slice(start, min(start + SIDE, len(x)))
        yield part, x[part].astype(np.float64)

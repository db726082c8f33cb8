"""Metrics beside what is known of them on paper, and beside their definition by loops."""

import math

import numpy as np

from core.errors import Refused
from core.metrics import METRICS, Measure, Reference, prdc
from core.selftest.toys import DIM, PARAMS, Found, draw, features, measure, white
from core.types import Features

EXACT = 1e-9
"""Relative error that a closed form may have."""


def fd_commuting() -> Found:
    turn = np.linalg.qr(draw(DIM, 1))[0]
    l1, l2, mean = (np.random.default_rng(2).uniform(0.1, 3, (3, DIM))).tolist()
    fake, real = (white(100, 3) * np.sqrt(l2)) @ turn + mean, (white(200, 4) * np.sqrt(l1)) @ turn
    expected = float((np.square(mean) + np.square(np.sqrt(l1) - np.sqrt(l2))).sum())
    return expected, measure("fd", fake, real).value, EXACT * expected


def fd_scaled() -> Found:
    mix = draw(DIM, 5)
    expected = 0.25 * float(np.trace(mix.T @ mix))
    return expected, measure("fd", 1.5 * white(100, 6) @ mix, white(200, 7) @ mix).value, EXACT * expected


def fd_blocks() -> Found:
    rng, expected = np.random.default_rng(8), 0.0
    fake, real = white(100, 9), white(200, 10)
    for i in range(0, DIM, 2):
        f, g = rng.normal(size=(2, 2, 2))
        a, b = f.T @ f, g.T @ g
        fake[:, i : i + 2], real[:, i : i + 2] = fake[:, i : i + 2] @ f, real[:, i : i + 2] @ g
        overlap = math.sqrt(np.trace(a @ b) + 2 * math.sqrt(np.linalg.det(a) * np.linalg.det(b)))
        expected += float(np.trace(a) + np.trace(b)) - 2 * overlap
    return expected, measure("fd", fake, real).value, EXACT * expected


def fd_few_moved() -> Found:
    few, move = draw(24, 11, dim=64), np.linspace(-1, 1, 64)
    found = measure("fd", few + move, few, groups=2, group_size=12).value
    return float((move**2).sum()), found, EXACT * 2 * float(few.var(0, ddof=1).sum())


def kid_brute_force() -> Found:
    fake, real = draw(9, 12) * 1.3, draw(11, 13)

    def mean(x: np.ndarray, y: np.ndarray, same: bool) -> float:
        k = [(sum(a * b for a, b in zip(p, q, strict=True)) / DIM + 1) ** 3 for p in x for q in y if not (same and p is q)]
        return float(sum(k)) / len(k)

    rows, others = list(fake), list(real)
    expected = mean(rows, rows, True) + mean(others, others, True) - 2 * mean(rows, others, False)  # type: ignore[arg-type]
    return expected, measure("kid", fake, real).value, 1e-12 * max(1, abs(expected))


def kid_unbiased() -> Found:
    values = [measure("kid", draw(20, 1000 + i), draw(30, 2000 + i)).value for i in range(200)]
    return 0.0, float(np.mean(values)), 3 * float(np.std(values)) / math.sqrt(200)


def is_constant() -> Found:
    return 1.0, _inception(np.tile(draw(1, 14), (40, 1))).value, EXACT


def is_classes() -> Found:
    return 7.0, _inception(np.eye(10)[np.arange(70) % 7] * 1000).value, EXACT


def is_refused() -> Found:
    try:
        return "refused", str(_inception(draw(12, 15), splits=10).value), 0
    except Refused:
        return "refused", "refused", 0


def _inception(logits: np.ndarray, splits: int = 1) -> Measure:
    values = np.zeros((len(logits), 2))
    return METRICS["is"].compute(features(values, logits), Reference(features(values)), {"splits": splits})


def collapse_precision() -> Found:
    return 1.0, _collapsed("precision"), 0.0


def collapse_recall() -> Found:
    return 0.0, _collapsed("recall"), 0.05


def _collapsed(metric: str) -> float:
    real = draw(100, 16)
    return measure(metric, real[0] + 0.01 * draw(100, 17), real).value


def coverage_expected() -> Found:
    n, k = 40, int(PARAMS["coverage"]["k"])
    values = [measure("coverage", draw(n, 3000 + i), draw(n, 4000 + i)).value for i in range(100)]
    return prdc.covered(n, k), float(np.mean(values)), 3 * float(np.std(values)) / math.sqrt(100)


def copies_found() -> Found:
    images = np.random.default_rng(18).integers(0, 256, (260, 8, 8, 3), dtype=np.uint8)
    images[200:210] = images[:10]

    def side(some: np.ndarray) -> Features:
        return features(some.reshape(len(some), -1) / 255, images=some)

    real, fake, heldout = images[:100], images[180:240], images[100:180]
    ref = Reference(side(real), side(heldout), side(real[:, :, ::-1]))
    flagged = METRICS["copies"].compute(side(fake), ref, PARAMS["copies"]).extras["flagged"]
    return " ".join(map(str, range(20, 30))), " ".join(map(str, np.flatnonzero(flagged))), 0

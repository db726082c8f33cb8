"""Dose curves: whether a protocol's distance grows with the damage done to real images, one's own for instance."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from core import datasets, evaluate, protocols
from core.configs import PrepareConfig
from core.errors import ScoreError
from core.types import ImageSet, Progress, concat, silent

Damage = Callable[[np.ndarray, float], np.ndarray]
"""((N, H, W, 3) uint8, dose) -> the same shape, uint8."""


@dataclass(frozen=True)
class Dose:
    """One point of a curve: the leading metric of n damaged real images against the reference. amount 0: undamaged."""

    damage: str
    unit: str
    amount: float
    value: float
    error: float | None
    n: int


def blur(images: np.ndarray, sigma: float) -> np.ndarray:
    """Pillow's Gaussian blur; sigma in pixels."""
    return np.stack([np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(sigma))) for x in images])


def noise(images: np.ndarray, sigma: float) -> np.ndarray:
    """Independent normal noise on each value; sigma in grey levels. The same noise at every dose, scaled."""
    z = np.random.default_rng(0).standard_normal(images.shape, np.float32)
    return np.clip(np.rint(images + sigma * z), 0, 255).astype(np.uint8)


def cast(images: np.ndarray, levels: float) -> np.ndarray:
    """Red brighter and blue darker by so many grey levels."""
    return np.clip(images + np.array([levels, 0, -levels]), 0, 255).astype(np.uint8)


CURVES: dict[str, tuple[Damage, str, tuple[float, ...]]] = {
    "blur": (blur, "pixels (sigma)", (0.5, 1, 2)),
    "noise": (noise, "grey levels (sigma)", (5, 20, 60)),
    "colour cast": (cast, "grey levels", (10, 20, 40)),
}
DROPPED, SHARES = "dropped class", (0.0, 0.5, 1.0)


def curves(dataset: str, protocol: str = "lite0", n: int = 300, size: int = 32, progress: Progress = silent) -> list[Dose]:
    """Every curve on at most n real images outside the training split, test before validation: dose 0 first, then rising doses.

    The largest class is dropped by shares from all of these images, as many at each share as are left without it. (Dropping
    one class after another is no dose: two that lie on opposite sides balance each other.) ScoreError for a protocol that does
    not rank, or too few images.
    """
    p = protocols.protocol(protocol)
    if n < evaluate.LEAST:
        raise ScoreError(f"n is {n}; a dose curve needs at least {evaluate.LEAST} images.")
    if not p.ranked:
        raise ScoreError(f"{protocol} is never ranked, so it has no dose curve; choose another protocol.")
    datasets.prepare(PrepareConfig(dataset, size), progress)
    real = datasets.load(dataset, p.reference_split, size=size)
    every = concat([datasets.heldout(dataset, n, size=size), datasets.load(dataset, "val", size=size)], dataset)
    held = every.take(min(n, len(every)))
    # One number a set: the leading metric alone.
    alone = replace(p, metrics=p.metrics[:1])
    sets = [(name, unit, x, s) for name, (f, unit, xs) in CURVES.items() for x, s in _doses(held, f, xs)]
    sets += [(DROPPED, "share of it", x, s) for x, s in _dropped(every)]
    found = []
    for i, (name, unit, amount, images) in enumerate(sets):
        progress(i, len(sets), f"{name} {amount:g}")
        score = evaluate.evaluate(images, real, None, alone).scores[p.metrics[0].key]
        found.append(Dose(name, unit, amount, score.value, score.error, len(images)))
    return found


def verdicts(doses: Sequence[Dose]) -> dict[str, str]:
    """Of each curve: "rises" with every dose, "falls" somewhere by more than its errors (95 %), or is "open" within them."""
    return {name: _verdict([d for d in doses if d.damage == name]) for name in dict.fromkeys(d.damage for d in doses)}


def _verdict(curve: Sequence[Dose]) -> str:
    steps = list(zip(curve, curve[1:], strict=False))
    if all(a.value < b.value for a, b in steps):
        return "rises"
    falls = any(a.value - b.value > 1.96 * math.hypot(a.error or 0, b.error or 0) for a, b in steps)
    return "falls" if falls else "open"


def _doses(held: ImageSet, damage: Damage, amounts: Sequence[float]) -> list[tuple[float, ImageSet]]:
    return [(0.0, held), *((x, replace(held, images=damage(held.images, x))) for x in amounts)]


def _dropped(images: ImageSet) -> list[tuple[float, ImageSet]]:
    """The images less a rising share of their largest class; none for a set without classes."""
    if images.labels is None or len(np.unique(images.labels)) < 2:
        return []
    classes, counts = np.unique(images.labels, return_counts=True)
    largest = np.flatnonzero(images.labels == classes[counts.argmax()])
    n = len(images) - len(largest)
    if n < evaluate.LEAST:
        raise ScoreError(f"{n} images are left without the largest class; a dose curve needs {evaluate.LEAST}: add images.")
    found = []
    for share in SHARES:
        gone = largest[round((1 - share) * len(largest)) :]
        places = np.setdiff1d(np.arange(len(images)), gone)[:n]
        found.append((share, replace(images, images=images.images[places], labels=None)))
    return found

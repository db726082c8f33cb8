"""Dose curves: whether a protocol's distance grows with the damage done to real images. An extractor's sanity on one's own data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from core import datasets, evaluate, protocols
from core.configs import PrepareConfig
from core.errors import ScoreError
from core.types import ImageSet, Progress, silent

Damage = Callable[[np.ndarray, float], np.ndarray]
"""((N, H, W, 3) uint8, dose) -> the same shape, uint8."""


@dataclass(frozen=True)
class Dose:
    """One point of a curve: the leading metric of n damaged held-out images against the reference. amount 0: undamaged."""

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
DROPPED = "dropped classes"


def curves(dataset: str, protocol: str = "lite0", n: int = 300, size: int = 32, progress: Progress = silent) -> list[Dose]:
    """Every curve on at most n held-out images of a data set: its own dose 0 first, then rising doses.

    Classes are dropped largest first, one to all but one, each time as many images as the last step has left. ScoreError for a
    protocol that does not rank, or too few held-out images.
    """
    p = protocols.protocol(protocol)
    if not p.ranked:
        raise ScoreError(f"{protocol} is never ranked, so it has no dose curve; choose another protocol.")
    datasets.prepare(PrepareConfig(dataset, size), progress)
    real, held = datasets.load(dataset, p.reference_split, size=size), datasets.heldout(dataset, n, size=size)
    held = held.take(min(n, len(held)))
    # One number a set: the leading metric alone.
    alone = replace(p, metrics=p.metrics[:1])
    sets = [(name, unit, x, s) for name, (f, unit, xs) in CURVES.items() for x, s in _doses(held, f, xs)]
    sets += [(DROPPED, "classes", k, s) for k, s in _dropped(held)]
    found = []
    for i, (name, unit, amount, images) in enumerate(sets):
        progress(i, len(sets), f"{name} {amount:g}")
        score = evaluate.evaluate(images, real, None, alone).scores[p.metrics[0].key]
        found.append(Dose(name, unit, amount, score.value, score.error, len(images)))
    return found


def monotone(doses: Sequence[Dose]) -> dict[str, bool]:
    """Whether each curve rises with every dose."""
    names = dict.fromkeys(d.damage for d in doses)
    values = {name: [d.value for d in doses if d.damage == name] for name in names}
    return {name: all(a < b for a, b in zip(v, v[1:], strict=False)) for name, v in values.items()}


def _doses(held: ImageSet, damage: Damage, amounts: Sequence[float]) -> list[tuple[float, ImageSet]]:
    return [(0.0, held), *((x, replace(held, images=damage(held.images, x))) for x in amounts)]


def _dropped(held: ImageSet) -> list[tuple[float, ImageSet]]:
    """All classes, then without the largest, without the two largest, ..; one class stays. None for a set without classes."""
    if held.labels is None or len(np.unique(held.labels)) < 2:
        return []
    classes, counts = np.unique(held.labels, return_counts=True)
    order = classes[np.argsort(-counts, kind="stable")]
    n = int(np.isin(held.labels, order[-1:]).sum())
    if n < evaluate.LEAST:
        raise ScoreError(f"The smallest class has {n} held-out images; {evaluate.LEAST} are needed for its dose curve: raise n.")
    found = []
    for k in range(len(order)):
        places = np.flatnonzero(np.isin(held.labels, order[k:]))[:n]
        found.append((float(k), replace(held, images=held.images[places], labels=held.labels[places])))
    return found

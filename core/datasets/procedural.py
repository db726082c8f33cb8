"""Data sets that are drawn, not read: prepared once like the others, and more on demand."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import store
from core.datasets import streams
from core.datasets.split import SPLITS, copies
from core.types import BLOCK, Arrays, ImageSet, Progress, canonical, silent

SEED = 0
_AT_ONCE = 1 << 19  # pixels that a thread draws before it tells how far it is: 512 images of 32 px
SIZES: Mapping[str, int] = dict(zip(SPLITS, (6400, 800, 800), strict=True))
"""Of the endless series, the first 6,400 images train and so on; what comes behind is fresh. Each image's kind is drawn at
random, so the series is in random order already."""


@dataclass(frozen=True)
class Procedural:
    """draw: (seed, indices (N,), size) -> images (N, size, size, 3) uint8, labels (N,) int64; image i depends on (seed, i)."""

    name: str
    label: str
    licence: str
    version: int
    classes: tuple[str, ...]
    draw: Callable[[int, np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def recipe(p: Procedural, size: int) -> dict[str, Any]:
    return {"procedural": p.name, "version": p.version, "seed": SEED, "size": size, "splits": list(SIZES.values())}


def arrays(p: Procedural, size: int, progress: Progress = silent) -> Arrays:
    """images_SPLIT, labels_SPLIT and `facts`, as a folder's preparation gives them."""

    def compute(folder: Path) -> Arrays:
        begun, n, step = time.monotonic(), sum(SIZES.values()), max(1, _AT_ONCE // size**2)
        labels: list[np.ndarray] = []
        hashes: list[str] = []

        def block(start: int) -> tuple[np.ndarray, np.ndarray]:
            return p.draw(SEED, np.arange(start, min(start + step, n)), size)

        def blocks() -> Iterator[np.ndarray]:
            for images, kinds in streams.pooled(block, range(0, n, step)):
                labels.append(kinds)
                hashes.extend(hashlib.sha256(image.data).hexdigest() for image in images)
                progress(sum(map(len, labels)), n, f"drawing {p.name}")
                yield images

        series = np.load(streams.npy(folder / "series.npy", blocks(), (n, size, size, 3)), mmap_mode="r")
        kinds, out, start = np.concatenate(labels), {}, 0
        for split, count in SIZES.items():
            out[f"images_{split}"] = series[start : start + count]
            out[f"labels_{split}"] = kinds[start : start + count]
            start += count
        facts = _facts(p, out, size) | copies(hashes, kinds.tolist()) | {"seconds": round(time.monotonic() - begun, 3)}
        return out | {"facts": np.frombuffer(canonical(facts).encode(), np.uint8)}

    return streams.kept(recipe(p, size), compute, f"{p.name} {size}")


def _facts(p: Procedural, out: Arrays, size: int) -> dict[str, Any]:
    return {
        "recipe": recipe(p, size),
        "splits": dict(SIZES),
        "classes": {c: {s: int((out[f"labels_{s}"] == k).sum()) for s in SPLITS} for k, c in enumerate(p.classes)},
        "height": [size] * 3,
        "width": [size] * 3,
        "skipped": [],
    }


def fresh(p: Procedural, n: int, size: int) -> ImageSet:
    """The n images that follow those of the splits; kept in blocks, so that a larger n draws only what is new."""
    assert n > 0, n
    first = sum(SIZES.values())

    def block(k: int) -> Arrays:
        images, labels = p.draw(SEED, first + np.arange(k * BLOCK, (k + 1) * BLOCK), size)
        return {"images": images, "labels": labels}

    def kept(k: int) -> Arrays:
        return store.get_or_compute("datasets", recipe(p, size) | {"fresh block": k}, lambda: block(k))

    blocks = list(streams.pooled(kept, range(-(-n // BLOCK))))
    images, labels = (np.concatenate([b[name] for b in blocks])[:n] for name in ("images", "labels"))
    return ImageSet(p.name, "fresh", images, labels)

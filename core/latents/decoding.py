"""What is computed of a VAE's codes, in float32 on the CPU, from a network and validation images."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core import pixels
from core.configs import LatentConfig
from core.errors import DataError
from core.latents import files
from core.types import Arrays, ImageSet, Progress

SHOWN = 16  # reconstructions
GRID = 25  # decodes along each axis of the plane; odd, so that one is the code 0
FRAMES = 13  # decodes between two images, both ends included
BATCH = 250


@dataclass(frozen=True, eq=False)
class Scene:
    """What a picture is made from. known: of the validation images."""

    config: LatentConfig
    network: Any
    images: ImageSet
    known: Arrays

    def chosen(self, n: int) -> np.ndarray:
        """Places of n different validation images, or of all there are, by the seed alone."""
        return np.random.default_rng(self.config.seed).choice(len(self.images), min(n, len(self.images)), replace=False)


def _reconstructions(s: Scene) -> Arrays:
    places = s.chosen(SHOWN)
    originals = s.images.images[places]
    return {"places": places, "originals": originals, "images": _decode(s.network, s.known["codes"][places])}


def _manifold(s: Scene) -> Arrays:
    """Equal shares of N(0, 1) between the lines of the grid: Kingma and Welling 2014, figure 4."""
    axis = quantiles(GRID)
    codes = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    images = _decode(s.network, codes.astype(np.float32))
    return {"axis": axis, "images": images.reshape(GRID, GRID, *images.shape[1:])}


def _interpolation(s: Scene) -> Arrays:
    """The straight line: between means, not between draws of N(0, 1), for whose length one would turn instead (slerp)."""
    places = s.chosen(2)
    if len(places) < 2:
        raise DataError(f"{s.config.dataset} has one validation image; a way needs two: add images to it.")
    first, last = (s.known["codes"][p].astype(np.float64) for p in places)
    share = np.linspace(0, 1, FRAMES)[:, None]
    codes = ((1 - share) * first + share * last).astype(np.float32)
    return {"places": places, "originals": s.images.images[places], "codes": codes, "images": _decode(s.network, codes)}


def _encode(s: Scene) -> Arrays:
    original = files.picture(Path(s.config.image), s.images.images.shape[1]).pixels
    found = seen(s.network, original[None])
    image = _decode(s.network, found["codes"])[0]
    return {"original": original, "image": image, "code": found["codes"][0], "error": found["errors"], "kl": found["kl"][0]}


SHOWS: dict[str, Callable[[Scene], Arrays]] = {
    "reconstructions": _reconstructions,
    "manifold": _manifold,
    "interpolation": _interpolation,
    "encode": _encode,
}


def quantiles(n: int) -> np.ndarray:
    """(n,) float64: the middles of n equal shares of N(0, 1), rising, symmetric about 0."""
    normal = statistics.NormalDist()
    found = np.array([normal.inv_cdf((i + 0.5) / n) for i in range(n)])
    # To the bit: the middle one is 0.
    return (found - found[::-1]) / 2


def validation(network: Any, images: ImageSet, progress: Progress) -> Arrays:
    parts = []
    for start in range(0, len(images), BATCH):
        progress(start, len(images), "encoding validation images")
        parts.append(seen(network, images.images[start : start + BATCH]))
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def seen(network: Any, images: np.ndarray) -> Arrays:
    """codes (B, L), errors (B,), kl (B, L), float32, of (B, H, W, 3) uint8."""
    import torch

    with torch.inference_mode():
        x = torch.from_numpy(pixels.to_signed(np.asarray(images))).permute(0, 3, 1, 2).contiguous()
        mu, log_var = network.encode(x)
        errors = (network.decode(mu) - x).square().flatten(1).sum(1)
        # Kingma and Welling 2014, appendix B.
        kl = 0.5 * (mu.square() + log_var.exp() - 1 - log_var)
    return {"codes": mu.numpy(), "errors": errors.numpy(), "kl": kl.numpy()}


def _decode(network: Any, codes: np.ndarray) -> np.ndarray:
    """(B, L) float32 -> (B, H, W, 3) uint8."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(codes), BATCH):
            z = torch.from_numpy(np.array(codes[start : start + BATCH], np.float32))
            parts.append(pixels.to_uint8(network.decode(z).permute(0, 2, 3, 1).numpy()))
    return np.concatenate(parts)

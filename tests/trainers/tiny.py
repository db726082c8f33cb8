"""Small image sets, configs of a second's training, and a tell that keeps what it is told."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.configs import DDPMConfig, VAEConfig
from core.types import ImageSet

VAE = VAEConfig(dataset="d", size=8, latent=3, batch=16, epochs=2)
DDPM = DDPMConfig(dataset="d", size=8, channels="16-16", batch=8, steps=5, check_every=2, warmup=2)


def images(n: int, split: str = "train", seed: int = 0) -> ImageSet:
    """n images of random pixels."""
    return ImageSet("d", split, np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 3), dtype=np.uint8))


def plain(n: int, split: str = "train") -> ImageSet:
    """n images of one random colour each: what anything that trains can learn."""
    colours = np.random.default_rng(n).integers(0, 256, (n, 1, 1, 3), dtype=np.uint8)
    return ImageSet("d", split, np.broadcast_to(colours, (n, 8, 8, 3)).copy())


def sets(n: int = 48, n_val: int = 6) -> tuple[ImageSet, ImageSet]:
    return images(n), images(n_val, "val", seed=1)


def listener() -> tuple[list[dict[str, Any]], Callable[..., None]]:
    """(what was told, the tell)"""
    told: list[dict[str, Any]] = []
    return told, lambda done, total, note, **numbers: told.append({"done": done, "total": total, "note": note, **numbers})

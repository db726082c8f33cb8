"""Small image files of every kind that a folder may hold."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def colours(seed: int, height: int = 9, width: int = 12) -> np.ndarray:
    """(height, width, 3) uint8: a smooth picture, another one for each seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    return np.stack([255 * (a * x + b * y) / 2 for a, b in rng.random((3, 2))], axis=-1).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png(seed: int) -> bytes:
    return encoded(Image.fromarray(colours(seed)), "PNG")


def photos(folder: Path, n: int = 20, classes: tuple[str, ...] = ("ash", "oak")) -> Path:
    """n different pictures, shared out over class folders."""
    for i in range(n):
        place = folder / classes[i % len(classes)]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i:03}.png").write_bytes(png(i))
    return folder

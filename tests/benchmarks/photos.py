"""Folders of JPEGs to measure with: drawings of 128 pixels under noise, as large on disk as photos of that size."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from core.datasets import petals

SIDE = 128
DRAWN = 256
"""Different drawings; each file has one of them under noise of its own."""
NOISE, QUALITY = 8, 75
"""Deviation in grey levels. Photos of this size and quality take 2.7 KB, these files 3.6, and both decode in one time."""


def write(folder: Path, n: int) -> list[Path]:
    """n files of different content in five folders below this one, in the order of their names."""
    rng = np.random.default_rng(0)
    drawings, kinds = petals.draw(1, np.arange(min(n, DRAWN)), SIDE)
    written = []
    for i in range(n):
        k = i % len(drawings)
        noisy = np.clip(drawings[k] + rng.normal(0, NOISE, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)
        file = folder / petals.CLASSES[kinds[k] % 5] / f"{i:06}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(jpeg(noisy))
        written.append(file)
    return sorted(written)


def jpeg(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def commented(data: bytes, text: str) -> bytes:
    """The JPEG with a comment behind its first marker: other bytes, the same picture."""
    words = text.encode()
    return data[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + data[2:]

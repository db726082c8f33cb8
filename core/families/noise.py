"""Uniform random pixels: the study's first baseline."""

from collections.abc import Iterator, Sequence

import numpy as np

from core import pixels
from core.families import Draw, final
from core.types import Step


def walk(d: Draw, seeds: Sequence[int]) -> Iterator[Step]:
    """One image a seed; each value is one of 0..255 with equal chance."""
    shape = (d.size, d.size, 3)
    images = np.stack([np.random.default_rng(s).integers(0, 256, shape, dtype=np.uint8) for s in seeds])
    yield final(pixels.to_signed(images), evaluations=0)

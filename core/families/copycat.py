"""Training images drawn again, unchanged: the yardstick that every search for copies must find.

On FID alone such a model beats all others (Jiralerspong et al. 2023, "Feature Likelihood Divergence").
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core import pixels
from core.families import Draw, final
from core.types import ImageSet, Step


def recipe(images: ImageSet) -> dict[str, Any]:
    """All that shapes what is drawn, for cache keys."""
    return {"images": images.fingerprint}


def fit(images: ImageSet) -> np.ndarray:
    """(N, H, W, 3) uint8: the images as they are."""
    return images.images


def walk(d: Draw, seeds: Sequence[int]) -> Iterator[Step]:
    """One image a seed, each training image with equal chance; some come twice, as in any sample with replacement."""
    chosen = np.stack([d.model[np.random.default_rng(s).integers(len(d.model))] for s in seeds])
    yield final(pixels.to_signed(chosen), evaluations=0)

"""Between the bytes of an image file and the numbers that networks see."""

import numpy as np

from core.errors import DataError


def to_signed(images: np.ndarray) -> np.ndarray:
    """uint8 of any shape -> float32 in [-1, 1]: x / 127.5 - 1."""
    assert images.dtype == np.uint8, images.dtype
    return images / np.float32(127.5) - np.float32(1)


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Floats of any shape -> uint8: rounded, not cut off, and clipped to [-1, 1] first; inverts `to_signed` exactly.

    DataError for values that are not numbers: no grey level stands for them.
    """
    if np.isnan(values).any():
        raise DataError("The images hold values that are not numbers; the model that drew them has diverged: train it again.")
    return np.rint((np.clip(values, -1, 1) + 1) * 127.5).astype(np.uint8)

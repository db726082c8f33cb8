"""Decoded images on a sheet, and the words for what they are."""

from typing import Any

import numpy as np

from core.types import Arrays


def laid_out(show: str, found: Arrays) -> tuple[np.ndarray, int]:
    """(N, H, W, 3) uint8 in the order of a sheet, and its columns.

    reconstructions: a row of originals, the row of their reconstructions below it.  manifold: the first number of the code grows
    to the right, the second upwards.  interpolation: between the two originals.  encode: original, reconstruction.
    """
    if show == "manifold":
        images = found["images"][::-1]
        return images.reshape(-1, *images.shape[2:]), len(found["axis"])
    if show == "reconstructions":
        across = min(8, len(found["images"]))
        starts = range(0, len(found["images"]), across)
        rows = [found[name][i : i + across] for i in starts for name in ("originals", "images")]
        return np.concatenate(rows), across
    if show == "interpolation":
        first, last = found["originals"][:1], found["originals"][1:]
        return np.concatenate([first, found["images"], last]), len(found["images"]) + 2
    return np.stack([found["original"], found["image"]]), 2


def nearest(axis: np.ndarray, code: np.ndarray) -> tuple[int, int]:
    """(row, column) of the decode in the manifold's images that lies nearest to a code of two numbers."""
    first, second = (int(np.abs(axis - value).argmin()) for value in code)
    return second, first


def levels(error: float | np.ndarray, size: int) -> Any:
    """A summed squared error as the root mean square difference of a pixel's value, in levels of 0 to 255."""
    return np.sqrt(np.asarray(error, np.float64) / (3 * size * size)) * 127.5


def share_inside(found: Arrays) -> float:
    """The share of the validation images whose codes lie within the manifold's outermost decodes."""
    return float((np.abs(found["val_codes"]) <= found["axis"][-1]).all(axis=1).mean())


def beside_validation(found: Arrays) -> tuple[float, float]:
    """How an encoded image compares: its squared error as a multiple of the validation images' median one, and the share of them
    whose error is smaller."""
    error, usual = float(found["error"][0]), np.asarray(found["val_errors"], np.float64)
    return error / float(np.median(usual)), float((usual < error).mean())

"""uint8 images -> PNG and GIF bytes. PNG always: JPEG would falsify noise, and these images are small."""

import io
import math

import numpy as np
from PIL import Image

GREY = (128, 128, 128)
"""Between the tiles: seen on a white page and on a black one."""
LARGEST_SCALE = 8


def png(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 -> PNG with exactly these pixels."""
    assert image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8, f"{image.shape} {image.dtype}"
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="PNG")
    return file.getvalue()


def sheet(
    images: np.ndarray,
    *,
    columns: int | None = None,
    scale: int = 1,
    gap: int = 2,
    background: tuple[int, int, int] = GREY,
) -> bytes:
    """(N, H, W, 3) uint8 -> PNG of all of them in rows, as `tiled` lays them out."""
    return png(tiled(images, columns=columns, scale=scale, gap=gap, background=background))


def tiled(
    images: np.ndarray,
    *,
    columns: int | None = None,
    scale: int = 1,
    gap: int = 2,
    background: tuple[int, int, int] = GREY,
) -> np.ndarray:
    """(N, H, W, 3) uint8 -> one (rows, columns, 3) uint8 picture, row by row.

    columns: None chooses `balanced(N)`.  scale: each pixel becomes scale x scale equal ones, 1 to 8.
    gap: pixels of the result between two tiles; none around the outside.
    """
    assert images.ndim == 4 and images.shape[3] == 3 and images.dtype == np.uint8, f"{images.shape} {images.dtype}"
    assert len(images) > 0 and 1 <= scale <= LARGEST_SCALE and gap >= 0, f"{len(images)} images, scale {scale}, gap {gap}"
    n, height, width = len(images), images.shape[1] * scale, images.shape[2] * scale
    across = min(n, columns or balanced(n))
    down = -(-n // across)
    picture = np.empty((down * (height + gap) - gap, across * (width + gap) - gap, 3), np.uint8)
    picture[:] = background
    for i, image in enumerate(images):
        top, left = (i // across) * (height + gap), (i % across) * (width + gap)
        picture[top : top + height, left : left + width] = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return picture


def balanced(n: int) -> int:
    """Columns of a sheet of n tiles: nearly square, and wider rather than with a ragged last row where that takes little."""
    assert n > 0
    least = math.isqrt(n - 1) + 1
    return next((c for c in range(least, 2 * least + 1) if n % c == 0), least)


def gif(frames: np.ndarray, fps: float) -> bytes:
    """(K, H, W, 3) uint8 -> an endless GIF. Lossy where a frame has more than 256 colours: for looking, not for measuring.

    fps: 1 to 50 (browsers slow down what claims to be faster). The last frame, the result, stays for a second.
    """
    assert frames.ndim == 4 and frames.shape[3] == 3 and frames.dtype == np.uint8, f"{frames.shape} {frames.dtype}"
    assert len(frames) > 0 and 1 <= fps <= 50, f"{len(frames)} frames at {fps} a second"
    # GIF counts hundredths of a second.
    milliseconds = 10 * round(100 / fps)
    pictures = [Image.fromarray(np.ascontiguousarray(f)).quantize(256, Image.Quantize.MEDIANCUT) for f in frames]
    durations = [milliseconds] * (len(frames) - 1) + [max(1000, milliseconds)]
    file = io.BytesIO()
    pictures[0].save(file, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    return file.getvalue()

"""One image file as a small RGB square, or the reason why not."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif"})
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
LARGEST_SIDE = 4096
LARGEST_FILE = 100 << 20
RULE = {
    "version": 1,
    "crop": "centre square of the smaller side",
    "resize": "Pillow BOX; BICUBIC where it enlarges",
    "colour": "EXIF-upright, first frame, alpha over white, 16-bit cut to 8, RGB",
}
"""All that shapes the pixels besides the files and the size; a part of every key."""

# EXIF's orientation (its table 6): how the stored picture is turned upright.
_UPRIGHT: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112


@dataclass(frozen=True, eq=False)
class Picture:
    """pixels: (size, size, 3) uint8.  height, width: of the upright original.  sha256: of the file's bytes."""

    pixels: np.ndarray
    height: int
    width: int
    sha256: str


def read(path: Path, size: int) -> Picture | str:
    """The picture at `size` px a side, or in a few words why the file cannot be read.

    Pillow's warnings (of metadata, mostly) are the caller's to silence: filters belong to the whole process.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            return f"larger than {LARGEST_FILE >> 20} MB"
        data = path.read_bytes()
    except OSError as e:
        return f"cannot be opened ({e.strerror})"
    if not data:
        return "empty file"
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as stored:
            if max(stored.size) > LARGEST_SIDE:
                return f"{stored.width} x {stored.height} pixels; at most {LARGEST_SIDE} a side are read"
            picture = _rgb(_upright(stored))
    except UnidentifiedImageError:
        return "not a PNG, JPEG, WEBP, BMP or GIF image"
    except Image.DecompressionBombError:
        return f"more than {LARGEST_SIDE} pixels a side"
    # What Pillow raises for damaged files.
    except (OSError, SyntaxError, ValueError) as e:
        return f"damaged ({e})"
    return Picture(np.asarray(_square(picture, size)), picture.height, picture.width, hashlib.sha256(data).hexdigest())


def _upright(stored: Image.Image) -> Image.Image:
    try:
        turn = _UPRIGHT.get(stored.getexif().get(_ORIENTATION))
    except SyntaxError:
        # Damaged metadata; the pixels are checked by themselves.
        return stored
    return stored if turn is None else stored.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow clips 16 bits to 255 instead of scaling them.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")


def _square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    how = Image.Resampling.BOX if side >= size else Image.Resampling.BICUBIC
    return image.crop((left, top, left + side, top + side)).resize((size, size), how)

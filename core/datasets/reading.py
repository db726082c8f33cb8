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

# How a picture becomes a square, and a small one: what the recipe says of it.
CROPS = {"centre": "centre square of the smaller side", "squeeze": "the whole picture squeezed into a square"}
FILTERS = {f.name.lower(): f for f in Image.Resampling if f.name in ("BOX", "BILINEAR", "BICUBIC", "LANCZOS")}


def rule(crop: str = "centre", resize: str = "box") -> dict[str, object]:
    """`RULE` with another crop or another of Pillow's filters (each averages over all pixels when it makes smaller)."""
    return RULE | {"crop": CROPS[crop], "resize": f"Pillow {resize.upper()}; BICUBIC where it enlarges"}


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
    """The picture in a file at `size` px a side, or in a few words why it cannot be read."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return f"larger than {LARGEST_FILE >> 20} MB"
        return picture(path.read_bytes(), size)
    except OSError as e:
        return f"cannot be opened ({e.strerror})"


def picture(data: bytes, size: int, crop: str = "centre", resize: str = "box") -> Picture | str:
    """The picture in a file's bytes at `size` px a side, or in a few words why there is none.

    Pillow's warnings (of metadata, mostly) are the caller's to silence: filters belong to the whole process.
    """
    if not data:
        return "empty file"
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as stored:
            if max(stored.size) > LARGEST_SIDE:
                return f"{stored.width} x {stored.height} pixels; at most {LARGEST_SIDE} a side are read"
            whole = _rgb(_upright(stored))
    except UnidentifiedImageError:
        return "not a PNG, JPEG, WEBP, BMP or GIF image"
    except Image.DecompressionBombError:
        return f"more than {LARGEST_SIDE} pixels a side"
    # What Pillow raises for damaged files.
    except (OSError, SyntaxError, ValueError) as e:
        return f"damaged ({e})"
    small = np.asarray(_square(whole, size, crop, FILTERS[resize]))
    return Picture(small, whole.height, whole.width, hashlib.sha256(data).hexdigest())


def upright(data: bytes) -> Image.Image:
    """The whole picture as it is shown, RGB. For bytes that `picture` takes."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as stored:
        return _rgb(_upright(stored))


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
    image.load()  # before its file is closed
    return image if image.mode == "RGB" else image.convert("RGB")


def _square(image: Image.Image, size: int, crop: str, resize: Image.Resampling) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    whole = crop != "centre" or image.width == image.height
    square = image if whole else image.crop((left, top, left + side, top + side))
    return square.resize((size, size), resize if side >= size else Image.Resampling.BICUBIC)

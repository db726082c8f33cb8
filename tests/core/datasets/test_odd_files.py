"""A folder as people have them: every kind of odd or bad file is read or skipped with a reason, and none stops the run."""

import os
import struct
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import datasets
from core.configs import AddConfig, PrepareConfig
from tests.core.datasets.files import colours, encoded, png

SPLITS = ("train", "val", "test")
RGB = Image.fromarray(colours(1, 24, 24))
SIXTEEN = Image.fromarray(np.asarray(RGB.convert("L")).astype(np.uint16) << 8)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(RGB.resize((24, 30)), "JPEG", exif=exif)


def frames() -> bytes:
    rest = [Image.fromarray(colours(k, 24, 24)) for k in (2, 3)]
    return encoded(RGB, "GIF", save_all=True, append_images=rest)


def interlaced() -> bytes:
    return encoded(RGB, "JPEG", progressive=True)


def palette(*, transparent: bool) -> bytes:
    made = RGB.quantize(16)
    return encoded(made, "PNG", transparency=0) if transparent else encoded(made, "PNG")


def header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


JPEG, PNG, WEBP, GIF, BMP = (encoded(RGB, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP"))

READ: Mapping[str, bytes] = {
    "plain.jpg": JPEG,
    "in capitals.JPEG": encoded(RGB, "JPEG", quality=30),
    "progressive.jpg": interlaced(),
    "cmyk.jpg": encoded(RGB.convert("CMYK"), "JPEG"),
    "grey.jpg": encoded(RGB.convert("L"), "JPEG"),
    "turned by exif.jpg": turned(),
    "damaged exif.jpg": turned().replace(b"Exif\0\0", b"Exif\0\xff", 1),
    "palette.png": palette(transparent=False),
    "palette with a hole.png": palette(transparent=True),
    "alpha.png": encoded(RGB.convert("RGBA"), "PNG"),
    "grey with alpha.png": encoded(RGB.convert("LA"), "PNG"),
    "one bit.png": encoded(RGB.convert("1"), "PNG"),
    "sixteen bits.png": encoded(SIXTEEN, "PNG"),
    "moving.gif": frames(),
    "moving.webp": encoded(RGB, "WEBP", save_all=True, append_images=[Image.fromarray(colours(9, 24, 24))], lossless=True),
    "lossless.webp": encoded(RGB, "WEBP", lossless=True),
    "picture.bmp": BMP,
    "a jpeg that says png.png": encoded(RGB, "JPEG", quality=60),
    "one pixel.png": encoded(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG"),
    "one pixel high.png": encoded(Image.new("RGB", (300, 1), (1, 2, 3)), "PNG"),
    "more behind it.jpg": encoded(RGB, "JPEG", quality=70) + b"more",
    "ümläut und \N{SUNFLOWER}.png": png(70),
    "deep/er/and/deeper/still.png": png(71),
}
SKIPPED: Mapping[str, tuple[bytes, str]] = {
    "empty.png": (b"", "empty file"),
    "text.jpg": (b"dear diary", "not a PNG"),
    "page.png": (b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title>", "not a PNG"),
    "a tiff that says png.png": (encoded(RGB, "TIFF"), "not a PNG"),
    "vectors.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG"),
    "cut.jpg": (JPEG[: len(JPEG) // 2], "damaged"),
    "cut.png": (PNG[: len(PNG) // 2], "damaged"),
    "cut.webp": (WEBP[: len(WEBP) // 2], "damaged"),
    "cut.gif": (GIF[: len(GIF) * 3 // 4], ""),
    "cut.bmp": (BMP[: len(BMP) // 2], "damaged"),
    "head alone.jpg": (JPEG[:4], "not a PNG"),
    "flipped bit.png": (PNG[:60] + bytes([PNG[60] ^ 4]) + PNG[61:], "damaged"),
    "huge.png": (header_only(9000, 9000), "9000 x 9000 pixels; at most 4096"),
    "gigantic.png": (header_only(60000, 60000), "pixels a side"),
    "long.png": (header_only(5000, 3), "5000 x 3 pixels; at most 4096"),
    "lies about its size.png": (header_only(400, 400), "damaged"),
    "no size.png": (header_only(0, 0), ""),
}
PASSED_OVER = ("notes.txt", "film.mp4", ".hidden.png", ".cache/x.png", "Thumbs.db", "photo.png.part")
"""Left out without a word: they are no images by their names."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    everything = {**READ, **{k: data for k, (data, _) in SKIPPED.items()}, **dict.fromkeys(PASSED_OVER, PNG)}
    for name, data in everything.items():
        (tmp_path / "odd" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "odd" / name).write_bytes(data)
    (tmp_path / "odd" / "a folder.png").mkdir()
    return tmp_path / "odd"


def test_every_kind_of_file_is_read_or_skipped_with_its_reason(folder: Path) -> None:
    assert len(READ) + len(SKIPPED) >= 20
    datasets.add(AddConfig(str(folder), "odd"))
    card = datasets.prepare(PrepareConfig("odd", size=16))
    reasons = dict(card.skipped)
    assert reasons.keys() == SKIPPED.keys()
    wrong = {name: reasons[name] for name, (_, says) in SKIPPED.items() if says not in reasons[name] or not reasons[name]}
    assert wrong == {}
    read = {n.decode() for s in SPLITS for n in datasets.of_files("odd", s, size=16).names}  # type: ignore[union-attr]
    assert read == set(READ)


def test_what_is_read_looks_like_what_was_stored(folder: Path) -> None:
    datasets.add(AddConfig(str(folder), "odd"))
    datasets.prepare(PrepareConfig("odd", size=24))
    pictures = {
        name.decode(): image
        for s in SPLITS
        for name, image in zip(datasets.of_files("odd", s, size=24).names, datasets.load("odd", s, size=24).images, strict=True)  # type: ignore[union-attr]
    }
    expected = np.asarray(RGB).astype(int)
    for name in (
        "plain.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "alpha.png",
        "lossless.webp",
        "moving.webp",
        "picture.bmp",
        "moving.gif",
    ):
        assert np.abs(pictures[name] - expected).mean() < 6, name
    grey = np.asarray(RGB.convert("L")).astype(int)
    for name in ("grey.jpg", "grey with alpha.png", "sixteen bits.png"):
        assert np.abs(pictures[name] - grey[..., None]).mean() < 6, name


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="permissions do not bind here")
def test_a_file_that_may_not_be_read_is_skipped(folder: Path) -> None:
    (folder / "plain.jpg").chmod(0)
    datasets.add(AddConfig(str(folder), "odd"))
    assert "cannot be opened" in dict(datasets.prepare(PrepareConfig("odd", size=16)).skipped)["plain.jpg"]

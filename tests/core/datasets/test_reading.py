from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import reading
from core.datasets.reading import Picture
from tests.core.datasets.files import colours, encoded

RGB = Image.fromarray(colours(1, 8, 8))


def read(tmp_path: Path, data: bytes, size: int = 8) -> Picture:
    (tmp_path / "x.png").write_bytes(data)
    picture = reading.read(tmp_path / "x.png", size)
    assert isinstance(picture, Picture), picture
    return picture


def refused(tmp_path: Path, data: bytes) -> str:
    (tmp_path / "x.png").write_bytes(data)
    reason = reading.read(tmp_path / "x.png", 8)
    assert isinstance(reason, str)
    return reason


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_reads_what_a_format_stores(kind: str, tmp_path: Path) -> None:
    flat = Image.new("RGB", (8, 8), (40, 90, 200))
    pixels = read(tmp_path, encoded(flat, kind)).pixels
    assert pixels.shape == (8, 8, 3) and pixels.dtype == np.uint8
    assert abs(pixels.astype(int) - (40, 90, 200)).max() <= 4


def test_an_image_of_the_right_size_is_unchanged(tmp_path: Path) -> None:
    assert np.array_equal(read(tmp_path, encoded(RGB, "PNG")).pixels, np.asarray(RGB))


def test_shrinking_averages_whole_areas_of_the_centre_square(tmp_path: Path) -> None:
    wide = colours(2, 16, 26)
    expected = wide[:, 5:21].reshape(8, 2, 8, 2, 3).mean(axis=(1, 3))
    picture = read(tmp_path, encoded(Image.fromarray(wide), "PNG"))
    assert abs(picture.pixels - expected).max() <= 1  # rounded once along each axis
    assert (picture.height, picture.width) == (16, 26)


def test_small_images_are_enlarged_smoothly(tmp_path: Path) -> None:
    small = colours(3, 4, 4)
    expected = Image.fromarray(small).resize((8, 8), Image.Resampling.BICUBIC)
    assert np.array_equal(read(tmp_path, encoded(Image.fromarray(small), "PNG")).pixels, np.asarray(expected))


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].swapaxes(0, 1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_cameras_held_sideways_are_turned_upright(orientation: int, upright: object, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    expected = upright(np.asarray(RGB))  # type: ignore[operator]
    assert np.array_equal(read(tmp_path, encoded(RGB, "PNG", exif=exif)).pixels, expected)


def test_the_upright_size_is_reported(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read(tmp_path, encoded(Image.new("RGB", (30, 20)), "PNG", exif=exif))
    assert (picture.height, picture.width) == (30, 20)


def test_damaged_metadata_does_not_cost_the_picture(tmp_path: Path) -> None:
    data = encoded(RGB, "PNG", exif=b"Exif\0\0nonsense")
    assert np.array_equal(read(tmp_path, data).pixels, np.asarray(RGB))


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    half = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    half.paste((0, 0, 100, 255), (0, 0, 4, 8))
    half.putpixel((7, 7), (0, 0, 0, 128))
    pixels = read(tmp_path, encoded(half, "PNG")).pixels
    assert tuple(pixels[0, 0]) == (0, 0, 100) and tuple(pixels[0, 7]) == (255, 255, 255)
    assert tuple(pixels[7, 7]) == (127, 127, 127)


def test_palettes_keep_their_colours_and_their_transparent_one_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 1)
    assert tuple(read(tmp_path, encoded(image, "PNG")).pixels[4, 4]) == (10, 20, 30)
    pixels = read(tmp_path, encoded(image, "PNG", transparency=0)).pixels
    assert tuple(pixels[4, 4]) == (255, 255, 255) and tuple(pixels[0, 0]) == (200, 100, 50)


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    grey = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1024
    pixels = read(tmp_path, encoded(Image.fromarray(grey), "PNG")).pixels
    assert np.array_equal(pixels, np.repeat((grey >> 8)[..., None], 3, axis=-1))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    pixels = read(tmp_path, encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)).pixels
    assert abs(pixels.astype(int) - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize(("mode", "colour"), [("L", 90), ("1", 1), ("LA", (90, 255))])
def test_grey_becomes_rgb(mode: str, colour: object, tmp_path: Path) -> None:
    pixels = read(tmp_path, encoded(Image.new(mode, (8, 8), colour), "PNG")).pixels  # type: ignore[arg-type]
    assert (pixels == (255 if mode == "1" else 90)).all()


def test_an_animation_is_its_first_frame(tmp_path: Path) -> None:
    red, blue = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    pixels = read(tmp_path, encoded(red, "GIF", save_all=True, append_images=[blue])).pixels
    assert (pixels == (255, 0, 0)).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_half_a_file_is_refused(kind: str, tmp_path: Path) -> None:
    data = encoded(Image.fromarray(colours(4, 64, 64)), kind)
    assert refused(tmp_path, data[: len(data) // 2]).startswith("damaged")


def test_a_flipped_bit_in_a_png_is_noticed(tmp_path: Path) -> None:
    data = bytearray(encoded(RGB, "PNG"))
    data[data.index(b"IDAT") + 20] ^= 4
    assert refused(tmp_path, bytes(data)).startswith("damaged")


def test_what_is_no_image_is_said_plainly(tmp_path: Path) -> None:
    assert refused(tmp_path, b"") == "empty file"
    assert refused(tmp_path, b"dear diary") == "not a PNG, JPEG, WEBP, BMP or GIF image"
    assert refused(tmp_path, encoded(RGB, "TIFF")) == "not a PNG, JPEG, WEBP, BMP or GIF image"
    reason = reading.read(tmp_path / "gone.png", 8)
    assert isinstance(reason, str) and reason.startswith("cannot be opened")


def test_huge_images_are_refused_from_their_header(tmp_path: Path) -> None:
    data = bytearray(encoded(Image.new("1", (5000, 8)), "PNG"))
    assert refused(tmp_path, bytes(data)) == "5000 x 8 pixels; at most 4096 a side are read"


def test_the_hash_is_of_the_bytes_and_not_of_the_pixels(tmp_path: Path) -> None:
    thin, thick = (read(tmp_path, encoded(RGB, "PNG", compress_level=k)) for k in (0, 9))
    assert thin.sha256 != thick.sha256 and np.array_equal(thin.pixels, thick.pixels)

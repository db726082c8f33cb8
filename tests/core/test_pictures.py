import io

import numpy as np
import pytest
from PIL import Image

from core import pictures


def images(n: int, h: int = 5, w: int = 7) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, h, w, 3), dtype=np.uint8)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_png_keeps_every_pixel_of_noise() -> None:
    image = images(1)[0]
    data = pictures.png(image)
    assert data.startswith(b"\x89PNG")
    np.testing.assert_array_equal(decoded(data), image)


def test_png_takes_a_view_that_is_not_contiguous() -> None:
    image = images(1, 8, 8)[0][::-1, ::2]
    np.testing.assert_array_equal(decoded(pictures.png(image)), image)


@pytest.mark.parametrize(
    ("n", "columns", "scale", "gap"), [(6, 3, 1, 2), (5, 3, 2, 1), (1, None, 8, 2), (4, 4, 3, 0), (3, 9, 1, 2)]
)
def test_each_tile_of_a_sheet_is_its_image_and_the_rest_is_background(n: int, columns: int | None, scale: int, gap: int) -> None:
    shown = images(n)
    picture = decoded(pictures.sheet(shown, columns=columns, scale=scale, gap=gap, background=(1, 2, 3)))
    across = min(n, columns or pictures.balanced(n))
    seen = np.zeros(picture.shape[:2], bool)
    for i in range(n):
        top, left = (i // across) * (5 * scale + gap), (i % across) * (7 * scale + gap)
        tile = picture[top : top + 5 * scale, left : left + 7 * scale]
        np.testing.assert_array_equal(tile, np.kron(shown[i], np.ones((scale, scale, 1), np.uint8)))
        seen[top : top + 5 * scale, left : left + 7 * scale] = True
    assert (picture[~seen] == (1, 2, 3)).all()
    down = -(-n // across)
    assert picture.shape == (down * (5 * scale + gap) - gap, across * (7 * scale + gap) - gap, 3)


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (4, 2), (10, 5), (12, 4), (13, 4), (16, 4), (32, 8), (100, 10)])
def test_sheets_are_nearly_square_and_whole_where_that_takes_little(n: int, columns: int) -> None:
    assert pictures.balanced(n) == columns


def test_columns_hold_all_tiles_for_any_number() -> None:
    for n in range(1, 300):
        c = pictures.balanced(n)
        assert c * c >= n
        assert c <= n


def test_a_gif_of_few_colours_is_exact_and_stays_on_its_last_frame() -> None:
    frames = np.zeros((3, 6, 6, 3), np.uint8)
    frames[0, 0], frames[1, 1], frames[2, 2] = (255, 0, 0), (0, 255, 0), (10, 20, 30)
    film = Image.open(io.BytesIO(pictures.gif(frames, fps=12)))
    assert film.n_frames == 3  # type: ignore[attr-defined]
    assert film.info["loop"] == 0
    durations = []
    for i, frame in enumerate(frames):
        film.seek(i)
        np.testing.assert_array_equal(np.asarray(film.convert("RGB")), frame)
        durations.append(film.info["duration"])
    assert durations == [80, 80, 1000]


def test_a_gif_of_noise_is_close_to_its_frames() -> None:
    frames = images(2, 16, 16)
    film = Image.open(io.BytesIO(pictures.gif(frames, fps=10)))
    film.seek(1)
    assert np.abs(np.asarray(film.convert("RGB")).astype(int) - frames[1]).mean() < 12


def test_floats_are_not_taken_for_pixels() -> None:
    with pytest.raises(AssertionError):
        pictures.sheet(np.zeros((2, 4, 4, 3), np.float32))

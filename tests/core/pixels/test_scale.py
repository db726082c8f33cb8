import numpy as np
import pytest

from core import pixels
from core.errors import DataError

LEVELS = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_every_level_survives_the_way_there_and_back(kind: type) -> None:
    signed = pixels.to_signed(LEVELS)
    assert signed.dtype == np.float32 and signed[0] == -1 and signed[-1] == 1
    assert np.array_equal(pixels.to_uint8(signed.astype(kind)), LEVELS)


def test_values_are_rounded_not_cut_off() -> None:
    just_below = pixels.to_signed(LEVELS).astype(np.float64) - 0.4 / 127.5
    assert np.array_equal(pixels.to_uint8(just_below), LEVELS)


def test_values_out_of_range_are_clipped_and_shapes_kept() -> None:
    wild = np.array([[-np.inf, -7.0], [1.5, np.inf]])
    assert np.array_equal(pixels.to_uint8(wild), [[0, 0], [255, 255]])


def test_what_is_no_number_is_no_pixel() -> None:
    with pytest.raises(DataError, match="not numbers"):
        pixels.to_uint8(np.array([0.0, np.nan]))

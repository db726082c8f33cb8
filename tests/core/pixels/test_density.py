import numpy as np
import pytest

from core import pixels
from core.pixels import density
from core.types import ImageSet


def some(n: int, size: int = 5) -> ImageSet:
    images = np.random.default_rng(3).integers(0, 256, (n, size, size + 1, 3), dtype=np.uint8)
    images[..., 1] //= 2
    return ImageSet("some", "all", images)


def test_of_one_colour_is_a_single_peak() -> None:
    images = np.full((2, 3, 3, 3), (0, 7, 255), np.uint8)
    found = pixels.rgb_density(ImageSet("flat", "all", images))
    assert found.shape == (3, 256) and found.dtype == np.float64
    assert [row.argmax() for row in found] == [0, 7, 255] and np.array_equal(found.max(axis=1), [1, 1, 1])


@pytest.mark.parametrize("at_once", [1, 100, 1 << 20])
def test_equals_the_plain_histogram_whatever_is_counted_at_a_time(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density, "_AT_ONCE", at_once)
    images = some(23)
    plain = [np.histogram(images.images[..., c], bins=np.arange(257), density=True)[0] for c in range(3)]
    assert np.array_equal(pixels.rgb_density(images), plain)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_odd_number_of_pixels_is_counted_to_the_last(n: int) -> None:
    images = np.random.default_rng(n).integers(0, 256, (n, 3, 5, 3), dtype=np.uint8)
    plain = [np.histogram(images[..., c], bins=np.arange(257), density=True)[0] for c in range(3)]
    assert np.array_equal(pixels.rgb_density(ImageSet("odd", "all", images)), plain)


def test_does_not_depend_on_the_order_of_the_images() -> None:
    images = some(9)
    turned = ImageSet("turned", "all", images.images[::-1])
    assert np.array_equal(pixels.rgb_density(images), pixels.rgb_density(turned))


def test_channels_are_not_mixed_up() -> None:
    found = pixels.rgb_density(some(9))
    assert found[1, 128:].sum() == 0 and found[0, 128:].sum() > 0.4 and found[2, 128:].sum() > 0.4


def test_moments_are_those_of_the_pixels() -> None:
    images = some(11)
    mean, deviation = pixels.rgb_moments(pixels.rgb_density(images))
    assert np.allclose(mean, images.images.mean(axis=(0, 1, 2)), rtol=1e-12)
    assert np.allclose(deviation, images.images.std(axis=(0, 1, 2)), rtol=1e-12)

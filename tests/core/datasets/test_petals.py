import hashlib

import numpy as np
import pytest

from core.datasets import petals

GOLDEN = "a2fdf693cdb075726c5ace44985b891c41ce10dd308cd03b28c9c3c7338716b4"


def test_the_first_images_have_the_same_bits_on_every_machine() -> None:
    images, _ = petals.draw(0, np.arange(64))
    assert hashlib.sha256(images.tobytes()).hexdigest() == GOLDEN


def test_an_image_does_not_depend_on_what_is_drawn_beside_it() -> None:
    together, labels = petals.draw(0, np.arange(40))
    for i in (0, 7, 39):
        alone, label = petals.draw(0, np.array([i]))
        assert np.array_equal(alone[0], together[i]) and label[0] == labels[i]
    shuffled = np.random.default_rng(0).permutation(40)
    assert np.array_equal(petals.draw(0, shuffled)[0], together[shuffled])


def test_any_index_can_be_drawn() -> None:
    images, labels = petals.draw(0, np.array([8000, 10**12]))
    assert images.shape == (2, 32, 32, 3) and images.dtype == np.uint8 and labels.dtype == np.int64
    assert not np.array_equal(images[0], images[1])


def test_another_seed_is_another_series() -> None:
    assert not np.array_equal(petals.draw(0, np.arange(3))[0], petals.draw(1, np.arange(3))[0])


@pytest.mark.parametrize("size", [8, 28, 64, 100])
def test_other_sizes_show_the_same_flowers(size: int) -> None:
    images, labels = petals.draw(0, np.arange(12), size)
    small, known = petals.draw(0, np.arange(12))
    assert images.shape == (12, size, size, 3) and np.array_equal(labels, known)
    assert abs(images.mean(axis=(1, 2)) - small.mean(axis=(1, 2))).max() < 3


def test_twice_the_size_averaged_is_nearly_the_image() -> None:
    large = petals.draw(0, np.arange(24), 64)[0].reshape(24, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    small = petals.draw(0, np.arange(24))[0]
    assert abs(large - small).mean() < 4 < abs(large - small[::-1]).mean() / 5


def test_all_kinds_occur_and_no_image_twice() -> None:
    images, labels = petals.draw(0, np.arange(300))
    counts = np.bincount(labels, minlength=len(petals.CLASSES))
    assert len(petals.CLASSES) == 6 and counts.min() > 25
    assert len({image.tobytes() for image in images}) == 300


def test_flowers_differ_in_colour_brightness_and_place() -> None:
    """A generator that paints the mean picture, or greys, must be far from these."""
    images = petals.draw(0, np.arange(300))[0].astype(np.float64)
    assert images.std(axis=0).mean() > 45
    assert (images.max(axis=-1) - images.min(axis=-1)).mean() > 40
    assert images.mean(axis=(1, 2, 3)).std() > 25


def test_a_kind_is_told_by_its_colours_and_shape() -> None:
    """By the nearest other picture in plain pixels: far better than the one in six of a guess."""
    images, labels = petals.draw(0, np.arange(600))
    small = images.reshape(600, 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(600, -1)
    distance = ((small[400:, None] - small[:400]) ** 2).sum(axis=2)
    assert (labels[:400][distance.argmin(axis=1)] == labels[400:]).mean() > 0.35

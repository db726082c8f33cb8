import hashlib

import numpy as np
import pytest

from core.datasets import faces

GOLDEN = "36fe02f439740a347d7339cc597b25a3c9a1c5fe119f1851f0e6a031b789e2dd"


def test_the_first_images_have_the_same_bits_on_every_machine() -> None:
    images, _ = faces.draw(0, np.arange(64))
    assert hashlib.sha256(images.tobytes()).hexdigest() == GOLDEN


def test_an_image_does_not_depend_on_what_is_drawn_beside_it() -> None:
    together, labels = faces.draw(0, np.arange(160))
    for i in (0, 7, 39, 63, 64, 159):
        alone, label = faces.draw(0, np.array([i]))
        assert np.array_equal(alone[0], together[i]) and label[0] == labels[i]
    shuffled = np.random.default_rng(0).permutation(160)
    images, kinds = faces.draw(0, shuffled)
    assert np.array_equal(images, together[shuffled]) and np.array_equal(kinds, labels[shuffled])


def test_any_index_can_be_drawn() -> None:
    images, labels = faces.draw(0, np.array([8000, 10**12]))
    assert images.shape == (2, 32, 32, 3) and images.dtype == np.uint8 and labels.dtype == np.int64
    assert not np.array_equal(images[0], images[1])
    assert faces.draw(0, np.array([], np.int64))[0].shape == (0, 32, 32, 3)


def test_another_seed_is_another_series() -> None:
    assert not np.array_equal(faces.draw(0, np.arange(3))[0], faces.draw(1, np.arange(3))[0])


@pytest.mark.parametrize("size", [8, 28, 64, 100])
def test_other_sizes_show_the_same_people(size: int) -> None:
    images, labels = faces.draw(0, np.arange(12), size)
    small, known = faces.draw(0, np.arange(12))
    assert images.shape == (12, size, size, 3) and np.array_equal(labels, known)
    assert abs(images.mean(axis=(1, 2)) - small.mean(axis=(1, 2))).max() < 3


def test_twice_the_size_averaged_is_nearly_the_image() -> None:
    large = faces.draw(0, np.arange(24), 64)[0].reshape(24, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    small = faces.draw(0, np.arange(24))[0]
    assert abs(large - small).mean() < 4 < abs(large - small[::-1]).mean() / 5


def test_all_kinds_occur_and_no_image_twice() -> None:
    images, labels = faces.draw(0, np.arange(300))
    counts = np.bincount(labels, minlength=len(faces.CLASSES))
    assert len(faces.CLASSES) == 6 and counts.min() > 25
    assert list(faces.CLASSES) == sorted(faces.CLASSES)
    assert len({image.tobytes() for image in images}) == 300


def test_faces_differ_in_colour_brightness_and_place() -> None:
    """A generator that paints the mean picture, or greys, must be far from these."""
    images = faces.draw(0, np.arange(300))[0].astype(np.float64)
    assert images.std(axis=0).mean() > 45
    assert (images.max(axis=-1) - images.min(axis=-1)).mean() > 40
    assert images.mean(axis=(1, 2, 3)).std() > 20


def test_a_face_is_where_faces_are_and_looks_at_us() -> None:
    """In the mean of all: a bright face with darker eyes to the left and right of the middle, above a mouth."""
    mean = faces.draw(0, np.arange(600))[0].mean(axis=(0, 3))
    row = 12 + mean[12:20, 10:22].mean(axis=1).argmin()
    eyes = mean[row]
    assert 13 <= row <= 18
    assert eyes[9:15].min() < eyes[16] and eyes[17:23].min() < eyes[15]
    assert mean[row, 10:14].mean() < mean[row + 3, 10:14].mean()


def test_a_kind_is_told_by_its_shape() -> None:
    """By the nearest other picture in plain pixels: far better than the one in six of a guess, for so many colours."""
    images, labels = faces.draw(0, np.arange(600))
    small = images.reshape(600, 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(600, -1)
    distance = ((small[400:, None] - small[:400]) ** 2).sum(axis=2)
    assert (labels[:400][distance.argmin(axis=1)] == labels[400:]).mean() > 0.3


def test_many_people_are_the_same_whatever_company_they_are_drawn_in() -> None:
    """Each part of a face is painted in a window as large as its neighbours need: none may reach past its own."""
    together, _ = faces.draw(0, np.arange(1000, 1400))
    backwards, _ = faces.draw(0, np.arange(1399, 999, -1))
    assert np.array_equal(together, backwards[::-1])
    thirds = np.concatenate([faces.draw(0, np.arange(1000 + k, 1400, 3))[0] for k in range(3)])
    order = np.concatenate([np.arange(k, 400, 3) for k in range(3)])
    assert np.array_equal(together[order], thirds)

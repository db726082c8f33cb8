"""One pass over a set: counts, mean and variance image, values of each image."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from core import pixels
from core.pixels import description, signature
from core.types import Arrays, ImageSet


def images(n: int, side: int = 12, seed: int = 0) -> ImageSet:
    rng = np.random.default_rng(seed)
    return ImageSet("set", "train", rng.integers(0, 256, (n, side, side, 3), dtype=np.uint8))


def one(image: np.ndarray) -> Arrays:
    return pixels.described(ImageSet("one", "train", image[None].astype(np.uint8)))


@pytest.mark.parametrize("n", [1, 5, 300, 2048, 5000])
def test_groups_are_runs_of_equal_length_and_their_counts_are_numpys_histograms(n: int) -> None:
    s = images(n, side=8)
    found = pixels.described(s)
    sizes = found["group_sizes"]
    assert sizes.sum() == n and len(sizes) <= description.GROUPS and len(set(sizes[:-1].tolist())) <= 1
    ends = np.cumsum(sizes)
    for g in {0, len(sizes) // 2, len(sizes) - 1}:
        part = s.images[ends[g] - sizes[g] : ends[g]]
        for c in range(3):
            assert (found["counts"][g, c] == np.histogram(part[..., c], 256, (0, 256))[0]).all()
    assert (pixels.density_of(found) == pixels.rgb_density(s)).all()


def test_mean_and_variance_image_equal_numpys_and_keep_their_digits_near_white() -> None:
    s = images(700)
    found = pixels.described(s)
    np.testing.assert_allclose(found["mean"], s.images.mean(axis=0, dtype=np.float64), rtol=1e-12)
    np.testing.assert_allclose(found["variance"], s.images.var(axis=0, dtype=np.float64), rtol=1e-10)
    white = np.full((1000, 8, 8, 3), 255, np.uint8)
    white[0, 0, 0] = 254
    variance = pixels.described(ImageSet("white", "train", white))["variance"]
    assert variance[0, 0, 0] == pytest.approx(0.001 * 0.999, rel=1e-12) and (variance[1:] == 0).all()


def test_values_of_plain_colours_are_known_in_closed_form() -> None:
    red = np.zeros((8, 8, 3))
    red[..., 0] = 255
    np.testing.assert_allclose(one(red)["values"][0], [0.299 * 255, 1, 0, 0], atol=1e-3)
    np.testing.assert_allclose(one(np.full((8, 8, 3), 90))["values"][0], [90, 0, 0, 0], atol=1e-3)
    assert one(np.zeros((8, 8, 3)))["values"].tolist() == [[0, 0, 0, 0]]
    board = np.indices((8, 8)).sum(axis=0)[..., None] % 2 * np.full(3, 200)
    # Black and white by turns: each inner pixel differs by 200 from its four neighbours.
    np.testing.assert_allclose(one(board)["values"][0], [100, 0, 100, 800**2], rtol=1e-5)


def test_values_equal_those_of_pillow_and_scipy() -> None:
    s = images(20)
    for image, (brightness, saturation, contrast, sharpness) in zip(s.images, pixels.described(s)["values"], strict=True):
        hsv = np.asarray(Image.fromarray(image).convert("HSV"), np.float64)[..., 1] / 255
        luma = image @ np.array([0.299, 0.587, 0.114])
        assert brightness == pytest.approx(luma.mean(), rel=1e-5) and contrast == pytest.approx(luma.std(), rel=1e-5)
        assert saturation == pytest.approx(hsv.mean(), abs=1 / 255)  # Pillow's are bytes
        assert sharpness == pytest.approx(ndimage.laplace(luma)[1:-1, 1:-1].var(), rel=1e-4)


def test_order_changes_no_mean_and_moves_values_along() -> None:
    s = images(300)
    turned = ImageSet("turned", "train", s.images[::-1])
    a, b = pixels.described(s), pixels.described(turned)
    assert (a["mean"] == b["mean"]).all() and (a["variance"] == b["variance"]).all()
    np.testing.assert_allclose(a["values"], b["values"][::-1], rtol=1e-6)
    np.testing.assert_allclose(a["signature"], signature.of(s.images), atol=1e-6)


def test_progress_ends_at_all_images() -> None:
    heard: list[tuple[int, int]] = []
    pixels.described(images(600), lambda done, total, note: heard.append((done, total)))
    assert heard == [(256, 600), (512, 600), (600, 600)]

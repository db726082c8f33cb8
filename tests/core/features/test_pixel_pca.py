"""Principal components of pixels: an orthogonal map that is fitted to the reference and known in closed form."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import core.types
from core import features, paths
from core.errors import ScoreError
from core.features import pixel_pca
from core.features.table import EXTRACTORS
from core.types import ImageSet

ROW = EXTRACTORS["pixel-pca"]


def some(n: int = 300, side: int = 8, seed: int = 0) -> ImageSet:
    """Smooth coloured images with noise: components of very unequal weight."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (n, 2, 2, 3)).repeat(side // 2, 1).repeat(side // 2, 2)
    return ImageSet("some", "train", np.clip(coarse + rng.normal(0, 12, (n, side, side, 3)), 0, 255).astype(np.uint8))


def components(images: ImageSet, reference: ImageSet) -> np.ndarray:
    return np.asarray(features.extract(images, features.resolve("pixel-pca", reference), "components").values)


def basis(reference: ImageSet) -> dict[str, np.ndarray]:
    e = features.resolve("pixel-pca", reference)
    return {k: np.asarray(v) for k, v in pixel_pca._basis(e.where, e, lambda: pytest.fail("was fitted a moment ago")).items()}


def test_components_are_orthogonal_and_of_one_length() -> None:
    c = basis(some())["components"]
    assert c.shape == (192, 64)
    gram = c.T @ c
    assert np.abs(gram / gram[0, 0] - np.eye(64)).max() < 1e-10


def test_the_reference_has_mean_0_mean_variance_1_falling_variances_and_no_correlations() -> None:
    values = components(some(), some()).astype(np.float64)
    assert values.shape == (300, 64)
    covariance = np.cov(values.T)
    variances = np.diag(covariance)
    assert np.abs(values.mean(0)).max() < 1e-6
    assert variances.mean() == pytest.approx(1, abs=1e-5)
    assert (np.diff(variances) < 1e-6).all() and variances[0] > 5
    assert np.abs(covariance - np.diag(variances)).max() < 1e-5 * variances[0]


def test_agrees_with_the_singular_values_of_the_centred_pixels() -> None:
    """A second way to the same numbers, by the images' matrix and not their covariance."""
    images = some(40)
    x = images.images.reshape(40, -1) / 255.0
    left, singular, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    singular = singular[:39]
    expected = left[:, :39] * singular / np.sqrt((singular**2).sum() / 39 / 64)
    found = components(images, images)
    assert np.abs(np.abs(found[:, :39]) - np.abs(expected)).max() < 1e-4 * np.abs(expected).max()
    assert not found[:, 39:].any(), "40 images have 39 components"


def test_one_direction_is_found_exactly() -> None:
    """Grey images that differ in brightness alone: one component, all pixels alike, brighter is positive."""
    levels = np.array([10, 60, 90, 240])
    images = ImageSet("grey", "train", np.broadcast_to(levels[:, None, None, None], (4, 8, 8, 3)).astype(np.uint8))
    found = components(images, images)
    # All the variance lies in one of 64 components, whose mean is 1.
    expected = (levels - levels.mean()) / levels.std(ddof=1) * 8
    assert found[:, 0] == pytest.approx(expected, rel=1e-6) and not found[:, 1:].any()


def test_each_component_s_largest_weight_is_positive() -> None:
    c = basis(some())["components"]
    assert (c[np.abs(c).argmax(0), np.arange(64)] > 0).all()


def test_distances_are_those_of_pixels_where_no_component_is_left_out() -> None:
    images = some(30)
    found = components(images, images)
    x = images.images.reshape(30, -1).astype(np.float64)
    pixels, mapped = (np.linalg.norm(v[:, None] - v[None], axis=2) for v in (x, found))
    ratio = mapped[pixels > 0] / pixels[pixels > 0]
    assert ratio.std() < 1e-5 * ratio.mean()


def test_other_images_are_seen_by_the_reference_s_components() -> None:
    brighter = replace(some(), images=(some().images // 2 + 120).astype(np.uint8))
    b, found = basis(some()), components(brighter, some())
    expected = (brighter.images.reshape(300, -1) - b["mean"]) @ b["components"]
    assert np.array_equal(found, expected.astype(np.float32))
    assert np.linalg.norm(found.mean(0)) > 1


def test_the_hash_names_the_reference_and_is_the_same_every_time() -> None:
    first = features.resolve("pixel-pca", some())
    shutil.rmtree(paths.store("pixel-pca"))
    assert features.resolve("pixel-pca", replace(some(), name="other", split="val")) == first
    assert features.resolve("pixel-pca", some(seed=1)).weights_sha256 != first.weights_sha256
    assert features.resolve("pixel-pca", some(299)).weights_sha256 != first.weights_sha256
    assert len(first.weights_sha256) == 64


@pytest.mark.parametrize("block", [7, 100, 1000])
@pytest.mark.parametrize("side", [8, 64])
def test_the_basis_has_the_same_bits_however_the_images_are_grouped(
    block: int, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(ROW, input_size=min(side, 16))
    images = some(120, side)
    first = pixel_pca._fit(images, row)
    monkeypatch.setattr(core.types, "BLOCK", block)
    again = pixel_pca._fit(images, row)
    assert all(np.array_equal(first[k], again[k]) for k in first)


def test_features_of_other_references_are_kept_apart() -> None:
    a = components(some(), some())
    b = components(some(), some(seed=1))
    assert not np.allclose(a, b)
    assert np.array_equal(components(some(), some()), a)


def test_images_of_twice_the_size_are_reduced_to_the_means_of_their_squares() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    squares = images.reshape(3, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.array_equal(pixel_pca._values(images, 32), squares.reshape(3, -1))


@pytest.mark.parametrize("side", [33, 48, 100])
def test_reducing_to_any_size_keeps_means_and_constants(side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    found = pixel_pca._values(images, 32).reshape(3, 32, 32, 3)
    assert found.mean((1, 2)) == pytest.approx(images.mean((1, 2)))
    assert pixel_pca._values(np.full((1, side, side, 3), 77, np.uint8), 32) == pytest.approx(np.full((1, 3072), 77))


def test_a_pixel_that_two_small_ones_share_is_shared_by_area() -> None:
    images = np.zeros((1, 3, 3, 3), np.uint8)
    images[0, 1, 0] = 90  # the middle row of the first column
    found = pixel_pca._values(images, 2).reshape(2, 2, 3)[..., 0]
    # Each of the two covers half of that row over a whole column, of an area of 1.5 x 1.5.
    assert found == pytest.approx(np.array([[20, 0], [20, 0]]))


def test_smaller_images_are_taken_as_they_are() -> None:
    images = some(5).images
    assert np.array_equal(pixel_pca._values(images, 32), images.reshape(5, -1))


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_images_are_refused(n: int) -> None:
    with pytest.raises(ScoreError, match=f"some has {n} images; principal components need at least 2"):
        features.resolve("pixel-pca", some().take(n))


@pytest.mark.parametrize("side", [8, 33, 40])
def test_images_that_are_all_the_same_are_refused(side: int) -> None:
    one = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    same = ImageSet("same", "train", one.repeat(7, 0))
    with pytest.raises(ScoreError, match="All images of same are the same"):
        pixel_pca._fit(same, replace(ROW, input_size=16))


def test_one_level_of_one_pixel_is_a_difference() -> None:
    images = np.full((500, 8, 8, 3), 200, np.uint8)
    images[17, 3, 4, 1] += 1
    found = components(ImageSet("almost", "train", images), ImageSet("almost", "train", images))
    assert found[17, 0] > 100 * np.abs(found[:17, 0]).max() > 0


def test_a_network_s_weights_are_refused_for_it() -> None:
    with pytest.raises(ScoreError, match="take no weights file; leave --extractor-weights and --trust-sha256 out"):
        features.resolve("pixel-pca", some(), "weights.pth", "0" * 64)


def test_a_basis_that_is_gone_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_open", {})
    e = features.resolve("pixel-pca", some())
    shutil.rmtree(paths.store("pixel-pca"))
    with pytest.raises(ScoreError, match="gone from the cache; start the evaluation again"):
        features.extract(some(20, seed=4), e, "components")

"""noise, gaussian_pca and copycat, which need no training."""

import numpy as np
import pytest

from core import store
from core.configs import SampleConfig
from core.errors import DataError
from core.families import Draw, copycat, gaussian_pca, noise
from core.sampling.seeds import image_seed
from core.types import Arrays, ImageSet, Step

SIZE = 4
C = SampleConfig("m")


def draw(module: object, model: Arrays | np.ndarray | None, n: int, seed: int = 0, size: int = SIZE) -> np.ndarray:
    (step,) = module.walk(Draw(model, None, C, size), [image_seed(seed, i) for i in range(n)])  # type: ignore[attr-defined]
    assert isinstance(step, Step) and (step.index, step.total, step.evaluations) == (1, 1, 0)
    return (step.x + 1) * 127.5


def photos(n: int, seed: int = 0) -> ImageSet:
    """Correlated pixels well inside 0..255."""
    random = np.random.default_rng(seed)
    shades = random.normal(0, 1, (n, 5)) @ random.normal(0, 8, (5, SIZE * SIZE * 3))
    return ImageSet("p", "train", np.clip(np.rint(shades + 120), 0, 255).astype(np.uint8).reshape(n, SIZE, SIZE, 3))


def flat(images: ImageSet) -> np.ndarray:
    return images.images.reshape(len(images), -1).astype(np.float64)


def test_noise_has_every_level_equally_often() -> None:
    values = np.rint(draw(noise, None, 2000)).astype(int).ravel()
    counts = np.bincount(values, minlength=256)
    expected = len(values) / 256
    assert len(counts) == 256
    assert ((counts - expected) ** 2 / expected).sum() < 330  # chi squared, 255 degrees of freedom: p about 0.001


def test_a_gaussian_draws_the_mean_and_the_covariance_of_its_images() -> None:
    images = photos(500)
    x = draw(gaussian_pca, gaussian_pca.fit(images), 8000).reshape(8000, -1)
    real = flat(images)
    deviations = real.std(0, ddof=1)
    assert np.abs((x.mean(0) - real.mean(0)) / deviations).max() < 5 / np.sqrt(8000)
    off = (np.cov(x.T) - np.cov(real.T)) / np.outer(deviations, deviations)
    assert np.abs(off).max() < 0.08


def test_a_gaussian_keeps_the_fewest_components_with_999_thousandths_of_the_variance() -> None:
    images = photos(300)
    fitted = gaussian_pca.fit(images)
    singular = np.linalg.svd(flat(images) - flat(images).mean(0), compute_uv=False)
    shares = np.cumsum(singular**2) / (singular**2).sum()
    k = len(fitted["deviations"])
    assert shares[k - 1] >= 0.999 > shares[k - 2]
    np.testing.assert_allclose(fitted["deviations"], singular[:k] / np.sqrt(299), rtol=1e-9)
    np.testing.assert_allclose(fitted["components"] @ fitted["components"].T, np.eye(k), atol=1e-9)
    assert {a.dtype for a in fitted.values()} == {np.dtype(np.float64)}


def test_fewer_images_than_pixels_give_one_component_less_than_images() -> None:
    random = np.random.default_rng(3)
    few = ImageSet("few", "train", random.integers(0, 256, (7, SIZE, SIZE, 3), dtype=np.uint8))
    assert gaussian_pca.fit(few)["components"].shape == (6, SIZE * SIZE * 3)


def test_equal_images_draw_that_image() -> None:
    image = photos(1).images
    fitted = gaussian_pca.fit(ImageSet("same", "train", np.repeat(image, 3, axis=0)))
    assert len(fitted["deviations"]) == 0
    np.testing.assert_array_equal(np.rint(draw(gaussian_pca, fitted, 2)), np.repeat(image, 2, axis=0))


def test_the_fit_does_not_depend_on_the_order_of_the_images() -> None:
    images = photos(700)
    turned = ImageSet("turned", "train", images.images[::-1])
    a, b = gaussian_pca.fit(images), gaussian_pca.fit(turned)
    assert images.fingerprint != turned.fingerprint
    np.testing.assert_array_equal(a["deviations"], b["deviations"])


def test_a_gaussian_is_fitted_once_an_image_set(monkeypatch: pytest.MonkeyPatch) -> None:
    images = photos(20)
    gaussian_pca.fit(images)
    assert store.has("gaussian_pca", {"images": images.fingerprint, "share": gaussian_pca.SHARE})
    assert gaussian_pca.recipe(images) == {"images": images.fingerprint, "share": 0.999}
    monkeypatch.setattr(gaussian_pca, "_fit", lambda images: pytest.fail("fitted again"))
    gaussian_pca.fit(ImageSet("another name", "train", images.images))


def test_one_image_is_too_few_for_a_gaussian() -> None:
    with pytest.raises(DataError, match="p has 1 training images; a Gaussian needs at least 2"):
        gaussian_pca.fit(photos(1))


# ------------------------------------------------------------------------------------------------ larger than 32 x 32


@pytest.fixture
def nothing_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaussian_pca, "LARGEST", 0)


def test_a_gaussian_of_larger_images_has_their_mean_and_covariance(nothing_is_small: None) -> None:
    images = photos(500)
    fitted = gaussian_pca.fit(images)
    assert sorted(fitted) == ["images", "mean"]
    x = draw(gaussian_pca, fitted, 8000).reshape(8000, -1)
    real = flat(images)
    deviations = real.std(0, ddof=1)
    assert np.abs((x.mean(0) - real.mean(0)) / deviations).max() < 5 / np.sqrt(8000)
    off = (np.cov(x.T) - np.cov(real.T)) / np.outer(deviations, deviations)
    assert np.abs(off).max() < 0.08


def test_images_are_weighed_block_by_block_and_add_up(nothing_is_small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = gaussian_pca.fit(photos(50))
    z = np.stack([np.random.default_rng(image_seed(0, i)).standard_normal(50) for i in range(3)])
    expected = fitted["mean"] + z @ (fitted["images"] - fitted["mean"]) / 7
    within = np.clip(expected, 0, 255)
    for at_once in (1, 7 * SIZE * SIZE * 3, 1 << 24):
        monkeypatch.setattr(gaussian_pca, "_AT_ONCE", at_once)
        np.testing.assert_allclose(draw(gaussian_pca, fitted, 3).reshape(3, -1), within, atol=0.501)


def test_the_two_ways_of_a_gaussian_have_keys_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    images = photos(5)
    small = gaussian_pca.recipe(images)
    monkeypatch.setattr(gaussian_pca, "LARGEST", 0)
    assert gaussian_pca.recipe(images) == {**small, "share": 1.0}


def test_33_pixels_a_side_are_not_taken_apart() -> None:
    images = ImageSet("p", "train", np.random.default_rng(0).integers(0, 256, (3, 33, 33, 3), dtype=np.uint8))
    assert "images" in gaussian_pca.fit(images)
    assert draw(gaussian_pca, gaussian_pca.fit(images), 2, size=33).shape == (2, 33, 33, 3)
    with pytest.raises(DataError, match="needs at least 2"):
        gaussian_pca.fit(images.take(1))


# ---------------------------------------------------------------------------------------------------------- copycat


def test_a_copycat_draws_training_images_to_the_bit_each_with_equal_chance() -> None:
    images = photos(20)
    drawn = np.rint(draw(copycat, copycat.fit(images), 4000)).astype(np.uint8)
    which = (drawn.reshape(4000, 1, -1) == images.images.reshape(1, 20, -1)).all(2)
    assert (which.sum(1) == 1).all()
    counts = which.sum(0)
    assert ((counts - 200) ** 2 / 200).sum() < 43.8  # chi squared, 19 degrees of freedom: p about 0.001


def test_which_image_a_copycat_draws_depends_on_seed_and_number_only() -> None:
    fitted = copycat.fit(photos(50))
    most = draw(copycat, fitted, 40)
    np.testing.assert_array_equal(draw(copycat, fitted, 7), most[:7])
    assert (draw(copycat, fitted, 40, seed=1) != most).any()
    (step,) = copycat.walk(Draw(fitted, None, C, SIZE), [image_seed(0, 33)])
    np.testing.assert_array_equal((step.x[0] + 1) * 127.5, most[33])


def test_copycats_of_other_images_have_keys_of_their_own() -> None:
    a, b = photos(5), photos(5, seed=1)
    assert copycat.recipe(a) != copycat.recipe(b) == copycat.recipe(ImageSet("renamed", "train", b.images))

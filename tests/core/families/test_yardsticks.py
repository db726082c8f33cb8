"""noise and gaussian_pca, which need no training."""

import numpy as np
import pytest

from core import store
from core.configs import SampleConfig
from core.errors import DataError
from core.families import Draw, gaussian_pca, noise
from core.sampling.seeds import image_seed
from core.types import Arrays, ImageSet, Step

SIZE = 4
C = SampleConfig("m")


def draw(module: object, model: Arrays | None, n: int) -> np.ndarray:
    (step,) = module.walk(Draw(model, None, C, SIZE), [image_seed(0, i) for i in range(n)])  # type: ignore[attr-defined]
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
    monkeypatch.setattr(gaussian_pca, "_fit", lambda images: pytest.fail("fitted again"))
    gaussian_pca.fit(ImageSet("another name", "train", images.images))


def test_one_image_is_too_few_for_a_gaussian() -> None:
    with pytest.raises(DataError, match="p has 1 training images; a Gaussian needs at least 2"):
        gaussian_pca.fit(photos(1))

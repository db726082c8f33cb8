"""Signatures never lie farther apart than the images that they stand for."""

import itertools

import numpy as np
import pytest
from scipy.fft import dctn

from core.pixels import signature


def noise(n: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def smooth(n: int, side: int, seed: int = 0) -> np.ndarray:
    """(n, side, side, 3) uint8: low frequencies over noise, as photos have them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    waves = np.stack([np.cos(np.pi * (a * x + b * y)) for a in range(3) for b in range(3)])
    made = np.einsum("nck,kyx->nyxc", rng.normal(0, 30, (n, 3, 9)), waves) + 128 + rng.normal(0, 3, (n, side, side, 3))
    return np.clip(made, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("side", [6, 16, 32, 48])
def test_signatures_are_never_farther_apart_than_the_images(side: int) -> None:
    made = np.concatenate([noise(12, side), smooth(30, side)])
    values, flat = signature.of(made), signature.standardised(made)[0]
    assert values.shape == (42, signature.LENGTH) and values.dtype == np.float32
    for i, j in itertools.combinations(range(42), 2):
        assert np.linalg.norm(values[i] - values[j]) <= np.linalg.norm(flat[i] - flat[j]) + 1e-5


def test_one_low_wave_is_one_number_of_length_one() -> None:
    x = np.cos(np.pi * (2 * np.arange(32) + 1) / 64)
    image = np.round(128 + 100 * np.broadcast_to(x[None, :, None], (32, 32, 3))).astype(np.uint8)
    values = signature.of(image[None])[0]
    assert values[0] == pytest.approx(1, abs=1e-3) and np.abs(values[1:]).max() < 2e-3
    upright = signature.of(image.transpose(1, 0, 2)[None])[0]
    assert upright[signature.LUMA - 1] == pytest.approx(1, abs=1e-3)


def test_signatures_equal_the_low_corner_of_scipys_dct() -> None:
    made = noise(5, 32)
    planes = signature.standardised(made)[0].reshape(5, 3, 32, 32).astype(np.float64)
    red, green, blue = planes[:, 0], planes[:, 1], planes[:, 2]
    luma = dctn((red + green + blue) / 3**0.5, axes=(1, 2), norm="ortho")[:, : signature.LUMA, : signature.LUMA]
    low = [
        dctn(plane, axes=(1, 2), norm="ortho")[:, : signature.CHROMA, : signature.CHROMA].reshape(5, -1)[:, 1:]
        for plane in ((red - blue) / 2**0.5, (red - 2 * green + blue) / 6**0.5)
    ]
    assert np.allclose(signature.of(made), np.concatenate([luma.reshape(5, -1)[:, 1:], *low], axis=1), atol=1e-5)


def test_the_signature_of_the_mirror_image_is_the_mirrored_signature() -> None:
    made = smooth(20, 16, 2)
    turned, upside_down = signature.of(made[:, :, ::-1]), signature.of(made[:, ::-1])
    assert np.allclose(turned, signature.mirrored(signature.of(made)), atol=1e-5)
    assert not np.allclose(upside_down, signature.mirrored(signature.of(made)), atol=0.1)


def test_brightness_contrast_and_tint_change_nothing() -> None:
    dark = noise(4, 16) // 4
    assert np.allclose(signature.of(dark), signature.of(dark * 2 + np.array([9, 60, 99], np.uint8)), atol=1e-5)


def test_pictures_of_one_tint_do_not_resemble_one_another_for_it() -> None:
    yellow = np.stack([noise(1, 32, seed)[0] // 8 + np.array([200, 180, 0], np.uint8) for seed in (1, 2)])
    a, b = signature.standardised(yellow)[0]
    assert abs(a @ b) < 0.1


def test_the_product_of_standardised_images_is_pearsons_correlation_within_channels() -> None:
    a, b = smooth(2, 16, 3)
    within = [image.reshape(-1, 3) - image.reshape(-1, 3).mean(axis=0) for image in (a, b)]
    expected = np.corrcoef(within[0].ravel(), within[1].ravel())[0, 1]
    flat, deviation = signature.standardised(np.stack([a, b]))
    assert flat[0] @ flat[1] == pytest.approx(expected, abs=1e-5)
    assert deviation[0] == pytest.approx(np.sqrt((within[0] ** 2).mean()), rel=1e-5)


def test_large_images_are_averaged_down_also_where_pixels_are_cut() -> None:
    small = smooth(3, 32, 4)
    doubled = small.repeat(2, axis=1).repeat(2, axis=2)
    assert np.allclose(signature.of(doubled), signature.of(small), atol=1e-5)
    # 48 to 32: each pixel as two, then three by three averaged.
    odd = noise(2, 48)
    plain = odd.repeat(2, axis=1).repeat(2, axis=2).reshape(2, 32, 3, 32, 3, 3).mean(axis=(2, 4)).transpose(0, 3, 1, 2)
    plain = (plain - plain.mean(axis=(2, 3), keepdims=True)).reshape(2, -1)
    expected = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    assert np.allclose(signature.standardised(odd)[0], expected, atol=1e-6)


def test_flat_images_have_an_empty_signature() -> None:
    one_colour = np.full((1, 16, 16, 3), (250, 3, 99), np.uint8)
    faint, enough = (np.full((1, 16, 16, 3), 100, np.uint8) for _ in range(2))
    faint[:, :8] += 7  # deviation 3.5
    enough[:, :8] += 9  # 4.5
    assert not signature.of(one_colour).any() and not signature.of(faint).any() and signature.of(enough).any()

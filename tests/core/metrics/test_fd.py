import numpy as np
import pytest
import scipy.linalg

from core import paths
from core.metrics import Reference, fd
from core.types import BLOCK
from tests.core.metrics.toys import FD, features, root, rotation, white

DIM = 12


def distance(fake: np.ndarray, real: np.ndarray) -> float:
    return fd.distance(fake, fd.gaussian(real))


# Closed forms, on samples whose moments are exact.


def test_of_rotated_commuting_gaussians() -> None:
    rng, q = np.random.default_rng(0), rotation(DIM, 1)
    l1, l2, mean = rng.uniform(0.1, 3, DIM), rng.uniform(0.1, 3, DIM), rng.normal(size=DIM)
    real = (white(200, DIM, 2) * np.sqrt(l1)) @ q.T
    fake = (white(150, DIM, 3) * np.sqrt(l2)) @ q.T + mean
    expected = (mean**2).sum() + ((np.sqrt(l1) - np.sqrt(l2)) ** 2).sum()
    assert distance(fake, real) == pytest.approx(expected, rel=1e-9)


def test_of_a_scaled_gaussian() -> None:
    s = np.random.default_rng(4).normal(size=(DIM, DIM))
    s = s @ s.T + 0.1 * np.eye(DIM)
    assert distance(white(150, DIM, 5) @ root(2.25 * s), white(90, DIM, 6) @ root(s)) == pytest.approx(
        0.25 * np.trace(s), rel=1e-9
    )


def test_of_non_commuting_blocks() -> None:
    """2x2 blocks: Tr sqrt(A B) = sqrt(Tr A B + 2 sqrt(det A det B))."""
    rng, expected = np.random.default_rng(7), 0.0
    s1, s2 = np.zeros((DIM, DIM)), np.zeros((DIM, DIM))
    for i in range(0, DIM, 2):
        a, b = (m @ m.T + 0.05 * np.eye(2) for m in rng.normal(size=(2, 2, 2)))
        s1[i : i + 2, i : i + 2], s2[i : i + 2, i : i + 2] = a, b
        overlap = np.sqrt(np.trace(a @ b) + 2 * np.sqrt(np.linalg.det(a) * np.linalg.det(b)))
        expected += np.trace(a) + np.trace(b) - 2 * overlap
    assert distance(white(99, DIM, 8) @ root(s2), white(77, DIM, 9) @ root(s1)) == pytest.approx(expected, rel=1e-9)


def test_of_few_images_with_themselves_is_zero() -> None:
    few = np.random.default_rng(10).normal(size=(7, DIM)) + 5
    assert distance(few, few) < 1e-9 * fd.gaussian(few).trace


def test_of_few_moved_images_is_the_squared_move() -> None:
    few, move = np.random.default_rng(11).normal(size=(7, DIM)), np.linspace(-1, 2, DIM)
    assert distance(few + move, few) == pytest.approx((move**2).sum(), abs=1e-9 * fd.gaussian(few).trace)


# A slow reference.


@pytest.mark.parametrize("n", [5, 11, 13, 300])
def test_agrees_with_the_matrix_square_root(n: int) -> None:
    rng = np.random.default_rng(n)
    fake, real = rng.gamma(1.0, size=(n, DIM)), rng.normal(size=(400, DIM)) @ rng.normal(size=(DIM, DIM))
    s1, s2 = np.cov(real.T), np.cov(fake.T)
    shift = fake.mean(0) - real.mean(0)
    expected = shift @ shift + np.trace(s1) + np.trace(s2) - 2 * np.trace(scipy.linalg.sqrtm(s1 @ s2)).real
    assert distance(fake, real) == pytest.approx(expected, rel=1e-6)


def test_moments_agree_with_numpy_far_from_zero() -> None:
    values = np.random.default_rng(12).normal(size=(3 * BLOCK + 5, DIM)) + 1000
    mean, covariance = fd.moments(values)
    assert np.allclose(mean, values.mean(0), rtol=1e-13)
    assert np.allclose(covariance, np.cov(values.T), rtol=1e-8, atol=1e-9)


# Invariants.


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(13)
    return rng.normal(size=(300, DIM)) * rng.uniform(0.2, 2, DIM) + 0.5, rng.normal(size=(700, DIM)) @ rng.normal(size=(DIM, DIM))


def test_is_symmetric(pair: tuple[np.ndarray, np.ndarray]) -> None:
    fake, real = pair
    assert distance(fake, real) == pytest.approx(distance(real, fake), rel=1e-10)


def test_does_not_change_by_rotation_and_shift(pair: tuple[np.ndarray, np.ndarray]) -> None:
    fake, real = pair
    q = rotation(DIM, 14)
    assert distance(fake @ q + 5, real @ q + 5) == pytest.approx(distance(fake, real), rel=1e-10)


def test_does_not_depend_on_the_order_of_images(pair: tuple[np.ndarray, np.ndarray]) -> None:
    fake, real = pair
    order = np.random.default_rng(15).permutation(len(fake))
    assert distance(fake[order], real[::-1]) == pytest.approx(distance(fake, real), rel=1e-10)


def test_of_a_set_with_itself_is_zero(pair: tuple[np.ndarray, np.ndarray]) -> None:
    for x in pair:
        assert distance(x, x) < 1e-9 * fd.gaussian(x).trace


# Edges.


def test_survives_units_that_never_fire(pair: tuple[np.ndarray, np.ndarray]) -> None:
    fake, real = (x.copy() for x in pair)
    plain = distance(fake[:, :-2], real[:, :-2])
    fake[:, -2:] = real[:, -2:] = 0
    assert distance(fake, real) == pytest.approx(plain, rel=1e-9)
    value, on_fake, on_real = fd.influences(fake, real, fd.gaussian(real))
    assert value == pytest.approx(plain, rel=1e-9)
    assert np.isfinite(on_fake).all() and np.isfinite(on_real).all()


def test_of_constant_images_is_the_squared_distance() -> None:
    assert distance(np.full((20, 4), 3.0), np.full((9, 4), 1.0)) == pytest.approx(16)


def test_too_few_real_images_are_refused() -> None:
    rng = np.random.default_rng(16)
    fake, real = features(rng.normal(size=(40, DIM))), features(rng.normal(size=(DIM - 1, DIM)))
    assert fd.score(fake, Reference(real), FD) is None
    # The other way round it is a distance with a warning.
    assert fd.score(real, Reference(fake), FD) is not None


# Influences and bands.


def test_influences_are_the_effect_of_one_image_more() -> None:
    """Against finite differences: an image counted 1 + 1e-4 times."""
    rng = np.random.default_rng(17)
    fake, real = rng.normal(size=(60, 4)) * [1, 2, 0.5, 1] + 0.3, rng.gamma(2.0, size=(80, 4))
    value, on_fake, on_real = fd.influences(fake, real, fd.gaussian(real))
    assert value == pytest.approx(distance(fake, real), rel=1e-12)

    def weighted(x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = w @ x / w.sum()
        # Normalised so that equal weights give the unbiased covariance.
        return mean, ((x - mean) * w[:, None]).T @ (x - mean) / w.sum() * len(x) / (len(x) - 1)

    def of_weights(w: np.ndarray, v: np.ndarray) -> float:
        (m2, s2), (m1, s1) = weighted(fake, w), weighted(real, v)
        return float((m1 - m2) @ (m1 - m2) + np.trace(s1 + s2) - 2 * np.trace(scipy.linalg.sqrtm(s1 @ s2)).real)

    for i in (0, 7, 33):
        w, v, step = np.ones(60), np.ones(80), 1e-4
        w[i] += step
        assert (of_weights(w, np.ones(80)) - value) / step * 60 == pytest.approx(on_fake[i], rel=0.05, abs=0.05)
        v[i] += step
        assert (of_weights(np.ones(60), v) - value) / step * 80 == pytest.approx(on_real[i], rel=0.05, abs=0.05)


def test_influences_have_mean_zero(pair: tuple[np.ndarray, np.ndarray]) -> None:
    fake, real = pair
    _, on_fake, on_real = fd.influences(fake, real, fd.gaussian(real))
    assert abs(on_fake.mean()) < 1e-10 and abs(on_real.mean()) < 1e-10


def test_the_error_is_the_spread_over_samples() -> None:
    rng, values, errors = np.random.default_rng(18), [], []
    for _ in range(150):
        fake, real = rng.normal(size=(300, 6)) * 1.3 + 0.2, rng.normal(size=(400, 6))
        m = fd.score(features(fake), Reference(features(real)), FD)
        assert m is not None and m.error is not None
        values.append(m.value)
        errors.append(m.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


@pytest.mark.parametrize(("n", "band"), [(DIM - 1, "small"), (DIM, "provisional"), (9_999, "provisional"), (10_000, "")])
def test_bands_judge_the_generated_side(n: int, band: str) -> None:
    rng = np.random.default_rng(19)
    m = fd.score(features(rng.normal(size=(n, DIM))), Reference(features(rng.normal(size=(50, DIM)))), FD)
    assert m is not None and m.band == band
    assert (m.error is None) == (n <= DIM)


def test_the_real_side_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, calls, gaussian = np.random.default_rng(20), [], fd.gaussian

    def counted(x: np.ndarray) -> fd.Gaussian:
        calls.append(len(x))
        return gaussian(x)

    monkeypatch.setattr(fd, "gaussian", counted)
    real = rng.normal(size=(50, DIM))
    for k in range(3):
        fd.score(features(rng.normal(size=(40 + k, DIM))), Reference(features(real.copy())), FD)
    assert calls == [50]
    assert len(list(paths.store("reference").glob("*/entry.json"))) == 1
    fd.score(features(rng.normal(size=(40, DIM))), Reference(features(real + 1)), FD)
    assert calls == [50, 50]

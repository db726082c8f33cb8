import numpy as np
import pytest

from core import paths
from core.errors import Refused
from core.metrics import Measure, Reference, kernel
from tests.core.metrics.toys import KID, KID_SUBSETS, features, rotation

DIM = 8


def score(fake: np.ndarray, real: np.ndarray) -> Measure:
    return kernel.score(features(fake), Reference(features(real)), KID)


def draw(n: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, DIM)) * scale + shift


def brute(fake: np.ndarray, real: np.ndarray) -> float:
    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float((sum(a * b for a, b in zip(x, y, strict=True)) / DIM + 1) ** 3)

    n, m = len(fake), len(real)
    same_fake = sum(k(fake[i], fake[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    same_real = sum(k(real[i], real[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return same_fake + same_real - 2 * sum(k(x, y) for x in fake for y in real) / (n * m)


def test_of_two_points_a_side_by_hand() -> None:
    """D = 1: k(0, 0) = 1, k(1, 2) = 27, across 1 each."""
    found = score(np.zeros((2, 1)), np.array([[1.0], [2.0]]))
    assert found.value == pytest.approx(1 + 27 - 2)


def test_equals_brute_force() -> None:
    fake, real = draw(13, 0, 1.4, 0.3), draw(17, 1)
    assert score(fake, real).value == pytest.approx(brute(fake, real), rel=1e-12)


def test_does_not_depend_on_how_the_products_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, real = draw(50, 2, 1.2), draw(70, 3)
    whole = score(fake, real)
    monkeypatch.setattr(kernel, "SIDE", 16)
    monkeypatch.setenv("STUDIO_CACHE", str(paths.cache() / "other"))
    cut = score(fake, real)
    assert cut.value == pytest.approx(whole.value, rel=1e-11)
    assert cut.influence_fake is not None and whole.influence_fake is not None
    assert np.allclose(cut.influence_fake, whole.influence_fake, atol=1e-11)
    assert cut.influence_real is not None and whole.influence_real is not None
    assert np.allclose(cut.influence_real, whole.influence_real, atol=1e-11)


def test_is_unbiased() -> None:
    """Over 200 draws: same distribution 0, and two sizes of sample agree about two distributions."""
    null = [score(draw(20, 1000 + i), draw(30, 2000 + i)).value for i in range(200)]
    assert abs(np.mean(null)) < 3 * np.std(null) / np.sqrt(200)
    few = [score(draw(12, 3000 + i, 1.5), draw(25, 4000 + i)).value for i in range(200)]
    many = [score(draw(80, 5000 + i, 1.5), draw(90, 6000 + i)).value for i in range(200)]
    assert abs(np.mean(few) - np.mean(many)) < 3 * np.hypot(np.std(few), np.std(many)) / np.sqrt(200)


def test_the_error_is_the_spread_over_samples() -> None:
    found = [score(draw(150, 100 + i, 1.3, 0.2), draw(200, 600 + i)) for i in range(200)]
    errors = [m.error for m in found if m.error is not None]
    assert len(errors) == 200
    assert np.mean(errors) == pytest.approx(np.std([m.value for m in found]), rel=0.15)


def test_influences_have_mean_zero_and_one_entry_an_image() -> None:
    m = score(draw(30, 4, 1.3), draw(41, 5))
    assert m.influence_fake is not None and m.influence_fake.shape == (30,) and abs(m.influence_fake.mean()) < 1e-12
    assert m.influence_real is not None and m.influence_real.shape == (41,) and abs(m.influence_real.mean()) < 1e-12


def test_influences_say_what_leaving_an_image_out_does() -> None:
    """The jackknife's n (value - value without i) is the influence up to 1/n."""
    fake, real = draw(200, 6, 1.3), draw(150, 7)
    m = score(fake, real)
    assert m.influence_fake is not None and m.influence_real is not None
    for i in (0, 50, 149):
        assert (m.value - score(np.delete(fake, i, 0), real).value) * 199 == pytest.approx(
            m.influence_fake[i], rel=0.03, abs=0.01
        )
        assert (m.value - score(fake, np.delete(real, i, 0)).value) * 149 == pytest.approx(
            m.influence_real[i], rel=0.03, abs=0.01
        )


def test_is_symmetric_and_does_not_change_by_order_or_rotation() -> None:
    fake, real = draw(40, 8, 1.3, 0.1), draw(55, 9)
    value = score(fake, real).value
    assert score(real, fake).value == pytest.approx(value, rel=1e-10)
    assert score(fake[::-1], real[::-1]).value == pytest.approx(value, rel=1e-10)
    q = rotation(DIM, 10)
    assert score(fake @ q, real @ q).value == pytest.approx(value, rel=1e-10)


def test_orders_doses() -> None:
    real = draw(300, 11)
    values = [score(draw(300, 12, 1.0, shift), real).value for shift in (0.0, 0.3, 0.6, 1.0)]
    assert values == sorted(values) and values[1] > 0.01


def test_fake_is_first() -> None:
    m = score(draw(10, 13), draw(20, 14))
    assert m.influence_fake is not None and len(m.influence_fake) == 10


def test_survives_single_precision_features_with_a_large_mean() -> None:
    fake, real = (draw(200, s).astype(np.float32) + 20 for s in (15, 16))
    assert score(fake, real).value == pytest.approx(score(fake.astype(float), real.astype(float)).value, rel=1e-9, abs=1e-9)


def test_the_real_side_is_worked_out_once_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real_side = kernel._real_side

    def counted(y: np.ndarray, kernel: tuple[int, float]) -> dict[str, np.ndarray]:
        calls.append(len(y))
        return real_side(y, kernel)

    monkeypatch.setattr(kernel, "_real_side", counted)
    for n in (10, 11):
        score(draw(n, 17), draw(20, 18))
    assert calls == [20]
    kernel.score(features(draw(10, 17)), Reference(features(draw(20, 18))), {**KID, "degree": 2})
    assert calls == [20, 20]


# The mean over subsets.


def subsets(fake: np.ndarray, real: np.ndarray, **params: int) -> Measure:
    return kernel.score(features(fake), Reference(features(real)), {**KID_SUBSETS, **params})


def test_the_mean_over_subsets_equals_brute_force() -> None:
    fake, real = draw(13, 30, 1.4, 0.3), draw(17, 31)
    rng = np.random.default_rng(5)
    each = []
    for _ in range(3):
        a, b = rng.permutation(13)[:6], rng.permutation(17)[:6]
        each.append(brute(fake[a], real[b]))
    assert subsets(fake, real, subsets=3, subset_size=6, seed=5).value == pytest.approx(np.mean(each), rel=1e-12)


def test_one_subset_of_all_images_is_all_pairs() -> None:
    fake, real = draw(20, 32, 1.4), draw(20, 33)
    one, whole = subsets(fake, real, subsets=1, subset_size=20), score(fake, real)
    assert one.value == pytest.approx(whole.value, rel=1e-12) and one.error == whole.error


def test_subsets_depend_on_their_seed_only() -> None:
    fake, real = draw(40, 34), draw(50, 35)
    values = [subsets(fake, real, subsets=4, subset_size=10, seed=seed).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


def test_one_subset_of_some_images_has_no_known_error() -> None:
    assert subsets(draw(20, 36), draw(21, 37), subsets=1, subset_size=20).error is None


def test_subsets_have_the_influences_of_all_pairs_and_a_larger_error() -> None:
    fake, real = draw(40, 38, 1.3), draw(50, 39)
    m, whole = subsets(fake, real, subsets=5, subset_size=20), score(fake, real)
    assert m.error is not None and whole.error is not None and m.error > whole.error
    assert m.influence_fake is not None and whole.influence_fake is not None
    assert np.array_equal(m.influence_fake, whole.influence_fake)


def test_the_error_over_subsets_is_the_spread_over_samples() -> None:
    found = [subsets(draw(120, 7000 + i, 1.3, 0.2), draw(150, 8000 + i), subsets=4, subset_size=30, seed=i) for i in range(150)]
    errors = [m.error for m in found if m.error is not None]
    # Four subsets say little about the variance over subsets, so errors are compared by their squares.
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std([m.value for m in found]), rel=0.15)


@pytest.mark.parametrize(("n", "n_real"), [(999, 1000), (1000, 999)])
def test_subsets_larger_than_a_side_are_refused(n: int, n_real: int) -> None:
    with pytest.raises(Refused, match=f"subsets of 1000 needs as many images a side; there are {n} generated and {n_real} real"):
        subsets(draw(n, 40), draw(n_real, 41))

import numpy as np
import pytest

from core import paths
from core.errors import Refused
from core.metrics import METRICS, Measure, Reference, prdc
from tests.core.metrics.toys import features, rotation

DIM = 6
NAMES = {"precision": 3, "recall": 3, "density": 5, "coverage": 5}


def scores(fake: np.ndarray, real: np.ndarray) -> dict[str, Measure]:
    f, ref = features(fake), Reference(features(real))
    return {name: METRICS[name].compute(f, ref, {"k": k}) for name, k in NAMES.items()}


def values(fake: np.ndarray, real: np.ndarray) -> dict[str, float]:
    return {name: m.value for name, m in scores(fake, real).items()}


def draw(n: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, DIM)) * scale + shift


def brute(fake: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """By loops over pairs, from the papers."""

    def radius(x: np.ndarray, i: int, k: int) -> float:
        return sorted(float(np.linalg.norm(x[i] - x[j])) for j in range(len(x)) if j != i)[k - 1]

    n, m = len(fake), len(real)
    far = [[float(np.linalg.norm(x - y)) for y in real] for x in fake]
    r3, r5, f3 = ([radius(x, i, k) for i in range(len(x))] for x, k in ((real, 3), (real, 5), (fake, 3)))
    return {
        "precision": sum(any(far[i][j] <= r3[j] for j in range(m)) for i in range(n)) / n,
        "recall": sum(any(far[i][j] <= f3[i] for i in range(n)) for j in range(m)) / m,
        "density": sum(far[i][j] <= r5[j] for i in range(n) for j in range(m)) / (5 * n),
        "coverage": sum(min(far[i][j] for i in range(n)) <= r5[j] for j in range(m)) / m,
    }


def test_on_a_line_by_hand() -> None:
    """k = 1, real 0, 1, 3: radii 1, 1, 2.  Fake 0.5, 10, 10.5: radii 9.5, 0.5, 0.5."""
    fake, ref = features(np.array([[0.5], [10], [10.5]])), Reference(features(np.array([[0.0], [1], [3]])))
    found = {name: METRICS[name].compute(fake, ref, {"k": 1}).value for name in NAMES}
    assert found == pytest.approx({"precision": 1 / 3, "recall": 1, "density": 2 / 3, "coverage": 2 / 3})


def test_equals_brute_force() -> None:
    fake, real = draw(40, 0, 0.9, 0.4), draw(40, 1)
    found = values(fake, real)
    assert found == pytest.approx(brute(fake, real), rel=1e-12) and 0 < found["precision"] < 1 and 0 < found["recall"] < 1


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0])
def test_precision_and_recall_agree_with_torch_fidelity(shift: float) -> None:
    import torch
    from torch_fidelity.metric_prc import calculate_precision_recall_full

    fake, real = draw(150, 2, 0.8, shift).astype(np.float32), draw(150, 3).astype(np.float32)
    found = values(fake, real)
    expected = calculate_precision_recall_full(torch.from_numpy(fake).double(), torch.from_numpy(real).double(), 3)
    assert (found["precision"], found["recall"]) == pytest.approx(expected, rel=1e-6)


def test_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, real = draw(70, 4, 0.9, 0.3), draw(70, 5)
    whole = values(fake, real)
    monkeypatch.setattr(prdc, "SIDE", 16)
    monkeypatch.setenv("STUDIO_CACHE", str(paths.cache() / "other"))
    assert values(fake, real) == whole


def test_does_not_change_by_order_rotation_and_shift() -> None:
    fake, real = draw(60, 6, 0.9, 0.3), draw(60, 7)
    whole, q = values(fake, real), rotation(DIM, 8)
    assert values(fake[::-1], real[::-1]) == pytest.approx(whole)
    assert values(fake @ q + 5, real @ q + 5) == pytest.approx(whole)


def test_precision_is_the_recall_of_the_other_way_round() -> None:
    fake, real = draw(60, 9, 0.7), draw(60, 10)
    one, other = values(fake, real), values(real, fake)
    assert (one["precision"], one["recall"]) == (other["recall"], other["precision"])


def test_mode_collapse_has_high_precision_and_low_recall() -> None:
    """Fake first, real second."""
    real = draw(300, 11)
    collapsed = real[0] + draw(300, 12, 0.01)
    found = values(collapsed, real)
    assert found["precision"] == 1 and found["recall"] < 0.05 and found["coverage"] < 0.2
    found = values(real, collapsed)
    assert found["precision"] < 0.05 and found["recall"] == 1


def test_far_images_score_zero_and_copies_score_one() -> None:
    real = draw(50, 13)
    assert values(real + 100, real) == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}
    found = values(real.copy(), real)
    assert (found["precision"], found["recall"], found["coverage"]) == (1, 1, 1) and found["density"] > 1


@pytest.mark.parametrize(("n", "k"), [(20, 3), (60, 5)])
def test_coverage_of_equal_distributions_is_its_closed_form(n: int, k: int) -> None:
    found = []
    for i in range(200):
        fake, ref = features(draw(n, 1000 + i)), Reference(features(draw(n, 2000 + i)))
        found.append(prdc.coverage(fake, ref, {"k": k}).value)
    assert abs(np.mean(found) - prdc.covered(n, k)) < 3 * np.std(found) / np.sqrt(200)


def test_density_of_equal_distributions_is_one_in_the_mean() -> None:
    found = [
        prdc.density(features(draw(40, 3000 + i)), Reference(features(draw(40, 4000 + i))), {"k": 5}).value for i in range(200)
    ]
    # A fake image is among the k nearest of it and n - 1 real ones with probability k / n, and there are n balls.
    assert abs(np.mean(found) - 1) < 3 * np.std(found) / np.sqrt(200)


def test_both_sides_are_cut_to_the_first_images_of_the_smaller() -> None:
    fake, real = draw(40, 14), draw(70, 15)
    assert values(fake, real) == values(fake, real[:40])
    assert values(real, fake) == values(real[:40], fake)


def test_equal_rows_lie_in_each_others_balls_however_they_round() -> None:
    """Four equal real images: with k = 3 their balls have radius 0, and an equal fake image is in them."""
    real, far = draw(30, 16, shift=40.0), draw(30, 17, shift=-500.0)
    real[:4] = real[0]
    far[7] = real[0]
    assert values(far, real)["precision"] == pytest.approx(1 / 30)


def test_errors_are_those_of_a_share_and_intervals_have_a_width_at_the_ends() -> None:
    found = scores(draw(50, 18, 0.9, 0.3), draw(50, 19))
    p = found["precision"].value
    assert found["precision"].error == pytest.approx(np.sqrt(p * (1 - p) / 50))
    low, high = found["precision"].interval or (1, 0)
    assert 0 < low < p < high <= 1
    none = scores(draw(50, 18, shift=100.0), draw(50, 19))["recall"]
    assert none.value == none.error == 0 and none.interval == pytest.approx((0, 0.0713), abs=1e-4)


def test_no_more_images_than_neighbours_are_refused() -> None:
    with pytest.raises(Refused, match="The 3 nearest neighbours need more than 3 images a side; there are 3"):
        prdc.precision(features(draw(3, 20)), Reference(features(draw(9, 21))), {"k": 3})
    assert prdc.precision(features(draw(4, 20)), Reference(features(draw(9, 21))), {"k": 3}).value >= 0


def test_neighbours_are_looked_for_once_and_those_of_real_images_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    nearest = prdc.nearest

    def counted(x: np.ndarray, most: int) -> np.ndarray:
        calls.append(most)
        return nearest(x, most)

    monkeypatch.setattr(prdc, "nearest", counted)
    fake, real = draw(20, 22), draw(20, 23)
    scores(fake, real)
    assert calls == [5, 5]
    scores(fake + 1, real)
    assert calls == [5, 5, 5]


@pytest.mark.parametrize("k", [1, 4, 7])
def test_any_number_of_neighbours_agrees_with_brute_force(k: int) -> None:
    x = draw(12, 24)
    far = np.sort(((x[:, None] - x) ** 2).sum(2), axis=1)[:, 1:]
    assert np.allclose(prdc.nearest(x, k), far[:, :k], rtol=1e-10)
    assert np.isinf(prdc.nearest(x[:5], 7)[:, 4:]).all()

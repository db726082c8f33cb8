import numpy as np
import pytest
import scipy.linalg

from core import paths
from core.errors import Refused
from core.metrics import Measure, Reference, frechet
from core.types import BLOCK
from tests.core.metrics.toys import FD, FD_CORRECTED, features, root, rotation, white

DIM = 12


def distance(fake: np.ndarray, real: np.ndarray) -> float:
    return frechet.distance(fake, frechet.gaussian(real))


def score(fake: np.ndarray, real: np.ndarray) -> Measure:
    return frechet.score(features(fake), Reference(features(real)), FD)


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


def few_and_full(dim: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """7 rows, fewer than numbers, and many rows that have the same moments."""
    few = np.random.default_rng(seed).normal(size=(7, dim)) + 5
    centred = few - few.mean(0)
    left = white(2 * dim, len(few), seed + 1) @ np.linalg.svd(centred, full_matrices=False)[0].T
    return few, left @ centred / np.sqrt(len(few) - 1) + few.mean(0)


def test_of_few_images_with_themselves_is_zero() -> None:
    few, full = few_and_full(DIM, 10)
    trace = frechet.gaussian(few).trace
    assert frechet.of_few(few, few) < 1e-9 * trace
    assert distance(few, few) < 1e-9 * trace
    assert distance(few, full) < 1e-9 * trace


def test_of_few_moved_images_is_the_squared_move() -> None:
    few, full = few_and_full(DIM, 11)
    move = np.linspace(-1, 2, DIM)
    close = pytest.approx((move**2).sum(), abs=1e-9 * frechet.gaussian(few).trace)
    assert frechet.of_few(few + move, few) == close
    assert distance(few + move, few) == close
    assert distance(few + move, full) == close


# A slow reference.


@pytest.mark.parametrize("n", [5, 11, 13, 300])
def test_agrees_with_the_matrix_square_root(n: int) -> None:
    rng = np.random.default_rng(n)
    fake, real = rng.gamma(1.0, size=(n, DIM)), rng.normal(size=(400, DIM)) @ rng.normal(size=(DIM, DIM))
    s1, s2 = np.cov(real.T), np.cov(fake.T)
    shift = fake.mean(0) - real.mean(0)
    expected = shift @ shift + np.trace(s1) + np.trace(s2) - 2 * np.trace(scipy.linalg.sqrtm(s1 @ s2)).real
    assert distance(fake, real) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n", "n_real"), [(5, 7), (11, 5), (12, 12)])
def test_of_few_agrees_with_the_covariances(n: int, n_real: int) -> None:
    rng = np.random.default_rng(n)
    fake, real = rng.gamma(1.0, size=(n, DIM)), rng.normal(size=(n_real, DIM))
    assert frechet.of_few(fake, real) == pytest.approx(distance(fake, real), rel=1e-6)


@pytest.mark.parametrize("rows", [BLOCK, frechet.ROWS, 1000])
def test_moments_in_blocks_are_those_of_the_whole_far_from_zero(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frechet, "ROWS", rows)
    values = np.random.default_rng(12).normal(size=(frechet.ROWS + 3 * BLOCK + 5, DIM)) + 1000
    mean, covariance = frechet.moments(values)
    assert np.allclose(mean, values.mean(0), rtol=1e-13)
    assert np.allclose(covariance, np.cov(values.T), rtol=1e-10, atol=1e-10)


def test_does_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(22)
    fake, real = rng.normal(size=(700, DIM)) + 5, rng.normal(size=(900, DIM)) * 1.2 + 5
    whole = score(fake, real)
    monkeypatch.setattr(frechet, "ROWS", 64)
    monkeypatch.setenv("STUDIO_CACHE", str(paths.cache() / "other"))
    cut = score(fake, real)
    assert cut.value == pytest.approx(whole.value, rel=1e-10)
    assert cut.influence_fake is not None and whole.influence_fake is not None
    assert np.allclose(cut.influence_fake, whole.influence_fake, atol=1e-9)


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
        assert distance(x, x) < 1e-9 * frechet.gaussian(x).trace


# Edges.


def test_survives_units_that_never_fire(pair: tuple[np.ndarray, np.ndarray]) -> None:
    fake, real = (x.copy() for x in pair)
    plain = distance(fake[:, :-2], real[:, :-2])
    fake[:, -2:] = real[:, -2:] = 0
    assert distance(fake, real) == pytest.approx(plain, rel=1e-9)
    value, on_fake, on_real = frechet.influences(fake, real, frechet.gaussian(real))
    assert value == pytest.approx(plain, rel=1e-9)
    assert np.isfinite(on_fake).all() and np.isfinite(on_real).all()


def test_of_constant_images_is_the_squared_distance() -> None:
    assert distance(np.full((20, 4), 3.0), np.full((9, 4), 1.0)) == pytest.approx(16)


def test_fewer_real_images_than_features_are_refused() -> None:
    rng = np.random.default_rng(16)
    fake, real = rng.normal(size=(40, DIM)), rng.normal(size=(DIM - 1, DIM))
    for rule in (frechet.score, frechet.corrected):
        with pytest.raises(Refused, match="FD needs at least 12 reference images; there are 11: KID stands."):
            rule(features(fake), Reference(features(real)), FD)
    # The other way round it is a distance with a warning.
    assert score(real, fake).band == "small"


# Influences and bands.


def test_influences_are_the_effect_of_one_image_more() -> None:
    """Against finite differences: an image counted 1 + 1e-4 times."""
    rng = np.random.default_rng(17)
    fake, real = rng.normal(size=(60, 4)) * [1, 2, 0.5, 1] + 0.3, rng.gamma(2.0, size=(80, 4))
    value, on_fake, on_real = frechet.influences(fake, real, frechet.gaussian(real))
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
    _, on_fake, on_real = frechet.influences(fake, real, frechet.gaussian(real))
    assert abs(on_fake.mean()) < 1e-10 and abs(on_real.mean()) < 1e-10


def test_the_error_is_the_spread_over_samples() -> None:
    rng, values, errors = np.random.default_rng(18), [], []
    for _ in range(150):
        fake, real = rng.normal(size=(300, 6)) * 1.3 + 0.2, rng.normal(size=(400, 6))
        m = score(fake, real)
        assert m.error is not None
        values.append(m.value)
        errors.append(m.error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


@pytest.mark.parametrize(
    ("n", "band"), [(11, "small"), (12, "provisional"), (9_999, "provisional"), (10_000, "full"), (50_000, "50k")]
)
def test_bands_judge_the_generated_side(n: int, band: str) -> None:
    rng = np.random.default_rng(19)
    m = score(rng.normal(size=(n, DIM)), rng.normal(size=(50, DIM)))
    assert m.band == band
    assert (m.error is None) == (n <= DIM)


def test_the_real_side_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, calls, gaussian = np.random.default_rng(20), [], frechet.gaussian

    def counted(x: np.ndarray) -> frechet.Gaussian:
        calls.append(len(x))
        return gaussian(x)

    monkeypatch.setattr(frechet, "gaussian", counted)
    real = rng.normal(size=(50, DIM))
    for k in range(3):
        frechet.score(features(rng.normal(size=(40 + k, DIM))), Reference(features(real.copy())), FD)
    assert calls == [50]
    assert len(list(paths.store("reference").glob("*/entry.json"))) == 1
    frechet.score(features(rng.normal(size=(40, DIM))), Reference(features(real + 1)), FD)
    assert calls == [50, 50]


# The correction.


def corrected(fake: np.ndarray, real: np.ndarray) -> Measure:
    return frechet.corrected(features(fake), Reference(features(real)), FD_CORRECTED)


def test_the_correction_is_twice_the_whole_less_the_mean_of_the_halves_of_both_sides() -> None:
    rng = np.random.default_rng(23)
    fake, real = rng.normal(size=(61, DIM)), rng.normal(size=(100, DIM))
    halves = (distance(fake[:30], real[:50]) + distance(fake[30:], real[50:])) / 2
    assert corrected(fake, real).value == pytest.approx(2 * distance(fake, real) - halves, rel=1e-12)


def test_the_correction_takes_off_most_of_the_bias() -> None:
    """Against the distance of a sample so large that it has hardly any."""
    rng = np.random.default_rng(24)
    real, scales = white(4000, DIM, 25), np.linspace(0.7, 1.4, DIM)
    truth = ((scales - 1) ** 2).sum()
    found = []
    for _ in range(60):
        fake = rng.normal(size=(4 * DIM, DIM)) * scales
        found.append((distance(fake, real) - truth, corrected(fake, real).value - truth))
    plain, less = np.mean(found, axis=0)
    assert plain > 0.5 and abs(less) < 0.15 * plain


def test_the_correction_needs_four_times_as_many_images_as_features() -> None:
    rng = np.random.default_rng(26)
    fake, real = rng.normal(size=(48, DIM)), rng.normal(size=(60, DIM))
    assert corrected(fake, real).error is not None
    with pytest.raises(
        Refused, match="needs at least 48 images a side; there are 47 generated and 60 reference ones: KID stands"
    ):
        corrected(fake[:47], real)
    with pytest.raises(Refused, match="there are 48 generated and 47 reference ones"):
        corrected(fake, real[:47])


def test_the_correction_has_the_influences_of_the_distance_and_shares_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    rng, calls, influences = np.random.default_rng(27), [], frechet.influences

    def counted(*sides: object) -> object:
        calls.append(1)
        return influences(*sides)  # type: ignore[arg-type]

    monkeypatch.setattr(frechet, "influences", counted)
    fake, ref = features(rng.normal(size=(60, DIM))), Reference(features(rng.normal(size=(70, DIM))))
    plain, less = frechet.score(fake, ref, FD), frechet.corrected(fake, ref, FD_CORRECTED)
    assert calls == [1]
    assert plain.error == less.error and plain.influence_fake is less.influence_fake
    assert less.value < plain.value


# The study's groups.

STUDY = {**FD, "groups": 6, "group_size": 12}


def test_groups_are_the_mean_of_distances_of_few() -> None:
    rng, dim = np.random.default_rng(28), 64
    fake, real = rng.normal(size=(75, dim)), rng.normal(size=(80, dim)) + 0.1
    m = frechet.score(features(fake), Reference(features(real)), STUDY)
    each = []
    for i in range(0, 72, 12):
        s1, s2 = np.cov(real[i : i + 12].T), np.cov(fake[i : i + 12].T)
        shift = fake[i : i + 12].mean(0) - real[i : i + 12].mean(0)
        each.append(shift @ shift + np.trace(s1 + s2) - 2 * np.sqrt(np.linalg.eigvals(s1 @ s2).astype(complex)).real.sum())
    assert m.value == pytest.approx(np.mean(each), rel=1e-6)
    assert m.error == pytest.approx(np.std(each, ddof=1) / np.sqrt(6), rel=1e-6)
    assert m.band == "small" and m.influence_fake is None


@pytest.mark.parametrize(("n", "n_real"), [(71, 72), (72, 71)])
def test_groups_need_their_images(n: int, n_real: int) -> None:
    with pytest.raises(Refused, match=f"6 groups of 12 need 72 images a side; there are {n} and {n_real}"):
        frechet.score(features(np.zeros((n, 64))), Reference(features(np.zeros((n_real, 64)))), STUDY)


def test_sorted_images_have_no_corrected_value() -> None:
    """Each half is another class: the halves lie far apart, the whole sets do not."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(200, 4)) for _ in range(2))
    x[:100] += 5
    y[100:] += 5
    rule = {"covariance": "unbiased"}
    with pytest.raises(Refused, match="seem to be sorted, KID stands"):
        frechet.corrected(features(x), Reference(features(y)), rule)
    mixed = rng.permutation(200)
    assert abs(frechet.corrected(features(x[mixed]), Reference(features(y[rng.permutation(200)])), rule).value) < 1

"""Drift between two sets, against what chance would give."""

import numpy as np
import pytest
from scipy import stats

from core import pixels
from core.types import Arrays, ImageSet


def drawn(n: int, seed: int, shift: int = 0, side: int = 8) -> ImageSet:
    """Images that differ in brightness, as photos do, so that pixels of one belong together."""
    rng = np.random.default_rng(seed)
    light = rng.uniform(40, 180, (n, 1, 1, 1))
    noise = rng.normal(0, 20, (n, side, side, 3))
    return ImageSet("drawn", "train", np.clip(light + noise + shift, 0, 255).astype(np.uint8))


def described(s: ImageSet) -> Arrays:
    return pixels.described(s)


def test_a_shift_of_all_values_has_that_distance() -> None:
    low, high = np.full((20, 8, 8, 3), 100, np.uint8), np.full((30, 8, 8, 3), 117, np.uint8)
    rows = pixels.drift(described(ImageSet("a", "train", low)), described(ImageSet("b", "test", high)), draws=99)
    assert [r.channel for r in rows] == ["R", "G", "B"]
    assert [(r.wasserstein, r.ks, r.wasserstein_p, r.ks_p) for r in rows] == [(17, 1, 0.01, 0.01)] * 3


def test_distances_equal_scipys_on_all_pixels() -> None:
    a, b = drawn(30, 1), drawn(50, 2, shift=9)
    for c, row in enumerate(pixels.drift(described(a), described(b), draws=9)):
        one, other = a.images[..., c].ravel(), b.images[..., c].ravel()
        assert row.wasserstein == pytest.approx(stats.wasserstein_distance(one, other), rel=1e-9)
        assert row.ks == pytest.approx(stats.ks_2samp(one, other).statistic, rel=1e-9)


def test_what_chance_gives_equals_a_plain_shuffle_of_the_images() -> None:
    a, b = drawn(20, 3), drawn(25, 4)
    row = pixels.drift(described(a), described(b), draws=999)[0]
    both, rng, plain = np.concatenate([a.images, b.images])[..., 0].reshape(45, -1), np.random.default_rng(5), []
    for _ in range(500):
        order = rng.permutation(45)
        plain.append(stats.wasserstein_distance(both[order[:20]].ravel(), both[order[20:]].ravel()))
    assert row.wasserstein_expected == pytest.approx(np.mean(plain), rel=0.1)
    assert row.wasserstein_limit == pytest.approx(np.quantile(plain, 0.95), rel=0.15)


def test_which_set_is_named_first_changes_no_distance() -> None:
    a, b = described(drawn(30, 1)), described(drawn(50, 2, shift=9))
    for one, other in zip(pixels.drift(a, b), pixels.drift(b, a), strict=True):
        assert (one.wasserstein, one.ks) == pytest.approx((other.wasserstein, other.ks), rel=1e-12)
        assert one.wasserstein_limit == pytest.approx(other.wasserstein_limit, rel=0.15)


def test_one_seed_gives_one_answer_and_equal_sets_do_not_differ() -> None:
    a, b = described(drawn(30, 1)), described(drawn(30, 2))
    assert pixels.drift(a, b, seed=7) == pixels.drift(a, b, seed=7)
    assert all(r.wasserstein == 0 and r.wasserstein_p == 1 and r.ks_p == 1 for r in pixels.drift(a, a))


def test_chance_alone_is_called_drift_as_often_as_it_says_and_a_real_shift_always() -> None:
    p = [pixels.drift(described(drawn(30, 100 + i)), described(drawn(20, 500 + i)), draws=99)[0].ks_p for i in range(100)]
    assert sum(x <= 0.05 for x in p) <= 12 and 0.38 < np.mean(p) < 0.62  # 5 and 0.5 are expected
    shifted = [pixels.drift(described(drawn(80, i)), described(drawn(60, 50 + i, 60)), draws=99)[0].ks_p for i in range(10)]
    assert max(shifted) <= 0.05


def test_sets_of_one_image_differ_by_nothing_that_chance_could_not_give() -> None:
    for row in pixels.drift(described(drawn(1, 1)), described(drawn(1, 2, shift=50))):
        assert row.wasserstein > 0 and row.wasserstein_p == 1 and row.ks_p == 1


def test_groups_of_several_images_count_with_all_their_pixels() -> None:
    a, b = drawn(2049, 1), drawn(7, 2)  # groups of two, the last one of one image
    row = pixels.drift(described(a), described(b), draws=99)[1]
    assert row.wasserstein == pytest.approx(
        stats.wasserstein_distance(a.images[..., 1].ravel(), b.images[..., 1].ravel()), rel=1e-9
    )


def in_groups(s: ImageSet, size: int) -> Arrays:
    """What is counted of a set in groups of this many images, the last one maybe shorter."""
    parts = [s.images[i : i + size] for i in range(0, len(s), size)]
    counts = [[np.bincount(part[..., c].ravel(), minlength=256) for c in range(3)] for part in parts]
    return {"counts": np.array(counts), "group_sizes": np.array([len(part) for part in parts])}


@pytest.mark.parametrize(("n_a", "size_a", "n_b", "size_b"), [(400, 4, 50, 1), (50, 1, 400, 4), (300, 7, 25, 3), (400, 40, 8, 1)])
def test_chance_is_named_as_often_as_it_says_where_the_groups_have_two_sizes(
    n_a: int, size_a: int, n_b: int, size_b: int
) -> None:
    def p(i: int) -> list[float]:
        a, b = in_groups(drawn(n_a, 100 + i), size_a), in_groups(drawn(n_b, 900 + i), size_b)
        row = pixels.drift(a, b, draws=99, seed=i)[0]
        return [row.wasserstein_p, row.ks_p]

    found = np.array([p(i) for i in range(100)])
    assert ((found <= 0.05).sum(axis=0) <= 12).all() and (abs(found.mean(axis=0) - 0.5) < 0.12).all()  # 5 and 0.5 are expected


@pytest.mark.parametrize(("n_a", "size_a", "n_b"), [(200, 50, 1), (2, 2, 1), (99, 98, 30)])
def test_a_set_smaller_than_a_group_of_the_other_still_has_finite_numbers(n_a: int, size_a: int, n_b: int) -> None:
    for row in pixels.drift(in_groups(drawn(n_a, 1), size_a), in_groups(drawn(n_b, 2), 1), draws=99):
        assert 0 < row.wasserstein_p <= 1 and 0 < row.ks_p <= 1 and np.isfinite([row.wasserstein_limit, row.ks_limit]).all()
        assert row.ks_limit <= 1

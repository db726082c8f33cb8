"""Images that stand out from their set."""

import numpy as np
import pytest

from core import pixels
from core.pixels import OUTLIER_KINDS, signature
from core.pixels.outliers import LIMIT, Outliers
from core.types import ImageSet

NO_SIGNATURE = np.zeros(signature.LENGTH, np.float32)


def waves(n: int, seed: int = 0, side: int = 16) -> np.ndarray:
    """Pictures of soft waves around one grey."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side)) / side
    f, phase, colour = rng.normal(1, 0.2, (2, n, 1, 1)), rng.uniform(0, 6, (n, 1, 1)), rng.normal(110, 6, (n, 1, 1, 3))
    wave = np.sin(6 * (f[0] * x + f[1] * y) + phase)[..., None] * rng.normal(35, 3, (n, 1, 1, 1))
    return np.clip(colour + wave + rng.normal(0, 3, (n, side, side, 3)), 0, 255).astype(np.uint8)


def found(images: np.ndarray, most: int = 24) -> dict[str, list[int]]:
    d = pixels.described(ImageSet("set", "train", images))
    o = pixels.outliers(d["values"], d["signature"], most)
    return {name: o.position[o.kind == k].tolist() for k, name in enumerate(OUTLIER_KINDS)}


def of_values(column: str, values: list[float]) -> Outliers:
    table = np.ones((len(values), 4), np.float32)
    table[:, pixels.VALUES.index(column)] = values
    return pixels.outliers(table, np.tile(NO_SIGNATURE, (len(values), 1)))


def test_each_planted_kind_comes_first_under_its_name() -> None:
    images = waves(400)
    images[1] = images[1] // 12
    images[2] = 255 - images[2] // 12
    images[3] = 100 + images[3] // 25
    images[4] = np.random.default_rng(1).integers(0, 256, images[4].shape)
    images[5, ..., 2] = 0
    images[5, ..., 1] //= 6
    smooth = np.linspace(60, 160, 16)
    images[6] = np.add.outer(smooth, smooth)[..., None] / 2
    named = found(images)
    assert named["too dark"][0] == 1 and named["too bright"][0] == 2 and 3 in named["little contrast"][:3]
    assert named["noisy"][0] == 4 and named["oversaturated"][0] == 5 and 6 in named["blurred"][:6]
    assert 4 in named["unlike the others"][:3]


def test_the_score_is_the_distance_from_the_median_in_robust_deviations() -> None:
    o = of_values("brightness", [96, 98, 99, 100, 101, 102, 104, 160])
    # Median 100.5, median absolute deviation 2 (0.5 0.5 1.5 1.5 2.5 3.5 4.5 59.5).
    assert o.position.tolist() == [7] and OUTLIER_KINDS[o.kind[0]] == "too bright" and o.value.tolist() == [160]
    assert o.score[0] == pytest.approx(59.5 / (1.4826 * 2))


def test_strongest_come_first_and_no_more_than_asked_for_of_a_kind() -> None:
    images = waves(400)
    images[10:40] = images[10:40] // np.arange(8, 38)[:, None, None, None].astype(np.uint8)
    d = pixels.described(ImageSet("set", "train", images))
    o = pixels.outliers(d["values"], d["signature"], most=5)
    dark = o.score[o.kind == 0]
    assert len(dark) == 5 and (np.diff(dark) <= 0).all() and (o.score > LIMIT).all()
    assert np.bincount(o.kind).max() <= 5


def test_order_of_the_images_changes_nobodys_score() -> None:
    images = waves(300)
    images[7] //= 10
    order = np.random.default_rng(0).permutation(300)
    one, other = found(images), found(images[order])
    assert {k: sorted(order[v].tolist()) for k, v in other.items()} == {k: sorted(v) for k, v in one.items()}


def test_distance_from_the_others_equals_a_plain_mahalanobis() -> None:
    d = pixels.described(ImageSet("set", "train", np.concatenate([waves(300), 255 - waves(3, seed=1)])))
    o = pixels.outliers(d["values"], d["signature"], most=1000)
    s = d["signature"].astype(np.float64)
    inverse = np.linalg.pinv(np.cov(s.T, bias=True), rcond=1e-9, hermitian=True)
    far = o.kind == OUTLIER_KINDS.index("unlike the others")
    for position, value in zip(o.position[far], o.value[far], strict=True):
        off = s[position] - s.mean(axis=0)
        assert value == pytest.approx(np.sqrt(off @ inverse @ off), rel=1e-4)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_few_or_equal_images_have_no_outlier(n: int) -> None:
    assert not any(found(np.tile(waves(1), (n, 1, 1, 1))).values())
    assert not any(found(np.zeros((n, 8, 8, 3), np.uint8)).values())


def test_where_most_are_equal_nothing_is_called_far_off() -> None:
    assert len(of_values("brightness", [100] * 50 + [101])) == 0

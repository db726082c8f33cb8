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
    o = of_values("contrast", [np.expm1(v) for v in (1.96, 1.98, 1.99, 2, 2.01, 2.02, 2.04, 0.5)])
    # Of the logarithms: median 1.995, median absolute deviation 0.02 (0.005 0.005 0.015 0.015 0.025 0.035 0.045 1.495).
    assert o.position.tolist() == [7] and OUTLIER_KINDS[o.kind[0]] == "little contrast"
    assert o.value[0] == pytest.approx(np.expm1(0.5)) and o.score[0] == pytest.approx(1.495 / (1.4826 * 0.02), rel=1e-4)


@pytest.mark.parametrize(("value", "kind"), [(0, "too dark"), (255, "too bright")])
def test_black_and_white_stand_out_among_photos_of_every_brightness(value: int, kind: str) -> None:
    spread = np.clip(np.random.default_rng(0).normal(115, 40, 1000), 10, 240)
    o = of_values("brightness", [*spread, value])
    assert o.position[o.kind == OUTLIER_KINDS.index(kind)][0] == 1000 and len(o) < 20


def test_one_in_colour_among_greys_and_one_grey_among_equal_ones_are_told_apart() -> None:
    o = of_values("saturation", [0.0] * 60 + [0.7])
    assert o.position.tolist() == [60] and OUTLIER_KINDS[o.kind[0]] == "oversaturated"
    assert len(of_values("saturation", [0.0] * 60 + [0.7] * 30)) == 0  # a third of them is no exception


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

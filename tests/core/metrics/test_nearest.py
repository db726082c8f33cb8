import numpy as np
import pytest

from core.metrics import nearest
from core.metrics.nearest import distances, near, small


def rows(n: int, seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def pictures(n: int, seed: int, side: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def brute(x: np.ndarray, sides: list[np.ndarray], k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = np.concatenate([s.reshape(len(s), -1) for s in sides]).astype(np.float64)
    away = np.array([[np.sqrt(((a - b) ** 2).sum()) for b in y] for a in x.reshape(len(x), -1).astype(np.float64)])
    rising = np.sort(away, axis=1)[:, :k]
    return away.argmin(1), rising[:, 0], rising[:, 1:].mean(1)


@pytest.mark.parametrize("kind", ["features", "pixels"])
def test_equals_brute_force(kind: str) -> None:
    if kind == "features":
        x, sides = rows(23, 0, 12), [rows(40, 1, 12), rows(40, 2, 12)]
    else:
        x, y = pictures(23, 0), pictures(40, 1)
        sides = [y, y[:, :, ::-1]]
    found = near(x, sides, 7)
    place, distance, rest = brute(x, sides, 7)
    assert found.place.tolist() == place.tolist()
    np.testing.assert_allclose(found.distance, distance, rtol=1e-12)
    np.testing.assert_allclose(found.rest, rest, rtol=1e-12)


def test_does_not_depend_on_how_the_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    x, sides = rows(50, 3, 9), [rows(90, 4, 9), rows(90, 5, 9)]
    whole = near(x, sides, 10)
    for name, value in {"QUERIES": 16, "INDEXED": 25, "EXACT": 7, "SPARE": 2}.items():
        monkeypatch.setattr(nearest, name, value)
    cut = near(x, sides, 10)
    np.testing.assert_array_equal(cut.place, whole.place)
    np.testing.assert_array_equal(cut.distance, whole.distance)
    np.testing.assert_array_equal(cut.rest, whole.rest)


def test_equal_rows_are_at_distance_0_exactly_and_nothing_else_is() -> None:
    """Far from the origin single-precision products leave distances of about 10 between equal rows."""
    y = rows(200, 6, 64) + np.float32(3e4)
    x = y[[5, 150, 5]].copy()
    x[2, 0] += np.float32(0.01)
    found = near(x, [y], 20)
    assert found.place.tolist() == [5, 150, 5]
    assert found.distance[:2].tolist() == [0, 0]
    assert 0.005 < found.distance[2] < 0.02


def test_of_equal_rows_the_first_is_the_nearest_and_the_others_are_among_the_next() -> None:
    y = rows(30, 7, 5)
    y[[4, 9, 20]] = y[4]
    found = near(y[[20]], [y], 5)
    others = np.sort(np.linalg.norm(y.astype(np.float64) - y[4], axis=1))[3:5]
    assert (found.place.tolist(), found.distance.tolist()) == ([4], [0.0])
    assert found.rest[0] == pytest.approx(others.sum() / 4)


def test_distances_are_those_to_the_rows_asked_for() -> None:
    y = pictures(9, 11)
    x, sides = pictures(40, 12), [y, y[:, :, ::-1]]
    places = np.random.default_rng(13).integers(0, 18, (40, 3))
    both = np.concatenate(sides).astype(np.float64)
    expected = np.sqrt(((both[places] - x[:, None]) ** 2).sum((2, 3, 4)))
    np.testing.assert_allclose(distances(x, sides, places), expected, rtol=1e-12)


def test_of_a_symmetric_picture_the_training_image_itself_is_the_nearest() -> None:
    y = pictures(5, 8)
    y[3] = y[3] // 2 + y[3][:, ::-1] // 2
    assert (y[3] == y[3][:, ::-1]).all()
    assert near(y[[3]], [y, y[:, :, ::-1]], 4).place.tolist() == [3]


def test_two_rows_are_enough() -> None:
    y = np.array([[0.0], [3.0]], np.float32)
    found = near(np.array([[1.0]], np.float32), [y], 2)
    assert (found.place[0], found.distance[0], found.rest[0]) == (0, 1, 2)


def test_pictures_up_to_32_pixels_stay_as_they_are() -> None:
    images = pictures(2, 9, 32)
    assert small(images) is images


@pytest.mark.parametrize("side", [33, 48, 64, 100])
def test_larger_pictures_are_averaged_by_area(side: int) -> None:
    images = pictures(2, 10, side)
    # Every pixel repeated 32 times either way, cut into 32 x 32 equal parts of side x side copies.
    fine = images[0].astype(np.float64).repeat(32, 0).repeat(32, 1)
    expected = fine.reshape(32, side, 32, side, 3).mean((1, 3))
    out = small(images)
    assert out.shape == (2, 32, 32, 3) and out.dtype == np.float32
    np.testing.assert_allclose(out[0], expected, atol=1e-3)

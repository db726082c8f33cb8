"""The index finds what comparing all with all finds."""

import itertools

import numpy as np
import pytest

from core.pixels import copies, signature
from core.pixels.copies import KINDS, Known, Pairs
from core.types import ImageSet, silent
from tests.core.pixels.test_signature import smooth


def images(array: np.ndarray) -> ImageSet:
    return ImageSet("some", "all", array)


def found(pairs: Pairs) -> set[tuple[int, int, int, int, str]]:
    rows = zip(pairs.a_set, pairs.a, pairs.b_set, pairs.b, pairs.kind, strict=True)
    told = [(int(s), int(a), int(t), int(b), KINDS[k]) for s, a, t, b, k in rows]
    assert len(set(told)) == len(told)
    return set(told)


def noisy(array: np.ndarray, deviation: float | np.ndarray, seed: int = 0) -> np.ndarray:
    return np.clip(array + np.random.default_rng(seed).normal(0, deviation, array.shape), 0, 255).astype(np.uint8)


def mixed(side: int) -> np.ndarray:
    """150 different images, 60 of them again with noise, 30 mirrored, 20 in another tint, 5 as they are."""
    base = smooth(150, side, 3)
    tints = np.random.default_rng(5).integers(-60, 60, (20, 1, 1, 3))
    noises = np.random.default_rng(4).uniform(1, 14, (60, 1, 1, 1))
    tinted = np.clip(base[90:110].astype(int) + tints, 0, 255).astype(np.uint8)
    return np.concatenate([base, noisy(base[:60], noises), base[60:90, :, ::-1], tinted, base[:5]])


def one_by_one(made: np.ndarray) -> dict[tuple[int, int], tuple[str, float]]:
    """Each image with each that follows, the first of equal ones only."""
    out = {}
    ways = [("nearly equal", made), ("mirrored", made[:, :, ::-1])]
    flat, deviation = signature.standardised(made)
    others = [signature.standardised(other)[0] for _, other in ways]
    for i, j in itertools.combinations(range(len(made)), 2):
        if (made[i] == made[j]).all():
            out[i, j] = ("same pixels", 1.0)
        elif j < 260:
            for (kind, other), standard in zip(ways, others, strict=True):
                r = float(flat[i] @ standard[j])
                apart = np.sqrt(((made[i].astype(float) - other[j]) ** 2).mean()) if r >= copies.ALIKE else 0
                if r >= copies.ALIKE and apart <= min(deviation[i], deviation[j]):
                    out[i, j] = (kind, r)
                    break
    return out


@pytest.mark.parametrize("side", [16, 40])
def test_the_index_finds_what_comparing_all_with_all_finds(side: int) -> None:
    made = mixed(side)
    expected = one_by_one(made)
    pairs = copies.duplicates({"all": images(made)})
    assert found(pairs) == {(0, i, 0, j, kind) for (i, j), (kind, _) in expected.items()}
    near = [expected[int(a), int(b)][1] for a, b in zip(pairs.a, pairs.b, strict=True)]
    assert np.allclose(pairs.correlation, near, atol=1e-5)
    counts = [sum(kind == k for kind, _ in expected.values()) for k in ("same pixels", "nearly equal", "mirrored")]
    assert counts[0] == 5 and 30 < counts[1] < 80 and counts[2] >= 30


def along_a_line(n: int, seed: int) -> np.ndarray:
    """(n, LENGTH) float32, spread along one frequency that mirrors leave alone, a little along all others."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.01, (n, signature.LENGTH))
    values[:, np.flatnonzero(~signature.ODD)[3]] = rng.uniform(-0.7, 0.7, n)
    return values.astype(np.float32)


def test_no_signatures_within_the_radius_are_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "NEIGHBOURS", 300)
    values = along_a_line(300, 1)
    values[::3, signature.ODD] *= 8
    radius = np.sqrt(2 - 2 * copies.ALIKE)
    apart = np.linalg.norm(values[:, None] - values, axis=2)
    apart = np.minimum(apart, np.linalg.norm(values[:, None] - signature.mirrored(values), axis=2))
    pairs = set(zip(*map(np.ndarray.tolist, copies._near(values, silent)), strict=True))
    assert pairs >= {(i, j) for i, j in itertools.combinations(range(300), 2) if apart[i, j] <= radius}
    assert pairs <= {(i, j) for i, j in itertools.combinations(range(300), 2) if apart[i, j] <= radius + 1e-3}
    assert 3_000 < len(pairs) < 20_000


def test_where_there_are_many_the_nearest_are_compared() -> None:
    values = np.zeros((100, signature.LENGTH), np.float32)
    values[:, np.flatnonzero(~signature.ODD)[3]] = np.arange(100) * 0.001
    pairs = set(zip(*map(np.ndarray.tolist, copies._near(values, silent)), strict=True))
    assert pairs == {(i, j) for i, j in itertools.combinations(range(100), 2) if j - i <= copies.NEIGHBOURS}


def test_how_the_work_is_cut_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = mixed(16)
    whole = copies.duplicates({"all": images(made)})
    monkeypatch.setattr(copies, "_ROWS", 7)
    monkeypatch.setattr(copies, "_PAIRS", 3)
    sets = {"first": images(made[:100]), "none": images(made[:0]), "rest": images(made[100:])}
    told: list[tuple[int, int, str]] = []
    cut = copies.duplicates(sets, progress=lambda done, total, note: told.append((done, total, note)))
    assert (265, 265, "looking for copies") in told and told[-1] == (260, 260, "comparing images")
    start = np.array([0, 100, 100])
    assert np.array_equal(start[cut.a_set] + cut.a, whole.a) and np.array_equal(start[cut.b_set] + cut.b, whole.b)
    assert np.array_equal(cut.kind, whole.kind) and np.allclose(cut.correlation, whole.correlation, atol=1e-6)
    assert np.array_equal(copies.groups(cut, [100, 0, 165]), copies.groups(whole, [265]))


def test_the_order_of_the_sets_changes_no_group() -> None:
    made = mixed(16)
    one, two = images(made[:120]), images(made[120:])
    forth = copies.groups(copies.duplicates({"one": one, "two": two}), [120, 145])
    back = copies.groups(copies.duplicates({"two": two, "one": one}), [145, 120])
    back = np.concatenate([back[145:], back[:145]])
    assert np.array_equal(forth[:, None] == forth, back[:, None] == back) and np.array_equal(forth == 0, back == 0)


def test_kinds_are_told_by_files_sizes_and_mirrors() -> None:
    base = smooth(12, 16, 5)
    test = np.concatenate([base[:2], noisy(base[2:4], 1), base[4:5, :, ::-1]])
    hashes = np.arange(17)[:, None].repeat(32, 1).astype(np.uint8)
    hashes[12] = hashes[0]
    sizes = np.full((17, 2), 16)
    sizes[15] = 8
    known = {"train": Known(hashes[:12], sizes[:12]), "test": Known(hashes[12:], sizes[12:])}
    sets = {"train": images(base), "test": images(test)}
    kinds = ["same file", "same pixels", "recompressed", "resized", "mirrored"]
    assert found(copies.duplicates(sets, known)) == {(0, i, 1, i, kind) for i, kind in enumerate(kinds)}
    swapped = copies.duplicates({"test": sets["test"], "train": sets["train"]}, known)
    assert found(swapped) == {(0, i, 1, i, kind) for i, kind in enumerate(kinds)} and swapped.across.all()
    # Of drawn images no file is known.
    half = copies.duplicates(sets, {"train": known["train"]})
    unknown = ["same pixels", "same pixels", "nearly equal", "nearly equal", "mirrored"]
    assert found(half) == {(0, i, 1, i, kind) for i, kind in enumerate(unknown)}


def test_copies_of_a_file_are_paired_with_its_first_though_an_equal_picture_came_before() -> None:
    one = np.repeat(smooth(1, 16, 1), 4, axis=0)
    files = Known(np.array([1, 2, 2, 1], np.uint8)[:, None].repeat(32, 1), np.full((4, 2), 16))
    pairs = copies.duplicates({"one": images(one)}, {"one": files})
    assert found(pairs) == {(0, 0, 0, 1, "same pixels"), (0, 1, 0, 2, "same file"), (0, 0, 0, 3, "same file")}


def test_a_symmetric_image_is_not_its_own_double_and_its_copy_not_mirrored() -> None:
    half = smooth(6, 16, 2)
    symmetric = np.concatenate([half, half[:, :, ::-1]], axis=2)[:, ::2]
    symmetric = np.concatenate([symmetric, symmetric[:, ::-1]], axis=1).repeat(2, axis=1)
    assert symmetric.shape == (6, 32, 32, 3) and (symmetric == symmetric[:, :, ::-1]).all()
    assert len(copies.duplicates({"one": images(symmetric)})) == 0
    both = copies.duplicates({"one": images(symmetric), "copies": images(noisy(symmetric, 1))})
    assert found(both) == {(0, i, 1, i, "nearly equal") for i in range(6)}


def test_a_turned_pair_is_found_though_the_two_are_near_as_they_are() -> None:
    """Signatures within the radius both ways, pixels only one way: what differs as they are lies above all frequencies kept."""
    side = 32
    y, x = np.mgrid[0:side, 0:side] / side
    coarse = 60 * np.cos(2 * np.pi * x) + 40 * np.cos(np.pi * y)
    fine = 25 * np.sin(2 * np.pi * 10 * (x + 0.5 / side))
    made = np.stack([128 + coarse + fine] * 3, axis=-1)[None].round().clip(0, 255).astype(np.uint8)
    turned = made[:, :, ::-1]
    near = np.linalg.norm(signature.of(made) - signature.of(turned))
    a, b = (signature.standardised(x)[0][0] for x in (made, turned))
    assert near < np.sqrt(2 - 2 * copies.ALIKE) and a @ b < copies.ALIKE
    assert found(copies.duplicates({"one": images(np.concatenate([made, turned]))})) == {(0, 0, 0, 1, "mirrored")}


def test_skies_of_different_colours_are_no_doubles() -> None:
    ramp = np.linspace(-10, 10, 16)[None, :, None, None]
    colours = np.array([[60, 90, 200], [200, 90, 60], [120, 120, 120]])[:, None, None]
    skies = noisy(np.broadcast_to(ramp + colours, (3, 16, 16, 3)), 0.5)
    flat = signature.standardised(skies)[0]
    assert (flat @ flat.T > copies.ALIKE).all()
    assert len(copies.duplicates({"skies": images(skies)})) == 0


def test_a_flood_of_equal_and_of_empty_images_stays_small() -> None:
    one = np.repeat(smooth(1, 16, 6), 3000, axis=0)
    flat = np.full((500, 16, 16, 3), 100, np.uint8)
    flat[np.arange(500), 0, 0, 0] = 100 + np.arange(500) % 100
    pairs = copies.duplicates({"one": images(one), "flat": images(flat), "none": images(one[:0])})
    assert len(pairs) == 2999 + 400 and (pairs.a[:2999] == 0).all()
    numbers = copies.groups(pairs, [3000, 500, 0])
    assert len(set(numbers[:3000])) == 1 and len(set(numbers)) == 101


def test_a_flood_of_nearly_equal_images_is_one_group_of_few_pairs() -> None:
    many = noisy(np.repeat(smooth(1, 16, 7), 400, axis=0), 2)
    pairs = copies.duplicates({"many": images(many)})
    assert 399 <= len(pairs) <= 400 * copies.NEIGHBOURS
    assert (copies.groups(pairs, [400]) == 1).all()


def test_one_image_flat_images_and_none_have_no_doubles() -> None:
    one = smooth(1, 16, 7)
    assert len(copies.duplicates({"one": images(one)})) == 0
    assert len(copies.duplicates({"none": images(one[:0])})) == 0
    faint = np.random.default_rng(0).integers(99, 102, (50, 16, 16, 3), dtype=np.uint8)
    assert len(copies.duplicates({"faint": images(faint)})) == 0
    assert copies.groups(copies.duplicates({"one": images(one)}), [1]).tolist() == [0]

"""Signatures never lie farther apart than images, and the index finds what comparing all with all finds."""

import itertools

import numpy as np

from core.pixels import duplicates, signature
from core.pixels.duplicates import KINDS, Known, Pairs
from core.types import ImageSet


def smooth(n: int, seed: int, side: int = 16) -> np.ndarray:
    """(n, side, side, 3) uint8: low frequencies over noise, as photos have them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    waves = np.stack([np.cos(np.pi * (a * x + b * y)) for a in range(3) for b in range(3)])
    made = np.einsum("nck,kyx->nyxc", rng.normal(0, 30, (n, 3, 9)), waves) + 128 + rng.normal(0, 3, (n, side, side, 3))
    return np.clip(made, 0, 255).astype(np.uint8)


def images(array: np.ndarray) -> ImageSet:
    return ImageSet("some", "all", array)


def found(pairs: Pairs) -> set[tuple[int, int, int, int, str]]:
    rows = zip(pairs.a_set, pairs.a, pairs.b_set, pairs.b, pairs.kind, strict=True)
    return {(int(s), int(a), int(t), int(b), KINDS[k]) for s, a, t, b, k in rows}


def test_signatures_are_never_farther_apart_than_the_images() -> None:
    made = smooth(60, 1)
    values, flat = signature.of(made), signature.standardised(made)[0]
    for i, j in itertools.combinations(range(60), 2):
        assert np.linalg.norm(values[i] - values[j]) <= np.linalg.norm(flat[i] - flat[j]) + 1e-5


def test_the_signature_of_the_mirror_image_is_the_mirrored_signature() -> None:
    made = smooth(20, 2)
    assert np.allclose(signature.of(made[:, :, ::-1]), signature.mirrored(signature.of(made)), atol=1e-5)


def test_the_index_finds_what_comparing_all_with_all_finds() -> None:
    base = smooth(150, 3)
    rng = np.random.default_rng(4)
    noisy = np.clip(base[:60] + rng.normal(0, rng.uniform(1, 14, (60, 1, 1, 1)), base[:60].shape), 0, 255).astype(np.uint8)
    made = np.concatenate([base, noisy, base[60:90, :, ::-1], base[:5]])
    flat = signature.standardised(made)[0]
    turned = signature.standardised(np.ascontiguousarray(made[:, :, ::-1]))[0]
    alike = (flat @ flat.T >= duplicates.ALIKE) | (flat @ turned.T >= duplicates.ALIKE)
    expected = {(i, j) for i, j in itertools.combinations(range(len(made)), 2) if alike[i, j] or alike[j, i]}
    # Of images with equal pixels only the first is compared with others.
    expected = {(i, j) for i, j in expected if i < 240 and j < 240 or j >= 240 and i == j - 240}
    pairs = duplicates.duplicates({"all": images(made)})
    assert {(a, b) for _, a, _, b, _ in found(pairs)} == expected and 40 < len(expected) < 110


def test_kinds_are_told_by_files_sizes_and_mirrors() -> None:
    base = smooth(12, 5)
    near = np.clip(base[2:4].astype(int) + 1, 0, 255).astype(np.uint8)
    test = np.concatenate([base[:2], near, base[4:5, :, ::-1]])
    hashes = np.arange(17)[:, None].repeat(32, 1).astype(np.uint8)
    hashes[12] = hashes[0]
    sizes = np.full((17, 2), 16)
    sizes[15] = 8
    known = {"train": Known(hashes[:12], sizes[:12]), "test": Known(hashes[12:], sizes[12:])}
    sets = {"train": images(base), "test": images(test)}
    kinds = ["same file", "same pixels", "recompressed", "resized", "mirrored"]
    assert found(duplicates.duplicates(sets, known)) == {(0, i, 1, i, kind) for i, kind in enumerate(kinds)}
    swapped = duplicates.duplicates({"test": sets["test"], "train": sets["train"]}, known)
    assert found(swapped) == {(0, i, 1, i, kind) for i, kind in enumerate(kinds)} and swapped.across.all()


def test_a_flood_of_equal_and_of_empty_images_stays_small() -> None:
    one = np.repeat(smooth(1, 6), 3000, axis=0)
    flat = np.full((500, 16, 16, 3), 100, np.uint8)
    flat[np.arange(500), 0, 0, 0] = 100 + np.arange(500) % 100
    pairs = duplicates.duplicates({"one": images(one), "flat": images(flat), "none": images(one[:0])})
    assert len(pairs) == 2999 + 400 and (pairs.a[:2999] == 0).all()
    numbers = duplicates.groups(pairs, [3000, 500, 0])
    assert len(set(numbers[:3000])) == 1 and len(set(numbers)) == 101


def test_one_image_has_no_double() -> None:
    assert len(duplicates.duplicates({"one": images(smooth(1, 7))})) == 0

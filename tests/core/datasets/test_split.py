import hashlib
import random

import numpy as np
import pytest

from core.datasets.split import copies, split


def hashes(n: int) -> list[str]:
    return [hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]


@pytest.mark.parametrize(
    ("n", "sizes"), [(8189, [6551, 819, 819]), (4317, [3453, 432, 432]), (10, [8, 1, 1]), (6, [4, 1, 1]), (0, [0, 0, 0])]
)
def test_sizes_are_four_fifths_and_twice_a_tenth(n: int, sizes: list[int]) -> None:
    parts = split(hashes(n), [str(i) for i in range(n)])
    assert list(parts) == ["train", "val", "test"] and [len(p) for p in parts.values()] == sizes
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(n))


def test_follows_the_rule_as_it_is_written() -> None:
    known = hashes(50)
    plain = sorted(known, key=lambda h: hashlib.sha256(b"42:" + h.encode()).digest())
    parts = split(known, known)
    assert [known[i] for part in parts.values() for i in part] == plain


def test_neither_names_nor_the_order_of_files_matter() -> None:
    known = hashes(60)
    shuffled = random.Random(1).sample(known, 60)
    one, two = split(known, known), split(shuffled, [str(i) for i in range(60)])
    for name in one:
        assert [known[i] for i in one[name]] == [shuffled[i] for i in two[name]]


def test_copies_are_never_divided() -> None:
    for seed in range(20):
        rng = random.Random(seed)
        known = [rng.choice(hashes(12)) for _ in range(60)]
        parts = split(known, [str(i) for i in range(60)])
        owners = [{known[i] for i in part} for part in parts.values()]
        assert sum(map(len, owners)) == len(set(known))


def test_one_image_many_times_lies_in_one_split() -> None:
    assert [len(p) for p in split(hashes(1) * 9, [str(i) for i in range(9)]).values()] == [9, 0, 0]


def test_copies_are_counted_within_and_across_labels() -> None:
    a, b, c = hashes(3)
    found = copies([a, a, b, b, b, c], ["x", "x", "x", "y", "y", "y"])
    assert found == {"duplicates": 3, "duplicates_across_classes": 1}

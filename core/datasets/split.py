"""Training, validation and test images, chosen by what the files hold and nothing else."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

SPLITS = ("train", "val", "test")
SEED = 42


def split(hashes: Sequence[str], names: Sequence[str]) -> dict[str, np.ndarray]:
    """80 % for training, the rest halved: for each split the positions (int64) of its images, in a fixed random order.

    hashes: sha256 of each file's bytes. Images are ordered by sha256("42:" + hash), so that renaming and moving change
    nothing and each split's beginning is a random sample of it. Byte-identical images stay together: a cut that would part
    them moves behind them. names: only order byte-identical images among themselves.
    """
    keys = [hashlib.sha256(f"{SEED}:{h}".encode()).hexdigest() for h in hashes]
    order = sorted(range(len(keys)), key=lambda i: (keys[i], names[i]))

    def behind_copies(cut: int) -> int:
        while 0 < cut < len(order) and keys[order[cut]] == keys[order[cut - 1]]:
            cut += 1
        return cut

    first = behind_copies(len(order) * 8 // 10)
    second = behind_copies(first + (len(order) - first) // 2)
    parts = (order[:first], order[first:second], order[second:])
    return {name: np.array(part, np.int64) for name, part in zip(SPLITS, parts, strict=True)}


def copies(hashes: Sequence[str], labels: Sequence[object]) -> dict[str, int]:
    """How many images repeat an earlier one, and how many different images stand under more than one label."""
    different = set(hashes)
    labelled = Counter(sha for sha, _ in set(zip(hashes, labels, strict=True)))
    return {
        "duplicates": len(hashes) - len(different),
        "duplicates_across_classes": sum(n > 1 for n in labelled.values()),
    }

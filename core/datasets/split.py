"""Training, validation and test images, chosen by what the files hold and nothing else."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

SPLITS = ("train", "val", "test")
NAMED = {
    **{s: s for s in SPLITS},
    **dict.fromkeys(("training",), "train"),
    **dict.fromkeys(("valid", "validation", "dev"), "val"),
    **dict.fromkeys(("testing",), "test"),
}
"""What folders, lists and the Hub's data sets call the splits."""
SEED = 42


def split(
    hashes: Sequence[str], names: Sequence[str], *, seed: int = SEED, together: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """80 % for training, the rest halved: for each split the positions (int64) of its images, in a fixed random order.

    hashes: sha256 of each file's bytes. Images are ordered by sha256("42:" + hash), so that renaming and moving change
    nothing and each split's beginning is a random sample of it. Byte-identical images stay together: a cut that would part
    them moves behind them. names: only order byte-identical images among themselves. together: images that share one of these
    words (a person, say) stay together instead; they are then drawn by the word, and copies may part.
    """
    keys = ordered = _keys(hashes, seed)
    if together is not None:
        keys = _keys(together, seed)
    order = sorted(range(len(keys)), key=lambda i: (keys[i], names[i]))
    first = _behind(order, keys, len(order) * 8 // 10)
    second = _behind(order, keys, first + (len(order) - first) // 2)
    parts = (order[:first], order[first:second], order[second:])
    return {name: _random(part, ordered, names) for name, part in zip(SPLITS, parts, strict=True)}


def given(hashes: Sequence[str], names: Sequence[str], splits: Sequence[str]) -> dict[str, np.ndarray]:
    """The splits as they are named, each in its fixed random order; val or test that nothing is in is drawn from training.

    It takes a tenth of the images there, copies together; so no split is empty where training holds enough different images.
    """
    keys = _keys(hashes, SEED)
    parts = {s: [i for i, own in enumerate(splits) if own == s] for s in SPLITS}
    for missing in [s for s in ("test", "val") if not parts[s]]:
        order = sorted(parts["train"], key=lambda i: (keys[i], names[i]))
        cut = _behind(order, keys, len(order) * 9 // 10)
        parts["train"], parts[missing] = order[:cut], order[cut:]
    return {s: _random(part, keys, names) for s, part in parts.items()}


def _keys(words: Sequence[str], seed: int) -> list[str]:
    return [hashlib.sha256(f"{seed}:{w}".encode("utf-8", "surrogateescape")).hexdigest() for w in words]


def _behind(order: Sequence[int], keys: Sequence[str], cut: int) -> int:
    """The cut, moved behind images of one key that it would part."""
    while 0 < cut < len(order) and keys[order[cut]] == keys[order[cut - 1]]:
        cut += 1
    return cut


def _random(part: Sequence[int], keys: Sequence[str], names: Sequence[str]) -> np.ndarray:
    return np.array(sorted(part, key=lambda i: (keys[i], names[i])), np.int64)


def copies(hashes: Sequence[str], labels: Sequence[object]) -> dict[str, int]:
    """How many images repeat an earlier one, and how many different images stand under more than one label."""
    different = set(hashes)
    labelled = Counter(sha for sha, _ in set(zip(hashes, labels, strict=True)))
    return {
        "duplicates": len(hashes) - len(different),
        "duplicates_across_classes": sum(n > 1 for n in labelled.values()),
    }

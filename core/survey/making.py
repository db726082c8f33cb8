"""The passes over a data set's images and what is kept of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from core import datasets, pixels, store
from core.datasets import SPLITS
from core.pixels import Drift, Known, Outliers, Pairs
from core.types import Arrays, DatasetCard, ImageSet, Progress, canonical, silent

FORMAT = 3
"""Of what is kept and how it is worked out; a change has every survey made anew."""
_PAIRS = ("a_set", "a", "b_set", "b", "kind", "correlation")
_OUTLIERS = ("kind", "position", "value", "score")


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found in a prepared data set.

    arrays: for each of its splits counts_, group_sizes_, mean_, variance_ and values_ as `pixels.described` gives them; `group`
    (n,) int64 over all images, one split after the other: images with one number are copies of each other, 0 has none.
    drift: for each two splits, red, green and blue.  pairs, outliers: their sets count in the order of `splits`, the positions
    of outliers over all splits, one after the other.
    """

    card: DatasetCard
    splits: tuple[str, ...]
    arrays: Arrays
    drift: Mapping[tuple[str, str], tuple[Drift, ...]]
    pairs: Pairs
    outliers: Outliers

    def described(self, split: str) -> Arrays:
        """What `pixels.described` found in a split, but for the signatures."""
        return {k: self.arrays[f"{k}_{split}"] for k in ("counts", "group_sizes", "mean", "variance", "values")}

    @property
    def starts(self) -> np.ndarray:
        """(splits + 1,) int64: where each split's images begin, counted over all splits, and where the last one ends."""
        return np.cumsum([0, *(self.card.splits[s] for s in self.splits)])

    @property
    def leaking(self) -> np.ndarray:
        """(n,) bool over all splits: the images of which another split holds a copy."""
        group = np.asarray(self.arrays["group"])
        part = np.repeat(np.arange(len(self.splits)), np.diff(self.starts))
        # A group leaks whose members do not all lie in the split of its first.
        first = np.zeros(group.max() + 1, np.int64)
        first[group[::-1]] = part[::-1]
        leaks = np.zeros(len(first), bool)
        leaks[group[part != first[group]]] = True
        leaks[0] = False
        return leaks[group]

    def place(self, position: int) -> tuple[str, int]:
        """Split and position in it of an image counted over all splits."""
        part = int(np.searchsorted(self.starts, position, side="right")) - 1
        return self.splits[part], position - int(self.starts[part])


def of(name: str, size: int = 32, progress: Progress = silent) -> Survey:
    """What is in a data set; looked for once. The data set is prepared first where it never was.

    DataError for a data set that nobody knows or whose files are gone.
    """
    parts = {s: images for s in SPLITS if len(images := datasets.load(name, s, size=size))}
    card = datasets.card(name, size)
    return _read(card, store.get_or_compute("surveys", _recipe(card), lambda: _looked(card, parts, progress)))


def cached(name: str, size: int = 32) -> Survey | None:
    """What `of` has kept, or None: there is nothing yet, or the data set is not prepared. Reads no image."""
    card = datasets.card(name, size)
    found = store.get("surveys", _recipe(card)) if card.prepared else None
    return None if found is None else _read(card, found)


def _recipe(card: DatasetCard) -> dict[str, Any]:
    return {"format": FORMAT, "data": dict(card.recipe), "splits": dict(card.splits), "size": card.size}


def _looked(card: DatasetCard, parts: Mapping[str, ImageSet], progress: Progress) -> Arrays:
    out: Arrays = {}
    found = {s: pixels.described(images, progress) for s, images in parts.items()}
    for split, described in found.items():
        out |= {f"{k}_{split}": v for k, v in described.items() if k != "signature"}
    values, signatures = (np.concatenate([d[k] for d in found.values()]) for k in ("values", "signature"))
    outliers = pixels.outliers(values, signatures)
    pairs = pixels.duplicates(parts, _known(card, parts), progress)
    progress(0, 0, "comparing splits")
    drift = [[a, b, list(map(asdict, pixels.drift(found[a], found[b])))] for a, b in combinations(found, 2)]
    return {
        **out,
        **{f"pairs_{k}": getattr(pairs, k) for k in _PAIRS},
        **{f"outliers_{k}": getattr(outliers, k) for k in _OUTLIERS},
        "group": pixels.groups(pairs, [len(images) for images in parts.values()]),
        "drift": np.frombuffer(canonical(drift).encode(), np.uint8),
    }


def _known(card: DatasetCard, parts: Mapping[str, ImageSet]) -> dict[str, Known]:
    """What is known of the files behind the images; of drawn images nothing."""
    behind = {s: datasets.of_files(card.name, s, size=card.size) for s in parts}
    return {s: Known(f.sha256, f.sizes) for s, f in behind.items() if f is not None}


def _read(card: DatasetCard, arrays: Arrays) -> Survey:
    drift = json.loads(np.asarray(arrays["drift"]).tobytes())
    return Survey(
        card,
        tuple(s for s in SPLITS if card.splits.get(s)),
        arrays,
        {(a, b): tuple(Drift(**row) for row in rows) for a, b, rows in drift},
        Pairs(*(arrays[f"pairs_{k}"] for k in _PAIRS)),
        Outliers(*(arrays[f"outliers_{k}"] for k in _OUTLIERS)),
    )

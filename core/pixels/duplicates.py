"""Images that stand in a data set more than once: the same file, the same pixels, resized, compressed again, or mirrored."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from core.pixels import signature
from core.types import ImageSet, Progress, silent

KINDS = ("same file", "same pixels", "resized", "recompressed", "mirrored", "nearly equal")
"""In the order in which a pair that is several of them is named; "nearly equal" where nothing is known of files."""
ALIKE = 0.98
"""Correlation of the prepared pixels from which on two images count as one photo: see `duplicates`."""
NEIGHBOURS = 8
_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the files behind a set, image for image. sha256: (n, 32) uint8.  sizes: (n, 2), height and width."""

    sha256: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True, eq=False)
class Pairs:
    """Each (n,). a_set, b_set: number of the set.  a, b: positions in it.  kind: number in KINDS.  correlation: float32."""

    a_set: np.ndarray
    a: np.ndarray
    b_set: np.ndarray
    b: np.ndarray
    kind: np.ndarray
    correlation: np.ndarray

    def __len__(self) -> int:
        return len(self.a)

    @property
    def across(self) -> np.ndarray:
        """(n,) bool: the pairs of which the two lie in different sets."""
        return self.a_set != self.b_set


def duplicates(sets: Mapping[str, ImageSet], known: Mapping[str, Known] | None = None, progress: Progress = silent) -> Pairs:
    """The pairs among all images of all sets, each once, the sets numbered in their order.

    Two steps. Of images with equal pixels each is paired with the first. Among the rest, those within sqrt(2 - 2 ALIKE) of each
    other, or of the other's mirror image, are found by their signatures in a k-d tree (Maneewongvatana and Mount 1999, in SciPy),
    NEIGHBOURS nearest at most, and confirmed on their pixels. Time grows a little faster than the number of images, memory with
    it: 100 bytes an image.
    """
    names = list(sets)
    which = np.repeat(np.arange(len(names)), [len(sets[s]) for s in names])
    place = np.concatenate([np.arange(len(sets[s])) for s in names])
    values, first = _described([sets[s] for s in names], len(place), progress)
    exact = np.flatnonzero(first != np.arange(len(place)))
    found = [(first[exact], exact, np.ones(len(exact), np.float32), np.zeros(len(exact), bool))]
    candidates = np.flatnonzero((first == np.arange(len(place))) & values.any(axis=1))

    def images(rows: np.ndarray) -> np.ndarray:
        shape = sets[names[0]].images.shape[1:]
        out = np.empty((len(rows), *shape), np.uint8)
        for k, name in enumerate(names):
            here = which[rows] == k
            out[here] = sets[name].images[place[rows[here]]]
        return out

    for a, b, flip in _near(values, candidates, progress):
        left, right = (signature.standardised(images(rows))[0] for rows in (a, b))
        if flip:
            right = right.reshape(len(b), *sets[names[0]].images.shape[1:])[:, :, ::-1].reshape(len(b), -1)
        r = np.einsum("nd,nd->n", left, right)
        sure = r >= ALIKE
        found.append((a[sure], b[sure], r[sure], np.full(int(sure.sum()), flip)))
    a, b, r, flips = (np.concatenate(part) for part in zip(*found, strict=True))
    # A pair may be found from both sides, and mirrored too where an image is its own mirror image: the first time counts.
    _, once = np.unique(a * len(place) + b, return_index=True)
    a, b, r, flips = a[once], b[once], r[once], flips[once]
    kinds = np.where(flips, KINDS.index("mirrored"), KINDS.index("nearly equal"))
    kinds[first[b] == a] = KINDS.index("same pixels")
    if known is not None:
        sha256 = np.concatenate([known[s].sha256 for s in names])
        sizes = np.concatenate([known[s].sizes for s in names])
        resized = (sizes[a] != sizes[b]).any(axis=1)
        near = kinds == KINDS.index("nearly equal")
        kinds[near] = np.where(resized[near], KINDS.index("resized"), KINDS.index("recompressed"))
        kinds[(sha256[a] == sha256[b]).all(axis=1)] = KINDS.index("same file")
    return Pairs(which[a], place[a], which[b], place[b], kinds, r)


def groups(pairs: Pairs, lengths: list[int]) -> np.ndarray:
    """For each image of all sets, one set of these lengths after the other, the number of its group (n,) int64; 0 for none.

    Whoever is paired with one of a group belongs to it.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    start = np.concatenate([[0], np.cumsum(lengths)])
    a, b = start[pairs.a_set] + pairs.a, start[pairs.b_set] + pairs.b
    _, member = connected_components(coo_array((np.ones(len(a), bool), (a, b)), shape=(start[-1],) * 2), directed=False)
    paired = np.zeros(start[-1], bool)
    paired[a] = paired[b] = True
    out = np.zeros(start[-1], np.int64)
    out[paired] = np.unique(member[paired], return_inverse=True)[1] + 1
    return out


def _described(sets: list[ImageSet], n: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Signatures (n, LENGTH), and for each image the first one with its pixels (n,)."""
    values = np.empty((n, signature.LENGTH), np.float32)
    hashes = np.empty(n, "V16")
    at = 0
    for images in sets:
        for block in images.blocks():
            end = at + len(block)
            values[at:end] = signature.of(block)
            hashes[at:end] = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in block]
            at = end
            progress(at, n, "looking for copies")
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    return values, first[inverse]


def _near(values: np.ndarray, rows: np.ndarray, progress: Progress) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Pairs (a, b, mirrored?) of `rows` whose signatures are near, a < b, each once; a few thousand at a time."""
    from scipy.spatial import cKDTree

    if len(rows) < 2:
        return
    # A hair wider than the pixels' radius: signatures are of single precision.
    radius = float(np.sqrt(2 - 2 * ALIKE)) + 1e-4
    tree = cKDTree(values[rows])
    for flip in (False, True):
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            asked = signature.mirrored(values[part]) if flip else values[part]
            _, near = tree.query(asked, k=NEIGHBOURS + 1, distance_upper_bound=radius)
            i, j = np.nonzero(near < len(rows))
            ends = np.stack([part[i], rows[near[i, j]]], axis=1)
            pairs = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
            progress(min(start + _AT_ONCE, len(rows)), len(rows), "comparing mirror images" if flip else "comparing images")
            for k in range(0, len(pairs), 1024):
                a, b = pairs[k : k + 1024].T
                yield a, b, flip

"""Images that stand in a data set more than once: the same file, the same pixels, resized, compressed again, or mirrored."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.pixels import signature
from core.types import ImageSet, Progress, silent

KINDS = ("same file", "same pixels", "resized", "recompressed", "mirrored", "nearly equal")
"""In the order in which a pair that is several of them is named; "nearly equal" where nothing is known of files."""
ALIKE = 0.98
"""Correlation of the standardised pixels from which on two images count as one picture.

Measured on 4,317 photos of flowers: copies at JPEG quality 75, of half the size, or mirrored reach 0.995 at least, at quality
30 still 0.981. The likest different pictures stay below 0.943, 8,000 drawings each of the built-in petals and faces below
0.946. Shots of one scene a moment apart reach 0.998: pixels cannot tell these from copies.
"""
NEIGHBOURS = 8
"""An image is compared with so many others at most that follow it in the index: the nearest."""
_ROWS = 64
_PAIRS = 128
_NONE = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the files behind a set, image for image. sha256: (n, 32) uint8.  sizes: (n, 2), height and width."""

    sha256: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True, eq=False)
class Pairs:
    """Each (n,). a_set, b_set: number of the set.  a, b: positions in it.  kind: number in KINDS.  correlation: float32.

    correlation: of the standardised pixels, one image turned over in mirrored pairs; 1 where the pixels are equal.
    """

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
    """The pairs among all images of all sets, each once, in order; the sets are numbered in their order, and a is before b.

    known: for those sets of which it is known. All sets have images of one shape.

    Of images with one file, or else with equal pixels, each is paired with the first, and only the first goes on. Those within
    sqrt(2 - 2 ALIKE) of one another, or of the other's mirror image, are found by their signatures (`_near`) and confirmed on
    their pixels. Pictures flatter than signature.FLAT are looked through for equal pixels only. `groups` tells who belongs
    together. Memory: less than 2 KB an image.
    """
    parts = list(sets.values())
    files = [known.get(name) if known else None for name in sets]
    values, first = _described(parts, progress)
    n = len(values)
    leader = _leaders(first, files, parts)
    copies = np.flatnonzero(leader != np.arange(n))
    rest = np.flatnonzero((first == np.arange(n)) & values.any(axis=1))
    one, other = _near(values[rest], progress)
    near, turned = _confirmed(parts, np.sort(rest[one] * n + rest[other]))
    found = (leader[copies] * n + copies, np.ones(len(copies), np.float32)), near, turned
    keys, correlation = np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])
    order = np.argsort(keys)
    a, b = np.divmod(keys[order], n)
    kinds = [KINDS.index(kind) for kind in ("same pixels", "nearly equal", "mirrored")]
    kind = _named(a, b, np.repeat(kinds, [len(f[0]) for f in found])[order], files, parts)
    return Pairs(*_placed(parts, a), *_placed(parts, b), kind, correlation[order])


def groups(pairs: Pairs, lengths: Sequence[int]) -> np.ndarray:
    """For each image of all sets, one set of these lengths after the other, the number of its group (n,) int64; 0 for none.

    Whoever is paired with one of a group belongs to it; so the two ends of a chain may be less alike than ALIKE.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    start = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    n = int(start[-1])
    a, b = start[pairs.a_set] + pairs.a, start[pairs.b_set] + pairs.b
    _, member = connected_components(coo_array((np.ones(len(a), bool), (a, b)), shape=(n, n)), directed=False)
    paired = np.union1d(a, b)
    out = np.zeros(n, np.int64)
    out[paired] = np.unique(member[paired], return_inverse=True)[1] + 1
    return out


def _described(parts: list[ImageSet], progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Signatures (n, LENGTH), and for each image the number of the first one with its pixels (n,)."""
    n, at = sum(map(len, parts)), 0
    values, first = np.empty((n, signature.LENGTH), np.float32), np.empty(n, np.int64)
    seen: dict[bytes, int] = {}
    for part in parts:
        for block in part.blocks():
            values[at : at + len(block)] = signature.of(block)
            for image in block:
                first[at] = seen.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), at)
                at += 1
            progress(at, n, "looking for copies")
    return values, first


def _leaders(first: np.ndarray, files: list[Known | None], parts: list[ImageSet]) -> np.ndarray:
    """For each image the first one with its file, where that came before, or else the first one with its pixels (n,)."""
    sha256, has = _joined(files, parts, "sha256", 32)
    leader, seen = first.copy(), dict[tuple[int, bytes], int]()
    for i in np.flatnonzero(has & (np.bincount(first, minlength=len(first))[first] > 1)).tolist():
        earlier = seen.setdefault((int(first[i]), sha256[i].tobytes()), i)
        if earlier != i:
            leader[i] = earlier
    return leader


def _near(values: np.ndarray, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Signatures (n, LENGTH) -> the pairs of positions a < b whose signatures, or one and the other's mirrored, are near.

    Sorted along one axis, near ones lie within a window; inside it matrix products compare all with all. On 202,599 drawings
    this takes 20 s on one core; SciPy's k-d tree, which in so many dimensions excludes little, took ten minutes.
    """
    n = len(values)
    if n < 2:
        return _NONE, _NONE
    # Mirroring leaves the even frequencies alone: on an axis among them a picture and its mirror image fall together.
    even, odd = values[:, ~signature.ODD], values[:, signature.ODD]
    centred = even - even.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(even @ axis)
    even, odd, along = even[order], odd[order], (even @ axis)[order]
    # Minus half the squared distance, as one product; the odd frequencies then count for or against it.
    half, one = (values[order] ** 2).sum(axis=1, keepdims=True) / 2, np.ones((n, 1), np.float32)
    left, right = np.concatenate([even, -half, one], axis=1), np.concatenate([even, one, -half], axis=1)
    # A hair wider than the pixels' radius: all this is of single precision.
    least = ALIKE - 1 - 1e-4
    found = [(_NONE, _NONE)]
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        end = int(np.searchsorted(along, along[stop - 1] + np.sqrt(-2 * least), side="right"))
        score = odd[start:stop] @ odd[start:end].T
        np.abs(score, out=score)
        score += left[start:stop] @ right[start:end].T
        # Each pair once, and none with itself.
        score[:, : stop - start][np.tril_indices(stop - start)] = -np.inf
        i, j = _best(score, least)
        found.append((order[start + i], order[start + j]))
        progress(stop, n, "comparing images")
    a, b = (np.concatenate(side) for side in zip(*found, strict=True))
    return np.minimum(a, b), np.maximum(a, b)


def _best(score: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the scores (r, c) that are `least` or more, of each row the NEIGHBOURS greatest at most."""
    hits = score >= least
    many = np.flatnonzero(hits.sum(axis=1) > NEIGHBOURS)
    if len(many):
        greatest = np.argpartition(score[many], -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
        hits[many] = False
        hits[many[:, None], greatest] = True
    i, j = np.nonzero(hits)
    return i, j


def _confirmed(parts: list[ImageSet], keys: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Of pairs as a * n + b those that are ALIKE, with their correlations (pairs,) float32: as they are, and mirrored."""
    r = _correlations(parts, keys, False)
    # A picture that is its own mirror image is like its copies both ways; these are no mirrored ones.
    rest = keys[r < ALIKE]
    turned = _correlations(parts, rest, True)
    return (keys[r >= ALIKE], r[r >= ALIKE]), (rest[turned >= ALIKE], turned[turned >= ALIKE])


def _correlations(parts: list[ImageSet], keys: np.ndarray, turned: bool) -> np.ndarray:
    """Pairs as a * n + b -> correlations (pairs,) float32 of a with b, or with b's mirror image.

    0 where the values differ by more than there is in the flatter one: skies that darken alike, one blue and one red.
    """
    n, out = sum(map(len, parts)), np.empty(len(keys), np.float32)
    for start in range(0, len(keys), _PAIRS):
        here = slice(start, start + _PAIRS)
        a, b = (_images(parts, rows) for rows in np.divmod(keys[here], n))
        b = b[:, :, ::-1] if turned else b
        (left, in_a), (right, in_b) = signature.standardised(a), signature.standardised(b)
        apart = np.sqrt(np.mean((a.astype(np.float32) - b) ** 2, axis=(1, 2, 3)))
        out[here] = np.where(apart <= np.minimum(in_a, in_b), np.einsum("nd,nd->n", left, right), 0)
    return out


def _named(a: np.ndarray, b: np.ndarray, kind: np.ndarray, files: list[Known | None], parts: list[ImageSet]) -> np.ndarray:
    """The kinds (pairs,) by what is known of the files, too."""
    sha256, has = _joined(files, parts, "sha256", 32)
    sizes, _ = _joined(files, parts, "sizes", 2)
    both = has[a] & has[b]
    resized = (sizes[a] != sizes[b]).any(axis=1)
    told = np.where(resized, KINDS.index("resized"), KINDS.index("recompressed"))
    kind = np.where(both & (kind == KINDS.index("nearly equal")), told, kind)
    return np.where(both & (sha256[a] == sha256[b]).all(axis=1), KINDS.index("same file"), kind)


def _joined(files: list[Known | None], parts: list[ImageSet], what: str, width: int) -> tuple[np.ndarray, np.ndarray]:
    """One thing that is known of all images (n, width), 0 where it is not, and of which it is (n,) bool."""
    values = [np.zeros((len(p), width), np.uint8) if f is None else getattr(f, what) for f, p in zip(files, parts, strict=True)]
    assert [len(v) for v in values] == [len(p) for p in parts], what
    return np.concatenate(values), np.repeat([f is not None for f in files], [len(p) for p in parts])


def _placed(parts: list[ImageSet], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the sets and positions in them (rows,) of images counted through all sets."""
    start = np.concatenate([[0], np.cumsum([len(p) for p in parts])])
    which = np.searchsorted(start, rows, side="right") - 1
    return which, rows - start[which]


def _images(parts: list[ImageSet], rows: np.ndarray) -> np.ndarray:
    """(rows, H, W, 3) uint8."""
    which, place = _placed(parts, rows)
    out = np.empty((len(rows), *parts[0].images.shape[1:]), np.uint8)
    for k in np.unique(which):
        out[which == k] = parts[k].images[place[which == k]]
    return out

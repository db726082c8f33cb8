"""From the files of a data set to arrays on disk: each file is read once, all splits and facts of one listing are made once."""

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import configs
from core.configs import AddConfig
from core.datasets import files, reading, reading_pass, streams
from core.datasets.files import File
from core.datasets.reading_pass import How, Pass
from core.datasets.split import copies, given, split
from core.errors import DataError
from core.store import Made
from core.types import BLOCK, Arrays, Progress, canonical, digest, silent

FORMAT = 2
"""Of the arrays below; a change has every data set prepared anew."""

_SHAPING = ("source", "root", "split", "seed", "crop", "resize")


def key(c: AddConfig, found: Sequence[File], size: int) -> dict[str, Any]:
    """What the store files a data set's arrays under: the listing, which classes, splits and people are a part of, and the knobs.

    The source's place is a part of it: two folders may agree in names, sizes and times and differ in pixels.
    """
    knobs = {k: v for k, v in configs.as_dict(c).items() if k in _SHAPING}
    return {"format": FORMAT, "listing": files.listing_digest(found), "size": size, "rule": reading.RULE, **knobs}


def divided(c: AddConfig, found: Sequence[File], size: int, progress: Progress = silent) -> Arrays:
    """For each split: images (n, size, size, 3), labels (where there are classes), names (n,) bytes, sha256 (n, 32) uint8 of the
    files, sizes (n, 2) int32 of the originals (height, width); and `facts` (JSON). DataError if a split would be empty."""

    def compute(scratch: Path) -> Made:
        begun = time.monotonic()
        seen = reading_pass.read_all(found, How(size, c.crop, c.resize), scratch, progress)
        read = [found[p] for p in seen.places]
        _check_any(c.source, found, seen)
        hashes = [h.tobytes().hex() for h in seen.sha256]
        parts = _parts(c, read, hashes)
        if not all(map(len, parts.values())):
            if _own(read) and not len(parts["train"]):
                raise DataError(f"{c.source} has no readable image in its training split; needed: at least one in train.")
            raise DataError(
                f"{c.source} has {len(read)} readable images, {len(set(hashes))} of them different; "
                f"needed: at least 6, so that training, validation and test have one each."
            )
        classes = sorted({f.label for f in read})
        code = {name: i for i, name in enumerate(classes)}
        labels = np.array([code[f.label] for f in read], np.int64)
        out: dict[str, np.ndarray | Path] = {}
        for name, places in parts.items():
            progress(len(found), len(found), "sorting images into splits")
            blocks = reading_pass.images_of(seen, places, size, BLOCK)
            out[f"images_{name}"] = streams.npy(scratch / f"{name}.npy", blocks, (len(places), size, size, 3))
            if classes != ["."]:
                out[f"labels_{name}"] = labels[places]
            out[f"names_{name}"] = np.array([os.fsencode(read[p].name) for p in places])
            out[f"sha256_{name}"], out[f"sizes_{name}"] = seen.sha256[places], seen.sizes[places]
        counts = {k: {s: int((labels[p] == i).sum()) for s, p in parts.items()} for k, i in code.items()}
        facts = {
            "recipe": _recipe(c, read, size, hashes, parts),
            "splits": {s: len(places) for s, places in parts.items()},
            "classes": {} if classes == ["."] else counts,
            "people": len({f.person for f in read if f.person}),
            "skipped": seen.skipped,
            "height": _spread(seen.sizes[:, 0]),
            "width": _spread(seen.sizes[:, 1]),
            **copies(hashes, [f.label for f in read]),
            "seconds": round(time.monotonic() - begun, 3),
        }
        return out | {"facts": np.frombuffer(canonical(facts).encode(), np.uint8)}

    return streams.kept(key(c, found, size), compute, f"{c.name} {size}")


def as_they_are(source: Path, found: Sequence[File], size: int) -> np.ndarray:
    """(N, size, size, 3) uint8 in the order of the files. DataError where one cannot be read: a score says of how many it is."""

    def compute(scratch: Path) -> Made:
        seen = reading_pass.read_all(found, How(size), scratch, silent)
        _check_any(str(source), found, seen)
        if seen.skipped:
            file, reason = seen.skipped[0]
            raise DataError(
                f"{len(seen.skipped)} of the {len(found)} images in {source} cannot be read, the first being {file} ({reason}); "
                f"mend them or take them out."
            )
        blocks = reading_pass.images_of(seen, seen.places, size, BLOCK)
        return {"images": streams.npy(scratch / "all.npy", blocks, (len(seen), size, size, 3))}

    listing = {"source": str(source), "digest": files.listing_digest(found)}
    recipe = {"folder": listing, "size": size, "rule": reading.RULE, "split": None}
    return streams.kept(recipe, compute, f"{source} {size}")["images"]


def _check_any(source: str, found: Sequence[File], seen: Pass) -> None:
    if not len(seen):
        file, reason = seen.skipped[0]
        raise DataError(f"None of the {len(found)} image files in {source} can be read; the first is {file}: {reason}.")


def _parts(c: AddConfig, read: Sequence[File], hashes: Sequence[str]) -> Mapping[str, np.ndarray]:
    names = [f.name for f in read]
    if c.split == "identity":
        return split(hashes, names, seed=c.seed, together=[f.person for f in read])
    if _own(read):
        return given(hashes, names, [f.split for f in read])
    return split(hashes, names, seed=c.seed)


def _own(read: Sequence[File]) -> bool:
    return any(f.split for f in read)


def _recipe(
    c: AddConfig, read: Sequence[File], size: int, hashes: Sequence[str], parts: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """The same for the same photos, wherever they lie and whatever they are called; it is hashed into every score's Terms."""
    content = hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()
    drawn_by_content = c.split != "identity" and not _own(read)
    assigned = {s: sorted(hashes[i] for i in places) for s, places in parts.items()}
    rule = reading.rule(c.crop, c.resize)
    return {
        "content": content,
        "size": size,
        "rule": rule,
        "split": c.seed if drawn_by_content else {"assigned": digest(assigned)},
    }


def _spread(sizes: np.ndarray) -> list[int]:
    """Least, median (the lower of two), greatest."""
    ordered = np.sort(sizes)
    return [int(ordered[0]), int(ordered[(len(ordered) - 1) // 2]), int(ordered[-1])]

"""From a folder of photos to arrays on disk: each file is read once, all sets of one listing are made once."""

import hashlib
import statistics
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets import folder, reading, streams
from core.datasets.folder import File
from core.datasets.split import SEED, copies, split
from core.errors import DataError
from core.types import BLOCK, Arrays, Progress, canonical, silent

_TOLD_EVERY = 32


@dataclass(frozen=True)
class Read:
    """A file that could be read. height, width: of the upright original."""

    file: File
    sha256: str
    height: int
    width: int

    @property
    def label(self) -> str:
        """The first folder below the source; "." for an image that lies in none."""
        return self.file.shown.split("/")[0] if "/" in self.file.name else "."


@dataclass(frozen=True, eq=False)
class Pass:
    """All files of a folder, once. images: (N, size, size, 3) uint8 on disk, one for each of `read`; skipped: (file, reason)."""

    images: np.ndarray
    read: list[Read]
    skipped: list[tuple[str, str]]


def key(source: Path, files: Sequence[File], size: int, *, divided: bool) -> dict[str, Any]:
    """What the store files a folder's arrays under.

    The folder's place is a part of it: two folders may agree in names, sizes and times and differ in pixels.
    """
    listing = {"source": str(source), "digest": folder.listing_digest(files)}
    return {"folder": listing, "size": size, "rule": reading.RULE, "split": SEED if divided else None}


def divided(source: Path, files: Sequence[File], size: int, progress: Progress = silent) -> Arrays:
    """images_SPLIT, labels_SPLIT (where there are class folders) and `facts`. DataError if a split would be empty."""

    def compute(scratch: Path) -> Arrays:
        begun = time.monotonic()
        seen = _read_all(source, files, size, scratch, progress)
        parts = split([r.sha256 for r in seen.read], [r.file.name for r in seen.read])
        if not all(map(len, parts.values())):
            raise DataError(
                f"{source} has {len(seen.read)} readable images, {len({r.sha256 for r in seen.read})} of them different; "
                f"needed: at least 6, so that training, validation and test have one each."
            )
        classes = sorted({r.label for r in seen.read})
        labels = np.array([classes.index(r.label) for r in seen.read], np.int64)
        out: Arrays = {}
        for name, places in parts.items():
            chosen = (seen.images[places[i : i + BLOCK]] for i in range(0, len(places), BLOCK))
            out[f"images_{name}"] = streams.streamed(scratch / name, chosen, seen.images.shape[1:])
            if classes != ["."]:
                out[f"labels_{name}"] = labels[places]
        counts = {c: {s: int((labels[p] == k).sum()) for s, p in parts.items()} for k, c in enumerate(classes)}
        facts = _facts(seen) | {
            "recipe": {"content": _content(seen.read), "size": size, "rule": reading.RULE, "split": SEED},
            "splits": {s: len(places) for s, places in parts.items()},
            "classes": {} if classes == ["."] else counts,
            "seconds": round(time.monotonic() - begun, 3),
        }
        return out | {"facts": np.frombuffer(canonical(facts).encode(), np.uint8)}

    return streams.kept(key(source, files, size, divided=True), compute)


def as_they_are(source: Path, files: Sequence[File], size: int) -> np.ndarray:
    """(N, size, size, 3) uint8 in the order of the files. DataError where one cannot be read: a score says of how many it is."""

    def compute(scratch: Path) -> Arrays:
        seen = _read_all(source, files, size, scratch, silent)
        if seen.skipped:
            file, reason = seen.skipped[0]
            raise DataError(
                f"{len(seen.skipped)} of the {len(files)} images in {source} cannot be read, the first being {file} ({reason}); "
                f"mend them or take them out."
            )
        return {"images": seen.images}

    return streams.kept(key(source, files, size, divided=False), compute)["images"]


def _read_all(source: Path, files: Sequence[File], size: int, scratch: Path, progress: Progress) -> Pass:
    """DataError where not one file can be read."""
    read: list[Read] = []
    skipped: list[tuple[str, str]] = []

    def pixels() -> Iterator[np.ndarray]:
        results = streams.pooled(lambda f: reading.read(f.path, size), files)
        for done, (file, result) in enumerate(zip(files, results, strict=True), start=1):
            if isinstance(result, str):
                skipped.append((file.shown, result))
            else:
                read.append(Read(file, result.sha256, result.height, result.width))
                yield result.pixels[None]
            if done % _TOLD_EVERY == 0 or done == len(files):
                progress(done, len(files), f"reading images, {len(skipped)} skipped")

    with warnings.catch_warnings():
        # Of metadata and sizes; what matters is in the report of skipped files.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        images = streams.streamed(scratch / "all", pixels(), (size, size, 3))
    if not read:
        name, reason = skipped[0]
        raise DataError(f"None of the {len(files)} image files in {source} can be read; the first is {name}: {reason}.")
    return Pass(images, read, skipped)


def _content(read: Sequence[Read]) -> str:
    """The same for the same photos, wherever they lie and whatever they are called."""
    return hashlib.sha256("".join(sorted(r.sha256 for r in read)).encode()).hexdigest()


def _facts(seen: Pass) -> dict[str, Any]:
    return {
        "height": _spread([r.height for r in seen.read]),
        "width": _spread([r.width for r in seen.read]),
        "skipped": seen.skipped,
        **copies([r.sha256 for r in seen.read], [r.label for r in seen.read]),
    }


def _spread(sizes: Sequence[int]) -> list[int]:
    """Least, median, greatest."""
    return [min(sizes), statistics.median_low(sizes), max(sizes)]

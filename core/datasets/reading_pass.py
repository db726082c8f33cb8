"""All files of a data set read once, by several processes, into one file of pixels; a pass that is killed goes on where it was.

FOLDER/pixels.u8      the images, one behind the other
FOLDER/journal.jsonl  a line for each part of the listing: what was read in it, what was skipped, the checksum of its pixels
"""

import hashlib
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets import files, reading, streams
from core.datasets.files import File
from core.types import Progress, canonical

PART = 64
"""Files in a part: a second's work."""
FEW = 1000
"""So many files are read by threads: processes take longer to start than they would save."""


@dataclass(frozen=True, slots=True)
class How:
    """size: side in pixels.  crop, resize: words of `AddConfig`."""

    size: int
    crop: str = "centre"
    resize: str = "box"


@dataclass(frozen=True, eq=False)
class Pass:
    """pixels: file of n records (size, size, 3) uint8, one for each file that could be read.

    places: (n,) int64, their positions in the listing.  sha256: (n, 32) uint8, of the files.  sizes: (n, 2) int32, height and
    width of the upright originals.  skipped: (file, reason).
    """

    pixels: Path
    places: np.ndarray
    sha256: np.ndarray
    sizes: np.ndarray
    skipped: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.places)


def read_all(found: Sequence[File], how: How, folder: Path, progress: Progress) -> Pass:
    """Each file once, in order. folder: where an earlier pass of the same files and `how` was stopped, or an empty one."""
    journal, pixels = folder / "journal.jsonl", folder / "pixels.u8"
    whole, length = _whole_parts(journal, pixels)
    parts = [found[i : i + PART] for i in range(0, len(found), PART)]
    many = len(found) > FEW
    skipped = sum(len(json.loads(line)["skipped"]) for line in whole)
    with pixels.open("ab") as images, journal.open("ab") as said, warnings.catch_warnings():
        _ignore_pillow()
        images.truncate(length)
        said.truncate(sum(map(len, whole)))
        rest = streams.pooled(partial(_part_quietly if many else _part, how), parts[len(whole) :], processes=many)
        for k, (data, entry) in enumerate(rest, start=len(whole) + 1):
            images.write(data)
            images.flush()
            said.write(canonical(entry).encode() + b"\n")
            said.flush()
            skipped += len(entry["skipped"])
            progress(min(k * PART, len(found)), len(found), f"reading images, {skipped} skipped")
    return _joined(journal, pixels, found)


def _ignore_pillow() -> None:
    """Its warnings are of metadata and sizes; what matters is in the report of skipped files."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _part_quietly(how: How, found: Sequence[File]) -> tuple[bytes, dict[str, Any]]:
    """In a process of its own; filters belong to the whole process, so that threads cannot each have theirs."""
    with warnings.catch_warnings():
        _ignore_pillow()
        return _part(how, found)


def _part(how: How, found: Sequence[File]) -> tuple[bytes, dict[str, Any]]:
    read: list[tuple[int, str, int, int]] = []
    skipped: list[tuple[int, str]] = []
    images: list[bytes] = []
    for i, file in enumerate(found):
        result = _one(file, how)
        if isinstance(result, str):
            skipped.append((i, result))
        else:
            read.append((i, result.sha256, result.height, result.width))
            images.append(result.pixels.tobytes())
    data = b"".join(images)
    return data, {"read": read, "skipped": skipped, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _one(file: File, how: How) -> reading.Picture | str:
    data = files.content(file)
    return data if isinstance(data, str) else reading.picture(data, how.size, how.crop, how.resize)


def _whole_parts(journal: Path, pixels: Path) -> tuple[list[bytes], int]:
    """The journal's lines whose pixels are all there and unharmed, and the length of those pixels in bytes."""
    lines: list[bytes] = []
    length = 0
    if not (journal.exists() and pixels.exists()):
        return lines, length
    with journal.open("rb") as said, pixels.open("rb") as images:
        for line in said:
            try:
                entry = json.loads(line)
                data = images.read(entry["bytes"])
                whole = line.endswith(b"\n") and hashlib.sha256(data).hexdigest() == entry["sha256"]
            except (ValueError, KeyError, TypeError):
                whole = False
            if not whole:
                break
            lines.append(line)
            length += len(data)
    return lines, length


def _joined(journal: Path, pixels: Path, found: Sequence[File]) -> Pass:
    places, sizes, hashes, skipped = [], [], [], []
    with journal.open("rb") as said:
        for part, line in enumerate(said):
            entry, first = json.loads(line), part * PART
            read = entry["read"]
            places.append(np.array([first + i for i, *_ in read], np.int64))
            sizes.append(np.array([[h, w] for *_, h, w in read], np.int32).reshape(-1, 2))
            hashes.append(np.frombuffer(bytes.fromhex("".join(sha for _, sha, *_ in read)), np.uint8).reshape(-1, 32))
            skipped += [(found[first + i].shown, reason) for i, reason in entry["skipped"]]
    return Pass(pixels, np.concatenate(places), np.concatenate(hashes), np.concatenate(sizes), skipped)


def images_of(seen: Pass, places: np.ndarray, size: int, at_once: int) -> Iterator[np.ndarray]:
    """The images at these places of the pass, (k, size, size, 3) uint8, so many at a time."""
    return streams.gathered(seen.pixels, places, (size, size, 3), at_once)

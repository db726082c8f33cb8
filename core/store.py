"""Arrays on disk by what they were made from: get-or-compute, one lock a key, checksums, write beside and rename.

An entry is a folder `store/KIND/KEY/` with one .npy an array and `entry.json` (recipe and sha256 of each file). The key is
the sha256 of the recipe: content hashes and everything that shaped the result, never a display name. A damaged or foreign
entry is set aside with a warning and computed again; it is never served.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from core import paths
from core.errors import StoreError
from core.types import Arrays, digest

FORMAT = 1

Made = Mapping[str, np.ndarray | Path]

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSED = (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST)
"""The cache's errors only where the file is the cache's: what is computed may read files of its own."""


class Damaged(Exception):
    """An entry's bytes are not those that were written."""


def check_writable() -> None:
    """StoreError unless the cache folder is there, or can be made, and takes files."""
    try:
        paths.cache().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=paths.cache()):
            pass
    except OSError as e:
        raise StoreError(f"{paths.cache()} cannot be written ({e.strerror}); set STUDIO_CACHE to a folder that can.") from e


def key(kind: str, recipe: Mapping[str, Any]) -> str:
    return digest({"format": FORMAT, "kind": kind, "recipe": recipe})


@contextlib.contextmanager
def lock(kind: str, recipe: Mapping[str, Any]) -> Iterator[None]:
    """What two processes that are about to do the same work take turns by. StoreError where the cache takes no lock."""
    file = paths.store(kind) / f"{key(kind, recipe)}.lock"
    held = FileLock(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except OSError as e:
        raise _unusable(e) from e
    try:
        yield
    finally:
        held.release()


def get_or_compute(kind: str, recipe: Mapping[str, Any], compute: Callable[[], Made]) -> Arrays:
    """The arrays of this recipe, memory-mapped read-only; computed and written first where they are absent.

    compute: gives arrays, or paths of .npy files on the cache's disk, which are moved: what is too big for memory.

    The same key asked for twice at once does the work once. StoreError where the cache refuses the entry; what compute meets
    elsewhere is its own.
    """
    found = get(kind, recipe)
    if found is not None:
        return found
    folder = paths.store(kind) / key(kind, recipe)
    try:
        with lock(kind, recipe):
            found = get(kind, recipe)
            if found is None:
                _write(folder, recipe, compute())
                found = get(kind, recipe)
    except OSError as e:
        if e.errno in FULL or e.errno in REFUSED and _in_the_cache(e.filename):
            raise _unusable(e) from e
        raise
    assert found is not None, f"{folder} was written and cannot be read"
    return found


def get(kind: str, recipe: Mapping[str, Any]) -> Arrays | None:
    """The arrays of this recipe, or None where they were never computed (or are damaged: then set aside with a warning)."""
    folder = paths.store(kind) / key(kind, recipe)
    if not folder.is_dir():
        return None
    try:
        return _read(folder)
    except (Damaged, OSError, ValueError, KeyError) as e:
        _set_aside(kind, folder, e)
        return None


def has(kind: str, recipe: Mapping[str, Any]) -> bool:
    """Whether the entry is there; its bytes are checked only when it is read."""
    return (paths.store(kind) / key(kind, recipe) / "entry.json").is_file()


def sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def fsync(path: Path) -> None:
    """What was written to this file survives a power cut. (Folders cannot be synced on Windows; files can.)"""
    with path.open("rb+") as f:
        os.fsync(f.fileno())


def replace_text(path: Path, text: str, errors: str = "strict") -> None:
    """The file holds the old text or the new one, whatever happens in between. errors: as `open` takes them."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    beside.write_text(text, encoding="utf-8", errors=errors, newline="")
    fsync(beside)
    os.replace(beside, path)


def _write(folder: Path, recipe: Mapping[str, Any], arrays: Made) -> None:
    beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    beside.mkdir(parents=True)
    try:
        sums = {}
        for name, array in arrays.items():
            file = beside / f"{name}.npy"
            if isinstance(array, Path):
                os.replace(array, file)
            else:
                np.save(file, array, allow_pickle=False)
            fsync(file)
            sums[name] = sha256(file)
        entry = beside / "entry.json"
        entry.write_text(json.dumps({"recipe": recipe, "sha256": sums}, sort_keys=True, indent=1), encoding="utf-8")
        fsync(entry)
        os.rename(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


# Files whose bytes this process has checked: (path, size, mtime in ns). Reading 24 MB again for each page would be seen.
_checked: set[tuple[str, int, int]] = set()


def _read(folder: Path) -> Arrays:
    sums = json.loads((folder / "entry.json").read_text(encoding="utf-8"))["sha256"]
    arrays = {}
    for name, expected in sums.items():
        file = folder / f"{name}.npy"
        stat = file.stat()
        mark = (str(file), stat.st_size, stat.st_mtime_ns)
        if mark not in _checked:
            if sha256(file) != expected:
                raise Damaged(f"{file.name} does not have its checksum")
            _checked.add(mark)
        arrays[name] = np.load(file, mmap_mode="r", allow_pickle=False)
    return arrays


def _set_aside(kind: str, folder: Path, why: Exception) -> None:
    aside = paths.damaged() / f"{kind}-{folder.name}-{time.time_ns()}"
    try:
        aside.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, aside)
    except FileNotFoundError:  # a second reader has moved it already
        return
    except OSError as e:
        raise _unusable(e) from e
    warnings.warn(f"A damaged cache entry ({kind}: {why}) was set aside and is computed again.", stacklevel=3)


def _in_the_cache(name: str | bytes | int | os.PathLike[str] | None) -> bool:
    return isinstance(name, str | bytes | os.PathLike) and Path(os.fsdecode(name)).is_relative_to(paths.cache())


def _unusable(e: OSError) -> StoreError:
    where = f": {os.fsdecode(e.filename)}" if _in_the_cache(e.filename) else ""
    said = f"{paths.cache()} cannot be written ({e.strerror}{where})"
    return StoreError(f"{said}; make room, take away what is in the way, or move STUDIO_CACHE.")

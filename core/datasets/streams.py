"""More images than memory holds: work in a few threads or processes, results in order, straight to a file."""

import multiprocessing
import os
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core import paths, store
from core.errors import StudioError
from core.store import Made
from core.types import Arrays, digest

Item = TypeVar("Item")
Result = TypeVar("Result")

# Pillow and NumPy let go of the interpreter's lock; more threads than this wait for the disk or hold big pictures.
WORKERS = min(4, os.cpu_count() or 1)

STALE = 600.0
"""Seconds after which nobody is at work any more on files that did not change: one that is writes every second."""


def pooled(work: Callable[[Item], Result], items: Iterable[Item], *, processes: bool = False) -> Iterator[Result]:
    """work(item) of each item, in order; at most a few results wait at any time.

    processes: in a process for each core; work is then a function of a module, and what comes and goes is pickled among
    them. They stay threads where no process can be had safely: see `_pool`.
    """
    with _pool(processes) as pool:
        waiting: deque[Future[Result]] = deque()
        most = 2 * (_cores() if processes else WORKERS)
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _pool(processes: bool) -> Executor:
    if not processes:
        return ThreadPoolExecutor(WORKERS)
    # A copy of this process starts at once, a new one imports all again; but a copy of one with threads may hang.
    if sys.platform == "linux" and threading.active_count() == 1:
        start = "fork"
    elif _may_spawn():
        start = "spawn"
    else:
        return ThreadPoolExecutor(WORKERS)
    context = multiprocessing.get_context(start)
    return ProcessPoolExecutor(_cores(), mp_context=context, initializer=_end_with_parent)


def _cores() -> int:
    """Those that this process may use, of a machine that may have many more."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _end_with_parent() -> None:
    """In a worker: nobody else ends it where the process that started it is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _may_spawn() -> bool:
    """A new process runs the main program again. A module run by name has its guard against that, a script may have none."""
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is not None or not hasattr(main, "__file__")


def kept(recipe: Mapping[str, Any], compute: Callable[[Path], Made], source: str) -> Arrays:
    """The store's arrays of this recipe. compute is given a folder for big files until its arrays are in the store.

    source: what the arrays are of. What was left half made of it, and can no longer be gone on with, is taken away.

    The folder lies on the store's own disk: the system's place for such files may be memory. Where compute is killed, the next
    one finds it as it was left; where it ends with a StudioError, there is nothing to go on with.
    """
    of_source = f".scratch-{digest(source)[:16]}-"
    scratch = paths.store("datasets") / f"{of_source}{store.key('datasets', recipe)}"

    def with_scratch() -> Made:
        for other in scratch.parent.glob(f"{of_source}*"):
            if other != scratch and time.time() - max(f.stat().st_mtime for f in (other, *other.iterdir())) > STALE:
                shutil.rmtree(other, ignore_errors=True)
        scratch.mkdir(exist_ok=True)
        try:
            return compute(scratch)
        except StudioError:
            shutil.rmtree(scratch, ignore_errors=True)
            raise

    arrays = store.get_or_compute("datasets", recipe, with_scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    return arrays


def npy(file: Path, parts: Iterable[np.ndarray], shape: tuple[int, ...]) -> Path:
    """uint8 arrays one after the other into an .npy file of this shape, of which no more than one part is in memory.

    Written, not mapped for writing: a full disk is then an error and not a crash.
    """
    n = 0
    with file.open("wb") as f:
        header = {"descr": np.dtype(np.uint8).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(f, header)
        for part in parts:
            assert part.shape[1:] == shape[1:] and part.dtype == np.uint8, f"{part.shape} {part.dtype}"
            f.write(np.ascontiguousarray(part).data)
            n += len(part)
    assert n == shape[0], f"{n} of {shape[0]} written"
    return file


def gathered(file: Path, places: np.ndarray, shape: tuple[int, ...], at_once: int) -> Iterator[np.ndarray]:
    """The records at `places` (n,) of a file of uint8 records of this shape, so many at a time.

    Read, not mapped: memory stays flat.
    """
    size = int(np.prod(shape))
    with file.open("rb", buffering=0) as f:
        for start in range(0, len(places), at_once):
            part = places[start : start + at_once]
            out = np.empty((len(part), size), np.uint8)
            for row, place in zip(out, part, strict=True):
                f.seek(int(place) * size)
                assert f.readinto(row.data) == size, f"{file} ends before record {place}"
            yield out.reshape(len(part), *shape)

"""More images than memory holds: work in a few threads, results in order, straight to a file."""

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core import paths, store
from core.types import Arrays

Item = TypeVar("Item")
Result = TypeVar("Result")

# Pillow and NumPy let go of the interpreter's lock; more threads than this wait for the disk or hold big pictures.
WORKERS = min(4, os.cpu_count() or 1)


def pooled(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """work(item) of each item, in order; at most a few results wait at any time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 4 * WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def kept(recipe: Mapping[str, Any], compute: Callable[[Path], Arrays]) -> Arrays:
    """The store's arrays of this recipe. compute is given a folder for big files until its arrays are in the store.

    The folder lies on the store's own disk: the system's place for such files may be memory.
    """
    with ExitStack() as until_written:

        def with_scratch() -> Arrays:
            parent = paths.store("datasets")
            folder = tempfile.TemporaryDirectory(prefix=".scratch-", dir=parent, ignore_cleanup_errors=True)
            return compute(Path(until_written.enter_context(folder)))

        return store.get_or_compute("datasets", recipe, with_scratch)


def streamed(file: Path, images: Iterable[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """uint8 arrays (n, *shape) one after the other in `file`, memory-mapped: (N, *shape).

    Written, not mapped for writing: a full disk is then an error and not a crash.
    """
    n = 0
    with file.open("wb") as f:
        for part in images:
            assert part.shape[1:] == shape and part.dtype == np.uint8, f"{part.shape} {part.dtype}"
            f.write(np.ascontiguousarray(part).data)
            n += len(part)
    return np.memmap(file, np.uint8, "r", shape=(n, *shape)) if n else np.empty((0, *shape), np.uint8)

"""Preparing a folder of 4,317 JPEGs of 128 pixels at 32 pixels, beside a bare loop over Pillow in two processes.

The bare loop: `multiprocessing.Pool(2).map` of open, convert to RGB, crop to the middle square, resize with BOX, `np.asarray`;
the images in one array in memory. The studio: `datasets.add` and `datasets.prepare` into an empty cache, which also check every
file, hash files and pixels, keep a journal to go on from, split, and write checked arrays to disk, in as many processes as there
are cores. Both read the same files, which lie in the system's memory, and run in a fresh process whose imports are not counted;
starting their workers is. The images are equal.
"""

import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from core import datasets, paths
from core.configs import AddConfig, PrepareConfig
from core.datasets.split import SPLITS
from tests.benchmarks import photos
from tests.benchmarks.timing import Row, in_turns, timed

NAME, SIZE = "benchmark", 32


def measure(quick: bool) -> list[Row]:
    n, repeats = (40, 1) if quick else (4317, 9)
    spent: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        photos.write(Path(folder), n)

        def once(side: str) -> str:
            seconds, content = in_a_process(side, folder)
            spent[side].append(seconds)
            return content

        _, gave = in_turns([partial(once, side) for side in SIDES], repeats)
    assert len(set(gave)) == 1, "the images differ"
    # The first of each warmed.
    ours, theirs = (statistics.median(s[1:]) for s in spent.values())
    work = f"preparing {n:,} JPEGs of {photos.SIDE} px at {SIZE} px"
    note = f"{n / ours:,.0f} images a second, the bare loop {n / theirs:,.0f}."
    return [Row(work, "a bare two-process Pillow loop", ours, theirs, ">= 0.9x", least=0.9, note=note)]


def in_a_process(side: str, folder: str) -> tuple[float, str]:
    """(seconds, digest of the images) of one side in a fresh process with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        argv = [sys.executable, "-m", __name__, side, folder]
        env = os.environ | {"STUDIO_CACHE": cache}
        done = subprocess.run(argv, cwd=paths.PROJECT, env=env, stdout=subprocess.PIPE, check=True)
    seconds, content = json.loads(done.stdout)
    return seconds, content


def studio(folder: Path) -> Callable[[], np.ndarray]:
    """Prepares; the arrays are put together outside the clock."""
    datasets.add(AddConfig(str(folder), NAME))
    datasets.prepare(PrepareConfig(NAME, size=SIZE))
    return lambda: np.concatenate([datasets.load(NAME, split, size=SIZE).images for split in SPLITS])


def bare(folder: Path) -> Callable[[], np.ndarray]:
    with multiprocessing.Pool(2) as pool:
        images = np.stack(pool.map(opened, sorted(folder.rglob("*.jpg"))))
    return lambda: images


def opened(file: Path) -> np.ndarray:
    with Image.open(file) as stored:
        image = stored.convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)).resize((SIZE, SIZE), Image.Resampling.BOX))


SIDES = {"studio": studio, "bare": bare}


def main(side: str, folder: str) -> None:
    """One side, once: its seconds and a digest of its images, whatever their order."""
    seconds, images = timed(lambda: SIDES[side](Path(folder)))
    each = sorted(hashlib.sha256(image.tobytes()).hexdigest() for image in images())
    print(json.dumps([seconds, hashlib.sha256("".join(each).encode()).hexdigest()]))


if __name__ == "__main__":
    main(*sys.argv[1:])

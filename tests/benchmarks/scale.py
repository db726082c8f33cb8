"""Once, four times and sixteen times 4,317 images: time and memory of preparation, densities and the search for near duplicates.

Beside each larger set stands the smallest one's time as often as it is smaller: a ratio of 1 is linear time, a lower one costs
more an image. Each measurement is a fresh process, imports not counted; memory is taken in a run of its own. Preparation reads
JPEGs of 128 pixels (one picture lies there up to sixteen times, each file with another comment) into an empty cache; the other
two read drawings of 32 pixels, all different, from a memory-mapped file. Memory of its own is the anonymous memory of all
processes together, looked at every 5 ms; the rest is libraries and pages of mapped files, which the system takes back when it
needs them. At most a quarter more time an image counts as linear, at most a quarter more memory in all as flat.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core import datasets, paths
from core.configs import AddConfig, PrepareConfig
from core.datasets import faces, streams
from core.pixels import duplicates, rgb_density
from core.types import BLOCK, ImageSet
from tests.benchmarks import photos
from tests.benchmarks.timing import Row, in_turns, timed

SIZE, SCALES = 32, (1, 4, 16)
WITHIN = 1.25
"""So many times the smallest set's time an image, or its memory in all, still count as linear and as flat."""
EVERY = 0.005  # seconds between two looks at the memory
PROC = Path("/proc/self")

Peak = dict[str, int]
"""Bytes, {} where the system does not tell: own (of all processes, anonymous), whole (the main one's, with mapped files)."""


def measure(quick: bool) -> list[Row]:
    base, repeats = (24, 1) if quick else (4317, 5)
    spent: dict[tuple[str, int], list[float]] = {(work, k): [] for work in WORKS for k in SCALES}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copied(folder / "photos", base)
        drawn(folder / "drawings.npy", base * max(SCALES))

        def once(work: str, k: int) -> None:
            spent[work, k].append(in_a_process(folder, work, k, base, "time"))

        in_turns([partial(once, *at) for at in spent], repeats)
        peaks = {(work, k): in_a_process(folder, work, k, base, "memory") for work, k in spent}
    # The first of each warmed.
    seconds = {at: statistics.median(s[1:]) for at, s in spent.items()}
    return [row(work, k, base, seconds, peaks) for work, k in spent]


def row(work: str, k: int, base: int, seconds: Mapping[tuple[str, int], float], peaks: Mapping[tuple[str, int], Peak]) -> Row:
    words, peak, least = f"{WORKS[work]}, {k * base:,} images", peaks[work, k], peaks[work, 1]
    note = "this system does not tell of memory, so that only the time counts"
    if peak:
        note = f"peak memory {mb(peak['own'])} of its own; main process with libraries and mapped files {mb(peak['whole'])}"
    if k == 1:
        return Row(words, "-", seconds[work, 1], None, "", note=note)
    if peak:
        more = max(0, peak["own"] - least["own"]) / (base * (k - 1))
        note += f"; its own {peak['own'] / least['own']:.2f} times that of {base:,} images, {more:,.0f} bytes for each one more"
    flat = not peak or peak["own"] <= WITHIN * least["own"]
    goal = f"linear time (>= {1 / WITHIN:g}x), flat memory (<= {WITHIN:g} times)"
    beside = f"{k} times {base:,} images"
    return Row(words, beside, seconds[work, k], k * seconds[work, 1], goal, least=1 / WITHIN, also=flat, note=note)


def mb(size: int) -> str:
    return f"{size / 2**20:.0f} MB"


# --------------------------------------------------------------------------------------------------------- sources


def copied(folder: Path, n: int) -> None:
    """folder/K: K times n JPEGs of different bytes, for each scale. The files exist once, and each scale is made of links."""
    copies = folder / "copies"
    for file in photos.write(copies / "0", n):
        data, name = file.read_bytes(), file.relative_to(copies / "0")
        for copy in range(1, max(SCALES)):
            other = copies / str(copy) / name
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes(photos.commented(data, f"copy {copy}"))
    for k in SCALES:
        for file in (f for copy in range(k) for f in (copies / str(copy)).rglob("*.jpg")):
            link = folder / str(k) / file.relative_to(copies)
            link.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, link)


def drawn(file: Path, n: int) -> None:
    """n drawings (n, 32, 32, 3) uint8."""

    def block(start: int) -> np.ndarray:
        return faces.draw(1, np.arange(start, min(start + BLOCK, n)), SIZE)[0]

    streams.npy(file, streams.pooled(block, range(0, n, BLOCK)), (n, SIZE, SIZE, 3))


# ------------------------------------------------------------------------------------------------- in a process each


def in_a_process(folder: Path, work: str, k: int, base: int, what: str) -> Any:
    """What one of MEASURED gives there; the cache is empty."""
    with tempfile.TemporaryDirectory() as cache:
        argv = [sys.executable, "-m", __name__, what, str(folder), work, str(k), str(base)]
        env = os.environ | {"STUDIO_CACHE": cache}
        done = subprocess.run(argv, cwd=paths.PROJECT, env=env, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def prepare(folder: Path, k: int, base: int) -> None:
    datasets.add(AddConfig(str(folder / "photos" / str(k)), "benchmark"))
    card = datasets.prepare(PrepareConfig("benchmark", size=SIZE))
    assert card.n == k * base and not card.skipped, card.skipped


def density(folder: Path, k: int, base: int) -> None:
    assert np.allclose(rgb_density(drawings(folder, k * base)).sum(axis=1), 1)


def near(folder: Path, k: int, base: int) -> None:
    duplicates({"train": drawings(folder, k * base)})


def drawings(folder: Path, n: int) -> ImageSet:
    return ImageSet("drawings", "train", np.load(folder / "drawings.npy", mmap_mode="r")[:n])


RUNS: dict[str, Callable[[Path, int, int], None]] = {"prepare": prepare, "density": density, "near": near}
WORKS = {"prepare": "preparation", "density": "RGB densities", "near": "near duplicates"}


def most_memory(call: Callable[[], None]) -> Peak:
    """During a call, which takes longer for being watched."""
    if not (PROC / "status").exists():
        return {}
    done, most = threading.Event(), own()

    def look() -> None:
        nonlocal most
        while not done.wait(EVERY):
            most = max(most, own())

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    # Not ru_maxrss, which begins with the memory of whoever started the process.
    return {"own": max(most, own()), "whole": told(PROC, "VmHWM")}


def own() -> int:
    """Anonymous memory of this process and its children together, in bytes."""
    pids = {pid for task in (PROC / "task").iterdir() for pid in read(task / "children").split()}
    children = [Path("/proc") / pid for pid in pids]
    # A child that is just being started still runs in this one's memory, under this one's name.
    return sum(told(p, "RssAnon") for p in [PROC, *(c for c in children if read(c / "cmdline") != read(PROC / "cmdline"))])


def told(process: Path, field: str) -> int:
    """Bytes, of a line "VmHWM:     1234 kB"; 0 of a process that has ended."""
    line = next((x for x in read(process / "status").splitlines() if x.startswith(f"{field}:")), "- 0 kB")
    return int(line.split()[1]) * 1024


def read(file: Path) -> str:
    """What the system tells, "" of what has just ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


MEASURED: dict[str, Callable[[Callable[[], None]], Any]] = {"time": lambda call: timed(call)[0], "memory": most_memory}


def main(what: str, folder: str, work: str, k: str, base: str) -> None:
    print(json.dumps(MEASURED[what](lambda: RUNS[work](Path(folder), int(k), int(base)))))


if __name__ == "__main__":
    main(*sys.argv[1:])

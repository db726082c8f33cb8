"""python -m core sample MODEL --n N --seed S [--out grid.png|DIR] [--trajectory out.gif]"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from core import configs, generate, pictures
from core.cli.words import Said, verb
from core.configs import SampleConfig
from core.errors import ConfigError
from core.jobs import worker
from core.pixels import to_uint8
from core.types import Step

PREVIEW_EVERY = 0.3  # seconds between two previews of a running job
RECORDED = 64  # images whose way is kept


def add(verbs: Any) -> None:
    p = verb(verbs, "sample", sampled, "draw images from a model")
    configs.add_arguments(p, SampleConfig)
    p.add_argument("--out", type=Path, help="a .png for one contact sheet, else a new folder of PNG files")
    p.add_argument("--trajectory", type=Path, help="a .gif of the way from noise to the images (64 images at most)")


def sampled(ns: argparse.Namespace) -> Said:
    c = generate.resolve(configs.from_namespace(SampleConfig, ns))
    _check_targets(ns, c)
    started = time.monotonic()
    if c.n <= RECORDED:
        way = generate.recorded(c, watch)
        images = np.asarray(way["x"][-1])
    else:
        way = {}
        images = generate.images(c, worker.quietly()).images
    try:
        if ns.out:
            _write(ns.out, images)
        if ns.trajectory:
            ns.trajectory.write_bytes(pictures.gif(np.stack([pictures.tiled(f) for f in way["x"]]), fps=12))
    except OSError as e:
        raise ConfigError(f"{e.filename} cannot be written ({e.strerror}); choose another place: the images are kept.") from e
    document = {
        "model": c.model,
        "n": c.n,
        "seed": c.seed,
        "sampler": c.sampler,
        "steps": c.steps,
        "network_evaluations": generate.evaluations(c),
        "seconds": round(time.monotonic() - started, 3),
        "out": str(ns.out) if ns.out else None,
    }
    where = f", written to {ns.out}" if ns.out else ""
    return document, f"{c.n} images of {c.model} in {document['seconds']} s{where}"


def watch(step: Step) -> None:
    """Tells the step; in a job also leaves the present picture as preview.png, for pages to show."""
    _tell(step.index, step.total, f"step {step.index} of {step.total}")
    here = worker.folder()
    now = time.monotonic()
    if here is None or (now - _last_preview[0] < PREVIEW_EVERY and step.index < step.total):
        return
    _last_preview[0] = now
    beside = here / "preview.png.part"
    beside.write_bytes(pictures.sheet(np.concatenate([to_uint8(step.x), to_uint8(step.x0)]), columns=len(step.x), scale=2))
    beside.replace(here / "preview.png")


_last_preview = [0.0]
_tell = worker.quietly(every=0.2)


def _check_targets(ns: argparse.Namespace, c: SampleConfig) -> None:
    """Before any image is drawn."""
    if ns.out and ns.out.suffix.lower() != ".png" and ns.out.exists() and (not ns.out.is_dir() or any(ns.out.iterdir())):
        raise ConfigError(f"{ns.out} exists already; give a new folder or a .png file.")
    for file in (ns.out, ns.trajectory):
        if file and file.suffix and file.is_dir():
            raise ConfigError(f"{file} is a folder; give the name of a file.")
    if ns.trajectory and ns.trajectory.suffix.lower() != ".gif":
        raise ConfigError(f"--trajectory is {ns.trajectory}; needed: a .gif file.")
    if ns.trajectory and c.n > RECORDED:
        raise ConfigError(f"--n is {c.n}; a trajectory keeps {RECORDED} images at most.")
    for target in (ns.out, ns.trajectory):
        if target and not target.absolute().parent.is_dir():
            raise ConfigError(f"{target.parent} is not a folder; make it first or choose another place.")


def _write(out: Path, images: np.ndarray) -> None:
    if out.suffix.lower() == ".png":
        out.write_bytes(pictures.sheet(images))
        return
    out.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        (out / f"{i:06d}.png").write_bytes(pictures.png(image))

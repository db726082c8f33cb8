"""A training while it runs, and its traces afterwards: loss curve, samples so far, time left, log."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from core import figures, jobs, paths, pictures
from core.configs import TrainingConfig
from core.errors import JobError
from core.jobs import resuming
from core.types import Job
from core.ui import components, running

Event = dict[str, Any]

COMPARABLE = {
    "ddpm": "Losses compare only between diffusion models of one prediction type and one weighting (Min-SNR).",
    "vae": "Losses compare only between VAEs of one KL weight and one image size.",
}
WIDTH = 384  # screen pixels of a grid of samples


def watch(active: Sequence[Job]) -> None:
    """All trainings that wait or run, kept up to date: every two seconds, less often where one takes hours."""
    longest = max((j.seconds or 0.0 for j in active), default=0.0)
    running.watch([j.id for j in active], show, every=min(20.0, max(2.0, longest / 500)))


def show(job: Job) -> None:
    """One training whole. What a person chose in it stays chosen while it is drawn again and again."""
    with st.container(border=True, key=f"training_{job.id}"):
        if job.state != "running":
            running.bar(job)
            return
        own = jobs.history(job.id)
        running.bar(job, remaining(own))
        facts(job, own)
        left, right = st.columns([3, 2], gap="medium")
        with left:
            curve(job)
        with right:
            samples(job)
        log(job)


def facts(job: Job, own: Sequence[Event]) -> None:
    """The newest numbers in one line."""
    last: Event = {}
    for event in own:
        last |= event
    told = [f"Running for {running.about(job.seconds or 0.0)}"]
    told += [words.format(_digits(last[key])) for key, words in FACTS if key in last]
    st.caption(" · ".join(told))


FACTS = (
    ("images_per_second", "{} images a second"),
    ("val_loss", "validation loss {}"),
    ("val_reconstruction", "of it reconstruction {}"),
    ("val_kl", "KL {}"),
)


def _digits(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def remaining(own: Sequence[Event]) -> float | None:
    """Seconds to go at the pace of its own steps: neither its start nor what it goes on from is counted."""
    told = [e for e in own if "loss" in e]
    if len(told) < 2 or told[-1]["done"] <= told[0]["done"]:
        return None
    first, last = told[0], told[-1]
    pace = (last["time"] - first["time"]) / (last["done"] - first["done"])
    return float(pace * (last["total"] - last["done"]))


# ----------------------------------------------------------------------------------------------------------- curve


def curve(job: Job) -> None:
    """The loss curve so far."""
    drawn = losses(job)
    if drawn is None:
        st.caption("The loss curve appears after the first steps.")
        return
    figure, alt = drawn
    st.plotly_chart(figure, key=f"curve_{job.id}", alt=alt, config={"displaylogo": False})
    st.caption(COMPARABLE.get(job.argv[3], ""))


def losses(job: Job) -> tuple[Any, str] | None:
    """Figure and sentence of the training's losses from its first step, over all jobs that had a part in it; None before it."""
    events, c = story(job), config(job)
    if not any("loss" in e for e in events):
        return None
    several = c.seeds if c else 1
    return figures.curves(events, each=job.total // several if several > 1 else 0)


def story(job: Job) -> list[Event]:
    """Events of the training so far; of an earlier job only up to the checkpoint that the next one went on from."""
    events: list[Event] = []
    for part in chain(job):
        own = [e for e in jobs.history(part.id) if e.get("done")]
        if own:
            events = [e for e in events if e["done"] < own[0]["done"]] + own
    return events


def chain(job: Job) -> list[Job]:
    """The jobs that had a part in this training, in their order, itself the last."""
    c = config(job)
    if c is None or not c.resume:
        return [job]
    return [*(j for j in _parts(c.resume) if j.id < job.id), job]


def later(job: Job) -> bool:
    """Whether another job went on with it."""
    c = config(job)
    begun = (c.resume if c else "") or job.id
    return any(j.id > job.id for j in _parts(begun))


def _parts(begun: str) -> list[Job]:
    """The job that began a training and those that went on with it, the oldest first."""
    return [j for j in reversed(jobs.every("train")) if j.id == begun or f"--resume={begun}" in j.argv]


def config(job: Job) -> TrainingConfig | None:
    """The knobs of a training; None for one that another version started with knobs that this one lacks."""
    try:
        return resuming.config_of(job)
    except JobError:
        return None


# --------------------------------------------------------------------------------------------------------- samples


def samples(job: Job) -> None:
    """The newest grid, and a slider back over the kept ones. It follows the newest until somebody moves it."""
    grids, c = kept(job), config(job)
    newest = paths.job(job.id) / "samples.png"
    if not grids and not newest.is_file():
        st.caption("The first samples appear at the first check.")
        return
    # Grids of several seeds share their names: only the newest is certain to be of the present one.
    if len(grids) > 1 and (c is None or c.seeds == 1):
        step = _step(job, list(grids))
        file, words = grids[step], f"samples at step {step}"
    else:
        file, words = newest if newest.is_file() else next(iter(grids.values())), "samples so far"
    png = enlarged(file)
    if png:
        components.picture(png, words, width="stretch", caption="Samples so far, from the same noise each time")


def _step(job: Job, steps: list[int]) -> int:
    key, seen = f"grid_{job.id}", f"grid_{job.id}_newest"
    if st.session_state.get(key) in (None, st.session_state.get(seen)):
        st.session_state[key] = steps[-1]
    st.session_state[seen] = steps[-1]
    return int(st.select_slider("Samples at step", steps, key=key, format_func=lambda s: f"{s:,}"))


def kept(job: Job) -> dict[int, Path]:
    """step -> the grid of samples at that step, in order, over all jobs of the training."""
    found = {}
    for part in chain(job):
        for file in (paths.job(part.id) / "samples").glob("*.png"):
            if file.stem.isdecimal():
                found[int(file.stem)] = file
    return dict(sorted(found.items()))


def enlarged(file: Path) -> bytes | None:
    """The picture as PNG, each pixel a square of its own; None where it is not there."""
    try:
        return _enlarged(str(file), file.stat().st_mtime_ns)
    except OSError:
        return None


@st.cache_data(max_entries=256, show_spinner=False)
def _enlarged(file: str, written: int) -> bytes:
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))
    scale = min(pictures.LARGEST_SCALE, max(1, WIDTH // pixels.shape[1]))
    return pictures.sheet(pixels[None], scale=scale)


# ------------------------------------------------------------------------------------------------------------- log


def log(job: Job, label: str = "Log") -> None:
    """The end of what it printed, read only while it is looked at."""
    box = st.expander(label, key=f"log_{job.id}", type="compact", on_change="rerun")
    if box.open:
        box.code(jobs.log(job.id, tail=4000) or "Nothing printed yet.", language=None)

"""How long a training would take on this machine: a few of its steps, timed by a job before anybody has to ask."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core import configs, jobs
from core.configs import TrainingConfig
from core.types import DatasetCard, Job
from core.ui import components, running

DECIDES = frozenset(("dataset", "size", "base", "batch", "accumulate", "precision", "devices", "channels", "layers", "latent"))
"""The knobs that the time of a step depends on. All others stand at their defaults, so that typing starts no job."""

OLD = 600.0
"""Seconds after which a measurement is offered anew: the machine may be busier or freer by now."""

ASKED = "bl_estimate"
"""The measurement that this session started last: one that was cancelled is not begun again and again."""


def show(c: TrainingConfig, card: DatasetCard) -> None:
    """One line: how long it takes, or why that is not known yet. Starts the measurement where nothing stands in its way."""
    if c.num_nodes > 1:
        st.caption("How long several machines take is not measured: run the command above on each of them.")
        return
    probe = probe_of(c)
    job, busy = newest(probe), bool(jobs.active("train"))
    ended = job is None or job.state in ("cancelled", "lost")
    if not busy and ended and st.session_state.get(ASKED) != configs.to_argv(probe):
        job = start(probe)
    if job is not None and job.state == "done":
        found(job, c, card, busy)
    elif busy:
        st.caption(":material/timer: How long it takes is measured once no other training runs.")
    elif job is not None and job.active:
        running.watch([job.id], _line)
    else:
        if job is not None and job.error:
            st.caption(f":material/error: {components.plain(job.error)}")
        _again(probe, "Measure the time")


def probe_of(c: TrainingConfig) -> TrainingConfig:
    """The config of the measurement that is valid for this one."""
    kept = {f.name: getattr(c, f.name) for f in fields(c) if f.name in DECIDES}
    return type(c)(**kept, estimate=True)


def newest(probe: TrainingConfig) -> Job | None:
    argv = configs.to_argv(probe)
    return next((j for j in jobs.every("estimate") if j.argv[2:] == argv), None)


def start(probe: TrainingConfig) -> Job:
    """Starts it in place of another that still runs: somebody chose other settings since."""
    end_all()
    st.session_state[ASKED] = configs.to_argv(probe)
    return running.start(probe, "Time a few steps")


def end_all() -> None:
    """Ends what is measured now: it would disturb a training, or be disturbed by the next one."""
    st.session_state.pop(ASKED, None)
    for job in jobs.active("estimate"):
        jobs.cancel(job.id)


def _line(job: Job) -> None:
    st.caption(":material/timer: Measuring how long a step takes on this machine …")


def _again(probe: TrainingConfig, label: str) -> None:
    if st.button(label, key="bl_measure", type="tertiary", icon=":material/timer:"):
        start(probe)
        st.rerun()


# ------------------------------------------------------------------------------------------------------------ time


def found(job: Job, c: TrainingConfig, card: DatasetCard, busy: bool) -> None:
    """What the measurement says of this training, and how old it is."""
    result, n = dict(job.result), steps(c, card.splits.get("train", 0))
    age = (datetime.now(UTC) - datetime.fromisoformat(job.created_at)).total_seconds()
    # Patience can end it before its last step.
    early = checks(result, c, n) > getattr(c, "patience", 0)
    took = f"{'Up to about' if early else 'About'} **{running.about(seconds(result, c, n))}** on this machine"
    step = result["step_seconds"]
    each = f"{step:.2g} s" if step >= 0.1 else f"{1000 * step:.2g} ms"
    many = f"{c.seeds} trainings of {n:,} steps" if c.seeds > 1 else f"{n:,} steps"
    words = f":material/timer: {took}: {many}, {each} each, measured {_when(age)}."
    st.caption(words + (" Another training runs now: this one would wait for its end." if busy else ""), width="content")
    if age > OLD and not busy:
        _again(probe_of(c), "Measure again")


def seconds(result: Mapping[str, Any], c: TrainingConfig, n: int) -> float:
    """Of all seeds, `n` optimiser steps each with their checks."""
    one = result["start_seconds"] + n * result["step_seconds"] + checks(result, c, n) * result["check_seconds"]
    return float(c.seeds * one)


def checks(result: Mapping[str, Any], c: TrainingConfig, n: int) -> int:
    """Validations in n steps; those of a VAE are an epoch apart, as it was measured."""
    return -(-n // int(getattr(c, "check_every", 0) or result["check_every"]))


def steps(c: Any, images: int) -> int:
    """Optimiser steps of one training on so many images, as the trainers count them."""
    if not c.epochs:
        return int(c.steps)
    return -(-c.epochs * -(-images // c.batch) // getattr(c, "accumulate", 1))


def _when(age: float) -> str:
    if age < 120:
        return "just now"
    return f"{running.about(age)} ago" if age < 86_400 else f"{age / 86_400:.0f} days ago"

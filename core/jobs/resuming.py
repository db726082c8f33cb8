"""Trainings that go on: which job began one, with which knobs, and what a resumption may change.

A resumed training is a job of its own; its checkpoints lie in the folder of the job that began it, its root.
"""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from core import configs, jobs, paths
from core.configs import TrainingConfig
from core.errors import ConfigError, JobError, unknown
from core.families import FAMILIES
from core.types import Job

MAY_CHANGE = frozenset(
    ("steps", "epochs", "patience", "name", "precision", "devices", "num_nodes", "strategy", "wandb", "wandb_project", "resume")
)
"""Knobs that leave the weights so far what they are: how long, where, under which name."""


def config_of(job: Job) -> TrainingConfig:
    """The knobs that a training was started with. JobError for another kind of job, or one that this version cannot read."""
    words = job.argv[2:]
    family = FAMILIES.get(words[1]) if len(words) > 1 and words[0] == "trainers" else None
    if family is None or family.config is None:
        raise JobError(f"The job {job.id} is no training; `python -m core jobs` lists what each job is.")
    try:
        # argparse would print its usage.
        with contextlib.redirect_stderr(io.StringIO()):
            c: TrainingConfig = configs.from_argv(family.config, words)
    except SystemExit as e:
        raise JobError(f"The training {job.id} was started by another version with knobs this one lacks; start it anew.") from e
    return c


def root(job: Job) -> Job:
    """The job that began the training which this one goes on with; itself where it began."""
    begun = config_of(job).resume
    return root(jobs.read(begun)) if begun else job


def started_as(name: str) -> Job:
    """The newest training that was started under this name, or the job of this id. JobError where there is none."""
    trainings = jobs.every("train")
    for job in trainings:
        if job.id == name or f"--name={name}" in job.argv:
            return job
    named = [word.removeprefix("--name=") for job in trainings for word in job.argv if word.startswith("--name=")]
    raise JobError(unknown("training", name, [*dict.fromkeys(named), *(j.id for j in trainings[:10])]))


def continued(job: Job, given: Mapping[str, Any]) -> TrainingConfig:
    """The config that goes on with a training: its own knobs and the `given` ones.

    JobError while it runs; ConfigError for a knob that would make it another training.
    """
    begun = root(job)
    running = next((j for j in jobs.active("train") if root(j).id == begun.id), None)
    if running:
        raise JobError(f"The training {begun.id} is still {running.state} as {running.id}; cancel that or wait for its end.")
    c = config_of(begun)
    for f in fields(c):
        if f.name in given and f.name not in MAY_CHANGE and given[f.name] != getattr(c, f.name):
            word = configs.flag(f)
            raise ConfigError(
                f"{word} is {given[f.name]}; the training began with {getattr(c, f.name)!r} and keeps it: leave {word} out."
            )
    return replace(c, **{**given, "resume": begun.id})


def state(c: TrainingConfig, folder: Path) -> Path:
    """Where a training keeps its checkpoints: in the folder of the job that began it, else in `folder`."""
    return paths.job(root(jobs.read(c.resume)).id) / "checkpoints" if c.resume else folder / "checkpoints"

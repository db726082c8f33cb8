"""This studio's own trainings as a sweep: those of one family on one data set, for only their losses mean the same."""

import argparse
import dataclasses
from typing import Any

from core import jobs
from core.configs import CONFIGS, add_arguments, as_dict, from_namespace
from core.errors import ConfigError, DataError, unknown
from core.sweeps.sweep import Sweep, has_failed, number
from core.types import Job, Run

METRIC = "val_loss"
# Settings that change what the validation loss measures: values under different ones are different quantities.
SHAPES_LOSS = {"vae": ("beta", "size"), "ddpm": ("prediction", "size")}


@dataclasses.dataclass(frozen=True)
class _Training:
    job: Job
    family: str
    config: Any

    @property
    def group(self) -> str:
        return f"{self.family}@{self.config.dataset}"


def groups() -> list[str]:
    """FAMILY@DATASET of all ended trainings, the most recently used first: what `read` takes."""
    return list(dict.fromkeys(t.group for t in _ended()[0]))


def read(group: str = "", metric: str = "") -> Sweep:
    """The ended trainings of one FAMILY@DATASET; "" takes that of the newest, and no training at all is a sweep without runs.

    DataError for a group that has none. A cancelled, lost or failed training is a failed run.
    """
    found, unreadable = _ended()
    known = list(dict.fromkeys(t.group for t in found))
    if group and group not in known:
        raise DataError(unknown("group of trainings", group, known))
    group = group or (known[0] if known else "")
    runs = tuple(_run(t, metric or METRIC) for t in found if t.group == group)
    params = tuple(dict.fromkeys(p for r in runs for p in r.params))
    measured = sorted({m for r in runs for m in r.metrics} - {METRIC})
    if metric and metric not in (METRIC, *measured):
        raise DataError(unknown("metric", metric, (METRIC, *measured)))
    order = tuple(dict.fromkeys((metric or METRIC, METRIC, *measured)))
    return Sweep(f"trainings {group}".strip(), runs, params, order, tuple(_notes(group, known, runs, unreadable)))


def _ended() -> tuple[list[_Training], int]:
    """Trainings that have ended, newest first, and the number of those whose command no longer reads."""
    found, unreadable = [], 0
    for job in jobs.every("train"):
        if job.active:
            continue
        training = _training(job)
        unreadable += training is None
        found += [training] if training else []
    return found, unreadable


def _training(job: Job) -> _Training | None:
    words = list(job.argv)[job.argv.index("-m") + 1 :] if "-m" in job.argv else list(job.argv)
    cls = next((c for c in CONFIGS if c.VERB[0] == "trainers" and tuple(words[:2]) == c.VERB), None)
    if cls is None:
        return None
    # Not from_argv: for a knob of an older version it prints its usage, here at every visit of a page.
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser, cls)
    try:
        ns, unknown_words = parser.parse_known_args(words[len(cls.VERB) :])
        return None if unknown_words else _Training(job, cls.VERB[1], from_namespace(cls, ns))
    except (argparse.ArgumentError, ConfigError):
        return None


def _run(training: _Training, metric: str) -> Run:
    job, config = training.job, training.config
    params = {k: v for k, v in as_dict(config).items() if k not in ("name", "dataset")}
    # A result named like a setting (steps asked for, steps done) would hide it.
    told = {k: number(v) for k, v in job.result.items() if k not in params}
    metrics = {k: v for k, v in told.items() if v is not None}
    if job.seconds is not None:
        metrics.setdefault("seconds", job.seconds)
    name = str(job.result.get("model") or config.name or job.title)
    state = "finished" if job.state == "done" else job.state
    return Run(job.id, name, state, has_failed(state, metrics, metric), params, metrics, job.created_at)


def _notes(group: str, known: list[str], runs: tuple[Run, ...], unreadable: int) -> list[str]:
    notes = []
    if len(known) > 1:
        others = ", ".join(k for k in known if k != group)
        notes.append(f"Only {group} is shown, for losses of different families or data sets do not compare; others: {others}.")
    family = group.split("@")[0]
    differing = [p for p in SHAPES_LOSS.get(family, ()) if len({r.params.get(p) for r in runs}) > 1]
    if differing:
        notes.append(
            f"Runs differ in {' and '.join(differing)}, which changes what {METRIC} measures: compare within one value only."
        )
    if unreadable:
        notes.append(f"Left out, for their settings cannot be read any more: {unreadable} of the trainings.")
    return notes

"""`python -m trainers FAMILY --dataset NAME [knobs] [--resume NAME] [--json]`: a training as a job, followed to its end.

Exit 0 done; 1 a person can put it right (one sentence on standard error); 2 wrong usage; 130 interrupted.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core import configs, jobs, models, store
from core.errors import ConfigError, JobError, StudioError
from core.families import FAMILIES
from core.jobs import resuming, worker
from core.types import Job
from trainers import run

CONFIGS: dict[str, type[Any]] = {f.name: f.config for f in FAMILIES.values() if f.config}


def parser(*, partial: bool = False) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m trainers", description="Train a model on a data set of the studio.")
    verbs = p.add_subparsers(dest="family", required=True, metavar="FAMILY")
    for name, cls in CONFIGS.items():
        text = FAMILIES[name].summary
        v = verbs.add_parser(name, help=text, description=text)
        configs.add_arguments(v, cls, partial=partial)
        v.add_argument("--json", action="store_true", help="print one JSON document on standard output and nothing else")
    return p


def main(argv: Sequence[str]) -> int:
    try:
        c, as_json = asked(argv)
        if worker.folder() is not None:
            return in_job(c)
        store.check_writable()
        run.check(c)
        job = jobs.submit(c, title=title(c))
    except StudioError as e:
        print(e, file=sys.stderr)
        return 1
    try:
        job = jobs.follow(job, say)
    except KeyboardInterrupt:
        print("Cancelled." if c.estimate else f"The training was cancelled; go on with it: {goes_on(c, job)}", file=sys.stderr)
        return 130
    if job.state != "done":
        print(job.error or f"The training was {job.state}; go on with it: {goes_on(c, job)}", file=sys.stderr)
        return 1
    print(json.dumps(dict(job.result)) if as_json else sentence(job.result))
    return 0


def asked(argv: Sequence[str]) -> tuple[run.Trainable, bool]:
    """The config, and whether --json was given. With --resume in a shell only the knobs that change need to be given."""
    given = vars(parser(partial=True).parse_args(argv))
    family, as_json = given.pop("family"), given.pop("json")
    if worker.folder() is not None or not given.get("resume"):
        return configs.from_namespace(CONFIGS[family], parser().parse_args(argv)), as_json
    job = started_as(given.pop("resume"))
    c = resuming.continued(job, given)
    if not isinstance(c, CONFIGS[family]):
        raise ConfigError(
            f"The training {job.id} is one of a {c.VERB[-1]}, not of a {family}: write `python -m trainers {c.VERB[-1]}`."
        )
    return c, as_json  # type: ignore[return-value]


def started_as(name: str) -> Job:
    """The training of this name or job id, or the one that made the model of this name."""
    try:
        return resuming.started_as(name)
    except JobError:
        made = {m.id: m.origin for m in models.cards()}.get(name, "")
        if not made.startswith("job:"):
            raise
        return jobs.read(made.removeprefix("job:"))


def in_job(c: run.Trainable) -> int:
    """The verb inside its job's folder. Of several processes the first of each machine speaks for it."""
    if int(os.environ.get("LOCAL_RANK", 0)):
        # Started by Lightning; the first process tells, reports and publishes.
        worker.die_with_supervisor()
        run.train_each(c, worker.folder() or Path(), lambda *told, **numbers: None)
        return 0
    return worker.run(lambda: run.estimate(c) if c.estimate else trained_here(c))


def goes_on(c: run.Trainable, job: Job) -> str:
    return f"python -m trainers {c.VERB[-1]} --resume={c.resume or job.id}"


def trained_here(c: run.Trainable) -> dict[str, Any]:
    """The training inside its job's folder; the document of --json: one model, or those of all seeds with their mean loss."""
    folder = worker.folder()
    assert folder is not None
    cards = run.train_each(c, folder, worker.tell)
    if not cards:
        return {"models": [], "note": "The first machine publishes the model."}
    losses, seconds = [m.metrics["val_loss"] for m in cards], round(sum(m.metrics["seconds"] for m in cards), 1)
    if c.seeds == 1:
        return {"model": cards[0].id, "val_loss": losses[0], "seconds": seconds}
    return {
        "models": [m.id for m in cards],
        "experiment": cards[0].experiment,
        "val_loss": statistics.fmean(losses),
        "val_losses": losses,
        "seconds": seconds,
    }


def title(c: run.Trainable) -> str:
    return f"{c.VERB[1]} on {c.dataset}" + (f", {c.seeds} seeds" if c.seeds > 1 else "")


def sentence(result: Mapping[str, Any]) -> str:
    if "step_seconds" in result:
        return f"About {result['seconds']:.0f} s for {result['steps']} steps of {result['step_seconds']:.3g} s each."
    if "note" in result:
        return str(result["note"])
    if "model" in result:
        return f"{result['model']} is trained: validation loss {result['val_loss']:.4g} after {result['seconds']:.0f} s."
    each = ", ".join(f"{model} {loss:.4g}" for model, loss in zip(result["models"], result["val_losses"], strict=True))
    return f"{len(result['models'])} models are trained after {result['seconds']:.0f} s, validation losses: {each}."


def say(job: Job) -> None:
    share = f" {job.done}/{job.total}" if job.total else ""
    print(f"{job.state}{share} {job.note}".rstrip(), file=sys.stderr, flush=True)

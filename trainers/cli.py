"""`python -m trainers FAMILY --dataset NAME [knobs] [--json]`: a training as a job, followed to its end.

Exit 0 done; 1 a person can put it right (one sentence on standard error); 2 wrong usage; 130 interrupted.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from core import configs, jobs, store
from core.errors import StudioError
from core.families import FAMILIES
from core.jobs import worker
from core.types import Job
from trainers import run

CONFIGS: dict[str, type[Any]] = {f.name: f.config for f in FAMILIES.values() if f.config}


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m trainers", description="Train a model on a data set of the studio.")
    verbs = p.add_subparsers(dest="family", required=True, metavar="FAMILY")
    for name, cls in CONFIGS.items():
        text = FAMILIES[name].summary
        v = verbs.add_parser(name, help=text, description=text)
        configs.add_arguments(v, cls)
        v.add_argument("--json", action="store_true", help="print one JSON document on standard output and nothing else")
    return p


def main(argv: Sequence[str]) -> int:
    ns = parser().parse_args(argv)
    try:
        if worker.folder() is not None:
            return worker.run(lambda: trained_here(configs.from_namespace(CONFIGS[ns.family], ns)))
        store.check_writable()
        c: run.Trainable = configs.from_namespace(CONFIGS[ns.family], ns)
        run.check(c)
        job = jobs.follow(jobs.submit(c, title=title(c)), say)
    except StudioError as e:
        print(e, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if job.state != "done":
        print(job.error or f"The training was {job.state}; `python -m core jobs logs {job.id}` says more.", file=sys.stderr)
        return 1
    print(json.dumps(dict(job.result)) if ns.json else sentence(job.result))
    return 0


def trained_here(c: run.Trainable) -> dict[str, Any]:
    """The training inside its job's folder; the document of --json: one model, or those of all seeds with their mean loss."""
    folder = worker.folder()
    assert folder is not None
    cards = run.train_each(c, folder, worker.tell)
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
    if "model" in result:
        return f"{result['model']} is trained: validation loss {result['val_loss']:.4g} after {result['seconds']:.0f} s."
    each = ", ".join(f"{model} {loss:.4g}" for model, loss in zip(result["models"], result["val_losses"], strict=True))
    return f"{len(result['models'])} models are trained after {result['seconds']:.0f} s, validation losses: {each}."


def say(job: Job) -> None:
    share = f" {job.done}/{job.total}" if job.total else ""
    print(f"{job.state}{share} {job.note}".rstrip(), file=sys.stderr, flush=True)

"""`python -m trainers FAMILY --dataset NAME [knobs] [--json]`: a training as a job, followed to its end.

Exit 0 done; 1 a person can put it right (one sentence on standard error); 2 wrong usage; 130 interrupted.
"""

import argparse
import json
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
        job = jobs.follow(jobs.submit(c, title=f"{ns.family} on {c.dataset}"), say)
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
    """The training inside its job's folder; the document of --json."""
    folder = worker.folder()
    assert folder is not None
    card = run.train(c, folder, worker.tell)
    return {"model": card.id, "val_loss": card.metrics["val_loss"], "seconds": round(card.metrics["seconds"], 1)}


def sentence(result: Mapping[str, Any]) -> str:
    return f"{result['model']} is trained: validation loss {result['val_loss']:.4g} after {result['seconds']:.0f} s."


def say(job: Job) -> None:
    share = f" {job.done}/{job.total}" if job.total else ""
    print(f"{job.state}{share} {job.note}".rstrip(), file=sys.stderr, flush=True)

"""python -m core demo build [--only DATASET|ID] [--model ID] [--out DIR]: the bundled examples, by commands that anyone has."""

import argparse
import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import configs, datasets, jobs, models, paths
from core.cli.words import Said, aligned, verb
from core.configs import DDPMConfig, PrepareConfig, TrainingConfig, VAEConfig
from core.errors import ConfigError, JobError, ModelError, unknown
from core.jobs import worker
from core.types import Job, ModelCard

# The VAE as in the study: two numbers a code, so that there is a plane of codes to move through.
RECIPES: Mapping[str, TrainingConfig] = {
    "vae-petals": VAEConfig(dataset="petals", epochs=60, wandb="off"),
    "vae-faces": VAEConfig(dataset="faces", epochs=60, wandb="off"),
    "ddpm-petals": DDPMConfig(dataset="petals", patience=1000, wandb="off"),
    "ddpm-faces": DDPMConfig(dataset="faces", patience=1000, wandb="off"),
}
"""The training of each example, by its id."""

LIBRARIES = ("torch", "diffusers", "lightning")


def add(verbs: Any) -> None:
    says = "build the examples that come with the studio"
    own = verbs.add_parser("demo", help=says, description=says).add_subparsers(required=True, metavar="VERB")
    p = verb(own, "build", built, "train the bundled models anew and write them with their cards")
    p.add_argument("--only", default="", metavar="NAME", help="the examples of one data set, or one by its id")
    p.add_argument("--model", default="", metavar="ID", help="take this model, trained by the example's command, and train none")
    p.add_argument("--out", type=Path, help="folder to write into (default: the studio's own examples)")


def built(ns: argparse.Namespace) -> Said:
    chosen = {name: c for name, c in RECIPES.items() if ns.only in ("", name, c.dataset)}
    if not chosen:
        raise ConfigError(unknown("example", ns.only, {*RECIPES, *(c.dataset for c in RECIPES.values())}))
    if ns.model and len(chosen) > 1:
        raise ConfigError(f"--model is {ns.model} and there are {len(chosen)} examples to build; name one of them with --only.")
    root = (ns.out or paths.examples()).expanduser().resolve() / "models"
    for c in chosen.values():
        datasets.card(c.dataset, c.size)  # before the first hour of training
    rows = []
    for name, c in chosen.items():
        card = trained(name, c) if not ns.model else made_as(models.card(ns.model), name, c)
        rows.append(_row(models.bundle(described(card, name, c), models.weights_file(card).parent, root)))
    return {"examples": rows, "folder": str(root)}, f"{aligned(rows, '')}\nwritten to {root}"


def trained(name: str, c: TrainingConfig) -> ModelCard:
    """Prepares the data set and trains as a job; the model as it stands in the person's own store."""
    datasets.prepare(PrepareConfig(c.dataset, c.size), worker.quietly())
    job = jobs.follow(jobs.submit(c, title=f"example {name}"), say)
    if job.state != "done":
        goes_on = f"python -m trainers {c.VERB[-1]} --resume={job.id}"
        why = job.error or f"the training was {job.state}"
        raise JobError(f"{name} is not built: {why} Go on with {goes_on}, and take what it makes with --only {name} --model ID.")
    return models.card(str(job.result["model"]))


def made_as(card: ModelCard, name: str, c: TrainingConfig) -> ModelCard:
    """The card itself. ModelError for a model that another command trained."""
    own = models.training_config(card)
    same = type(own) is type(c) and replace(own, name=c.name, resume=c.resume, wandb=c.wandb, wandb_project=c.wandb_project) == c
    if not same or not card.origin.startswith(("job:", "shell:")):
        raise ModelError(f"{card.id} is no training of {name}; train it with: {configs.command(c)}")
    return card


def described(card: ModelCard, name: str, c: TrainingConfig) -> ModelCard:
    """The card of the example: what repeats it, and nothing of the machine it was made on."""
    versions = ", ".join(f"{library} {importlib.metadata.version(library)}" for library in LIBRARIES)
    config = {k: v for k, v in configs.as_dict(c).items() if k in card.config}
    return replace(
        card,
        id=name,
        config=config,
        origin="example:",
        base="",
        former=(),
        command=configs.command(c),
        note=f"Trained with {versions}",
    )


def _row(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        **{k: card.metrics.get(k) for k in ("val_loss", "steps", "seconds")},
        "sha256": card.sha256[models.EMA],
    }


def say(job: Job) -> None:
    share = f" {job.done}/{job.total}" if job.total else ""
    print(f"{job.title}: {job.state}{share} {job.note}".rstrip(), file=sys.stderr, flush=True)

"""Foreign checkpoints into the model store: read without running anything of them, checked whole, kept as safetensors.

    python -m core models import PATH|hub:google/ddpm-cifar10-32 [--name ID] [--dataset NAME]

PATH: a .ckpt of the study's VAE, safetensors, a diffusers folder, or the folder of a model of another studio.
"""

import itertools
import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from core import configs, datasets, models
from core.configs import ImportConfig
from core.errors import ConfigError, ModelError
from core.importers import diffusers_folder, hub, lightning_ckpt, reading, safetensors_file
from core.importers.reading import Found
from core.types import ModelCard, Progress, silent

PICKLED = (".ckpt", ".bin", ".pt", ".pth")
FORMS = (
    "a .ckpt of the study's VAE, a .safetensors, a diffusers folder (config.json, scheduler_config.json, its weights), or a "
    "model's folder of another studio (card.json, ema.safetensors)"
)


def load(c: ImportConfig, progress: Progress = silent) -> ModelCard:
    """Imports the model and publishes it; its card.

    ModelError, in one sentence, for what is no such model, is damaged, or could run code; DataError for an unknown data set.
    Nothing is published then, and nothing of the file was executed.
    """
    if c.name:
        models.check_id(c.name)
    if c.dataset:
        datasets.card(c.dataset)
    if c.source.startswith(hub.PREFIX):
        repository = hub.find(c.source)
        found = hub.read(repository, progress)
        name, origin = repository.name.split("/")[-1], f"{hub.PREFIX}{repository.name}@{repository.revision}"
    else:
        path = Path(os.path.expanduser(c.source))
        progress(0, 0, f"reading {_base(path)}")
        found = _read(path)
        name, origin = found.card.id if found.card else _stem(path), f"file:{_base(path)}"
    card = replace(_card(found, c), id=c.name or _free(name), origin=origin)
    progress(0, 0, f"publishing {card.id}")
    return _publish(card, found)


def _read(path: Path) -> Found:
    if os.path.isdir(path):
        if safetensors_file.is_studio(path):
            return safetensors_file.studio(path)
        if diffusers_folder.is_folder(path):
            return diffusers_folder.read(path)
        raise ModelError(f"{path} holds no model; needed: {FORMS}.")
    if not os.path.isfile(path):
        raise ModelError(f"There is no file or folder {path}; give {FORMS}.")
    suffix = path.suffix.lower()
    if suffix in PICKLED:
        return lightning_ckpt.read(path)
    if suffix == ".safetensors":
        return safetensors_file.read(path)
    if suffix == ".zip":
        raise ModelError(f"{path} is an archive; unpack it and import the folder.")
    raise ModelError(f"{path} is no kind of file that holds a model; needed: {FORMS}.")


def _card(found: Found, c: ImportConfig) -> ModelCard:
    """The card but for id, origin and hashes. It says nothing that the file did not: what is not known is left out."""
    if found.card:
        base = f"fine-tuned from {found.card.base}" if found.card.base else ""
        there = ", ".join(w for w in (f"in the studio it came from: {found.card.id}", found.card.origin, base) if w)
        config = {**found.config, "dataset": c.dataset or found.card.dataset}
        # A base of that name is another model here.
        note = f"{found.note}; {there}" if found.note else there
        return replace(found.card, dataset=config["dataset"], config=config, base="", former=(), note=note)
    return ModelCard(
        id="",
        family=found.family,
        dataset=c.dataset,
        size=found.config["size"],
        config={"dataset": c.dataset, **found.config},
        seed=0,
        experiment="",
        origin="",
        base="",
        sha256={},
        created_at="",
        # A file's place is this machine's own business.
        command=configs.command(c) if c.source.startswith(hub.PREFIX) else "",
        metrics=found.metrics,
        note=found.note,
    )


def _publish(card: ModelCard, found: Found) -> ModelCard:
    from safetensors.torch import save_file

    with tempfile.TemporaryDirectory(prefix="import-") as folder:
        for name, tensors in found.weights.items():
            save_file(tensors, Path(folder) / reading.FILES[name])
        return models.publish(card, Path(folder))


# ----------------------------------------------------------------------------------------------------------- names


def _base(path: Path) -> str:
    """The last part of a path, also of "." and "folder/"."""
    return Path(os.path.abspath(path)).name


def _stem(path: Path) -> str:
    return _base(path) if os.path.isdir(path) else Path(_base(path)).stem


def _free(name: str) -> str:
    """The name with what a model's may not have replaced, numbered if it is taken or reserved."""
    # Without dots: "con.x" is reserved on Windows, whatever stands behind the dot.
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[:70].rstrip("-_") or "imported"
    for number in itertools.count(1):
        candidate = plain if number == 1 else f"{plain}-{number}"
        try:
            models.check_id(candidate)
            return candidate
        except (ModelError, ConfigError):
            continue
    raise AssertionError

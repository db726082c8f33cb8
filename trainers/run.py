"""From a config to a published model: check, fit, export the best weights, publish. Heavy imports wait for the checks."""

import contextlib
import functools
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import configs, datasets, models
from core.configs import DDPMConfig, VAEConfig
from core.errors import ConfigError, DataError, StudioError
from core.types import ImageSet, ModelCard, digest

Trainable = VAEConfig | DDPMConfig
Tell = Callable[..., None]
"""Told (done, total, note, **numbers), such as `core.jobs.worker.tell`."""


@dataclass(frozen=True)
class Plan:
    """What the two families differ in, for the one loop. `check_every` in optimiser steps."""

    module: Any
    steps: int
    check_every: int
    batch: int
    accumulate: int = 1
    clip: float | None = None
    checked: int = 0
    averaging: Any = None


def check(c: Trainable) -> None:
    """ConfigError, ModelError or DataError for what can be known to fail before torch is imported."""
    if c.size % 4:
        raise ConfigError(f"size is {c.size}; needed: a multiple of 4, such as {c.size // 4 * 4 + 4}.")
    for one in by_seed(c):
        if one.name:
            models.check_id(one.name)
    datasets.card(c.dataset, c.size)


def by_seed(c: Trainable) -> list[Trainable]:
    """The config of each training that this one asks for: itself, or one a seed, its name ending in -sSEED."""
    if c.seeds == 1:
        return [c]
    names = {s: f"{c.name}-s{s}" if c.name else "" for s in range(c.seed, c.seed + c.seeds)}
    return [replace(c, seed=s, seeds=1, name=name) for s, name in names.items()]


def train_each(c: Trainable, folder: Path, tell: Tell) -> list[ModelCard]:
    """`train` for every seed, one after the other; the cards have one experiment.

    Each model is published as soon as it is trained: what comes later, an error or the end of the process, does not undo it.
    """
    check(c)
    todo, done = by_seed(c), list[ModelCard]()
    tells = [tell] if len(todo) == 1 else _parts(tell, [one.seed for one in todo])
    for one, part in zip(todo, tells, strict=True):
        try:
            done.append(train(one, folder, part))
        except StudioError as e:
            if not done:
                raise
            raise type(e)(f"Seed {one.seed}: {e} The seeds before it are trained: {', '.join(m.id for m in done)}.") from e
    return done


def _parts(tell: Tell, seeds: Sequence[int]) -> list[Tell]:
    """A tell for each seed's training, all of equal length, that tells of the whole."""
    steps = [0]  # of one training, once its first told them

    def part(k: int, done: int, total: int, note: str, **numbers: float) -> None:
        steps[0] = total or steps[0]
        note = f"Seed {seeds[k]} ({k + 1} of {len(seeds)}): {note}"
        tell(k * steps[0] + done, len(seeds) * steps[0], note, **numbers)

    return [functools.partial(part, k) for k in range(len(seeds))]


def train(c: Trainable, folder: Path, tell: Tell) -> ModelCard:
    """Trains, publishes the best checkpoint and returns its card. All that it writes on the way lies under `folder`.

    The best is the one of lowest val_loss. Nothing is published where the training fails or is ended by a signal.
    """
    started = time.monotonic()
    check(c)
    tell(0, 0, f"Reading '{c.dataset}'")
    train_set, val_set = load(c, "train"), load(c, "val")
    tell(0, 0, "Starting")
    checkpoint, metrics = fit(c, (train_set, val_set), folder, tell)
    metrics["seconds"] = time.monotonic() - started
    return models.publish(describe(c, metrics), export(checkpoint, folder / "weights" / f"seed-{c.seed}"))


def load(c: Trainable, split: str) -> ImageSet:
    images = datasets.load(c.dataset, split, size=c.size)
    if not len(images):
        raise DataError(f"'{c.dataset}' has no image in its {split} split, which a training needs; add images to it.")
    return images


def plan(c: Trainable, n: int) -> Plan:
    """The plan for n training images. An epoch of the VAE is as many whole batches as cover them."""
    if isinstance(c, VAEConfig):
        from trainers import vae

        epoch = -(-n // c.batch)
        return Plan(vae.VAETraining(c), c.epochs * epoch, epoch, c.batch)
    from trainers import ddpm

    return Plan(ddpm.DDPMTraining(c), c.steps, c.check_every, c.batch, c.accumulate, c.clip, ddpm.CHECKED, ddpm.averaging(c.ema))


def fit(c: Trainable, sets: tuple[ImageSet, ImageSet], folder: Path, tell: Tell) -> tuple[Path, dict[str, float]]:
    """Trains on (training, validation) images; the best checkpoint and the card's metrics (without `seconds`)."""
    import torch
    from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

    from trainers import data, watch

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(c.seed)
    p = plan(c, len(sets[0]))
    looking = watch.Watch(p.steps, p.batch, tell)
    patience = EarlyStopping("val_loss", patience=c.patience, check_on_train_epoch_end=False)
    best = ModelCheckpoint(folder / "checkpoints" / f"seed-{c.seed}", "best", monitor="val_loss", save_on_train_epoch_end=False)
    # In this order: pictures are drawn while the averaged weights are in place.
    callbacks = [looking, watch.Pictures(folder / "samples.png"), p.averaging, patience, best]
    images = data.Images(*sets, p.batch, seed=c.seed, flips=c.flips, checked=p.checked)
    try:
        with quiet():
            trainer = trainer_of(p, folder, [k for k in callbacks if k])
            trainer.fit(p.module, datamodule=images)
    except torch.OutOfMemoryError as e:
        raise ConfigError(f"The device's memory does not hold a batch of {p.batch} images; lower the batch.") from e
    assert best.best_model_score is not None, "a training ends with a validation"
    return Path(best.best_model_path), {
        "val_loss": float(best.best_model_score),
        "steps": float(trainer.global_step),
        "images_per_second": looking.images / looking.seconds,
        "parameters": float(sum(w.numel() for w in p.module.parameters())),
    }


def trainer_of(p: Plan, folder: Path, callbacks: list[Any]) -> Any:
    """Lightning's Trainer on the one best device; it prints nothing and writes under `folder` only."""
    import lightning as L
    from lightning.pytorch.plugins.environments import LightningEnvironment

    return L.Trainer(
        accelerator="auto",
        devices=1,
        precision=precision(),
        max_epochs=1,  # of endless batches; Watch ends it
        check_val_every_n_epoch=None,
        val_check_interval=p.check_every * p.accumulate,
        accumulate_grad_batches=p.accumulate,
        gradient_clip_val=p.clip,
        callbacks=callbacks,
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        plugins=[LightningEnvironment()],  # one process, whatever cluster this may be
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's notes on devices and tips, and without the one warning that it causes at every start."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Lightning 2.6 with torch 2.14; nothing a person could do about it.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
        yield


def precision() -> Any:
    """float32 on a CPU, where bfloat16 is slower; bfloat16 on GPUs that have it; never float16, whose losses overflow."""
    import torch

    if torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False):
        return "bf16-mixed"
    return "32-true"


def export(checkpoint: Path, folder: Path) -> Path:
    """The checkpoint's network as folder/ema.safetensors and, where weights were averaged, folder/raw.safetensors."""
    import torch
    from safetensors.torch import save_file

    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    # Lightning's averaging puts the averaged weights into state_dict and the others aside.
    states = {"ema": saved["state_dict"], "raw": saved.get("current_model_state")}
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in states.items():
        if state is not None:
            own = {k.removeprefix("network."): v.contiguous() for k, v in state.items() if k.startswith("network.")}
            save_file(own, folder / f"{name}.safetensors")
    return folder


def describe(c: Trainable, metrics: dict[str, float]) -> ModelCard:
    """The card of a model that this config trained here and now; `publish` adds the hashes of its weights."""
    family = c.VERB[-1]
    # How many seeds were asked for is no knob of this one.
    knobs = {k: v for k, v in configs.as_dict(c).items() if k != "seeds"}
    job = os.environ.get("STUDIO_JOB")
    return ModelCard(
        id=c.name,  # if none, `publish` chooses one
        family=family,
        dataset=c.dataset,
        size=c.size,
        config=knobs,
        seed=c.seed,
        experiment=digest({"family": family, **{k: v for k, v in knobs.items() if k not in ("seed", "name")}}),
        origin=f"job:{Path(job).name}" if job else "shell:",
        base="",
        sha256={},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=configs.command(c),
        metrics=metrics,
    )

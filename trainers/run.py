"""From a config to a published model: check, fit, publish the best weights. Heavy imports wait for the checks."""

import contextlib
import functools
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import configs, datasets, jobs, models
from core.configs import DDPMConfig, VAEConfig
from core.errors import ConfigError, DataError, StudioError
from core.jobs import resuming, worker
from core.types import ImageSet, ModelCard
from trainers import bases, wandb_run
from trainers.bases import based
from trainers.continuing import alone, published
from trainers.publishing import describe, export

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
    """ConfigError, ModelError, JobError or DataError for what can be known to fail before torch is imported."""
    c = based(c)
    if c.size % 4:
        raise ConfigError(f"size is {c.size}; needed: a multiple of 4, such as {c.size // 4 * 4 + 4}.")
    world = c.devices * c.num_nodes
    if c.batch % world:
        raise ConfigError(f"batch is {c.batch}; {world} devices share it, so it must be a multiple of {world}.")
    if world > 1 and c.seeds > 1:
        raise ConfigError(
            f"seeds is {c.seeds} and there are {world} devices; several devices train one seed a command: leave one out."
        )
    for one in by_seed(c):
        if one.name and not published(one):
            models.check_id(one.name)
    mine = worker.folder()
    others = [j.id for j in jobs.active("train") if c.name and f"--name={c.name}" in j.argv and (not mine or j.id < mine.name)]
    if others:
        raise ConfigError(f"A training named '{c.name}' is not at its end yet ({others[0]}); choose another name or wait for it.")
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
            card = train(one, folder, part)
            done.extend([card] if card else [])
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


def train(c: Trainable, folder: Path, tell: Tell) -> ModelCard | None:
    """Trains, publishes the best checkpoint and returns its card. All that it writes on the way lies under `folder`.

    The best is the one of lowest val_loss. Nothing is published where the training fails or is ended by a signal. A resumed
    training goes on from the last checkpoint, and one that was published already is not trained again. Of several processes
    only the first publishes; the others have None.
    """
    check(c)
    asked, c = c, based(c)
    done = published(c)
    if done:
        return done
    tell(0, 0, f"Reading '{c.dataset}'")
    train_set, val_set = load(c, "train"), load(c, "val")
    tell(0, 0, "Starting")
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    with alone(c), wandb_run.logged(c, folder) as logger:
        checkpoint, metrics = fit(c, (train_set, val_set), folder, tell, logger)
        if rank_zero_only.rank:  # type: ignore[attr-defined]
            return None  # the first process publishes
        # What `--from` brings along need not be said again.
        described = replace(describe(c, metrics), command=configs.command(asked))
        card = models.publish(described, export(checkpoint, folder / "weights" / f"seed-{c.seed}"))
        wandb_run.publish(logger, card)
    # The checkpoints stay, for whoever wants to train on.
    return card


def estimate(c: Trainable) -> dict[str, Any]:
    """Seconds of the training by its parts, from a few steps on this machine: step_seconds, check_seconds, start_seconds,
    check_every and steps (of one training at its full length), seconds (of all seeds)."""
    begun = time.monotonic()
    import torch

    from trainers import estimate

    check(c)
    c = based(c)
    precision(c.precision)
    torch.manual_seed(c.seed)
    p = plan(c, len(load(c, "train")))
    checked = p.checked or len(load(c, "val"))
    start = time.monotonic() - begun
    step_seconds, check_seconds = estimate.measured(p, c.size, checked)
    seconds = start + p.steps * step_seconds + p.steps / p.check_every * check_seconds
    return {
        "step_seconds": step_seconds,
        "check_seconds": check_seconds,
        "start_seconds": start,
        "check_every": p.check_every,
        "steps": p.steps,
        "seconds": c.seeds * seconds,
    }


def load(c: Trainable, split: str) -> ImageSet:
    images = datasets.load(c.dataset, split, size=c.size)
    if not len(images):
        raise DataError(f"'{c.dataset}' has no image in its {split} split, which a training needs; add images to it.")
    return images


def plan(c: Trainable, n: int) -> Plan:
    """The plan for n training images. An epoch is as many whole batches as cover them."""
    epoch = -(-n // c.batch)
    if isinstance(c, VAEConfig):
        from trainers import vae

        return Plan(vae.VAETraining(c), c.epochs * epoch, epoch, c.batch)
    from trainers import ddpm

    if c.epochs:
        c = replace(c, steps=-(-c.epochs * epoch // c.accumulate))
    averaging = ddpm.averaging(c.ema)
    return Plan(ddpm.DDPMTraining(c), c.steps, c.check_every, c.batch, c.accumulate, c.clip, ddpm.CHECKED, averaging)


def fit(
    c: Trainable, sets: tuple[ImageSet, ImageSet], folder: Path, tell: Tell, logger: Any = None
) -> tuple[Path, dict[str, float]]:
    """Trains on (training, validation) images; the best checkpoint and the card's metrics.

    logger: one of Lightning's, or None.
    """
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint

    from trainers import data, watch

    folder.mkdir(parents=True, exist_ok=True)
    state = resuming.state(c, folder) / f"seed-{c.seed}"
    torch.manual_seed(c.seed)
    p = plan(c, len(sets[0]))
    bases.start(c, p.module.network)
    looking = watch.Watch(p.steps, p.batch, tell)
    patience = watch.Patience("val_loss", patience=c.patience, check_on_train_epoch_end=False)
    best = ModelCheckpoint(state, "best", monitor="val_loss", save_last=True, save_on_train_epoch_end=False)
    # In this order: pictures are drawn while the averaged weights are in place.
    callbacks = [looking, watch.Pictures(folder), p.averaging, patience, best]
    images = data.Images(*sets, p.batch, seed=c.seed, flips=c.flips, checked=p.checked)
    last = state / "last.ckpt"
    try:
        with quiet():
            trainer = trainer_of(c, p, folder, [k for k in callbacks if k], logger)
            trainer.fit(p.module, datamodule=images, ckpt_path=last if last.is_file() else None, weights_only=True)
    except torch.OutOfMemoryError as e:
        raise ConfigError(f"The device's memory does not hold a batch of {p.batch} images; lower the batch.") from e
    assert best.best_model_score is not None, "a training ends with a validation"
    return Path(best.best_model_path), {
        "val_loss": float(best.best_model_score),
        "steps": float(trainer.global_step),
        "seconds": looking.elapsed,
        "images_per_second": looking.images / max(looking.seconds, 1e-9),
        "parameters": float(sum(w.numel() for w in p.module.parameters())),
    }


def trainer_of(c: Trainable, p: Plan, folder: Path, callbacks: list[Any], logger: Any) -> Any:
    """Lightning's Trainer on the devices that the config asks for; it prints nothing and writes under `folder` only."""
    import lightning as L
    import torch
    from lightning.pytorch.plugins.environments import LightningEnvironment

    one, here = c.devices * c.num_nodes == 1, torch.cuda.device_count()
    if here and c.devices > here:
        raise ConfigError(f"devices is {c.devices}, and this machine has {here} GPUs; lower devices.")
    return L.Trainer(
        accelerator="auto",
        devices=c.devices,
        num_nodes=c.num_nodes,
        strategy="ddp" if c.strategy == "auto" and not one else c.strategy,
        precision=precision(c.precision),
        max_epochs=1,  # of endless batches; Watch ends it
        check_val_every_n_epoch=None,
        val_check_interval=p.check_every * p.accumulate,
        accumulate_grad_batches=p.accumulate,
        gradient_clip_val=p.clip,
        callbacks=callbacks,
        num_sanity_val_steps=0,
        logger=logger or False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        use_distributed_sampler=False,  # TrainingBatches knows its share
        plugins=[LightningEnvironment()] if one else None,  # one process, whatever cluster this may be
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's notes on devices and tips, and without warnings of what is meant to be."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        # Lightning 2.6 with torch 2.14; nothing a person could do about it.
        warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated", category=FutureWarning)
        # A resumed training is meant to find its checkpoints, and its batches begin where they ended.
        warnings.filterwarnings("ignore", message="Checkpoint directory .* exists and is not empty")
        warnings.filterwarnings("ignore", message=".*resuming from a checkpoint that ended before the epoch ended")
        yield


def precision(asked: str) -> Any:
    """What "auto" means here: float32 on a CPU, where bfloat16 is slower; bfloat16 on GPUs that have it, never float16, whose
    losses can overflow. ConfigError for float16 without CUDA, where Lightning would quietly take another."""
    import torch

    if asked == "16-mixed" and not torch.cuda.is_available():
        raise ConfigError("precision is 16-mixed, which needs a CUDA device, and there is none; leave precision at auto.")
    if asked != "auto":
        return asked
    if torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False):
        return "bf16-mixed"
    return "32-true"

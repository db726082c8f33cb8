"""What looks on while Lightning trains: tells how far it is, stops it when it goes wrong, draws pictures now and then."""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping
from PIL import Image

from core import families, pixels, sampling
from core.configs import SampleConfig
from core.errors import ConfigError
from core.families import FAMILIES, Draw
from trainers import wandb_run

EVERY = 1.0  # seconds between two tellings
SHARE = 0.05  # of the training's time that pictures may take
SIDE = 4  # pictures in a row of the grid
STEPS = 20  # a picture, where it is drawn in steps


class Watch(L.Callback):
    """Tells (done, total, note, loss=..., images_per_second=...) about every second, with val_loss and its parts after a check.

    `loss` is the mean since the last telling. `images` and `seconds` count the training steps alone: neither checks,
    checkpoints nor pictures. `elapsed` is the time until now, that of earlier parts of a resumed training included.
    """

    def __init__(self, total: int, batch: int, tell: Callable[..., None]) -> None:
        self.total, self.batch, self.tell = total, batch, tell
        self.began, self.earlier = time.monotonic(), 0.0
        self.images, self.seconds, self.resting = 0, 0.0, False
        self.numbers: dict[str, float] = {}
        # Losses since the last look with their steps. They are read together: each reading makes a GPU wait.
        self.losses: list[tuple[int, torch.Tensor]] = []

    @property
    def elapsed(self) -> float:
        return self.earlier + time.monotonic() - self.began

    def state_dict(self) -> dict[str, Any]:
        return {"elapsed": self.elapsed}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.earlier = state_dict["elapsed"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.since = time.monotonic()
        # Resumed behind its end: what was checked last has the last word.
        patience = trainer.early_stopping_callback
        waited = isinstance(patience, EarlyStopping) and patience.wait_count >= patience.patience
        if trainer.global_step >= self.total or waited:
            trainer.should_stop = True

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        if self.resting:
            # The checkpoint is written by now too.
            self.since, self.resting = time.monotonic(), False

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.losses.append((batch_idx // trainer.accumulate_grad_batches + 1, outputs["loss"]))
        if trainer.global_step >= self.total:
            # Stopped this way, and not by max_steps, Lightning checks the last weights too.
            trainer.should_stop = True
        elif time.monotonic() - self.since >= EVERY:
            self.look(trainer)
            if trainer.logger:
                trainer.logger.log_metrics(self.numbers, step=trainer.global_step)
            self.tell(trainer.global_step, self.total, f"Training, loss {self.numbers['loss']:.4g}", **self.numbers)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.look(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        checked = {k: float(v) for k, v in trainer.callback_metrics.items()}
        if not math.isfinite(checked["val_loss"]):
            raise diverged("validation loss", trainer.global_step, pl_module)
        note = f"Checked, validation loss {checked['val_loss']:.4g}"
        self.tell(trainer.global_step, self.total, note, **self.numbers, **checked)
        self.resting = True

    def look(self, trainer: L.Trainer) -> None:
        """Reads the losses since the last look; ConfigError at the first that is not finite."""
        if not self.losses:
            return
        # Lightning hands out the loss divided by the batches that are added up.
        values = torch.stack([loss for _, loss in self.losses]).float().cpu() * trainer.accumulate_grad_batches
        for (step, _), finite in zip(self.losses, values.isfinite().tolist(), strict=True):
            if not finite:
                raise diverged("training loss", step, trainer.lightning_module)
        now, images = time.monotonic(), len(self.losses) * self.batch
        self.numbers = {"loss": float(values.mean()), "images_per_second": images / max(now - self.since, 1e-9)}
        self.images, self.seconds, self.since = self.images + images, self.seconds + now - self.since, now
        self.losses.clear()


class Patience(EarlyStopping):
    """Early stopping whose patience, in a resumed training, is the one asked for now; Lightning would take the checkpoint's."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({**state_dict, "patience": self.patience})


class Pictures(L.Callback):
    """Now and then a grid of 16 images from the same noise: at most SHARE of the time, the first one apart.

    folder/samples.png is the newest, folder/samples/NNNNNNN.png the one of that step. It must stand before the averaging among
    the callbacks: then the averaged weights are still in their place.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spent = self.last = 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.start = time.monotonic()

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        now = time.monotonic()
        if not trainer.is_global_zero or (self.spent and self.spent + self.last > SHARE * (now - self.start)):
            return
        images = self.draw(pl_module)
        (self.folder / "samples").mkdir(exist_ok=True)
        write_grid(self.folder / "samples" / f"{trainer.global_step:07d}.png", images)
        write_grid(self.folder / "samples.png", images)
        wandb_run.samples(trainer.logger, self.folder / "samples.png", trainer.global_step)
        self.last = time.monotonic() - now
        self.spent += self.last

    def draw(self, pl_module: Any) -> np.ndarray:
        """(16, H, W, 3) float32 in [-1, 1]: seeds 0 to 15, by a few steps where the family takes steps."""
        c = pl_module.c
        family = FAMILIES[c.VERB[-1]]
        sample = SampleConfig(model="in training", steps=STEPS)
        walk = families.module(family).walk(Draw(pl_module.network, c, sampling.resolve(sample), c.size), range(SIDE * SIDE))
        *_, last = walk
        # Weights that have just gone wrong: the check that follows says so.
        return np.nan_to_num(last.x)


def write_grid(file: Path, images: np.ndarray) -> None:
    """(16, H, W, 3) floats in [-1, 1] as a PNG of 4 by 4. A page may read it at any time: written beside, then renamed."""
    n, h, w, _ = images.shape
    rows = pixels.to_uint8(images).reshape(n // SIDE, SIDE, h, w, 3).transpose(0, 2, 1, 3, 4)
    beside = file.with_name(f".{file.name}.part")
    Image.fromarray(rows.reshape(n // SIDE * h, SIDE * w, 3)).save(beside, format="PNG")
    os.replace(beside, file)


def diverged(what: str, step: int, module: Any) -> ConfigError:
    rate = module.c.learning_rate
    return ConfigError(
        f"The {what} was no longer a finite number at step {step} with a learning rate of {rate:g}; "
        f"lower the learning rate, to {rate / 10:g} say."
    )

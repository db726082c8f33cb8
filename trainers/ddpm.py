"""Training of the DDPM: the loss of Ho et al. 2020 on the target that the config names, checked on averaged weights."""

import math
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch.nn import functional as F

from core.configs import DDPMConfig
from core.families import ddpm
from core.types import BLOCK
from trainers import seeds

CHECKED = 512
"""Images that a validation looks at, however many the split has: as many network evaluations as 8 batches of 64."""
GOLDEN = (math.sqrt(5) - 1) / 2


class DDPMTraining(L.LightningModule):
    """`network` is what gets published. Batches are (B, 3, H, W) float32 in [-1, 1]."""

    def __init__(self, c: DDPMConfig) -> None:
        super().__init__()
        self.c = c
        self.network = ddpm.network(c)
        self.scheduler: Any = ddpm.noise_scheduler(c)
        self.share = (0, 1)

    def on_fit_start(self) -> None:
        self.share = (self.global_rank, self.trainer.world_size)

    def loss(self, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """Squared error of the predicted target, weighted by timestep; its mean over images, channels and pixels.

        Losses compare only between trainings of one prediction and one weighting.
        """
        noisy = self.scheduler.add_noise(x0, noise, t)
        predicted = self.network(noisy, t, return_dict=False)[0]
        error = F.mse_loss(predicted.float(), ddpm.targets(self.scheduler, x0, noise, t), reduction="none").flatten(1).mean(1)
        return (ddpm.weighting(self.scheduler, t, self.c.min_snr) * error).mean()

    def training_step(self, x: torch.Tensor, number: int) -> torch.Tensor:
        """One timestep from each of as many equal parts of the schedule as the step has images: as uniform as independent ones,
        less noisy. With several processes each takes its share of what one alone would draw."""
        rank, world = self.share
        whole = len(x) * world
        key = (seeds.TRAINING, self.c.seed, number)
        drawn = seeds.generator(*key, device=x.device)
        within = torch.rand(whole, generator=drawn, device=x.device)
        part = torch.arange(whole, device=x.device)
        noise = torch.randn((whole, *x.shape[1:]), generator=drawn, device=x.device)
        if self.c.dropout:
            # Dropout takes no generator; this makes it, too, a function of the step.
            torch.manual_seed(seeds.number(*key, rank))
        return self.loss(x, noise[rank::world], self.timestep((part + within) / whole)[rank::world])

    def validation_step(self, x: torch.Tensor, number: int) -> None:
        """Timesteps and noise are the same in each check, so that the loss moves with the weights alone."""
        noise = seeds.normal(tuple(x.shape), seeds.CHECKING, number, device=x.device)
        t = self.timestep(spread(number * BLOCK, len(x))).to(x.device)
        self.log("val_loss", self.loss(x, noise, t), batch_size=len(x))

    def timestep(self, share: torch.Tensor) -> torch.Tensor:
        """Shares of the schedule in [0, 1) as (B,) int64 timesteps. (Rounding may give 1.0 in float32: hence the clamp.)"""
        T = self.scheduler.config.num_train_timesteps
        return (share * T).long().clamp(max=T - 1)

    def configure_optimizers(self) -> Any:
        c = self.c
        # One kernel for all weights; with float16 it would keep Lightning from clipping the unscaled gradients.
        fused = c.precision != "16-mixed"
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=c.learning_rate, betas=(0.9, 0.99), weight_decay=c.weight_decay, fused=fused
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share_of_rate(step, c.warmup, c.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def spread(first: int, n: int) -> torch.Tensor:
    """Numbers `first` .. `first + n` of the golden-ratio sequence: (n,) float64 in [0, 1), any stretch of it even."""
    return (0.5 + GOLDEN * torch.arange(first, first + n, dtype=torch.float64)) % 1.0


def share_of_rate(step: int, warmup: int, steps: int) -> float:
    """Share of the full learning rate at a step: a line up over `warmup` steps, then a cosine down to 0 at `steps`."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))


def decay(updates: int, limit: float) -> float:
    """Share of the old average that update number `updates` (counted from 0) keeps: small while there is little to keep.

    Without it, 37 % of the random first weights are left after 1000 steps of decay 0.999.
    """
    return min(limit, (1 + updates) / (10 + updates))


def averaging(limit: float) -> WeightAveraging:
    """Averaged weights with that decay; Lightning checks them and puts them into the checkpoint's `state_dict`.

    The raw weights are under `current_model_state`. The first update copies the weights; `seen` counts it.
    """

    def average(averaged: Any, current: Any, seen: Any) -> None:
        torch._foreach_lerp_(averaged, current, 1 - decay(int(seen), limit))

    return WeightAveraging(multi_avg_fn=average)

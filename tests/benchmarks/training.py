"""A training step of the compact DDPM (1.1 M weights, batch 64, 32 pixels) beside a bare PyTorch loop and diffusers' example.

The bare loop: the network, AdamW, clipping and an averaged copy, on batches that lie ready. diffusers' example: the steps of
examples/unconditional_image_generation/train_unconditional.py (its image transforms in a DataLoader without workers, its noise,
loss, clipping, scheduler and EMAModel), without accelerate, which on one device only passes them on.
Ours is what a person starts: Lightning, checks and telling included, timed from step to step.
"""

import copy
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from diffusers import DDPMScheduler
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from PIL import Image
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from core.configs import DDPMConfig
from core.families import ddpm
from core.types import ImageSet
from tests.benchmarks.timing import Row, in_turns
from trainers import run, watch
from trainers.data import TrainingBatches, signed


def measure(quick: bool) -> list[Row]:
    """Medians over rounds of the median step; the data's share is that of a batch's making in ours."""
    batch, steps, repeats = (4, 4, 1) if quick else (64, 16, 5)
    c = DDPMConfig(dataset="benchmark", batch=batch, steps=steps, check_every=steps, warmup=1, wandb="off")
    images = np.random.default_rng(0).integers(0, 256, (4 * batch, 32, 32, 3), dtype=np.uint8)
    found: dict[str, list[float]] = {"ours": [], "bare": [], "example": []}
    sides = {"ours": lambda: ours(c, images), "bare": lambda: bare(c, images), "example": lambda: example(c, images)}
    in_turns([lambda name=name, side=side: found[name].append(side()) for name, side in sides.items()], repeats)  # type: ignore[misc]
    # The first of each warmed.
    own, loop, theirs = (statistics.median(found[name][1:]) for name in sides)
    wait = batch_seconds(c, images)
    work = f"DDPM training step, {batch} images, 1.1 M weights"
    data = f"batches take {wait / own:.2%} of a step"
    return [
        Row(work, "a bare PyTorch loop", own, loop, ">= 0.95x; data under 2 %", least=0.95, note=data),
        Row(work, "diffusers' unconditional example", own, theirs, ">= 1.0x", least=1.0),
    ]


def between(ends: list[float]) -> float:
    """Median seconds from one end to the next; the first two steps warm."""
    return statistics.median(b - a for a, b in zip(ends[1:], ends[2:], strict=False))


def ours(c: DDPMConfig, images: np.ndarray) -> float:
    ends: list[float] = []
    looked = watch.Watch.on_train_batch_end

    def ended(*args: Any) -> None:
        looked(*args)
        ends.append(time.perf_counter())

    sets = ImageSet("benchmark", "train", images), ImageSet("benchmark", "val", images[:8])
    listening = mock.patch.object(watch.Watch, "on_train_batch_end", ended)
    with tempfile.TemporaryDirectory() as folder, listening, mock.patch("trainers.ddpm.CHECKED", 8):
        run.fit(c, sets, Path(folder), lambda *told, **numbers: None)
    return between(ends)


def bare(c: DDPMConfig, images: np.ndarray) -> float:
    network, scheduler = ddpm.network(c).train(), ddpm.noise_scheduler(c)
    averaged = copy.deepcopy(network).requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=c.learning_rate, weight_decay=c.weight_decay)
    x, ends = signed(images[: c.batch]), []
    for _ in range(c.steps):
        noise, t = torch.randn(x.shape), torch.randint(1000, (len(x),))
        said = network(scheduler.add_noise(x, noise, t), t).sample
        optimizer.zero_grad(set_to_none=True)
        F.mse_loss(said, ddpm.targets(scheduler, x, noise, t)).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), c.clip)
        optimizer.step()
        torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - c.ema)  # type: ignore[arg-type]
        ends.append(time.perf_counter())
    return between(ends)


class Pictures(Dataset[dict[str, torch.Tensor]]):
    """What the example gets from an image folder, with its transforms; the images are decoded already."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = [Image.fromarray(i) for i in images]
        self.look = transforms.Compose(
            [
                transforms.Resize(32, interpolation=transforms.InterpolationMode.BILINEAR),
                transforms.CenterCrop(32),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize([0.5], [0.5]),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> dict[str, torch.Tensor]:
        return {"input": self.look(self.images[i])}


def example(c: DDPMConfig, images: np.ndarray) -> float:
    model: Any = ddpm.network(c).train()
    scheduler = DDPMScheduler(num_train_timesteps=1000, beta_schedule="linear", prediction_type="epsilon")
    ema = EMAModel(model.parameters(), decay=0.9999, use_ema_warmup=True, inv_gamma=1.0, power=0.75)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8)
    rate = get_scheduler("cosine", optimizer=optimizer, num_warmup_steps=1, num_training_steps=c.steps)
    loader = DataLoader(Pictures(images), batch_size=c.batch, shuffle=True)
    ends: list[float] = []
    while len(ends) < c.steps:
        for batch in loader:
            clean = batch["input"]
            noise = torch.randn(clean.shape)
            t = torch.randint(0, 1000, (len(clean),), dtype=torch.int64)
            output = model(scheduler.add_noise(clean, noise, t), t).sample
            F.mse_loss(output.float(), noise.float()).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rate.step()
            optimizer.zero_grad()
            ema.step(model.parameters())
            ends.append(time.perf_counter())
    return between(ends[: c.steps])


def batch_seconds(c: DDPMConfig, images: np.ndarray) -> float:
    """Median seconds that making one of our batches takes."""
    batches = iter(TrainingBatches(images, c.batch, seed=0, flips=True))
    spent = []
    for _ in range(50):
        begun = time.perf_counter()
        next(batches)
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent)

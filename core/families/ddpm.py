"""A compact DDPM (Ho et al. 2020): a U-Net of about 1.1 M parameters that predicts v (Salimans and Ho 2022) or the noise."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from diffusers.models.unets.unet_2d import UNet2DModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from core.configs import DDPMConfig
from core.errors import ConfigError
from core.families import Draw
from core.sampling import loop
from core.types import Step

GROUPS = 8  # of each GroupNorm
HEAD = 16  # channels of an attention head


def channels(c: DDPMConfig) -> tuple[int, ...]:
    """ "32-64-64" -> (32, 64, 64); ConfigError unless each is a positive multiple of 16 and the size can be halved so often."""
    words = c.channels.split("-")
    widths = tuple(int(w) for w in words if w.isascii() and w.isdigit())
    if len(widths) != len(words) or any(w == 0 or w % HEAD for w in widths):
        raise ConfigError(f"channels is '{c.channels}'; needed: multiples of {HEAD} joined by '-', such as 32-64-64.")
    factor = 2 ** (len(widths) - 1)
    if c.size % factor:
        raise ConfigError(
            f"size is {c.size}; {len(widths)} resolutions ({c.channels}) need a multiple of {factor}: change size or channels."
        )
    return widths


def network(c: DDPMConfig) -> UNet2DModel:
    """The U-Net, with attention at the lowest resolution only (8x8 for 32 px and three resolutions)."""
    widths = channels(c)
    plain = len(widths) - 1
    return UNet2DModel(
        sample_size=c.size,
        block_out_channels=widths,
        layers_per_block=c.layers,
        down_block_types=("DownBlock2D",) * plain + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * plain,
        norm_num_groups=GROUPS,
        attention_head_dim=HEAD,
        dropout=c.dropout,
    )


def noise_scheduler(c: DDPMConfig) -> DDPMScheduler:
    """Ho et al. 2020: 1000 linear betas from 1e-4 to 0.02.

    Variance "fixed_small" (the posterior's, their eq. 7) at any number of steps: with 100 steps or fewer "fixed_large" is far
    worse, with 1000 the two are hard to tell apart. Guesses of the clean image are clipped to [-1, 1].
    """
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=1e-4,
        beta_end=0.02,
        beta_schedule="linear",
        prediction_type=c.prediction,
        variance_type="fixed_small",
        clip_sample=True,
    )


def targets(scheduler: Any, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """What the network should say of `scheduler.add_noise(x0, noise, t)`: the noise, or v.

    v = sqrt(abar) noise - sqrt(1 - abar) x0: Salimans and Ho 2022, section 4.
    """
    if scheduler.config.prediction_type == "epsilon":
        return noise
    return scheduler.get_velocity(x0, noise, t)


def walk(d: Draw, seeds: Sequence[int]) -> Iterator[Step]:
    """One image a seed by the sampler, steps, grid and eta of `d.sample`."""
    unet: UNet2DModel = d.model

    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return unet(x, t).sample

    solver = loop.solver(noise_scheduler(d.config), d.sample)
    generators = [torch.Generator().manual_seed(s) for s in seeds]
    return loop.walk(predict, solver, generators, (3, d.size, d.size), unet.device)

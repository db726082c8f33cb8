"""DDPM (Ho et al. 2020): a compact U-Net that predicts v (Salimans and Ho 2022) or the noise, or an imported diffusers one."""

import json
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
    """The imported U-Net, or a compact one with attention at the lowest resolution only (8x8 for 32 px, three resolutions)."""
    if c.imported:
        return UNet2DModel.from_config({**json.loads(c.imported)["unet"], "dropout": c.dropout})
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


def placed(unet: UNet2DModel, device: str) -> UNet2DModel:
    """On the device, for drawing. On a CPU with the channels of a pixel side by side: convolutions are a fifth faster so."""
    module: torch.nn.Module = unet
    if device == "cpu":
        module.to(memory_format=torch.channels_last)
    else:
        module.to(device)
    return unet


def noise_scheduler(c: DDPMConfig) -> DDPMScheduler:
    """1000 betas: linear from 1e-4 to 0.02 (Ho et al. 2020), cosine (Nichol and Dhariwal 2021), or those of an imported model.

    Variance "fixed_small" (the posterior's, their eq. 7) at any number of steps: with 100 steps or fewer "fixed_large" is far
    worse, with 1000 the two are hard to tell apart. Guesses of the clean image are clipped to [-1, 1].
    """
    if c.imported:
        betas = json.loads(c.imported)["scheduler"]
    else:
        betas = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": c.schedule}
    return DDPMScheduler(**betas, prediction_type=c.prediction, variance_type="fixed_small", clip_sample=True)


def weighting(scheduler: Any, t: torch.Tensor, cap: float) -> torch.Tensor:
    """Weight of the squared error at timesteps t (B,), float32: min(SNR, cap) over what the prediction itself weighs.

    Min-SNR of Hang et al. 2023, with SNR = abar / (1 - abar): a squared error of the noise is SNR times that of the clean
    image, one of v is SNR + 1 times. cap 0: no weighting.
    """
    if not cap:
        return torch.ones(len(t), device=t.device)
    abar = scheduler.alphas_cumprod.to(t.device)[t]
    snr = abar / (1 - abar)
    own = snr if scheduler.config.prediction_type == "epsilon" else snr + 1
    return snr.clamp(max=cap) / own


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

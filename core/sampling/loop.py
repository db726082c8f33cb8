"""One loop for every sampler: from noise to images over a diffusers scheduler, as a generator of Steps."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import diffusers
import numpy as np
import torch

from core.configs import SampleConfig
from core.sampling import GRIDS, SAMPLERS
from core.types import Step

Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(scaled input (N, C, H, W), timestep ()) -> what the network predicts (N, C, H, W)."""


@dataclass(frozen=True, eq=False)
class Solver:
    """A scheduler with its timesteps set, and the arguments of its step. It serves one walk: some keep a history."""

    scheduler: Any
    options: dict[str, Any]
    noisy: bool  # whether its step draws noise


def solver(trained: Any, c: SampleConfig) -> Solver:
    """The solver of the resolved `c`, with the betas and the prediction of the training's scheduler."""
    sampler = SAMPLERS[c.sampler]
    scheduler = getattr(diffusers, sampler.scheduler).from_config(trained.config, **sampler.settings, **GRIDS[c.grid].settings)
    scheduler.set_timesteps(c.steps)
    eta = {"eta": c.eta} if sampler.takes_eta else {}
    return Solver(scheduler, {**sampler.options, **eta}, sampler.stochastic or sampler.takes_eta)


def walk(
    predict: Predict, s: Solver, generators: Sequence[torch.Generator], shape: tuple[int, ...], device: Any = "cpu"
) -> Iterator[Step]:
    """From noise to images (C, H, W) = `shape`; image i takes all its noise from generators[i], which live on the CPU.

    Step k < total holds the input of the network's k-th evaluation (step 0: the pure noise) and as x0 the guess that it made of
    it; the last Step holds the finished images as both, at timestep 0. So K evaluations give K + 1 Steps.
    """
    noise = torch.stack([torch.randn(shape, generator=g) for g in generators])
    x = (noise * s.scheduler.init_noise_sigma).to(device)
    options = {**s.options, "generator": list(generators)} if s.noisy else s.options
    total = len(s.scheduler.timesteps)
    for k, t in enumerate(s.scheduler.timesteps):
        # Not around the yield: the caller would go on without gradients.
        with torch.no_grad():
            scaled = s.scheduler.scale_model_input(x, t)
            said = predict(scaled, t)
            x0 = guess(s.scheduler, scaled, said, float(t))
            x = s.scheduler.step(said, t, x, **options).prev_sample
        yield Step(k, total, float(t), k + 1, pictures(scaled), pictures(x0))
    yield Step(total, total, 0.0, total, pictures(x), pictures(x))


def guess(scheduler: Any, scaled: torch.Tensor, said: torch.Tensor, t: float) -> torch.Tensor:
    """The clean image that the prediction `said` of the scaled input amounts to; clipped where the scheduler clips it.

    abar comes from sigma = sqrt((1 - abar) / abar), interpolated as schedulers with timesteps between the trained ones do it.
    epsilon: Ho et al. 2020, eq. 15.  v: Salimans and Ho 2022, section 4.
    """
    abars = scheduler.alphas_cumprod.double().cpu().numpy()
    # A plain float: NumPy's would take the tensor for an array of its own.
    sigma = float(np.interp(t, np.arange(len(abars)), np.sqrt((1 - abars) / abars)))
    a, b = 1 / math.hypot(1, sigma), sigma / math.hypot(1, sigma)
    x0 = a * scaled - b * said if scheduler.config.prediction_type == "v_prediction" else (scaled - b * said) / a
    clipped = scheduler.config.get("clip_sample") or scheduler.config.get("thresholding")
    return x0.clamp(-1, 1) if clipped else x0


def pictures(x: torch.Tensor) -> np.ndarray:
    """(N, C, H, W) on any device -> (N, H, W, C) float32."""
    return x.permute(0, 2, 3, 1).float().cpu().numpy()

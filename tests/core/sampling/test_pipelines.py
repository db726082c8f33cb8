"""A small random U-Net under every sampler and grid: beside diffusers' own pipelines and plain loops, and image by image."""

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from core import families, generate
from core.configs import DDPMConfig, SampleConfig
from core.families import FAMILIES, Draw, ddpm
from core.sampling import GRIDS, SAMPLERS, step_counts
from tests.core.sampling.test_loop import PREDICTIONS
from tests.core.sampling.test_samplers import COMBINATIONS, SCHEDULES
from tests.core.tiny_models import DDPM, publish

SEEDS = (5, 6, 7)
WAYS = [(*way, eta) for way in COMBINATIONS for eta in ((0.0, 0.6) if SAMPLERS[way[1]].takes_eta else (0.0,))]


def config(noise: str, prediction: str) -> DDPMConfig:
    return replace(DDPM, schedule=SCHEDULES[noise], prediction=prediction)


def network(c: DDPMConfig) -> Any:
    torch.manual_seed(0)
    return families.module(FAMILIES["ddpm"]).network(c).eval()


def near(sampler: str, grid: str, steps: int) -> int:
    return min(step_counts(SAMPLERS[sampler], grid), key=lambda n: abs(n - steps))


def ours(c: DDPMConfig, unet: Any, sampler: str, grid: str, steps: int, eta: float) -> np.ndarray:
    sample = SampleConfig("m", sampler=sampler, grid=grid, steps=steps, eta=eta)
    return deque(ddpm.walk(Draw(unet, c, sample, c.size), SEEDS), maxlen=1).pop().x


def plain(c: DDPMConfig, unet: Any, sampler: str, grid: str, steps: int, eta: float) -> np.ndarray:
    """The loop of diffusers' documentation."""
    row = SAMPLERS[sampler]
    made = getattr(diffusers, row.scheduler)
    scheduler = made.from_config(ddpm.noise_scheduler(c).config, **{**row.settings, **GRIDS[grid].settings})
    scheduler.set_timesteps(steps)
    generators = [torch.Generator().manual_seed(s) for s in SEEDS]
    more: dict[str, Any] = {"generator": generators} if row.stochastic or row.takes_eta else {}
    if row.takes_eta:
        more |= {"eta": eta, "use_clipped_model_output": True}
    x = torch.stack([torch.randn((3, c.size, c.size), generator=g) for g in generators]) * scheduler.init_noise_sigma
    with torch.no_grad():
        for t in scheduler.timesteps:
            said = unet(scheduler.scale_model_input(x, t), t).sample
            x = scheduler.step(said, t, x, **more).prev_sample
    return x.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize(("noise", "sampler", "grid", "eta"), WAYS)
def test_each_combination_is_the_plain_loop(noise: str, sampler: str, grid: str, eta: float, prediction: str) -> None:
    c = config(noise, prediction)
    unet, steps = network(c), near(sampler, grid, 8)
    mine, theirs = (way(c, unet, sampler, grid, steps, eta) for way in (ours, plain))
    assert np.isfinite(mine).all()
    np.testing.assert_allclose(mine, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("noise", SCHEDULES)
@pytest.mark.parametrize(("sampler", "eta"), [("ddim", 0.0), ("ddim", 1.0), ("ddpm", 0.0)])
def test_ddim_and_ddpm_are_diffusers_own_pipelines(sampler: str, eta: float, noise: str, prediction: str) -> None:
    c = config(noise, prediction)
    unet, how = network(c), {"generator": [torch.Generator().manual_seed(s) for s in SEEDS], "output_type": "np"}
    scheduler = SAMPLERS[sampler].scheduler
    made = getattr(diffusers, scheduler).from_config(ddpm.noise_scheduler(c).config, timestep_spacing="leading")
    if sampler == "ddim":
        pipeline: Any = diffusers.DDIMPipeline(unet, made)
        how |= {"eta": eta, "use_clipped_model_output": True}
    else:
        pipeline = diffusers.DDPMPipeline(unet, made)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(batch_size=len(SEEDS), num_inference_steps=10, **how).images
    mine = ours(c, unet, sampler, "leading", 10, eta) / 2 + 0.5
    np.testing.assert_allclose(mine.clip(0, 1), theirs, atol=1e-5)


@pytest.mark.parametrize(("noise", "sampler", "grid", "eta"), WAYS)
def test_an_image_is_the_same_to_the_bit_alone_among_others_and_again(
    noise: str, sampler: str, grid: str, eta: float, tmp_path: Path
) -> None:
    model = publish(config(noise, "v_prediction"), tmp_path).id
    c = SampleConfig(model, n=8, sampler=sampler, grid=grid, steps=near(sampler, grid, 5), eta=eta)
    eight = deque(generate.walk(c), maxlen=1).pop().x
    assert len(np.unique(eight.reshape(8, -1), axis=0)) == 8
    for n in (1, 3, 8):
        np.testing.assert_array_equal(deque(generate.walk(replace(c, n=n)), maxlen=1).pop().x, eight[:n])

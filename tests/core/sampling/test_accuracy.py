"""Every sampler on every grid it is offered with, with an exact denoiser of a mixture of two Gaussians in every value."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from core.configs import SampleConfig
from core.families import ddpm
from core.sampling import PRESETS, SAMPLERS, Preset, loop, step_counts
from tests.core.sampling.test_loop import EPSILON, PREDICTIONS, V, levels
from tests.core.sampling.test_samplers import COMBINATIONS, SCHEDULES
from tests.core.tiny_models import DDPM

MEANS, DEVIATIONS = torch.tensor([-0.5, 0.45]).double(), torch.tensor([0.1, 0.2]).double()
IMAGES, SHAPE = 24, (3, 32, 32)


def exact(scheduler: Any, prediction: str) -> loop.Predict:
    """The best guess under the mixture, in float64: each component's guess, weighted by how likely it is given x."""

    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        a, b = levels(scheduler, float(t))
        x = x.double()
        variance = a**2 * DEVIATIONS**2 + b**2
        off = x[..., None] - a * MEANS
        likely = torch.softmax(-(off**2) / (2 * variance) - variance.log() / 2, dim=-1)
        x0 = (likely * (MEANS + a * DEVIATIONS**2 / variance * off)).sum(-1)
        return ((x - a * x0) / b if prediction == EPSILON else (a * x - x0) / b).float()

    return predict


def distance(values: np.ndarray) -> float:
    """Wasserstein-1 distance of the drawn values from the mixture itself."""
    x = np.linspace(-2, 2, 20_001)
    cdf = sum(ndtr((x - m) / d) / 2 for m, d in zip(MEANS.numpy(), DEVIATIONS.numpy(), strict=True))
    quantiles = np.interp((np.arange(values.size) + 0.5) / values.size, cdf, x)
    return float(np.abs(np.sort(values.ravel().astype(np.float64)) - quantiles).mean())


def drawn(noise: str, sampler: str, grid: str, steps: int, prediction: str = V, images: int = IMAGES) -> float:
    trained = ddpm.noise_scheduler(replace(DDPM, schedule=SCHEDULES[noise], prediction=prediction))
    s = loop.solver(trained, SampleConfig("m", sampler=sampler, grid=grid, steps=steps))
    generators = [torch.Generator().manual_seed(i) for i in range(images)]
    *_, last = loop.walk(exact(s.scheduler, prediction), s, generators, SHAPE)
    return distance(last.x)


def of_preset(noise: str, p: Preset, prediction: str, images: int = IMAGES) -> float:
    return drawn(noise, p.sampler, p.grid, p.steps, prediction, images)


@pytest.mark.parametrize(("noise", "sampler", "grid"), COMBINATIONS)
def test_every_offered_combination_comes_closer_with_more_steps_and_close_in_the_end(noise: str, sampler: str, grid: str) -> None:
    few, many = (distance_at(noise, sampler, grid, n) for n in (20, 100))
    assert many < few < 0.1
    # First-order samplers lose in proportion to the step, the others are at the floor of so many values by then.
    assert many < (0.016 if sampler in ("ddim", "ddpm", "euler", "euler-a") else 0.004)


def distance_at(noise: str, sampler: str, grid: str, evaluations: int) -> float:
    row = SAMPLERS[sampler]
    steps = min(step_counts(row, grid), key=lambda k: abs(row.evaluations(k) - evaluations))
    return drawn(noise, sampler, grid, steps)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("noise", SCHEDULES)
def test_presets_reach_the_accuracy_that_was_measured_for_them(noise: str, prediction: str) -> None:
    limits = {"linear": (0.036, 0.004, 0.003), "cosine": (0.036, 0.008, 0.003)}[noise]
    for preset, limit in zip(PRESETS[noise], limits, strict=False):
        assert of_preset(noise, preset, prediction) < limit, preset.label


@pytest.mark.slow
def test_20_evaluations_are_as_good_as_ddim_with_1000_on_linear_noise() -> None:
    # Distances of 64 images from the truth vary by 0.0003 from one seed to the next.
    preset = next(p for p in PRESETS["linear"] if p.evaluations == 20)
    long = drawn("linear", "ddim", "leading", 1000, images=64)
    assert long < 0.004
    for prediction in PREDICTIONS:
        assert abs(of_preset("linear", preset, prediction, images=64) - long) < 0.0009

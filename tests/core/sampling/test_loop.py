"""The loop with an exact denoiser: data are N(MEAN, DEVIATION**2) in every value, so the best guess has a closed form."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from core.configs import SampleConfig
from core.families import ddpm
from core.sampling import loop, resolve
from core.types import Step
from tests.core.tiny_models import DDPM

MEAN, DEVIATION = 0.2, 0.15
SHAPE = (3, 32, 32)
V, EPSILON = "v_prediction", "epsilon"
PREDICTIONS = (V, EPSILON)


def trained(prediction: str) -> Any:
    return ddpm.noise_scheduler(replace(DDPM, prediction=prediction))


def solver(prediction: str = V, **knobs: Any) -> loop.Solver:
    return loop.solver(trained(prediction), resolve(SampleConfig("m", **knobs)))


def generators(n: int = 8) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 + i) for i in range(n)]


def levels(scheduler: Any, t: float) -> tuple[float, float]:
    """sqrt(abar) and sqrt(1 - abar) at a timestep, also between the trained ones."""
    abars = scheduler.alphas_cumprod.double().numpy()
    sigma = np.interp(t, np.arange(1000), np.sqrt((1 - abars) / abars))
    return float(1 / np.sqrt(1 + sigma**2)), float(sigma / np.sqrt(1 + sigma**2))


def exact(scheduler: Any, prediction: str) -> loop.Predict:
    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        a, b = levels(scheduler, float(t))
        x0 = MEAN + a * DEVIATION**2 / (a**2 * DEVIATION**2 + b**2) * (x - a * MEAN)
        return (x - a * x0) / b if prediction == EPSILON else (a * x - x0) / b

    return predict


def wild(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """A network that is far off, so that guesses are clipped."""
    return torch.sin(3 * x + float(t)) * 1.5


def run(s: loop.Solver, predict: loop.Predict, n: int = 8, shape: tuple[int, ...] = SHAPE) -> list[Step]:
    return list(loop.walk(predict, s, generators(n), shape))


# ----------------------------------------------------------------------------------------------------- closed form


def expected_deviation(ts: list[int], eta: float) -> float:
    """Of the drawn values, with the exact denoiser: each step of Song et al. 2021, eq. 12 is linear in x and in fresh noise."""
    abar = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))
    variance = 1.0
    for t, before in zip(ts, [*ts[1:], None], strict=True):
        a, b = np.sqrt(abar[t]), np.sqrt(1 - abar[t])
        a_, b_ = (1.0, 0.0) if before is None else (np.sqrt(abar[before]), np.sqrt(1 - abar[before]))
        sigma = eta * b_ / b * np.sqrt(1 - (a / a_) ** 2)
        x0 = a * DEVIATION**2 / (a**2 * DEVIATION**2 + b**2)
        variance = (a_ * x0 + np.sqrt(b_**2 - sigma**2) * (1 - a * x0) / b) ** 2 * variance + sigma**2
    return float(np.sqrt(variance))


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize(
    ("knobs", "eta", "off"),
    [
        ({"sampler": "ddpm"}, 1, 0.03),
        ({"sampler": "ddpm", "steps": 30, "grid": "trailing"}, 1, 0.35),
        ({"sampler": "ddim", "steps": 1000}, 0, 0.015),
        ({"sampler": "ddim", "steps": 50, "grid": "leading"}, 0, 0.16),
        ({"sampler": "ddim", "steps": 250, "grid": "trailing"}, 0, 0.04),
        ({"sampler": "ddim", "steps": 1000, "eta": 1.0}, 1, 0.03),
    ],
    ids=str,
)
def test_an_exact_denoiser_of_a_gaussian_draws_that_gaussian(
    prediction: str, knobs: dict[str, Any], eta: float, off: float
) -> None:
    """Up to what so many steps lose of its deviation, which is known too."""
    s = solver(prediction, **knobs)
    x = run(s, exact(s.scheduler, prediction))[-1].x
    expected = expected_deviation(s.scheduler.timesteps.tolist(), eta)
    assert abs(x.mean() - MEAN) < 0.004
    assert abs(x.std() / expected - 1) < 0.015
    assert abs(expected / DEVIATION - 1) < off


@pytest.mark.parametrize("name", ["EulerDiscreteScheduler", "HeunDiscreteScheduler", "DPMSolverMultistepScheduler"])
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_loop_serves_other_schedulers_as_they_are(prediction: str, name: str) -> None:
    """Those that start from a wide noise and scale their input (Euler, Heun), and that call twice a step (Heun)."""
    scheduler = getattr(diffusers, name).from_config(trained(prediction).config)
    scheduler.set_timesteps(250)
    steps = run(loop.Solver(scheduler, {}, noisy=False), exact(scheduler, prediction))
    assert abs(steps[-1].x.mean() - MEAN) < 0.005
    assert abs(steps[-1].x.std() / DEVIATION - 1) < 0.06
    assert steps[-1].evaluations == (499 if name.startswith("Heun") else 250)
    assert all(s.x.std() < 1.05 for s in steps), "x is the scaled input"
    assert 0.97 < steps[0].x.std() < 1.03


# -------------------------------------------------------------------------------------------------- slow reference


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("grid", ["leading", "trailing"])
def test_ddim_is_its_equation(prediction: str, grid: str) -> None:
    """Song et al. 2021, eq. 12 with sigma 0, value by value; the noise is worked out again from the clipped guess."""
    s = solver(prediction, sampler="ddim", steps=10, grid=grid)
    abar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    ts = s.scheduler.timesteps.tolist()
    x = torch.stack([torch.randn(SHAPE, generator=g) for g in generators()]).double()
    for t, before in zip(ts, [*ts[1:], None], strict=True):
        said, a = wild(x, torch.tensor(t)), abar[t]
        x0 = a.sqrt() * x - (1 - a).sqrt() * said if prediction == V else (x - (1 - a).sqrt() * said) / a.sqrt()
        x0 = x0.clamp(-1, 1)
        noise = (x - a.sqrt() * x0) / (1 - a).sqrt()
        a_before = torch.tensor(1.0) if before is None else abar[before]
        x = a_before.sqrt() * x0 + (1 - a_before).sqrt() * noise
    np.testing.assert_allclose(run(s, wild)[-1].x, x.permute(0, 2, 3, 1).numpy(), atol=2e-3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_ddim_with_eta_1_is_ddpm(prediction: str) -> None:
    ways = [run(solver(prediction, steps=20, **k), wild) for k in ({"sampler": "ddim", "eta": 1.0}, {"sampler": "ddpm"})]
    np.testing.assert_allclose(ways[0][-1].x, ways[1][-1].x, atol=1e-3)


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("make", ["ddim", "ddpm", "EulerDiscreteScheduler"])
def test_the_guess_is_the_schedulers_own(prediction: str, make: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if make in ("ddim", "ddpm"):
        s = solver(prediction, sampler=make, steps=20)
    else:
        scheduler = getattr(diffusers, make).from_config(trained(prediction).config)
        scheduler.set_timesteps(20)
        s = loop.Solver(scheduler, {}, noisy=True)
    own: list[torch.Tensor] = []
    step: Callable[..., Any] = s.scheduler.step

    def listened(*given: Any, **named: Any) -> Any:
        result = step(*given, **named)
        own.append(result.pred_original_sample)
        return result

    monkeypatch.setattr(s.scheduler, "step", listened)
    steps = run(s, exact(s.scheduler, prediction))
    for told, theirs in zip(steps[:-1], own, strict=True):
        np.testing.assert_allclose(told.x0, theirs.permute(0, 2, 3, 1).numpy(), atol=1e-3)


# ------------------------------------------------------------------------------------------------------ invariants


def test_k_evaluations_give_k_plus_one_steps_from_the_noise_to_the_image() -> None:
    calls = []

    def predict(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        calls.append(int(t))
        return wild(x, t)

    steps = run(solver(steps=5), predict, n=2)
    noise = torch.stack([torch.randn(SHAPE, generator=g) for g in generators(2)]).permute(0, 2, 3, 1).numpy()
    assert [s.index for s in steps] == [0, 1, 2, 3, 4, 5]
    assert {s.total for s in steps} == {5}
    assert [s.evaluations for s in steps] == [1, 2, 3, 4, 5, 5] and len(calls) == 5
    assert [s.timestep for s in steps] == [*calls, 0.0]
    np.testing.assert_array_equal(steps[0].x, noise)
    np.testing.assert_array_equal(steps[-1].x, steps[-1].x0)
    assert steps[-1].x.dtype == np.float32 and steps[-1].x.shape == (2, 32, 32, 3)


@pytest.mark.parametrize("knobs", [{"sampler": "ddpm"}, {"sampler": "ddim", "eta": 0.7}], ids=str)
def test_all_noise_of_an_image_comes_from_its_own_generator(knobs: dict[str, Any]) -> None:
    forth = list(loop.walk(wild, solver(steps=10, **knobs), generators(3), (3, 4, 4)))[-1].x
    back = list(loop.walk(wild, solver(steps=10, **knobs), generators(3)[::-1], (3, 4, 4)))[-1].x
    np.testing.assert_array_equal(forth, back[::-1])


def test_finished_images_of_a_bad_network_stay_in_range() -> None:
    for sampler in ("ddim", "ddpm"):
        assert np.abs(run(solver(sampler=sampler, steps=10), wild, n=2)[-1].x).max() <= 1


def test_whoever_takes_the_steps_can_go_on_computing_gradients() -> None:
    way = loop.walk(wild, solver(steps=2), generators(1), (3, 4, 4))
    next(way)
    assert torch.is_grad_enabled()

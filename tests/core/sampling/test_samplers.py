import json
from dataclasses import replace
from typing import Any

import diffusers
import pytest

from core.configs import DDPMConfig, SampleConfig
from core.errors import ConfigError
from core.families import ddpm
from core.sampling import COSINE, GRIDS, LINEAR, PRESETS, SAMPLERS, loop, noise_of, resolve, step_counts
from tests.core.tiny_models import DDPM

COMBINATIONS = [(noise, s.name, grid) for s in SAMPLERS.values() for noise, grids in s.grids.items() for grid in grids]
SCHEDULES = {LINEAR: "linear", COSINE: "squaredcos_cap_v2"}


def timesteps(sampler: str, grid: str, steps: int, noise: str = LINEAR) -> list[float]:
    c = SampleConfig("m", sampler=sampler, grid=grid, steps=steps)
    trained = ddpm.noise_scheduler(replace(DDPM, schedule=SCHEDULES[noise]))
    return loop.solver(trained, c).scheduler.timesteps.tolist()


def test_what_is_left_open_is_filled_in() -> None:
    assert resolve(SampleConfig("m")) == SampleConfig("m", sampler="ddim", steps=50, grid="leading")


def test_the_studys_sampler_takes_every_timestep() -> None:
    c = resolve(SampleConfig("m", sampler="ddpm"))
    assert timesteps(c.sampler, c.grid, c.steps) == list(range(999, -1, -1))


def test_resolving_twice_changes_nothing() -> None:
    c = resolve(SampleConfig("m", sampler="ddim", grid="trailing", steps=10, eta=0.5))
    assert resolve(c) == c


@pytest.mark.parametrize(
    ("c", "said"),
    [
        (
            SampleConfig("m", sampler="heum"),
            "no sampler named 'heum'; known: ddim, ddpm, dpmpp, euler, euler-a, heun",
        ),
        (SampleConfig("m", grid="linspace"), "no grid of ddim for linear noise named 'linspace'; known: leading, trailing"),
        (SampleConfig("m", sampler="unipc", steps=1000), "steps is 1000; unipc on the exponential grid takes 1 to 100"),
        (SampleConfig("m", steps=300), "steps is 300; ddim on the leading grid needs a divisor of 1000: 1, 2, 4, 5, 8, 10, 20"),
        (SampleConfig("m", sampler="ddpm", grid="leading", steps=60), "needs a divisor of 1000"),
        (SampleConfig("m", sampler="ddpm", eta=0.5), "ddpm has no eta .* samplers that have one: ddim"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_does(c: SampleConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        resolve(c)


def test_ddpm_takes_any_number_of_steps_on_the_trailing_grid() -> None:
    assert resolve(SampleConfig("m", sampler="ddpm", grid="trailing", steps=30)).steps == 30
    assert step_counts(SAMPLERS["ddpm"], "trailing") == tuple(range(1, 1001))


def test_what_breaks_on_cosine_noise_is_offered_on_linear_noise_only() -> None:
    c = SampleConfig("m", sampler="unipc", grid="exponential")
    assert resolve(c, LINEAR).grid == "exponential" and resolve(replace(c, grid=""), COSINE).grid == "trailing"
    with pytest.raises(ConfigError, match="no grid of unipc for cosine noise named 'exponential'; known: trailing"):
        resolve(c, COSINE)


def test_a_model_tells_its_kind_of_noise() -> None:
    def imported(**betas: Any) -> DDPMConfig:
        return replace(DDPM, imported=json.dumps({"scheduler": betas}))

    assert noise_of(DDPM) == LINEAR and noise_of(replace(DDPM, schedule="squaredcos_cap_v2")) == COSINE
    assert noise_of(imported(beta_schedule="scaled_linear")) == LINEAR
    assert noise_of(imported(beta_schedule="squaredcos_cap_v2")) == COSINE
    assert noise_of(imported(beta_schedule="linear", trained_betas=[0.1, 0.2])) == COSINE


@pytest.mark.parametrize(("noise", "sampler", "grid"), COMBINATIONS)
def test_every_grid_falls_from_near_999_in_as_many_evaluations_as_told(noise: str, sampler: str, grid: str) -> None:
    row = SAMPLERS[sampler]
    for steps in (s for s in step_counts(row, grid) if s in (1, 2, 3, 5, 20, 50, 100, 300, 777, 1000)):
        ts = timesteps(sampler, grid, steps, noise)
        assert len(ts) == row.evaluations(steps)
        # Heun looks twice at each but the first; where a hundred steps share few timesteps, some come twice.
        assert all(a >= b for a, b in zip(ts, ts[1:], strict=False))
        assert ts[-1] >= 0 and 999 - 1000 / steps <= ts[0] + 2 <= 1002


@pytest.mark.parametrize("grid", SAMPLERS["ddim"].grids[LINEAR])
def test_ddim_steps_to_the_timestep_that_comes_next(grid: str) -> None:
    # diffusers takes t - 1000 // steps for it, whatever the grid (huggingface/diffusers#12633).
    for steps in step_counts(SAMPLERS["ddim"], grid):
        ts = timesteps("ddim", grid, steps)
        assert [t - 1000 // steps for t in ts[:-1]] == ts[1:]
        assert ts[-1] - 1000 // steps < 0


@pytest.mark.parametrize(("noise", "sampler", "grid"), COMBINATIONS)
def test_every_row_names_a_scheduler_and_grids_that_exist(noise: str, sampler: str, grid: str) -> None:
    row = SAMPLERS[sampler]
    assert hasattr(diffusers, row.scheduler) and grid in GRIDS
    assert row.default_steps in step_counts(row, grid)


@pytest.mark.parametrize("noise", SCHEDULES)
def test_presets_are_offered_combinations_that_cost_what_they_say(noise: str) -> None:
    costs = []
    for p in PRESETS[noise]:
        c = SampleConfig("m", sampler=p.sampler, steps=p.steps, grid=p.grid)
        assert resolve(c, noise) == c
        costs.append(p.evaluations)
    assert costs == [10, 20, 50, 1000]

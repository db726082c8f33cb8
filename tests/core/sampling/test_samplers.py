import diffusers
import pytest

from core.configs import SampleConfig
from core.errors import ConfigError
from core.families import ddpm
from core.sampling import GRIDS, SAMPLERS, loop, resolve, step_counts
from tests.core.tiny_models import DDPM

COMBINATIONS = [(s.name, grid) for s in SAMPLERS.values() for grid in s.grids]


def timesteps(sampler: str, grid: str, steps: int) -> list[int]:
    c = SampleConfig("m", sampler=sampler, grid=grid, steps=steps)
    return loop.solver(ddpm.noise_scheduler(DDPM), c).scheduler.timesteps.tolist()


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
        (SampleConfig("m", sampler="heum"), "no sampler named 'heum'; known: ddim, ddpm"),
        (SampleConfig("m", grid="linspace"), "no grid of ddim named 'linspace'; known: leading, trailing"),
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


@pytest.mark.parametrize(("sampler", "grid"), COMBINATIONS)
def test_every_grid_falls_from_near_999_in_as_many_steps_as_asked_for(sampler: str, grid: str) -> None:
    for steps in (s for s in step_counts(SAMPLERS[sampler], grid) if s in (1, 3, 5, 20, 50, 300, 777, 1000)):
        ts = timesteps(sampler, grid, steps)
        assert len(ts) == SAMPLERS[sampler].evaluations(steps)
        assert all(a > b for a, b in zip(ts, ts[1:], strict=False))
        assert ts[-1] >= 0 and 999 - 1000 / steps < ts[0] + 1 <= 1000


@pytest.mark.parametrize("grid", SAMPLERS["ddim"].grids)
def test_ddim_steps_to_the_timestep_that_comes_next(grid: str) -> None:
    # diffusers takes t - 1000 // steps for it, whatever the grid (huggingface/diffusers#12633).
    for steps in step_counts(SAMPLERS["ddim"], grid):
        ts = timesteps("ddim", grid, steps)
        assert [t - 1000 // steps for t in ts[:-1]] == ts[1:]
        assert ts[-1] - 1000 // steps < 0


def test_every_row_names_a_scheduler_and_grids_that_exist() -> None:
    for sampler in SAMPLERS.values():
        assert hasattr(diffusers, sampler.scheduler)
        assert set(sampler.divides) <= set(sampler.grids) <= set(GRIDS)
        assert sampler.default_steps in step_counts(sampler, sampler.grids[0])

"""How a diffusion model draws: samplers and time grids as tables, and the defaults that complete a SampleConfig."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.configs import SampleConfig
from core.errors import ConfigError, unknown

TRAIN_STEPS = 1000
"""Timesteps of the training: 0 (hardly any noise) to 999 (nothing but noise)."""


@dataclass(frozen=True)
class Grid:
    """Which timesteps are visited. `settings`: what diffusers calls it."""

    name: str
    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Sampler:
    """`scheduler`: class in diffusers.  `grids[0]` is the default.  `divides`: grids that are right only if steps divide 1000.

    `options`: fixed arguments of the scheduler's step.  `evaluations`: steps -> network evaluations an image.
    """

    name: str
    label: str
    source: str
    scheduler: str
    stochastic: bool  # draws noise on the way even at eta 0
    takes_eta: bool
    grids: tuple[str, ...]
    divides: tuple[str, ...]
    default_steps: int
    evaluations: Callable[[int], int]
    options: Mapping[str, Any] = field(default_factory=dict)


def _one_a_step(steps: int) -> int:
    return steps


GRIDS: Mapping[str, Grid] = {
    g.name: g
    for g in (
        Grid("leading", "even, ends at timestep 0", {"timestep_spacing": "leading"}),
        Grid("trailing", "even, starts at timestep 999", {"timestep_spacing": "trailing"}),
    )
}

# "linspace" is not offered: diffusers' DDIM then takes a wrong previous timestep (huggingface/diffusers#12633). For the same
# reason DDIM's steps must divide 1000; and "leading" starts well below 999 where they do not (897 of 300 steps).
SAMPLERS: Mapping[str, Sampler] = {
    s.name: s
    for s in (
        Sampler(
            "ddim",
            "DDIM",
            "Song et al. 2021, eq. 12",
            scheduler="DDIMScheduler",
            stochastic=False,
            takes_eta=True,
            grids=("leading", "trailing"),
            divides=("leading", "trailing"),
            default_steps=50,
            evaluations=_one_a_step,
            # The noise is worked out again from the clipped guess, as its authors' successors do (Dhariwal and Nichol 2021);
            # so eta 1 is DDPM exactly.
            options={"use_clipped_model_output": True},
        ),
        Sampler(
            "ddpm",
            "DDPM (ancestral)",
            "Ho et al. 2020, algorithm 2; with 1000 steps the study's",
            scheduler="DDPMScheduler",
            stochastic=True,
            takes_eta=False,
            grids=("leading", "trailing"),
            divides=("leading",),
            default_steps=TRAIN_STEPS,
            evaluations=_one_a_step,
        ),
    )
}
DEFAULT = "ddim"


def step_counts(sampler: Sampler, grid: str) -> tuple[int, ...]:
    """How many steps the sampler can take on this grid, rising."""
    return tuple(n for n in range(1, TRAIN_STEPS + 1) if grid not in sampler.divides or TRAIN_STEPS % n == 0)


def resolve(c: SampleConfig) -> SampleConfig:
    """The config with sampler, steps and grid filled in. ConfigError, with what is possible, for what does not go together."""
    name = c.sampler or DEFAULT
    if name not in SAMPLERS:
        raise ConfigError(unknown("sampler", name, SAMPLERS))
    sampler = SAMPLERS[name]
    grid = c.grid or sampler.grids[0]
    if grid not in sampler.grids:
        raise ConfigError(unknown(f"grid of {name}", grid, sampler.grids))
    steps = c.steps or sampler.default_steps
    possible = step_counts(sampler, grid)
    if steps not in possible:
        listed = ", ".join(map(str, possible))
        raise ConfigError(f"steps is {steps}; {name} on the {grid} grid needs a divisor of {TRAIN_STEPS}: {listed}.")
    if c.eta and not sampler.takes_eta:
        takers = ", ".join(s.name for s in SAMPLERS.values() if s.takes_eta)
        raise ConfigError(f"eta is {c.eta}; {name} has no eta (leave it at 0); samplers that have one: {takers}.")
    return replace(c, sampler=name, grid=grid, steps=steps)

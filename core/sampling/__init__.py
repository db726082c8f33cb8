"""How a diffusion model draws: samplers, time grids and presets as tables, and the defaults that complete a SampleConfig.

What is offered is what is right: each pair of sampler and grid was run with an exact denoiser on both kinds of noise. Left out
are the pairs that diffusers gets wrong ("linspace" of DDIM, huggingface/diffusers#12633), those that break on cosine betas
(DPM-Solver++ and UniPC with Karras' or exponential sigmas raise errors, Euler ancestral's "trailing" takes roots of its own
rounding) and most of those that lose to another grid of their sampler at every number of steps.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.configs import DDPMConfig, SampleConfig
from core.errors import ConfigError, unknown

TRAIN_STEPS = 1000
"""Timesteps of the training: 0 (hardly any noise) to 999 (nothing but noise)."""

LINEAR, COSINE = "linear", "cosine"
"""Kinds of noise. Cosine betas (Nichol and Dhariwal 2021) end in noise alone, so that its logarithm has no useful end."""


@dataclass(frozen=True)
class Grid:
    """Which timesteps are visited. `settings`: what diffusers calls it.  `most`: steps beyond which it visits some twice."""

    name: str
    label: str
    settings: Mapping[str, Any]
    most: int = TRAIN_STEPS


@dataclass(frozen=True)
class Sampler:
    """`scheduler`: class in diffusers.  `grids`: those that are right for each kind of noise, the default first.

    `divides`: grids that are right only if steps divide 1000.  `settings`: fixed arguments of the scheduler, `options` of its
    step.  `evaluations`: steps -> network evaluations an image.
    """

    name: str
    label: str
    source: str
    scheduler: str
    grids: Mapping[str, tuple[str, ...]]
    divides: tuple[str, ...] = ("leading",)
    stochastic: bool = False  # draws noise on the way even at eta 0
    takes_eta: bool = False
    default_steps: int = 20
    evaluations: Callable[[int], int] = lambda steps: steps
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


GRIDS: Mapping[str, Grid] = {
    g.name: g
    for g in (
        Grid("leading", "even, ends at timestep 0", {"timestep_spacing": "leading"}),
        Grid("trailing", "even, starts at timestep 999", {"timestep_spacing": "trailing"}),
        Grid("exponential", "even in the logarithm of the noise", {"use_exponential_sigmas": True}, most=100),
        Grid("karras", "denser towards little noise (Karras et al. 2022, eq. 5)", {"use_karras_sigmas": True}, most=100),
        Grid("lu", "even in the logarithm of signal over noise (Lu et al. 2022)", {"use_lu_lambdas": True}, most=100),
    )
}

_EVEN = ("leading", "trailing")
# A guess beyond [-1, 1] is cut off, as DDIM and DDPM do it ("dynamic" thresholds between 1 and 1).
_CLIPPED = {"thresholding": True, "sample_max_value": 1.0}

SAMPLERS: Mapping[str, Sampler] = {
    s.name: s
    for s in (
        Sampler(
            "ddim",
            "DDIM",
            "Song et al. 2021, eq. 12",
            "DDIMScheduler",
            {LINEAR: _EVEN, COSINE: _EVEN},
            # diffusers takes t - 1000 // steps for the timestep that comes next (huggingface/diffusers#12633).
            divides=_EVEN,
            takes_eta=True,
            default_steps=50,
            # The noise is worked out again from the clipped guess, as its authors' successors do (Dhariwal and Nichol 2021);
            # so eta 1 is DDPM exactly.
            options={"use_clipped_model_output": True},
        ),
        Sampler(
            "ddpm",
            "DDPM (ancestral)",
            "Ho et al. 2020, algorithm 2; with 1000 steps the study's",
            "DDPMScheduler",
            {LINEAR: _EVEN, COSINE: _EVEN},
            stochastic=True,
            default_steps=TRAIN_STEPS,
        ),
        Sampler(
            "dpmpp",
            "DPM-Solver++ 2M",
            "Lu et al. 2022 (DPM-Solver++), algorithm 2",
            "DPMSolverMultistepScheduler",
            {LINEAR: ("lu", "exponential", "karras"), COSINE: ("trailing", "lu")},
            settings={"solver_order": 2, "algorithm_type": "dpmsolver++", **_CLIPPED},
        ),
        Sampler(
            "unipc",
            "UniPC (third order)",
            "Zhao et al. 2023",
            "UniPCMultistepScheduler",
            {LINEAR: ("exponential",), COSINE: ("trailing",)},
            settings={"solver_order": 3, **_CLIPPED},
        ),
        Sampler(
            "heun",
            "Heun",
            "Karras et al. 2022, algorithm 1 without churn",
            "HeunDiscreteScheduler",
            {LINEAR: ("leading", "exponential", "karras"), COSINE: ("leading",)},
            # Each step but the last looks twice.
            evaluations=lambda steps: 2 * steps - 1,
        ),
        Sampler(
            "euler",
            "Euler",
            "Karras et al. 2022, algorithm 1, its first order",
            "EulerDiscreteScheduler",
            {LINEAR: ("exponential", *_EVEN), COSINE: _EVEN},
        ),
        Sampler(
            "euler-a",
            "Euler ancestral",
            "k-diffusion's sample_euler_ancestral",
            "EulerAncestralDiscreteScheduler",
            {LINEAR: _EVEN, COSINE: ("leading",)},
            stochastic=True,
        ),
        Sampler(
            "lms",
            "LMS (linear multistep)",
            "k-diffusion's sample_lms, fourth order",
            "LMSDiscreteScheduler",
            {LINEAR: ("exponential", "karras", "leading"), COSINE: ("leading", "trailing", "exponential")},
        ),
    )
}
DEFAULT = "ddim"


@dataclass(frozen=True)
class Preset:
    """Settings that people choose by what they cost: `evaluations` of the network for each image."""

    label: str
    sampler: str
    steps: int
    grid: str

    @property
    def evaluations(self) -> int:
        return SAMPLERS[self.sampler].evaluations(self.steps)


_STUDY = Preset("The study's 1,000", "ddpm", TRAIN_STEPS, "leading")
PRESETS: Mapping[str, tuple[Preset, ...]] = {
    LINEAR: (
        Preset("10 evaluations", "unipc", 10, "exponential"),
        Preset("20 evaluations", "unipc", 20, "exponential"),
        Preset("50 evaluations", "unipc", 50, "exponential"),
        _STUDY,
    ),
    COSINE: (
        Preset("10 evaluations", "dpmpp", 10, "trailing"),
        Preset("20 evaluations", "lms", 20, "leading"),
        Preset("50 evaluations", "lms", 50, "leading"),
        _STUDY,
    ),
}
"""For each kind of noise the grids that came closest to the truth with an exact denoiser, at that many evaluations."""


def noise_of(c: DDPMConfig) -> str:
    """The kind of noise that a model was trained with: what is right for cosine betas is right for unknown ones too."""
    if not c.imported:
        return COSINE if c.schedule == "squaredcos_cap_v2" else LINEAR
    betas = json.loads(c.imported)["scheduler"]
    known = betas.get("beta_schedule") in ("linear", "scaled_linear") and betas.get("trained_betas") is None
    return LINEAR if known else COSINE


def step_counts(sampler: Sampler, grid: str) -> tuple[int, ...]:
    """How many steps the sampler can take on this grid, rising."""
    counts = range(1, GRIDS[grid].most + 1)
    return tuple(n for n in counts if grid not in sampler.divides or TRAIN_STEPS % n == 0)


def resolve(c: SampleConfig, noise: str = LINEAR) -> SampleConfig:
    """The config with sampler, steps and grid filled in. ConfigError, with what is possible, for what does not go together."""
    name = c.sampler or DEFAULT
    if name not in SAMPLERS:
        raise ConfigError(unknown("sampler", name, SAMPLERS))
    sampler = SAMPLERS[name]
    grids = sampler.grids[noise]
    grid = c.grid or grids[0]
    if grid not in grids:
        raise ConfigError(unknown(f"grid of {name} for {noise} noise", grid, grids))
    steps = c.steps or sampler.default_steps
    possible = step_counts(sampler, grid)
    if steps not in possible:
        if grid in sampler.divides:
            needed = f"needs a divisor of {TRAIN_STEPS}: {', '.join(map(str, possible))}"
        else:
            needed = f"takes 1 to {possible[-1]}"
        raise ConfigError(f"steps is {steps}; {name} on the {grid} grid {needed}.")
    if c.eta and not sampler.takes_eta:
        takers = ", ".join(s.name for s in SAMPLERS.values() if s.takes_eta)
        raise ConfigError(f"eta is {c.eta}; {name} has no eta (leave it at 0); samplers that have one: {takers}.")
    return replace(c, sampler=name, grid=grid, steps=steps)

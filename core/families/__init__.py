"""What images are drawn from: three yardsticks without training and two families of networks.

A row carries plain facts. The module it names is imported by the worker that trains or draws; it has
`walk(d: Draw, seeds) -> Iterator[Step]`. If it is trained it has `network(config) -> nn.Module`; if it only looks at the training
images, `fit(images: ImageSet)` for what `walk` finds as `d.model`, and `recipe(images)` for the cache keys.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.configs import DDPMConfig, SampleConfig, VAEConfig
from core.types import Step


@dataclass(frozen=True)
class Family:
    """`architecture`: the knobs of `config` that shape what given weights draw; they belong into a cache key."""

    name: str
    label: str
    summary: str
    source: str
    trained: bool
    stepwise: bool  # whether it draws by a sampler's steps
    config: type[Any] | None
    module: str
    architecture: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Draw:
    """What a family's `walk` draws with: a network in eval mode or fitted arrays, the training's knobs, the resolved sampling."""

    model: Any
    config: Any
    sample: SampleConfig
    size: int


FAMILIES: Mapping[str, Family] = {
    f.name: f
    for f in (
        Family(
            "noise",
            "Random noise",
            "Every pixel uniform and independent: the study's first baseline.",
            "the study",
            trained=False,
            stepwise=False,
            config=None,
            module="core.families.noise",
        ),
        Family(
            "gaussian_pca",
            "Gaussian in pixel PCA space",
            "Mean and covariance of the training images, nothing else: colours and blur without shapes.",
            "Pearson 1901",
            trained=False,
            stepwise=False,
            config=None,
            module="core.families.gaussian_pca",
        ),
        Family(
            "copycat",
            "Copycat",
            "Training images drawn again, unchanged: what a search for copies must find.",
            "Jiralerspong et al. 2023",
            trained=False,
            stepwise=False,
            config=None,
            module="core.families.copycat",
        ),
        Family(
            "vae",
            "VAE",
            "The study's second baseline: a small convolutional variational autoencoder.",
            "Kingma and Welling 2014",
            trained=True,
            stepwise=False,
            config=VAEConfig,
            module="core.families.vae",
            architecture=("size", "latent"),
        ),
        Family(
            "ddpm",
            "Diffusion (DDPM)",
            "A compact U-Net that removes noise step by step.",
            "Ho et al. 2020",
            trained=True,
            stepwise=True,
            config=DDPMConfig,
            module="core.families.ddpm",
            architecture=("size", "channels", "layers", "prediction", "schedule", "imported"),
        ),
    )
}


def module(f: Family) -> Any:
    """The family's module; imports torch where the family needs it."""
    return importlib.import_module(f.module)


def final(images: np.ndarray, evaluations: int) -> Step:
    """The only step of a family that draws at once: there is no way from the noise to show."""
    return Step(index=1, total=1, timestep=0.0, evaluations=evaluations, x=images, x0=images)

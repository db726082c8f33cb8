"""Untrained models of a few thousand weights, published for tests."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from core import configs, families, models
from core.configs import DDPMConfig, VAEConfig
from core.families import FAMILIES
from core.types import ModelCard

DDPM = DDPMConfig(dataset="d", size=8, channels="16-16")
VAE = VAEConfig(dataset="d", size=8, latent=3)


def card(c: Any, model_id: str = "") -> ModelCard:
    return ModelCard(
        id=model_id,
        family=c.VERB[-1],
        dataset=c.dataset,
        size=c.size,
        config=configs.as_dict(c),
        seed=c.seed,
        experiment="e",
        origin="job:1",
        base="",
        sha256={},
        created_at="",
    )


def weights(c: Any, folder: Path, *names: str, seed: int = 0) -> Path:
    """A folder with one random set of weights for each of the names ("ema" if none is given)."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names or ("ema",)):
        torch.manual_seed(seed + k)
        network = families.module(FAMILIES[c.VERB[-1]]).network(c)
        save_file(network.state_dict(), folder / f"{name}.safetensors")
    return folder


def publish(c: Any, folder: Path, *names: str, model_id: str = "", seed: int = 0) -> ModelCard:
    return models.publish(card(c, model_id), weights(c, folder, *names, seed=seed))

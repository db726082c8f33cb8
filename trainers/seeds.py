"""Where the noise of a training comes from: a generator for each purpose and batch, so that a step can be drawn again."""

import numpy as np
import torch

TRAINING, CHECKING = range(2)
"""Purposes. Validation noise does not depend on the training's seed: two trainings are checked with the same noise."""


def number(*key: int) -> int:
    """A 64-bit seed from a key such as (purpose, seed, batch): neighbouring keys give unrelated numbers."""
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


def generator(*key: int, device: torch.device | str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(number(*key))


def normal(shape: tuple[int, ...], *key: int, device: torch.device | str) -> torch.Tensor:
    """Standard normal float32, drawn on the CPU and so the same on every device. For what must compare across machines."""
    return torch.randn(shape, generator=generator(*key)).to(device)

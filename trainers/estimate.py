"""How long a training would take: a few of its steps, timed. Nothing is kept."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from core.errors import ConfigError
from core.types import BLOCK
from trainers.data import signed

BUDGET = 6.0  # seconds of timed steps
STEPS = (3, 20)  # timed steps: at least, at most


def measured(plan: Any, size: int, checked: int) -> tuple[float, float]:
    """Seconds of an optimiser step and of a validation on images of random pixels, whose content costs nothing.

    `checked`: images that a validation looks at. ConfigError where the memory does not hold a batch.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    module = plan.module.to(device)
    pixels = np.random.default_rng(0).integers(0, 256, (max(plan.batch, BLOCK), size, size, 3), dtype=np.uint8)
    x = signed(pixels).to(device)
    found = module.configure_optimizers()
    optimizer = found["optimizer"] if isinstance(found, dict) else found

    def step(number: int) -> None:
        optimizer.zero_grad(set_to_none=True)
        for _ in range(plan.accumulate):
            module.training_step(x[: plan.batch], number).backward()
        if plan.clip:
            torch.nn.utils.clip_grad_norm_(module.parameters(), plan.clip)
        optimizer.step()

    def check(number: int) -> None:
        with torch.no_grad():
            module.training_step(x[:BLOCK], number)

    try:
        step(0)  # allocates, and picks its kernels
        return timed(step, device), timed(check, device) * -(-checked // BLOCK)
    except torch.OutOfMemoryError as e:
        raise ConfigError(f"The device's memory does not hold a batch of {plan.batch} images; lower the batch.") from e


def timed(work: Callable[[int], None], device: torch.device) -> float:
    """Median seconds of `work(number)`."""
    took: list[float] = []
    while len(took) < STEPS[0] or (len(took) < STEPS[1] and sum(took) < BUDGET):
        begun = time.perf_counter()
        work(len(took) + 1)
        if device.type == "cuda":
            torch.cuda.synchronize()
        took.append(time.perf_counter() - begun)
    return statistics.median(took)

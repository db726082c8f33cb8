from dataclasses import replace
from typing import Any

import pytest
import torch

from core.configs import DDPMConfig
from core.errors import ConfigError
from core.families import ddpm
from tests.core.tiny_models import DDPM

DEFAULT = DDPMConfig(dataset="d")


def test_has_1_113_955_parameters_by_default() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in ddpm.network(DEFAULT).parameters()) == 1_113_955


def test_attends_at_the_lowest_resolution_only() -> None:
    with torch.device("meta"):
        network: Any = ddpm.network(DEFAULT)
    attending = [any("attention" in name for name, _ in block.named_modules()) for block in network.down_blocks]
    assert attending == [False, False, True]
    assert network.down_blocks[2].attentions[0].heads == 64 // 16


@pytest.mark.parametrize(("channels", "size"), [("16", 9), ("16-32", 10), ("32-64-64-64", 16)])
def test_the_prediction_has_the_shape_of_its_input(channels: str, size: int) -> None:
    network = ddpm.network(replace(DDPM, channels=channels, size=size))
    assert network(torch.zeros(2, 3, size, size), 5).sample.shape == (2, 3, size, size)


@pytest.mark.parametrize("channels", ["", "32-", "32--64", "32-sixty", "32 64", "-32-64", "32-40", "0-16", "32-64.0", "٣٢"])
def test_channels_that_are_no_multiples_of_16_are_refused(channels: str) -> None:
    with pytest.raises(ConfigError, match="multiples of 16 joined by '-', such as 32-64-64"):
        ddpm.channels(replace(DDPM, channels=channels))


def test_a_size_that_cannot_be_halved_at_each_resolution_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"size is 28; 4 resolutions \(16-16-16-16\) need a multiple of 8"):
        ddpm.network(replace(DDPM, size=28, channels="16-16-16-16"))


def test_noise_is_added_by_1000_linear_betas() -> None:
    scheduler: Any = ddpm.noise_scheduler(DDPM)
    torch.testing.assert_close(scheduler.betas, torch.linspace(1e-4, 0.02, 1000))
    assert scheduler.alphas_cumprod[-1] == pytest.approx(4.04e-5, rel=0.01)
    assert scheduler.config.variance_type == "fixed_small" and scheduler.config.clip_sample


def test_targets_are_the_noise_or_v() -> None:
    x0, noise, t = torch.randn(3, 3, 8, 8), torch.randn(3, 3, 8, 8), torch.tensor([0, 500, 999])
    scheduler: Any = ddpm.noise_scheduler(DDPM)
    abar = scheduler.alphas_cumprod[t].view(3, 1, 1, 1)
    v = ddpm.targets(scheduler, x0, noise, t)
    torch.testing.assert_close(v, abar.sqrt() * noise - (1 - abar).sqrt() * x0)
    epsilon = ddpm.noise_scheduler(replace(DDPM, prediction="epsilon"))
    assert ddpm.targets(epsilon, x0, noise, t) is noise


def test_v_and_the_noisy_image_give_the_clean_image_back() -> None:
    x0, noise, t = torch.randn(2, 3, 4, 4), torch.randn(2, 3, 4, 4), torch.tensor([20, 700])
    scheduler: Any = ddpm.noise_scheduler(DDPM)
    abar = scheduler.alphas_cumprod[t].view(2, 1, 1, 1)
    x = scheduler.add_noise(x0, noise, t)
    torch.testing.assert_close(abar.sqrt() * x - (1 - abar).sqrt() * ddpm.targets(scheduler, x0, noise, t), x0)

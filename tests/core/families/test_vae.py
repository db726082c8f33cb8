from dataclasses import replace

import numpy as np
import pytest
import torch

from core.configs import SampleConfig, VAEConfig
from core.errors import ConfigError
from core.families import Draw, vae
from core.sampling.seeds import image_seed
from tests.core.tiny_models import VAE

STUDY = VAEConfig(dataset="d")
STUDYS_KEYS = [
    f"{layer}.{kind}" for layer in ("enc.0", "enc.2", "mu", "log_var", "dec.0", "dec.3", "dec.5") for kind in ("weight", "bias")
]


@pytest.fixture
def network() -> vae.ConvVAE:
    torch.manual_seed(0)
    return vae.network(VAE).eval()


def images(n: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(n, 3, VAE.size, VAE.size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_has_the_studys_weights_by_name_and_shape() -> None:
    state = vae.network(STUDY).state_dict()
    assert list(state) == STUDYS_KEYS
    shapes = {k: tuple(v.shape) for k, v in state.items() if k.endswith("weight")}
    assert shapes == {
        "enc.0.weight": (32, 3, 4, 4),
        "enc.2.weight": (32, 32, 4, 4),
        "mu.weight": (2, 2048),
        "log_var.weight": (2, 2048),
        "dec.0.weight": (2048, 2),
        "dec.3.weight": (32, 32, 4, 4),
        "dec.5.weight": (32, 3, 4, 4),
    }
    assert sum(p.numel() for p in state.values()) == 50_279


def test_the_code_has_the_deviation_exp_of_half_the_log_variance(network: vae.ConvVAE, monkeypatch: pytest.MonkeyPatch) -> None:
    x, noise = images(2), torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    mu, log_var = torch.full((2, 3), 0.3), torch.tensor([[0.0, 2.0, -4.0]] * 2)
    monkeypatch.setattr(network, "encode", lambda x: (mu, log_var))
    monkeypatch.setattr(network, "decode", lambda z: z)
    z, _, _ = network(x, noise)
    torch.testing.assert_close(z, 0.3 + torch.tensor([1.0, np.e, np.exp(-2)]).float() * noise)


def test_a_log_variance_beyond_10_is_cut_off(network: vae.ConvVAE) -> None:
    with torch.no_grad():
        network.log_var.bias.copy_(torch.tensor([1e3, -1e3, 0.0]))
        _, log_var = network.encode(images(2))
    assert log_var[:, 0].tolist() == [10, 10] and log_var[:, 1].tolist() == [-10, -10]
    assert (log_var[:, 2].abs() < 10).all()


def test_images_come_back_in_their_shape_and_range(network: vae.ConvVAE) -> None:
    for c in (VAE, replace(VAE, size=36, latent=5)):
        x = torch.rand(2, 3, c.size, c.size) * 2 - 1
        back, mu, log_var = vae.network(c)(x, torch.zeros(2, c.latent))
        assert back.shape == x.shape and back.abs().max() <= 1
        assert mu.shape == log_var.shape == (2, c.latent)


def test_kl_of_the_prior_with_itself_is_zero() -> None:
    x, zero = images(3), torch.zeros(3, 2)
    total, error, kl = vae.loss(x, x, zero, zero, beta=1.0)
    assert (total, error, kl) == (0, 0, 0)


def test_kl_is_that_of_torch_distributions() -> None:
    mu, log_var = torch.randn(5, 3), torch.randn(5, 3)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mu, (log_var / 2).exp()), normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(vae.loss(images(5), images(5), mu, log_var, 1.0)[2], expected)


def test_the_loss_is_the_mean_over_images_of_sums_over_pixels() -> None:
    x = images(4)
    mu, log_var = torch.randn(4, 2), torch.randn(4, 2)
    total, error, kl = vae.loss(x, x + 0.5, mu, log_var, beta=2.0)
    torch.testing.assert_close(error, torch.tensor(0.25 * 3 * VAE.size**2))
    torch.testing.assert_close(total, error + 2 * kl)


def test_the_loss_does_not_depend_on_the_batch_size() -> None:
    x, back, mu, log_var = images(8), images(8, 2), torch.randn(8, 2), torch.randn(8, 2)
    whole = torch.stack(vae.loss(x, back, mu, log_var, 1.0))
    halves = [torch.stack(vae.loss(x[h], back[h], mu[h], log_var[h], 1.0)) for h in (slice(0, 4), slice(4, 8))]
    torch.testing.assert_close(whole, (halves[0] + halves[1]) / 2)
    x, back, mu, log_var = (torch.cat([a, a]) for a in (x, back, mu, log_var))
    twice = torch.stack(vae.loss(x, back, mu, log_var, 1.0))
    torch.testing.assert_close(whole, twice)


def test_the_loss_of_half_precision_is_single_precision() -> None:
    x, back, mu, log_var = (a.bfloat16() for a in (images(2), images(2, 2), torch.randn(2, 2), torch.randn(2, 2)))
    assert {v.dtype for v in vae.loss(x, back, mu, log_var, 1.0)} == {torch.float32}


def test_a_size_that_cannot_be_halved_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="size is 30; .* multiple of 4"):
        vae.network(replace(VAE, size=30))


def test_draws_at_once_what_the_decoder_makes_of_normal_codes(network: vae.ConvVAE) -> None:
    seeds = [image_seed(0, i) for i in range(4)]
    (step,) = vae.walk(Draw(network, VAE, SampleConfig("m"), VAE.size), seeds)
    codes = torch.stack([torch.randn(3, generator=torch.Generator().manual_seed(s)) for s in seeds])
    expected = network.decode(codes).permute(0, 2, 3, 1).detach().numpy()
    np.testing.assert_array_equal(step.x, expected)
    assert (step.index, step.total, step.evaluations) == (1, 1, 1)
    np.testing.assert_array_equal(step.x0, step.x)

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.families import vae
from core.types import BLOCK
from tests.trainers import tiny
from trainers import run, seeds
from trainers.data import signed
from trainers.vae import VAETraining


def test_a_step_is_a_function_of_seed_and_number() -> None:
    torch.manual_seed(0)
    module = VAETraining(tiny.VAE)
    x = signed(tiny.images(4).images)
    first = module.training_step(x, 3)
    torch.manual_seed(99)
    assert torch.equal(module.training_step(x, 3), first)
    assert not torch.equal(module.training_step(x, 4), first)


def test_the_optimiser_is_adamw_with_its_weight_decay() -> None:
    optimizer = VAETraining(tiny.VAE).configure_optimizers()
    assert type(optimizer) is torch.optim.AdamW
    assert {g["weight_decay"] for g in optimizer.param_groups} == {tiny.VAE.weight_decay}


def test_the_loss_of_an_image_does_not_depend_on_the_size_of_its_batch() -> None:
    module, x = VAETraining(tiny.VAE), signed(tiny.images(6).images)
    noise = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))

    def loss(part: slice) -> float:
        return module.losses(x[part], lambda shape: noise[part])[0].item()

    alone = [loss(slice(i, i + 1)) for i in range(6)]
    assert loss(slice(6)) == pytest.approx(sum(alone) / 6, rel=1e-5)


def test_the_validation_loss_is_the_mean_over_every_validation_image(tmp_path: Path) -> None:
    """More images than a block, so that the last, shorter batch counts by its images. Worked out again from the file."""
    train, val = tiny.images(32), tiny.images(BLOCK + 40, "val", seed=1)
    told, tell = tiny.listener()
    checkpoint, metrics = run.fit(tiny.VAE, (train, val), tmp_path, tell)
    network = vae.network(tiny.VAE)
    network.load_state_dict(load_file(run.export(checkpoint, tmp_path / "weights") / "ema.safetensors"))
    total, reconstruction, kl = 0.0, 0.0, 0.0
    with torch.no_grad():
        for number, block in enumerate(val.blocks()):
            x = signed(block)
            noise = seeds.normal((len(x), 3), seeds.CHECKING, number, device="cpu")
            reconstructed, mu, log_var = network(x, noise)
            parts = vae.loss(x, reconstructed, mu, log_var, tiny.VAE.beta)
            total, reconstruction, kl = (s + float(p) * len(x) for s, p in zip((total, reconstruction, kl), parts, strict=True))
    best = min(told, key=lambda t: t.get("val_loss", float("inf")))
    assert metrics["val_loss"] == pytest.approx(total / len(val), rel=1e-5)
    assert best["val_reconstruction"] == pytest.approx(reconstruction / len(val), rel=1e-5)
    assert best["val_kl"] == pytest.approx(kl / len(val), rel=1e-4)
    assert not (tmp_path / "weights" / "raw.safetensors").exists()

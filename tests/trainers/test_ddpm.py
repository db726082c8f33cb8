import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from core.configs import DDPMConfig
from core.families import ddpm
from core.types import ImageSet
from tests.trainers import tiny
from trainers import ddpm as training
from trainers import run, seeds
from trainers.data import TrainingBatches, ValidationBatches, signed
from trainers.ddpm import DDPMTraining, decay, share_of_rate, spread

Weights = list[torch.Tensor]


def test_a_step_is_a_function_of_seed_and_number_dropout_included() -> None:
    torch.manual_seed(0)
    module = DDPMTraining(replace(tiny.DDPM, dropout=0.5)).train()
    x = signed(tiny.images(4).images)
    first = module.training_step(x, 3)
    torch.manual_seed(99)
    assert torch.equal(module.training_step(x, 3), first)
    assert not torch.equal(module.training_step(x, 4), first)


def test_each_batch_has_one_timestep_of_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    module = DDPMTraining(tiny.DDPM)
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(module, "loss", lambda x0, noise, t: seen.append(t))
    for number in range(400):
        module.training_step(torch.zeros(10, 3, 8, 8), number)
    t = torch.stack(seen)
    assert (t // 100 == torch.arange(10)).all()
    # Within its part it is uniform, so that all timesteps together are.
    assert t.min() == 0 and t.max() == 999 and abs(t.double().mean() - 499.5) < 4


def test_a_share_of_one_is_still_a_timestep() -> None:
    assert DDPMTraining(tiny.DDPM).timestep(torch.tensor([0.0, 0.9999, 1.0])).tolist() == [0, 999, 999]


@pytest.mark.parametrize(("first", "n"), [(0, 512), (256, 256), (100, 40)])
def test_validation_timesteps_are_even_over_any_stretch(first: int, n: int) -> None:
    counts = torch.histc(spread(first, n), bins=10, min=0, max=1)
    assert (counts - n / 10).abs().max() <= 2


def test_the_rate_rises_on_a_line_and_falls_on_a_cosine_to_nothing() -> None:
    rates = [share_of_rate(step, 4, 12) for step in range(13)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert rates[8] == pytest.approx(0.5) and rates[12] == pytest.approx(0.0)
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert share_of_rate(0, 0, 1) == 1.0 and share_of_rate(0, 10, 5) == 0.1


def test_the_averaging_forgets_fast_at_first_and_then_as_told() -> None:
    assert decay(0, 0.999) == 0.1 and decay(90, 0.999) == 0.91
    assert decay(10**6, 0.999) == 0.999 and decay(5, 0.0) == 0.0


def reference(c: DDPMConfig, train: ImageSet) -> tuple[Weights, Weights]:
    """(averaged, raw) weights of a plain loop: what Lightning is asked to do, line by line."""
    torch.manual_seed(c.seed)
    network, scheduler = ddpm.network(c), ddpm.noise_scheduler(c)
    weights = list(network.parameters())
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=c.weight_decay)
    batches = islice(TrainingBatches(train.images, c.batch, seed=c.seed, flips=c.flips), c.steps * c.accumulate)
    averaged: Weights = []
    for number, x in enumerate(batches):
        drawn = seeds.generator(seeds.TRAINING, c.seed, number)
        t = ((torch.arange(c.batch) + torch.rand(c.batch, generator=drawn)) / c.batch * 1000).long()
        noise = torch.randn(x.shape, generator=drawn)
        abar = scheduler.alphas_cumprod[t].view(-1, 1, 1, 1)
        v = abar.sqrt() * noise - (1 - abar).sqrt() * x
        said = network(abar.sqrt() * x + (1 - abar).sqrt() * noise, t).sample
        (F.mse_loss(said, v) / c.accumulate).backward()
        if (number + 1) % c.accumulate:
            continue
        step = number // c.accumulate
        total = math.sqrt(sum(float(w.grad.double().square().sum()) for w in weights if w.grad is not None))
        for w in weights:
            assert w.grad is not None
            w.grad.mul_(min(1.0, c.clip / total))
        cosine = (1 + math.cos(math.pi * (step - c.warmup) / (c.steps - c.warmup))) / 2
        optimizer.param_groups[0]["lr"] = c.learning_rate * ((step + 1) / c.warmup if step < c.warmup else cosine)
        optimizer.step()
        optimizer.zero_grad()
        new = [w.detach().clone() for w in weights]
        keep = min(c.ema, (1 + step) / (10 + step))
        averaged = [keep * a + (1 - keep) * w for a, w in zip(averaged, new, strict=True)] if averaged else new
    return averaged, new


def test_training_agrees_with_a_plain_loop(tmp_path: Path) -> None:
    """Order, mirroring, timesteps, target, accumulation, clipping, warm-up, cosine, AdamW and the averaging at once."""
    # A rate at which every check is better than the last, so that the best weights are those after the last step.
    c = replace(tiny.DDPM, accumulate=2, clip=0.5, ema=0.38, steps=6, learning_rate=2e-3, weight_decay=0.5)
    train, val = tiny.sets()
    told, tell = tiny.listener()
    checkpoint, _ = run.fit(c, (train, val), tmp_path, tell)
    checks = [t["val_loss"] for t in told]
    assert checks == sorted(checks, reverse=True) and told[-1]["done"] == 6
    folder = run.export(checkpoint, tmp_path / "weights")
    torch.manual_seed(c.seed)
    start = ddpm.network(c).state_dict()
    for file, weights in zip(("ema", "raw"), reference(c, train), strict=True):
        found, expected = load_file(folder / f"{file}.safetensors"), dict(zip(start, weights, strict=True))
        assert found.keys() == expected.keys()
        # As one long vector: AdamW blows rounding errors up where a gradient is all but 0.
        error = math.sqrt(sum(float((found[k] - expected[k]).square().sum()) for k in start))
        moved = math.sqrt(sum(float((expected[k] - start[k]).square().sum()) for k in start))
        assert error < 1e-3 * moved


def test_the_validation_loss_is_that_of_the_averaged_weights(tmp_path: Path) -> None:
    train, val = tiny.sets()
    checkpoint, metrics = run.fit(tiny.DDPM, (train, val), tmp_path, tiny.listener()[1])
    folder = run.export(checkpoint, tmp_path / "weights")
    losses = {}
    for file in ("ema", "raw"):
        module = DDPMTraining(tiny.DDPM).eval()
        module.network.load_state_dict(load_file(folder / f"{file}.safetensors"))
        first, total = 0, 0.0
        with torch.no_grad():
            for number, x in enumerate(ValidationBatches(val.images, training.CHECKED)):
                noise = seeds.normal(tuple(x.shape), seeds.CHECKING, number, device="cpu")
                t = module.timestep(spread(first, len(x)))
                total += float(module.loss(x, noise, t)) * len(x)
                first += len(x)
        losses[file] = total / first
    assert first == training.CHECKED
    assert metrics["val_loss"] == pytest.approx(losses["ema"], rel=1e-5)
    assert metrics["val_loss"] != pytest.approx(losses["raw"], rel=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_min_snr_weighs_the_error_of_the_clean_image_by_its_capped_signal_to_noise(prediction: str) -> None:
    """Hang et al. 2023: whatever is predicted, the loss is min(SNR, 5) times the squared error of the clean image."""
    c = replace(tiny.DDPM, prediction=prediction, min_snr=5.0)
    scheduler = ddpm.noise_scheduler(c)
    x0, noise, said = torch.randn(3, 6, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    t = torch.tensor([0, 50, 200, 400, 700, 999])
    abar = scheduler.alphas_cumprod.double()[t].view(-1, 1, 1, 1)
    noisy = abar.sqrt() * x0 + (1 - abar).sqrt() * noise
    target = noise if prediction == "epsilon" else abar.sqrt() * noise - (1 - abar).sqrt() * x0
    clean = (
        (noisy - (1 - abar).sqrt() * said) / abar.sqrt()
        if prediction == "epsilon"
        else abar.sqrt() * noisy - (1 - abar).sqrt() * said
    )
    wanted = (abar / (1 - abar)).clamp(max=5).flatten() * (clean - x0).square().flatten(1).mean(1)
    found = ddpm.weighting(scheduler, t, 5.0) * (said - target).square().flatten(1).mean(1)
    assert torch.allclose(found, wanted, rtol=1e-4)
    assert torch.equal(ddpm.weighting(scheduler, t, 0.0), torch.ones(6))


def test_the_loss_uses_the_weights() -> None:
    x0, noise, t = torch.randn(2, 3, 8, 8), torch.randn(2, 3, 8, 8), torch.tensor([10, 900])
    torch.manual_seed(0)
    module = DDPMTraining(replace(tiny.DDPM, min_snr=5.0))
    module.requires_grad_(False)
    each = torch.stack([module.loss(x0[i : i + 1], noise[i : i + 1], t[i : i + 1]) for i in (0, 1)])
    assert module.loss(x0, noise, t) == pytest.approx(float(each.mean()), rel=1e-5)
    unweighted = DDPMTraining(tiny.DDPM).requires_grad_(False)
    unweighted.load_state_dict(module.state_dict())
    weight = ddpm.weighting(module.scheduler, t, 5.0)
    assert float(module.loss(x0[:1], noise[:1], t[:1]) / unweighted.loss(x0[:1], noise[:1], t[:1])) == pytest.approx(
        float(weight[0])
    )


def test_passes_over_the_images_can_stand_for_steps() -> None:
    assert run.plan(replace(tiny.DDPM, epochs=3, accumulate=2), 20).steps == 5  # 3 batches of 8 a pass, 2 a step
    assert run.plan(tiny.DDPM, 20).steps == tiny.DDPM.steps

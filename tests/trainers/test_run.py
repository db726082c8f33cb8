import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from core import configs, datasets, models, paths
from core.configs import AddConfig, DDPMConfig, VAEConfig
from core.errors import ConfigError, DataError, ModelError, StudioError
from core.families import vae
from core.types import ImageSet
from tests.trainers import tiny
from trainers import run, seeds
from trainers.data import signed
from trainers.run import Trainable


@pytest.fixture
def photos(tmp_path: Path) -> str:
    """A registered data set of 60 random images."""
    source = tmp_path / "photos"
    source.mkdir()
    for i, image in enumerate(tiny.images(60).images):
        Image.fromarray(image).save(source / f"{i}.png")
    return datasets.add(AddConfig(str(source), name="d")).name


def weights(c: Trainable, folder: Path, sets: tuple[ImageSet, ImageSet] | None = None) -> dict[str, torch.Tensor]:
    checkpoint, _ = run.fit(c, sets or tiny.sets(), folder, tiny.listener()[1])
    return load_file(run.export(checkpoint, folder / "weights") / "ema.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("c", [tiny.VAE, replace(tiny.DDPM, dropout=0.2)])
def test_the_same_config_trains_the_same_weights_bit_for_bit_and_another_seed_others(c: Trainable, tmp_path: Path) -> None:
    first = weights(c, tmp_path / "1")
    torch.rand(7)
    assert same(weights(c, tmp_path / "2"), first)
    assert not same(weights(replace(c, seed=1), tmp_path / "3"), first)


@pytest.mark.parametrize("c", [replace(tiny.VAE, epochs=40, learning_rate=3e-3), replace(tiny.DDPM, steps=60, ema=0.9)])
def test_the_loss_falls_where_there_is_something_to_learn(c: Trainable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.ddpm.CHECKED", 64)
    told, tell = tiny.listener()
    c = replace(c, check_every=5, learning_rate=3e-3) if isinstance(c, DDPMConfig) else c
    run.fit(c, (tiny.plain(64), tiny.plain(16, "val")), tmp_path, tell)
    assert told[-1]["val_loss"] < 0.8 * told[0]["val_loss"]
    assert told[-1]["loss"] < 0.8 * told[0]["loss"]


OVERFIT = VAEConfig(dataset="d", size=8, latent=64, beta=0.0, batch=8, epochs=60, learning_rate=3e-3, patience=60)
"""On eight random images: they are learnt by heart, and what was not seen is told worse and worse."""


def test_the_best_weights_are_kept_and_not_the_last(tmp_path: Path) -> None:
    train, val = tiny.sets(8, 20)
    told, tell = tiny.listener()
    checkpoint, metrics = run.fit(OVERFIT, (train, val), tmp_path, tell)
    losses = [t["val_loss"] for t in told if "val_loss" in t]
    assert len(losses) == 60 and min(losses) < 0.97 * losses[-1]
    assert metrics["val_loss"] == min(losses)
    network = vae.network(OVERFIT)
    network.load_state_dict(load_file(run.export(checkpoint, tmp_path / "weights") / "ema.safetensors"))
    x = signed(val.images)
    with torch.no_grad():
        reconstructed, mu, log_var = network(x, seeds.normal((20, 64), seeds.CHECKING, 0, device="cpu"))
        again = vae.loss(x, reconstructed, mu, log_var, 0.0)[0]
    assert float(again) == pytest.approx(min(losses), rel=1e-5)


def test_patience_ends_a_training_that_gets_no_better(tmp_path: Path) -> None:
    told, tell = tiny.listener()
    _, metrics = run.fit(replace(OVERFIT, patience=3), tiny.sets(8, 20), tmp_path, tell)
    losses = [t["val_loss"] for t in told if "val_loss" in t]
    assert len(losses) - 1 - losses.index(min(losses)) == 3
    assert metrics["steps"] == len(losses) < 60


def test_the_last_weights_are_checked_too(tmp_path: Path) -> None:
    told, tell = tiny.listener()
    _, metrics = run.fit(replace(tiny.DDPM, steps=5, check_every=2, accumulate=3), tiny.sets(), tmp_path, tell)
    assert [t["done"] for t in told if "val_loss" in t] == [2, 4, 5]
    assert metrics["steps"] == 5 == told[-1]["total"]


def test_an_epoch_of_the_vae_is_as_many_batches_as_cover_the_images(tmp_path: Path) -> None:
    told, tell = tiny.listener()
    run.fit(tiny.VAE, tiny.sets(33), tmp_path, tell)  # batches of 16, two epochs
    assert [(t["done"], t["total"]) for t in told if "val_loss" in t] == [(3, 6), (6, 6)]


def test_progress_is_told_every_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.watch.EVERY", 0.0)
    told, tell = tiny.listener()
    run.fit(replace(tiny.DDPM, check_every=4), tiny.sets(), tmp_path, tell)
    assert [t["done"] for t in told] == [1, 2, 3, 4, 4, 5]
    assert all(t["loss"] > 0 and t["images_per_second"] > 0 for t in told)
    assert ["val_loss" in t for t in told] == [False, False, False, False, True, True]


def test_a_published_model_says_where_it_came_from(photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_JOB", str(tmp_path / "a-job"))
    card = run.train(tiny.DDPM, tmp_path / "a-job", tiny.listener()[1])
    assert models.card(card.id) == card and card.id.startswith("ddpm-d-")
    assert (card.family, card.dataset, card.size, card.seed) == ("ddpm", "d", 8, 0)
    assert (card.origin, card.command) == ("job:a-job", configs.command(tiny.DDPM))
    assert configs.from_dict(DDPMConfig, card.config) == tiny.DDPM
    assert {"val_loss", "steps", "seconds", "images_per_second", "parameters"} == set(card.metrics)
    assert card.metrics["parameters"] == sum(p.numel() for p in models.network(card).parameters())
    assert set(card.sha256) == {"ema.safetensors", "raw.safetensors"}


def test_an_experiment_is_a_config_less_seed_and_name() -> None:
    facts = [run.describe(c, {}).experiment for c in (tiny.VAE, replace(tiny.VAE, seed=5, name="x"), replace(tiny.VAE, beta=2.0))]
    assert facts[0] == facts[1] != facts[2]


def test_everything_is_written_under_the_folder(photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run.train(tiny.VAE, tmp_path / "work", tiny.listener()[1])
    assert list(elsewhere.iterdir()) == []
    assert {p.name for p in (tmp_path / "work").iterdir()} == {"checkpoints", "samples", "samples.png", "weights"}


@pytest.mark.parametrize("c", [tiny.VAE, tiny.DDPM])
def test_the_sample_grid_has_sixteen_images(c: Trainable, tmp_path: Path) -> None:
    run.fit(c, tiny.sets(), tmp_path, tiny.listener()[1])
    with Image.open(tmp_path / "samples.png") as grid:
        pixels = np.asarray(grid)
    assert pixels.shape == (32, 32, 3)
    assert len({pixels[y : y + 8, x : x + 8].tobytes() for y in range(0, 32, 8) for x in range(0, 32, 8)}) == 16


def test_a_training_that_diverges_says_at_which_step_and_publishes_nothing(photos: str, tmp_path: Path) -> None:
    # AdamW multiplies each weight by 1 - 10 * 10 a step.
    c = replace(tiny.VAE, learning_rate=10.0, weight_decay=10.0, epochs=20)
    with pytest.raises(ConfigError, match=r"loss was no longer a finite number at step \d+ .* lower the learning rate, to 1 say"):
        run.train(c, tmp_path / "work", tiny.listener()[1])
    assert models.cards() == []


@pytest.mark.parametrize("c", [replace(tiny.VAE, epochs=1, batch=8), replace(tiny.DDPM, accumulate=2)])
def test_the_first_loss_that_is_not_finite_is_named(c: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Optimiser steps are counted, from 1."""
    from trainers.ddpm import DDPMTraining
    from trainers.vae import VAETraining

    module = VAETraining if isinstance(c, VAEConfig) else DDPMTraining
    plain = module.training_step

    def breaking(self: Any, x: torch.Tensor, number: int) -> torch.Tensor:
        return plain(self, x, number) * (float("nan") if number == 2 else 1.0)

    monkeypatch.setattr(module, "training_step", breaking)
    with pytest.raises(ConfigError, match=f"training loss .* at step {2 if isinstance(c, DDPMConfig) else 3} "):
        run.fit(c, tiny.sets(), tmp_path, tiny.listener()[1])
    assert not list(tmp_path.glob("checkpoints/*")) or isinstance(c, VAEConfig)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process could hear")
def test_a_training_that_is_told_to_end_does_not_end_well(photos: str, tmp_path: Path) -> None:
    def tell(done: int, total: int, note: str, **numbers: float) -> None:
        if done:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit):
        run.train(tiny.VAE, tmp_path / "work", tell)
    assert models.cards() == []


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"dataset": "nothing"}, DataError, "no data set named 'nothing'"),
        ({"size": 10}, ConfigError, "multiple of 4"),
        ({"name": "taken"}, ModelError, "taken"),
        ({"name": "../x"}, ConfigError, "cannot be a model name"),
        ({"name": "noise"}, StudioError, "noise"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_read(
    change: dict[str, Any], error: type[Exception], sentence: str, photos: str, tmp_path: Path
) -> None:
    paths.model("taken").mkdir(parents=True)
    told, tell = tiny.listener()
    with pytest.raises(error, match=sentence):
        run.train(replace(tiny.VAE, **change), tmp_path / "work", tell)
    assert told == [] and not (tmp_path / "work").exists()


def test_a_data_set_without_validation_images_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "load", lambda name, split, size: tiny.images(0 if split == "val" else 3, split))
    with pytest.raises(DataError, match="'d' has no image in its val split"):
        run.load(tiny.VAE, "val")

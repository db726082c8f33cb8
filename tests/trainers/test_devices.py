"""Several processes train what one would: checked with two CPU processes that talk over gloo."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core import configs, datasets, jobs, models
from core.configs import AddConfig
from core.errors import ConfigError
from tests.trainers import tiny
from trainers import run
from trainers.data import TrainingBatches

DDPM = replace(tiny.DDPM, steps=6, check_every=3, ema=0.9)


@pytest.fixture
def photos(tmp_path: Path) -> str:
    source = tmp_path / "photos"
    source.mkdir()
    for i, image in enumerate(tiny.images(60).images):
        Image.fromarray(image).save(source / f"{i}.png")
    return datasets.add(AddConfig(str(source), name="d")).name


@pytest.mark.parametrize("world", [2, 4])
def test_the_processes_together_take_each_image_that_one_alone_takes(world: int) -> None:
    images = np.arange(21, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    alone = iter(TrainingBatches(images, 8, seed=3, flips=False))
    shares = [iter(TrainingBatches(images, 8, seed=3, flips=False, share=(rank, world))) for rank in range(world)]
    for _ in range(9):
        whole, parts = next(alone), [next(s) for s in shares]
        assert {len(p) for p in parts} == {8 // world}
        assert torch.equal(torch.cat(parts).sort(dim=0).values, whole.sort(dim=0).values)


def test_batches_can_begin_where_others_ended() -> None:
    images = tiny.images(21).images
    whole = iter(TrainingBatches(images, 8, seed=3, flips=True))
    later = iter(TrainingBatches(images, 8, seed=3, flips=True, first=5))
    for _ in range(5):
        next(whole)
    assert all(torch.equal(next(whole), next(later)) for _ in range(6))


def test_a_batch_that_the_devices_cannot_share_is_refused(photos: str) -> None:
    with pytest.raises(ConfigError, match="batch is 8; 3 devices share it, so it must be a multiple of 3"):
        run.check(replace(DDPM, devices=3))
    with pytest.raises(ConfigError, match="seeds is 2 and there are 2 devices"):
        run.check(replace(DDPM, devices=2, seeds=2))


def test_more_gpus_than_there_are_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ConfigError, match="devices is 2, and this machine has 1 GPUs; lower devices"):
        run.fit(replace(DDPM, devices=2), tiny.sets(), tmp_path, tiny.listener()[1])


@pytest.mark.slow
@pytest.mark.parametrize("c", [DDPM, replace(tiny.VAE, epochs=3)], ids=["ddpm", "vae"])
def test_two_processes_train_the_model_that_one_trains_and_publish_it_once(c: run.Trainable, photos: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", *configs.to_argv(replace(c, devices=2, name="two"))]
    done = subprocess.run(command, capture_output=True, text=True)
    (job,) = jobs.every("train")
    assert done.returncode == 0, done.stderr + jobs.log(job.id)
    (two,) = models.cards()
    one = run.train(replace(c, name="one"), tmp_path / "one", tiny.listener()[1])
    assert one is not None and job.result["model"] == two.id == "two"
    assert two.metrics["steps"] == one.metrics["steps"] and two.experiment == one.experiment
    # Not to the bit: the gradients of two halves are added in another order.
    assert two.metrics["val_loss"] == pytest.approx(one.metrics["val_loss"], rel=1e-4)
    a, b = models.network(one).state_dict(), models.network(two).state_dict()
    assert all(torch.allclose(a[k], b[k], atol=2e-4) for k in a)
    done_steps = [e["done"] for e in jobs.history(job.id)]
    assert done_steps == sorted(done_steps), "one process tells"

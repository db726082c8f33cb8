import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from core import configs, datasets, jobs, models, paths
from core.configs import AddConfig, TrainingConfig
from core.errors import ConfigError, JobError
from core.jobs import resuming, supervisor
from tests.trainers import tiny
from tests.trainers.test_run import OVERFIT, photos  # noqa: F401
from trainers import run
from trainers.run import Trainable

VAE = replace(tiny.VAE, epochs=5)
DDPM = replace(tiny.DDPM, steps=11, check_every=3, dropout=0.2, ema=0.9)


def begun(c: TrainingConfig, name: str) -> Path:
    """The folder of a training's job that never came to run."""
    folder = paths.job(name)
    folder.mkdir(parents=True)
    spec = {"kind": "train", "title": name, "argv": [sys.executable, "-m", *configs.to_argv(c)], "created_at": "", "parent": ""}
    supervisor.write_json(folder / "job.json", spec)
    return folder


def until(step: int) -> Callable[..., None]:
    """A tell that ends the process once the step is reached."""

    def tell(done: int, total: int, note: str, **numbers: float) -> None:
        if done >= step:
            raise SystemExit(1)

    return tell


def trained(c: Trainable, folder: Path, tell: Callable[..., None] | None = None) -> dict[str, dict[str, torch.Tensor]]:
    checkpoint, _ = run.fit(c, tiny.sets(), folder, tell or tiny.listener()[1])
    out = run.export(checkpoint, folder / "weights")
    return {f.name: load_file(f) for f in out.iterdir()}


@pytest.mark.parametrize("stop", [1, 4, 7, 8])
@pytest.mark.parametrize("c", [VAE, DDPM, replace(DDPM, accumulate=2)], ids=["vae", "ddpm", "accumulated"])
def test_a_training_that_was_ended_goes_on_to_the_same_weights_bit_for_bit(
    c: Trainable, stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainers.watch.EVERY", 0.0)
    whole = trained(c, tmp_path / "whole")
    folder = begun(c, "20260101-000000-train-aaaaaa")
    with pytest.raises(SystemExit):
        trained(c, folder, until(stop))
    resumed = trained(replace(c, resume=folder.name), tmp_path / "second")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[f][k], resumed[f][k]) for f in whole for k in whole[f])


@pytest.mark.parametrize("c", [VAE, DDPM], ids=["vae", "ddpm"])
def test_a_training_ended_between_its_last_checkpoint_and_its_publication_trains_no_step_more(
    c: Trainable, tmp_path: Path
) -> None:
    whole = trained(c, tmp_path / "whole")
    folder = begun(c, "20260101-000000-train-aaaaaa")
    trained(c, folder)
    resumed = trained(replace(c, resume=folder.name), tmp_path / "second", until(1))
    assert all(torch.equal(whole[f][k], resumed[f][k]) for f in whole for k in whole[f])


def test_the_time_of_a_resumed_training_is_that_of_all_its_parts(tmp_path: Path) -> None:
    folder = begun(VAE, "20260101-000000-train-aaaaaa")
    first = run.fit(VAE, tiny.sets(), folder, tiny.listener()[1])[1]["seconds"]
    checkpoint = next(folder.rglob("last.ckpt"))
    stored = torch.load(checkpoint, weights_only=True)
    assert 0 < stored["callbacks"]["Watch"]["elapsed"] <= first
    stored["callbacks"]["Watch"]["elapsed"] = 1000.0
    torch.save(stored, checkpoint)
    resumed = replace(VAE, resume=folder.name, epochs=6)
    assert 1000 < run.fit(resumed, tiny.sets(), tmp_path / "second", tiny.listener()[1])[1]["seconds"] < 1100


def test_patience_is_continued_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainers.watch.EVERY", 0.0)
    c, sets = replace(OVERFIT, patience=3), tiny.sets(8, 20)
    whole, told = run.fit(c, sets, tmp_path / "whole", tiny.listener()[1])
    for stop in (told["steps"] - 1, told["steps"]):
        folder = begun(c, f"20260101-000000-train-aaaaa{stop:.0f}")
        with pytest.raises(SystemExit):
            run.fit(c, sets, folder, until(stop))
        assert (
            run.fit(replace(c, resume=folder.name), sets, tmp_path / f"second {stop}", tiny.listener()[1])[1]["steps"]
            == told["steps"]
        )


def test_a_training_that_ended_early_goes_on_with_more_patience(tmp_path: Path) -> None:
    c, sets = replace(OVERFIT, patience=3), tiny.sets(8, 20)
    folder = begun(c, "20260101-000000-train-aaaaaa")
    steps = run.fit(c, sets, folder, tiny.listener()[1])[1]["steps"]
    more = replace(c, patience=7, resume=folder.name)
    assert run.fit(more, sets, tmp_path / "second", tiny.listener()[1])[1]["steps"] == steps + 4


def test_a_resumption_keeps_the_knobs_and_may_train_longer() -> None:
    begun(replace(VAE, name="mine"), "20260101-000000-train-aaaaaa")
    job = resuming.started_as("mine")
    longer = resuming.continued(job, {"epochs": 9})
    assert longer == replace(VAE, name="mine", epochs=9, resume="20260101-000000-train-aaaaaa")
    with pytest.raises(ConfigError, match="batch is 5; the training began with 16 and keeps it: leave batch out"):
        resuming.continued(job, {"batch": 5})
    begun(longer, "20260101-000001-train-bbbbbb")
    assert resuming.continued(resuming.started_as("mine"), {}).resume == "20260101-000000-train-aaaaaa"
    assert resuming.state(longer, Path("elsewhere")) == paths.job("20260101-000000-train-aaaaaa") / "checkpoints"


def test_only_what_was_started_can_be_resumed_and_only_when_it_does_not_run() -> None:
    with pytest.raises(JobError, match="no training named 'mine'"):
        resuming.started_as("mine")
    folder = begun(VAE, "20260101-000000-train-aaaaaa")
    held = supervisor.lock(folder / "alive")
    assert held
    with held, pytest.raises(JobError, match="still waiting"):
        resuming.continued(jobs.read(folder.name), {})
    with pytest.raises(JobError, match="is no training"):
        supervisor.write_json(
            folder / "job.json", {"kind": "sample", "title": "", "argv": ["p", "-m", "core", "sample"], "created_at": ""}
        )
        resuming.config_of(jobs.read(folder.name))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_training_killed_at_any_moment_leaves_no_model_and_goes_on_by_its_name(tmp_path: Path) -> None:
    source = tmp_path / "photos"
    source.mkdir()
    from PIL import Image

    for i, image in enumerate(tiny.images(60).images):
        Image.fromarray(image).save(source / f"{i}.png")
    datasets.add(AddConfig(str(source), name="d"))
    c = replace(tiny.DDPM, steps=40, check_every=5)
    command = [sys.executable, "-m", *configs.to_argv(replace(c, name="mine", wandb="off"))]
    shell = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(paths.jobs().glob("*/checkpoints/seed-0/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.02)
    (job,) = jobs.every("train")
    for pid in _children(job.id):
        os.kill(pid, signal.SIGKILL)
    assert shell.wait(60) == 1 and jobs.read(job.id).state == "failed" and models.cards() == []
    done: Any = subprocess.run([sys.executable, "-m", "trainers", "ddpm", "--resume", "mine"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (card,) = models.cards()
    whole = run.train(replace(c, name="whole"), tmp_path / "whole", tiny.listener()[1])
    assert whole is not None
    assert (card.id, card.sha256) == ("mine", whole.sha256)


def _children(job_id: str) -> list[int]:
    """The processes that work in a job's folder, as the system lists them."""
    own = f"STUDIO_JOB={paths.job(job_id)}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if own in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def test_two_trainings_of_one_name_do_not_run_side_by_side(photos: str) -> None:  # noqa: F811
    c = replace(VAE, name="mine")
    folder = begun(c, "20260101-000000-train-aaaaaa")
    held = supervisor.lock(folder / "alive")
    assert held
    with held, pytest.raises(ConfigError, match="A training named 'mine' is not at its end yet"):
        run.check(c)
    run.check(c)


def test_a_finished_training_can_be_trained_longer_under_another_name(photos: str, tmp_path: Path) -> None:  # noqa: F811
    """Even where nothing better comes: the best of before is still there."""
    c = replace(OVERFIT, epochs=12, name="short")
    folder = begun(c, "20260101-000000-train-aaaaaa")
    short = run.train(c, folder, tiny.listener()[1])
    longer = run.train(replace(c, epochs=16, name="long", resume=folder.name), tmp_path / "longer", tiny.listener()[1])
    assert short and longer and longer.metrics["steps"] > short.metrics["steps"]
    assert longer.metrics["val_loss"] <= short.metrics["val_loss"] and models.card("long").config["resume"] == folder.name

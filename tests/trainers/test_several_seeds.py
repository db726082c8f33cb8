"""`--seeds N`: several trainings of one experiment, one after the other in one job."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from core import configs, models, paths
from core.configs import VAEConfig
from core.errors import ConfigError, ModelError
from core.jobs import worker
from tests.trainers import tiny
from tests.trainers.test_run import photos  # noqa: F401
from trainers import cli, run
from trainers.vae import VAETraining

THREE = replace(tiny.VAE, seed=4, seeds=3, name="mine")
pytestmark = pytest.mark.usefixtures("photos")


def ema(model: str) -> dict[str, torch.Tensor]:
    return load_file(paths.model(model) / "ema.safetensors")


def breaks_at(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its first step on, the training of this seed has a loss that is no number."""
    plain = VAETraining.training_step

    def step(self: Any, x: torch.Tensor, number: int) -> torch.Tensor:
        return plain(self, x, number) * (float("nan") if self.c.seed == seed else 1.0)

    monkeypatch.setattr(VAETraining, "training_step", step)


@pytest.mark.parametrize("c", [replace(THREE, seeds=2), replace(tiny.DDPM, seeds=2, name="mine")])
def test_each_model_is_the_one_that_its_own_command_trains(c: Any, tmp_path: Path) -> None:
    cards = run.train_each(c, tmp_path / "work", tiny.listener()[1])
    assert [m.id for m in cards] == [f"mine-s{c.seed}", f"mine-s{c.seed + 1}"] and [m.seed for m in cards] == [c.seed, c.seed + 1]
    assert len({m.experiment for m in cards}) == 1 and all("seeds" not in m.config for m in cards)
    last = cards[-1]
    alone = configs.from_argv(type(c), last.command.split()[2:])
    assert alone == replace(c, seed=c.seed + 1, seeds=1, name=last.id) and "--seeds" not in last.command
    again = run.train(replace(alone, name="again"), tmp_path / "again", tiny.listener()[1])
    assert again.experiment == last.experiment and again.metrics["val_loss"] == last.metrics["val_loss"]
    one, two, other = ema(last.id), ema("again"), ema(cards[0].id)
    assert all(torch.equal(one[k], two[k]) for k in one) and not all(torch.equal(one[k], other[k]) for k in one)


def test_without_a_name_they_are_numbered_and_the_pictures_lie_where_one_trainings_do(tmp_path: Path) -> None:
    cards = run.train_each(replace(THREE, name="", seeds=2), tmp_path / "work", tiny.listener()[1])
    assert [m.id for m in cards] == ["vae-d-1", "vae-d-2"]
    assert {p.name for p in (tmp_path / "work").iterdir()} == {"checkpoints", "samples", "samples.png", "weights"}


def test_progress_runs_over_all_of_them(tmp_path: Path) -> None:
    told, tell = tiny.listener()
    run.train_each(THREE, tmp_path / "work", tell)  # 2 epochs of 4 batches each
    total = max(t["total"] for t in told)
    checked = [t for t in told if "val_loss" in t]
    assert [(t["done"], t["total"]) for t in checked] == [(total * k // 6, total) for k in range(1, 7)]
    assert [t["note"].split(":")[0] for t in checked[::2]] == ["Seed 4 (1 of 3)", "Seed 5 (2 of 3)", "Seed 6 (3 of 3)"]
    assert [t["done"] for t in told] == sorted(t["done"] for t in told)


def test_one_seed_is_told_as_it_is(tmp_path: Path) -> None:
    told, tell = tiny.listener()
    (card,) = run.train_each(replace(tiny.VAE, name="mine"), tmp_path / "work", tell)
    assert card.id == "mine" and not any("Seed" in t["note"] for t in told)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a process could hear")
def test_what_is_trained_before_a_cancel_is_kept(tmp_path: Path) -> None:
    def tell(done: int, total: int, note: str, **numbers: float) -> None:
        if note.startswith("Seed 5") and numbers:
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(SystemExit):
        run.train_each(THREE, tmp_path / "work", tell)
    assert [m.id for m in models.cards()] == ["mine-s4"] and ema("mine-s4")


def test_what_is_trained_before_an_error_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks_at(5, monkeypatch)
    with pytest.raises(ConfigError, match=r"^Seed 5: The training loss .* The seeds before it are trained: mine-s4\.$"):
        run.train_each(THREE, tmp_path / "work", tiny.listener()[1])
    assert [m.id for m in models.cards()] == ["mine-s4"]


def test_an_error_of_the_first_seed_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks_at(4, monkeypatch)
    with pytest.raises(ConfigError, match="^The training loss"):
        run.train_each(THREE, tmp_path / "work", tiny.listener()[1])


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"name": "taken"}, ModelError, "'taken-s6' already"),
        ({"seed": 2**31 - 2}, ConfigError, "seed is 2147483648"),
        ({"name": "n" * 78}, ConfigError, "cannot be a model name"),
    ],
)
def test_what_cannot_work_for_any_seed_is_refused_before_the_first(
    change: dict[str, Any], error: type[Exception], why: str, tmp_path: Path
) -> None:
    paths.model("taken-s6").mkdir(parents=True)
    told, tell = tiny.listener()
    with pytest.raises(error, match=why):
        run.train_each(replace(THREE, **change), tmp_path / "work", tell)
    assert told == [] and not (tmp_path / "work").exists()


@pytest.mark.parametrize("seeds", [0, 101])
def test_the_number_of_seeds_has_a_range(seeds: int) -> None:
    with pytest.raises(ConfigError, match=f"seeds is {seeds}; needed: 1 to 100"):
        VAEConfig(dataset="d", seeds=seeds)


def test_the_job_reports_all_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.setenv("STUDIO_JOB", str(folder))
    monkeypatch.setattr(worker, "die_with_supervisor", lambda: None)
    assert cli.main(list(configs.to_argv(replace(THREE, seeds=2))[1:])) == 0
    result = json.loads((folder / "report.json").read_text())["result"]
    cards = [models.card(m) for m in result["models"]]
    losses = [m.metrics["val_loss"] for m in cards]
    assert result["models"] == ["mine-s4", "mine-s5"] and result["experiment"] == cards[0].experiment == cards[1].experiment
    assert result["val_losses"] == losses and result["val_loss"] == pytest.approx(sum(losses) / 2)
    assert all(m.origin == "job:job" for m in cards)
    assert cli.sentence(result).startswith("2 models are trained after ")
    assert cli.sentence(result).endswith(f"losses: mine-s4 {losses[0]:.4g}, mine-s5 {losses[1]:.4g}.")

"""`core demo build`, with recipes of a few steps."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import core.cli
from core import configs, jobs, models, paths
from core.cli import demo
from core.configs import DDPMConfig, VAEConfig
from core.datasets import DATASETS
from core.families import FAMILIES
from tests.core import tiny_models

TINY = {
    "vae-photos": VAEConfig(dataset="photos", size=8, batch=8, epochs=1, wandb="off"),
    "ddpm-photos": DDPMConfig(dataset="photos", size=8, channels="16-16", batch=8, steps=2, warmup=1, check_every=2, wandb="off"),
    "vae-others": VAEConfig(dataset="others", size=8, wandb="off"),
}


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(40):
        pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    assert core.cli.main(["datasets", "add", str(folder), "--name", "photos"]) == 0
    monkeypatch.setattr(demo, "RECIPES", TINY)


def build(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert core.cli.main(["demo", "build", *argv, "--json"]) == 0
    rows: list[dict[str, object]] = json.loads(capsys.readouterr().out)["examples"]
    return rows


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    capsys.readouterr()
    assert core.cli.main(["demo", "build", *argv]) == 1
    return capsys.readouterr().err


@pytest.mark.slow
def test_the_examples_are_trained_as_jobs_and_written_with_their_cards(
    recipes: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    rows = build(capsys, "--only", "photos", "--out", str(out))
    assert [r["id"] for r in rows] == ["vae-photos", "ddpm-photos"] and not paths.examples().exists()
    assert [(j.kind, j.state) for j in jobs.every()] == [("train", "done")] * 2
    monkeypatch.setenv("STUDIO_EXAMPLES", str(out))
    examples = [c for c in models.cards() if models.is_example(c)]
    assert [c.id for c in examples] == ["ddpm-photos", "vae-photos"]
    for card in examples:
        models.network(card)
        assert (card.origin, card.base, card.seed) == ("example:", "", 0) and list(card.sha256) == [models.EMA]
        assert card.metrics["seconds"] > 0 and card.metrics["steps"] > 0 and "torch " in card.note
        assert card.command == configs.command(TINY[card.id]) and models.training_config(card) == TINY[card.id]
        text = (out / "models" / card.id / "card.json").read_text()
        assert str(tmp_path) not in text and str(Path.home()) not in text and jobs.every()[0].id not in text


def trained(tmp_path: Path, knobs: VAEConfig, model_id: str = "mine") -> None:
    card = replace(tiny_models.card(knobs, model_id), metrics={"seconds": 1.0}, config=configs.as_dict(knobs))
    models.publish(card, tiny_models.weights(knobs, tmp_path / model_id))


def test_a_model_that_the_same_command_trained_is_taken_as_it_is(
    recipes: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tmp_path, replace(TINY["vae-photos"], name="mine", resume="20250101-000000-train-abcdef"))  # type: ignore[arg-type]
    (row,) = build(capsys, "--only", "vae-photos", "--model", "mine")
    example = models.card("vae-photos")
    assert row["sha256"] == example.sha256[models.EMA] == models.card("mine").sha256[models.EMA] and jobs.every() == []
    assert models.is_example(example) and models.training_config(example) == TINY["vae-photos"]
    assert "abcdef" not in (paths.example_models() / "vae-photos" / "card.json").read_text()


def test_a_model_of_another_command_is_not_taken(recipes: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(tmp_path, replace(TINY["vae-photos"], seed=1))  # type: ignore[arg-type]
    said = refused(capsys, "--only", "vae-photos", "--model", "mine")
    assert "mine is no training of vae-photos; train it with: python -m trainers vae --dataset=photos" in said
    assert "3 examples to build" in refused(capsys, "--model", "mine") and not paths.examples().exists()


def test_an_unknown_example_or_data_set_is_told_before_anything_is_trained(
    recipes: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no example named 'x'; known: ddpm-photos, others, photos, vae-others, vae-photos." in refused(capsys, "--only", "x")
    assert "no data set named 'others'" in refused(capsys) and jobs.every() == []


def test_a_training_that_fails_is_told_with_the_way_on(
    recipes: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost(c: object, title: str) -> object:
        return replace(jobs.read(jobs.create(TINY["vae-photos"], title=title).name), state="cancelled")

    monkeypatch.setattr(jobs, "submit", lost)
    said = refused(capsys, "--only", "vae-photos")
    (job,) = jobs.every()
    assert "vae-photos is not built" in said and f"python -m trainers vae --resume={job.id}" in said
    assert not paths.examples().exists()


def test_every_recipe_is_a_training_of_a_data_set_that_comes_with_the_studio() -> None:
    for name, c in demo.RECIPES.items():
        assert name == f"{c.VERB[-1]}-{c.dataset}" and c.dataset in DATASETS and c.VERB[-1] in FAMILIES
        assert (c.seed, c.name, c.base, c.wandb) == (0, "", "", "off")

import dataclasses
import json
from pathlib import Path

import pytest

import core.cli
from core import importers, models, paths
from core.configs import ImportConfig
from core.types import ModelCard
from tests.core.tiny_models import VAE, card, publish, weights


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert core.cli.main(["models", *argv]) == 0
    return capsys.readouterr().out


def test_examples_and_bases_are_marked_in_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models.bundle(card(VAE, "example"), weights(VAE, tmp_path / "e"), paths.example_models())
    models.publish(dataclasses.replace(card(VAE, "mine"), base="example"), weights(VAE, tmp_path / "m"))
    rows = json.loads(said(capsys, "--json"))
    assert [(r["id"], r["example"], r["base"]) for r in rows] == [("mine", False, "example"), ("example", True, "")]
    lines = said(capsys).splitlines()
    assert lines[0].split()[-3:] == ["example", "base", "created"] and " yes " in lines[2] and " yes " not in lines[1]
    assert "hidden" in said(capsys, "examples", "hide") and [r["id"] for r in json.loads(said(capsys, "--json"))] == ["mine"]
    assert json.loads(said(capsys, "examples", "show", "--json")) == {"hidden": False}
    assert len(json.loads(said(capsys, "--json"))) == 2


def test_a_damaged_card_is_told_beside_the_list_and_by_the_doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        publish(VAE, tmp_path / name, model_id=name)
    (paths.model("b") / "card.json").write_text("{")
    assert core.cli.main(["models", "--json"]) == 0
    told = capsys.readouterr()
    assert [r["id"] for r in json.loads(told.out)] == ["a"]
    assert told.err.count("\n") == 1 and "The card of model 'b' is damaged" in told.err
    assert core.cli.main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["models"]
    assert (found["listed"], found["deleted"]) == (1, 0) and "'b' is damaged" in found["damaged"][0]


def test_a_model_is_shown_with_its_making(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(VAE, tmp_path, model_id="base")
    made = dataclasses.replace(card(VAE, "mine"), base="base", metrics={"val_loss": 0.5, "steps": 12345678.0}, note="a note")
    published = models.publish(made, weights(VAE, tmp_path / "m"))
    models.rename("base", "root")
    text = said(capsys, "show", "mine").splitlines()
    assert text[0] == "id: mine" and "fine-tuned from: root" in text and "note: a note" in text
    assert f"sha256 of ema.safetensors: {published.sha256[models.EMA]}" in text and {"val loss: 0.5", "steps: 12345678"} <= set(
        text
    )
    document = json.loads(said(capsys, "show", "mine", "--json"))
    assert document["sha256"] == published.sha256 and document["lineage"]["fine-tuned from"] == "root"
    assert document["config"] == published.config and document["example"] is False


def test_built_in_models_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "show", "noise").splitlines() == ["id: noise", "family: Random noise", "data set: unknown, 32 pixels"]


def test_the_life_of_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(VAE, tmp_path, model_id="a")
    assert json.loads(said(capsys, "rename", "a", "b", "--json")) == {"id": "b", "former": ["a"]}
    assert "python -m core models restore b" in said(capsys, "delete", "a")
    assert [r["id"] for r in json.loads(said(capsys, "deleted", "--json"))] == ["b"] and json.loads(said(capsys, "--json")) == []
    assert json.loads(said(capsys, "restore", "b", "--json"))["id"] == "b"
    assert Path(json.loads(said(capsys, "delete", "b", "--json"))["folder"]).is_dir()
    assert said(capsys, "restore", "b") == "b is back.\n" and said(capsys, "deleted") == "No model is deleted.\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["rename", "nobody", "b"], "no model named 'nobody'"),
        (["rename", "a", "../b"], "cannot be a model name"),
        (["rename", "a", "taken"], "a model 'taken' already"),
        (["delete", "noise"], "noise is built in"),
        (["restore", "a"], "no deleted model named 'a'"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_what_cannot_be_done_is_one_sentence(
    argv: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "taken"):
        publish(VAE, tmp_path / name, model_id=name)
    assert core.cli.main(["models", *argv]) == 1
    told = capsys.readouterr()
    assert says in told.err and told.err.count("\n") == 1 and told.err.rstrip().endswith(".") and told.out == ""


def test_an_import_of_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert core.cli.main(["models", "import", "no/such/file"]) == 1
    assert "no/such/file" in capsys.readouterr().err.splitlines()[-1] and models.cards() == []


def test_an_import_is_told_with_its_id(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model's folder of another studio."""
    folder = tmp_path / "theirs"
    models.bundle(dataclasses.replace(card(VAE, "far"), created_at="2024-01-01"), weights(VAE, tmp_path / "w"), folder)
    document = json.loads(said(capsys, "import", str(folder / "far"), "--name", "near", "--json"))
    assert (document["model"], document["id"], document["family"]) == ("near", "near", "vae")
    assert models.card("near").origin == "file:far"


def test_the_importer_gets_every_knob(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def load(c: ImportConfig, progress: object) -> ModelCard:
        asked.append(c)
        return card(VAE, "x")

    monkeypatch.setattr(importers, "load", load)
    said(capsys, "import", "f.ckpt", "--name", "n", "--dataset", "d")
    assert asked == [ImportConfig("f.ckpt", name="n", dataset="d")]

"""`python -m core latent`: numbers as JSON, pictures as one sheet."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import core.cli
from core import datasets, models
from core.configs import AddConfig, PrepareConfig, VAEConfig
from tests.core import tiny_models

C = VAEConfig(dataset="photos", size=8, latent=2)


@pytest.fixture(autouse=True)
def model(tmp_path: Path) -> str:
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for i in range(60):
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="photos"))
    datasets.prepare(PrepareConfig("photos", size=8))
    return tiny_models.publish(C, tmp_path / "weights", model_id="v").id


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, object]:
    capsys.readouterr()
    assert core.cli.main(["latent", "v", "--json", *argv]) == 0
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


@pytest.mark.parametrize(
    ("show", "width", "height"),
    [("reconstructions", 6, 2), ("manifold", 25, 25), ("interpolation", 15, 1), ("encode", 2, 1)],
)
def test_each_show_gives_numbers_and_a_sheet(
    show: str, width: int, height: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = [f"--image={tmp_path / 'photos' / '0.png'}"] if show == "encode" else []
    out = tmp_path / "sheet.png"
    document = told(capsys, f"--show={show}", f"--out={out}", *image)
    assert document["model"] == "v" and document["dataset"] == "photos" and document["validation_images"] == 6
    gap = 0 if show == "manifold" else 2
    with Image.open(out) as sheet:
        assert sheet.size == (width * (8 + gap) - gap, height * (8 + gap) - gap)


def test_the_numbers_are_those_of_the_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys)
    errors = rows["errors"]
    assert isinstance(errors, list) and rows["median_error"] == pytest.approx(np.median(errors))
    one = told(capsys, "--show=encode", f"--image={tmp_path / 'photos' / '0.png'}")
    assert len(one["code"]) == len(one["kl"]) == 2  # type: ignore[arg-type]
    assert one["error"] == pytest.approx(one["error_of_median"] * one["median_error"])  # type: ignore[operator]


def test_the_study_s_posterior_is_noted_and_its_kl_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = replace(
        tiny_models.card(C, "old"), config={**C.__dict__, "posterior": "legacy"}, note="trained with the old noise scale"
    )
    models.publish(old, tiny_models.weights(C, tmp_path / "old"))
    capsys.readouterr()
    assert core.cli.main(["latent", "old", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kl"] is None and "old noise scale" in document["note"]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["noise"], "choose a VAE"),
        (["v", "--show=encode"], "--image=FILE"),
        (["v", "--show=encode", "--image=no.png"], "no.png cannot be opened"),
        (["v", "--out=sheet.jpg"], "needed: the name of a .png file"),
        (["v", "--out=no/such/folder/x.png"], "in a folder that is there"),
        (["v", "--dataset=nowhere"], "no data set named 'nowhere'"),
    ],
)
def test_what_a_person_can_cause_is_one_sentence(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert core.cli.main(["latent", *argv]) == 1
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and said.out == ""


def test_a_text_names_every_number_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert core.cli.main(["latent", "v", "--show=manifold"]) == 0
    said = capsys.readouterr().out
    assert "axis: -2.054" in said and "(25 in all)" in said and "note" not in said

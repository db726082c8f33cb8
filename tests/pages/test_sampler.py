"""The Diffusion Sampler in its states: presets, several ways from the same noise, an image looked at closer, what is served."""

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core import datasets, generate, importers, pictures
from core.configs import AddConfig, CostConfig, ImportConfig, PrepareConfig, SampleConfig
from core.costs import Curve, Point
from core.sampling import PRESETS
from core.types import Arrays
from core.ui import content, costing, drawn, ways
from tests.core import tiny_scores
from tests.core.importers import foreign
from tests.core.tiny_models import DDPM, publish
from tests.pages.test_pages import Open, click, open_page, started, words

__all__ = ["open_page", "started"]


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A small random model of a data set of eight pixels a side, which is prepared."""
    tiny_scores.write_folder(tmp_path / "photos", tiny_scores.images(40))
    datasets.add(AddConfig(str(tmp_path / "photos"), "d"))
    datasets.prepare(PrepareConfig("d", size=8))
    return publish(DDPM, tmp_path / "unet", model_id="small").id


@pytest.fixture
def other(tmp_path: Path) -> str:
    cosine = replace(DDPM, schedule="squaredcos_cap_v2")
    return publish(cosine, tmp_path / "other", model_id="other", seed=5).id


def way_of(c: SampleConfig) -> tuple[SampleConfig, Arrays]:
    c = generate.resolve(c)
    return c, generate.recorded(c)


def test_a_preset_sets_sampler_steps_and_grid_at_once(open_page: Open, started: list[Any], model: str) -> None:
    at = open_page("diffusion_sampler", sm_model=model)
    for p in PRESETS["linear"]:
        at.pills(key="sm_preset").set_value(p.label).run()
        assert f"--sampler={p.sampler} --steps={p.steps} --grid={p.grid}" in at.code[0].value and not at.exception


def test_a_model_of_cosine_noise_is_offered_what_is_right_for_it(open_page: Open, started: list[Any], other: str) -> None:
    at = open_page("diffusion_sampler", sm_model=other)
    at.selectbox(key="sm_sampler").set_value("unipc").run()
    assert at.selectbox(key="sm_grid_unipc").options == ["trailing: even, starts at timestep 999"]


def test_several_samplers_and_models_are_drawn_from_the_same_noise(
    open_page: Open, started: list[Any], model: str, other: str
) -> None:
    at = open_page("diffusion_sampler", sm_model=model)
    at.selectbox(key="sm_sampler").set_value("unipc").run()
    at.multiselect(key="sm_beside").set_value(["heun", f"model {other}"]).run()
    click(at, "Draw")
    asked = [c for c in started if isinstance(c, SampleConfig)]
    assert [(c.model, c.sampler, c.steps, c.grid) for c in asked] == [
        (model, "unipc", 20, "exponential"),
        # The same cost, twice a step but once; and a grid that is right for the other model's noise.
        (model, "heun", 10, "leading"),
        (other, "unipc", 20, "trailing"),
    ]
    assert {(c.n, c.seed) for c in asked} == {(16, 0)}


def test_drawn_ways_are_shown_under_one_slider_with_colours_and_downloads(
    open_page: Open, started: list[Any], model: str
) -> None:
    way_of(SampleConfig(model))
    way_of(SampleConfig(model, sampler="lms", steps=50))
    at = open_page("diffusion_sampler", sm_model=model)
    at.multiselect(key="sm_beside").set_value(["lms"]).run()
    said = words(at)
    assert "Click on an image for the training image that is nearest" in said
    assert "small · DDIM, 50 network evaluations: 16 images" in said and "small · LMS" in said
    labels = [b.label for b in at.get("download_button")]
    assert labels.count("Images as PNG") == labels.count("Its frames as .zip") == 2
    assert not [c for c in started if isinstance(c, SampleConfig)]


def test_a_clicked_image_is_shown_beside_the_nearest_training_image(open_page: Open, started: list[Any], model: str) -> None:
    c, way = way_of(SampleConfig(model, n=4))
    train = np.asarray(datasets.load("d", "train", size=8).images).astype(float)
    own = way["x"][-1][2].astype(float)
    both = np.stack([train, train[:, :, ::-1]])
    away = np.sqrt(((both - own) ** 2).mean((2, 3, 4)))
    side, place = np.unravel_index(away.argmin(), away.shape)
    found = content.nearest(generate.way_key(c), c, 2, "d", "recipe")
    assert found == (place, bool(side), pytest.approx(away.min()))
    at = open_page("diffusion_sampler", sm_model=model, sm_n="4")
    at.session_state["sm_picked"] = (0, 2)
    at.run()
    assert [m.value for m in at.metric] == [f"{away.min():.1f}"] and not at.exception
    at.session_state["sm_picked"] = (5, 2)  # of a row that is gone
    at.run()
    assert not at.metric and not at.exception


def test_what_the_browser_gets_is_exactly_what_was_kept(model: str) -> None:
    for c, way in (way_of(SampleConfig(model, n=n, sampler="ddpm", steps=200)) for n in (1, 6)):
        client = TestClient(Starlette(routes=ways.ROUTES))
        for what in ways.WHAT:
            answer = client.get(f"/{ways.address(c, what)}")
            assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
            sheet = np.asarray(Image.open(io.BytesIO(answer.content)))
            columns, side = pictures.balanced(c.n), way[what].shape[2]
            down = -(-c.n // columns)
            for k, images in enumerate(way[what]):
                for i, image in enumerate(images):
                    top = (k // ways.ACROSS * down + i // columns) * side
                    left = (k % ways.ACROSS * columns + i % columns) * side
                    assert np.array_equal(sheet[top : top + side, left : left + side], image)


def test_addresses_that_nobody_made_are_not_found_and_draw_nothing(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    c, _ = way_of(SampleConfig(model, n=2))
    monkeypatch.setattr(generate, "_open", lambda c: pytest.fail("drawn"))
    client = TestClient(Starlette(routes=ways.ROUTES))
    right = ways.address(c, "x")
    for address in (
        right.replace("/x.png", "/seconds.png"),
        ways.address(replace(c, seed=1), "x"),
        right.replace(model, "..%2F..%2Fetc"),
        "ways/x.png",
        "ways/x.png?c=[1]",
        "ways/x.png?c={",
        right.replace("%22n%22%3A2", "%22n%22%3A%22two%22"),
    ):
        assert client.get(f"/{address}").status_code == 404, address


def test_frames_are_exported_as_they_were_kept(model: str) -> None:
    _, way = way_of(SampleConfig(model, n=4, steps=5))
    with zipfile.ZipFile(io.BytesIO(drawn.frames(way))) as z:
        assert z.namelist() == [f"{what}/{k:03}.png" for what in ("x", "x0") for k in range(6)]
        first = np.asarray(Image.open(io.BytesIO(z.read("x/000.png"))))
    assert np.array_equal(first[:8, :8], way["x"][0][0])


def test_a_cost_curve_is_asked_for_with_its_margin_and_shown_once_measured(
    open_page: Open, started: list[Any], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("diffusion_sampler", sm_model=model)
    assert "Not measured yet: 10 ways of drawing 256 images, " in words(at)
    at.number_input(key="sm_cost_margin").set_value(5).run()
    click(at, "Measure")
    asked = next(c for c in started if isinstance(c, CostConfig))
    assert (asked.model, asked.dataset, asked.margin, asked.n) == (model, "d", 0.05, 256)
    point = Point("ddim", 250, "leading", 250, 256, 0.2, 0.01, 0.9, 0.0, 0.0, "reference")
    equal = replace(point, sampler="unipc", steps=20, grid="exponential", evaluations=20, verdict="equal")
    monkeypatch.setattr("core.costs.found", lambda c: Curve("KID (Lite0)", 0.01, (point, equal)))
    monkeypatch.setattr("core.leaderboard.rows", lambda *given: [])
    at.run()
    assert "Good enough from 20 network evaluations on (unipc, exponential)" in words(at) and not at.exception
    table = next(d.value for d in at.dataframe if "Verdict" in d.value)
    assert list(table["Verdict"]) == ["reference", "equal"]


def test_published_figures_stand_beside_an_imported_model_and_no_other(
    open_page: Open, started: list[Any], model: str, tmp_path: Path
) -> None:
    heading = "do not compare with scores of other images"
    assert heading not in words(open_page("diffusion_sampler", sm_model=model))
    imported = importers.load(ImportConfig(str(foreign.flat(tmp_path / "theirs", foreign.unet()))))
    at = open_page("diffusion_sampler", sm_model=imported.id)
    assert heading in words(at) and not at.exception
    table = next(d.value for d in at.dataframe if "FID" in d.value)
    assert len(table) == len(costing.PUBLISHED) and all(str(s).startswith("https://") for s in table["Source"])

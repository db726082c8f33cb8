"""The Dataset Explorer in every state: images, colours, copies, outliers, and the way to a split without leaks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core import datasets, generate, survey
from core.configs import AddConfig, PrepareConfig, ResplitConfig, SampleConfig
from core.types import Job
from core.ui import running
from tests.pages.test_pages import Open, click, open_page, started, words

__all__ = ["open_page", "started"]


def picture(seed: int) -> Image.Image:
    small = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return small.resize((64, 48), Image.Resampling.BICUBIC)


@pytest.fixture
def leaky(tmp_path: Path) -> str:
    """Splits of its own, two classes; one test image is a training image made small, one is the same file in the other class."""
    for split, count, first in (("train", 70, 0), ("val", 8, 70), ("test", 8, 80)):
        for i in range(first, first + count):
            folder = tmp_path / "photos" / split / "ab"[i % 2]
            folder.mkdir(parents=True, exist_ok=True)
            picture(i).save(folder / f"{i}.png")
    picture(4).resize((32, 24)).save(tmp_path / "photos" / "test" / "a" / "small.png")
    picture(6).save(tmp_path / "photos" / "train" / "b" / "again.png")
    Image.new("RGB", (64, 48)).save(tmp_path / "photos" / "train" / "b" / "black.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="leaky"))
    datasets.prepare(PrepareConfig("leaky"))
    survey.of("leaky")
    return "leaky"


def test_images_are_shown_by_pages_with_the_card_above_them(open_page: Open, started: list[Any], leaky: str) -> None:
    at = open_page("dataset_explorer", ds_name=leaky)
    assert {m.label: m.value for m in at.metric} == {
        **{"Images": "89", "Training": "72", "Validation": "8", "Test": "9", "Classes": "2"}
    }
    # The page of the gallery, the image that is looked at, and its file.
    assert len(at.get("image")) == 3
    assert not at.error and PrepareConfig(leaky) not in started


def test_an_image_is_looked_at_with_its_file_values_and_copies(open_page: Open, started: list[Any], leaky: str) -> None:
    files = datasets.of_files(leaky, "test")
    assert files is not None
    number = [bytes(n) for n in files.names].index(b"test/a/small.png") + 1
    at = open_page("dataset_explorer", ds_name=leaky, ds_split="Test", ds_image=str(number))
    told = str(at.table[0].value)
    assert "32 x 24 px" in told and "training" in told
    assert "test/a/small.png" in str(at.get("image")[-1].proto)
    (Path(datasets.added(leaky).source) / "test" / "a" / "small.png").write_bytes(b"GIF89a, once")
    at.run()
    assert "small.png is no longer the image that was prepared" in words(at) and not at.exception


def test_the_gallery_shows_the_files_as_they_are_and_shuffles_by_a_seed(open_page: Open, started: list[Any], leaky: str) -> None:
    at = open_page("dataset_explorer", ds_name=leaky)
    at.number_input(key="ds_seed").set_value(3).run()
    at.toggle(key="ds_originals").set_value(True).run()
    assert not at.exception and not at.error
    # Files that are gone leave grey tiles and one sentence.
    for file in Path(datasets.added(leaky).source).rglob("*.png"):
        file.unlink()
    at.number_input(key="ds_seed").set_value(4).run()
    assert not at.exception and "prepared image is all that is left" in words(at)


@pytest.mark.parametrize("of", ["all images", "a", "one image"])
def test_colours_are_shown_of_all_images_of_a_class_or_of_one(of: str, open_page: Open, started: list[Any], leaky: str) -> None:
    at = open_page("dataset_explorer", ds_name=leaky, ds_view="Colours")
    at.selectbox(key="ds_of").set_value(of).run()
    assert len(at.get("plotly_chart")) == 1 and not at.exception
    drift, medians = (d.value for d in at.dataframe[2:])  # after the card's two tables
    assert len(drift) == 9 and set(drift["Says"]) <= {"differ", "no more than chance"}
    assert len(medians) == 3


def test_a_second_data_set_stands_in_a_second_row(open_page: Open, started: list[Any], leaky: str) -> None:
    datasets.add(AddConfig(datasets.added(leaky).source, name="squeezed", crop="squeeze"))
    datasets.prepare(PrepareConfig("squeezed"))
    at = open_page("dataset_explorer", ds_name=leaky, ds_view="Colours")
    at.selectbox(key="ds_beside").set_value("data set squeezed").run()
    assert "Test, squeezed" in words(at)
    at.segmented_control(key="ds_layout").set_value("overlaid").run()
    assert len(at.get("plotly_chart")) == 1 and not at.exception


def test_a_model_s_images_are_drawn_once_and_compared_with_the_test_images(
    open_page: Open, started: list[Any], leaky: str
) -> None:
    at = open_page("dataset_explorer", ds_name=leaky, ds_view="Colours")
    at.selectbox(key="ds_beside").set_value("model noise").run()
    click(at, "Draw 256 images of noise")
    assert SampleConfig("noise", n=256) in started
    generate.images(SampleConfig("noise", n=256))
    at.run()
    drift = at.dataframe[2].value
    assert len(drift) == 12 and drift["Between"].iloc[-1] == "Test and noise"
    assert not at.exception


def test_copies_are_shown_in_pairs_and_filtered(open_page: Open, started: list[Any], leaky: str) -> None:
    at = open_page("dataset_explorer", ds_name=leaky, ds_view="Copies")
    assert "2 pairs · 1 across splits · 2 images with a copy in another split · 1 under two classes" in words(at)
    at.selectbox(key="ds_pairs").set_value("two classes").run()
    assert "same file" in words(at) and "resized" not in words(at)
    at.selectbox(key="ds_pairs").set_value("across splits").run()
    assert "resized" in words(at) and not at.exception


def test_one_click_makes_a_split_without_leaks_and_then_leads_there(open_page: Open, started: list[Any], leaky: str) -> None:
    at = open_page("dataset_explorer", ds_name=leaky, ds_view="Copies")
    click(at, "Make a split without leaks")
    c = ResplitConfig(leaky, name="leaky-clean", without_leaks=True)
    assert c in started
    survey.resplit(c)
    at.run()
    assert not [b for b in at.button if b.label == "Make a split without leaks"] and not at.exception


def test_outliers_are_shown_by_kind(open_page: Open, started: list[Any], leaky: str) -> None:
    at = open_page("dataset_explorer", ds_name=leaky, ds_view="Outliers")
    assert "Little contrast" in words(at) and not at.exception


def test_a_data_set_without_copies_or_outliers_says_so(open_page: Open, started: list[Any], tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for i in range(12):
        picture(i).save(tmp_path / "plain" / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "plain"), name="plain"))
    datasets.prepare(PrepareConfig("plain"))
    survey.of("plain")
    assert "No copies" in words(open_page("dataset_explorer", ds_name="plain", ds_view="Copies"))


@pytest.mark.parametrize("view", ["Images", "Colours", "Copies", "Outliers"])
def test_what_was_never_looked_for_is_looked_for_by_a_job(
    view: str, open_page: Open, started: list[Any], leaky: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.survey.making.FORMAT", 999)
    at = open_page("dataset_explorer", ds_name=leaky, ds_view=view)
    assert PrepareConfig(leaky) in started and not at.exception


@pytest.mark.parametrize("state", ["cancelled", "failed"])
def test_a_search_that_was_stopped_is_started_again_by_hand_only(
    state: str, open_page: Open, started: list[Any], leaky: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.survey.making.FORMAT", 999)
    job = Job("id-0", "prepare", "Prepare leaky", (), state, "now", error="no room" if state == "failed" else "")
    monkeypatch.setattr(running, "of", lambda c: job)
    monkeypatch.setattr("core.jobs.log", lambda job_id, tail: "")
    at = open_page("dataset_explorer", ds_name=leaky, ds_view="Copies")
    assert PrepareConfig(leaky) not in started
    click(at, "Look for colours, copies and outliers")
    assert PrepareConfig(leaky) in started


def test_a_data_set_is_prepared_and_looked_at_in_other_sizes(open_page: Open, started: list[Any], leaky: str) -> None:
    at = open_page("dataset_explorer", ds_name=leaky, ds_size="64")
    assert not at.metric and "64 x 64" in words(at)
    click(at, "Prepare")
    assert PrepareConfig(leaky, size=64) in started
    datasets.prepare(PrepareConfig(leaky, size=64))
    survey.of(leaky, 64)
    at = open_page("dataset_explorer", ds_name=leaky, ds_size="64", ds_view="Colours")
    assert at.metric[0].value == "89" and "64 x 64" in words(at) and not at.error and not at.exception

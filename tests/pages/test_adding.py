"""The form that adds a data set: folders, published sets, the Hub."""

from pathlib import Path
from typing import Any

import pytest

from core import datasets, paths
from core.configs import AddConfig, PrepareConfig
from core.datasets import PUBLISHED
from core.types import Job
from core.ui.sources import suggested
from tests.pages.test_pages import Open, click, open_page, photos, started

__all__ = ["open_page", "photos", "started"]


def choose(at: Any, kind: str) -> None:
    at.segmented_control(key="ds_kind").set_value(kind).run()


def said(at: Any) -> str:
    return " ".join(str(e.value) for e in (*at.caption, *at.code, *at.markdown))


def test_a_folder_is_added_and_prepared_under_the_name_given_or_its_own(
    open_page: Open, started: list[Any], photos: str, tmp_path: Path
) -> None:
    at = open_page("dataset_explorer")
    at.text_input(key="ds_source").set_value(str(tmp_path / "photos")).run()
    at.text_input(key="ds_new_name").set_value("again").run()
    click(at, "Add and prepare")
    assert PrepareConfig("again") in started and datasets.card("again").name == "again"
    at.text_input(key="ds_new_name").set_value("").run()
    (tmp_path / "photos").rename(tmp_path / "my own.photos")
    at.text_input(key="ds_source").set_value(str(tmp_path / "my own.photos")).run()
    click(at, "Add and prepare")
    assert datasets.card("my-own.photos").name == "my-own.photos"


def test_how_images_are_chosen_split_and_made_small_goes_with_them(
    open_page: Open, started: list[Any], photos: str, tmp_path: Path
) -> None:
    at = open_page("dataset_explorer")
    at.text_input(key="ds_source").set_value(str(tmp_path / "photos")).run()
    at.text_input(key="ds_new_name").set_value("few").run()
    at.selectbox(key="ds_split_folder").set_value("random").run()
    at.selectbox(key="ds_subset_folder").set_value("random").run()
    at.number_input(key="ds_n_folder").set_value(9).run()
    at.selectbox(key="ds_resize_folder").set_value("lanczos").run()
    click(at, "Add and prepare")
    c = datasets.added("few")
    assert (c.split, c.subset, c.n, c.resize) == ("random", "random", 9, "lanczos")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_set_says_its_size_licence_and_files_before_anything_is_fetched(
    name: str, open_page: Open, started: list[Any], photos: str
) -> None:
    at = open_page("dataset_explorer", ds_name=photos)
    choose(at, name)
    p = PUBLISHED[name]
    assert f"{p.n:,} images" in said(at) and p.licence in said(at)
    assert f"{sum(p.bytes.values()) / 1e6:,.0f} MB to download" in said(at)
    assert p.page in said(at) and str(p.place(paths.downloads())) in said(at)
    files = next(d.value for d in at.dataframe if "File" in d.value)
    assert dict(zip(files["File"], files["Bytes"], strict=True)) == dict(p.bytes)
    assert set(files["File"]) == {p.archive, *p.others} and not [c for c in started if isinstance(c, AddConfig)]


def test_files_that_were_placed_by_hand_are_not_asked_for(open_page: Open, started: list[Any], photos: str) -> None:
    p = PUBLISHED["flowers102"]
    place = p.place(paths.downloads())
    (place / p.images).mkdir(parents=True)
    at = open_page("dataset_explorer", ds_name=photos)
    choose(at, p.name)
    assert "0 MB to download" in said(at)  # two small files
    for name in p.others:
        (place / name).write_bytes(b"")
    at.run()
    assert "all files are on this machine" in said(at)


def test_what_has_to_be_downloaded_is_fetched_by_a_job_whose_failure_is_shown(
    open_page: Open, started: list[Any], photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("dataset_explorer", ds_name=photos)
    failed = Job("id-1", "prepare", "Fetch celeba", (), "failed", "now", error="Google Drive refuses celeba; get it by hand.")
    monkeypatch.setattr("core.jobs.read", lambda job_id: failed)
    monkeypatch.setattr("core.jobs.log", lambda job_id, tail: "")
    choose(at, "celeba")
    at.selectbox(key="ds_split_celeba").set_value("identity").run()
    at.selectbox(key="ds_subset_celeba").set_value("first").run()
    click(at, "Add and prepare")
    assert AddConfig("celeba", name="celeba", split="identity", subset="first", n=8189, prepare=True) in started
    assert any("get it by hand" in e.value for e in at.error) and not at.exception


def test_a_data_set_on_the_hub_is_fetched_by_its_name_and_configuration(
    open_page: Open, started: list[Any], photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.jobs.read", lambda job_id: Job("id-1", "prepare", "Fetch", (), "done", "now"))
    at = open_page("dataset_explorer", ds_name=photos)
    choose(at, "hub")
    at.text_input(key="ds_hub").set_value("owner/some_photos").run()
    at.text_input(key="ds_config_hub").set_value("small").run()
    click(at, "Add and prepare")
    assert AddConfig("hub:owner/some_photos", name="some_photos", split="random", config="small", prepare=True) in started


def test_a_folder_that_is_not_there_is_one_sentence(open_page: Open, started: list[Any], photos: str) -> None:
    at = open_page("dataset_explorer")
    at.text_input(key="ds_source").set_value("no/such/folder").run()
    click(at, "Add and prepare")
    assert [e for e in at.error if "no/such/folder" in e.value] and not at.exception


def test_suggested_names_can_be_names_of_folders() -> None:
    for source, name in (
        ("/a/b c/", "b-c"),
        ("x/y.zip", "y"),
        ("hub:o/n", "n"),
        ("photos/v1.2", "v1.2"),
        ("/ü-", ""),
        ("~/_x", "x"),
    ):
        assert suggested(source) == name
        assert not name or paths.check_name(name)

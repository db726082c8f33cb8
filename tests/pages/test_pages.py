"""Every page in every state, by Streamlit's own AppTest. The script is the router; pages are switched to as a person does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import configs, datasets, jobs, paths
from core.configs import AddConfig, DDPMConfig, EvaluateConfig, PrepareConfig, SampleConfig
from core.types import Job
from core.ui import content, running, scores

PAGES = ("overview", "dataset_explorer", "baselines", "diffusion_sampler", "metrics_leaderboard", "sweep_viewer")
Open = Callable[..., AppTest]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the pages start, without starting it: a page test needs the click, not the hour of work behind it."""
    seen: list[Any] = []

    def start(c: Any, title: str) -> Job:
        seen.append(c)
        return Job(f"id-{len(seen)}", "train", title, ("python", "-m", *configs.to_argv(c)), "cancelled", "now")

    monkeypatch.setattr(running, "start", start)
    monkeypatch.setattr(running, "start_warm", start)
    monkeypatch.setattr("core.jobs.standby.warm", lambda modules: None)
    return seen


@pytest.fixture
def photos(tmp_path: Path) -> str:
    """A small registered and prepared data set."""
    rng = np.random.default_rng(0)
    for i in range(40):
        folder = tmp_path / "photos" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="photos"))
    datasets.prepare(PrepareConfig("photos"))
    return "photos"


@pytest.fixture
def open_page() -> Open:
    def visit(page: str, **query: str) -> AppTest:
        at = AppTest.from_file(str(paths.PROJECT / "core/ui/router.py"), default_timeout=60)
        for key, value in query.items():
            at.query_params[key] = value
        at.run()
        at.switch_page(f"../../pages/{page}.py").run()
        assert not at.exception, at.exception
        return at

    return visit


def words(at: AppTest) -> str:
    kinds = ("title", "markdown", "caption", "error", "info", "subheader")
    return "\n".join(str(e.value) for kind in kinds for e in at.get(kind))


def click(at: AppTest, label: str) -> AppTest:
    (button,) = [b for b in at.button if b.label == label]
    return button.click().run()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_an_empty_cache(page: str, open_page: Open, started: list[Any]) -> None:
    at = open_page(page)
    assert at.title[0].value and not at.error


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_on_a_data_set_of_one_s_own(page: str, open_page: Open, started: list[Any], photos: str) -> None:
    at = open_page(page, ds_name=photos, bl_dataset=photos, lb_dataset=photos)
    assert not at.error


@pytest.mark.parametrize("page", PAGES)
def test_a_garbled_address_opens_the_page_all_the_same(page: str, open_page: Open, started: list[Any], photos: str) -> None:
    garbage = dict.fromkeys(
        ("ds_name", "ds_split", "ds_page", "bl_dataset", "sm_model", "sm_steps", "lb_dataset", "sw_metric"), "../<x>"
    )
    at = open_page(page, **garbage)
    assert at.title[0].value


@pytest.mark.parametrize("page", PAGES)
def test_a_damaged_job_folder_breaks_no_page(page: str, open_page: Open, started: list[Any]) -> None:
    for name, text in (("20260101-000000-train-aaaaaa", "{"), ("20260101-000001-train-bbbbbb", "")):
        (paths.jobs() / name).mkdir(parents=True)
        (paths.jobs() / name / "job.json").write_text(text)
    assert not open_page(page).error


def test_the_explorer_prepares_the_bundled_data_by_itself(open_page: Open, started: list[Any]) -> None:
    open_page("dataset_explorer", ds_name="petals")
    assert PrepareConfig("petals") in started


def test_a_picture_is_kept_by_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data set behind a Gaussian may be prepared again under its old name."""
    shown = {"x": np.zeros((1, 2, 8, 8, 3), np.uint8)}
    monkeypatch.setattr("core.generate.recording", lambda c: shown)
    c = SampleConfig("gaussian-pca@photos", n=2)
    monkeypatch.setattr("core.generate.way_key", lambda c: "dark")
    dark = content.frame(c, "x", -1, 2)
    shown["x"] = shown["x"] + np.uint8(200)
    assert content.frame(c, "x", -1, 2) == dark
    monkeypatch.setattr("core.generate.way_key", lambda c: "bright")
    assert content.frame(c, "x", -1, 2) != dark


def test_the_best_model_is_looked_for_in_the_largest_group_and_past_better_folders() -> None:
    def row(model: str, kind: str, terms: str) -> dict[str, Any]:
        return {"dataset": "d", "protocol": "lite0", "model": model, "kind": kind, "terms": terms, "flagged": False}

    rows = [row("copies", "folder", "A"), row("good", "model", "A"), row("worse", "model", "A"), row("few", "model", "B")]
    assert [r["model"] for r in scores.best_models(rows)] == ["good"]


def test_the_sampler_offers_a_training_when_there_is_no_model(open_page: Open, started: list[Any]) -> None:
    at = click(open_page("diffusion_sampler"), "Train a DDPM on petals")
    assert not at.exception
    assert [c.dataset for c in started if isinstance(c, DDPMConfig)] == ["petals"]


def test_the_leaderboard_offers_the_yardsticks_when_nothing_is_scored(open_page: Open, started: list[Any], photos: str) -> None:
    at = click(open_page("metrics_leaderboard", lb_dataset=photos), "Measure the yardsticks")
    assert not at.exception
    assert EvaluateConfig("noise", dataset=photos) in started


def test_the_sweep_viewer_leads_to_the_studio_s_own_trainings(open_page: Open, started: list[Any]) -> None:
    at = click(open_page("sweep_viewer"), "Show my trainings")
    assert "No training has ended yet" in words(at)


def test_the_same_work_is_not_started_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    c = SampleConfig("noise", n=4)
    first = Job("a", "sample", "x", ("python", "-m", *configs.to_argv(c)), "running", "now")
    monkeypatch.setattr(jobs, "every", lambda kind=None: [first])
    assert running.start(c, "x") is first and running.start_warm(c, "x") is first


def test_time_left_is_the_rest_at_the_present_pace() -> None:
    job = Job("a", "train", "x", (), "running", "now", done=25, total=100, seconds=10.0)
    assert running.remaining(job) == 30.0


def test_a_cache_that_cannot_be_written_is_one_sentence(
    started: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "file" / "cache"))
    at = AppTest.from_file(str(paths.PROJECT / "core/ui/router.py"), default_timeout=60).run()
    assert not at.exception and [e for e in at.error if "cannot be written" in e.value]

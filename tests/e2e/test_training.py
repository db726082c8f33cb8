"""The whole life of a training on the screen: measured, started, watched, cancelled, resumed, used."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Server, settled
from tests.e2e.test_road import button, number, until
from tests.test_through_road import photos


@pytest.fixture
def studio(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """core.jobs, looking at the server's cache, which has a data set of photos."""
    monkeypatch.setenv("STUDIO_CACHE", str(server.cache))
    from core import datasets, jobs
    from core.configs import AddConfig, PrepareConfig

    datasets.add(AddConfig(str(photos(tmp_path / "photos")), name="photos"))
    datasets.prepare(PrepareConfig("photos"))
    yield jobs


def test_a_training_is_measured_started_watched_cancelled_resumed_and_used(page: Any, server: Server, studio: Any) -> None:
    # Three processes import torch on the way, one after the other.
    page.set_default_timeout(120_000)
    page.goto(f"{server.url}/baselines?bl_dataset=photos&bl_family=Diffusion (DDPM)")
    settled(page)
    choose(page)
    page.get_by_text(re.compile("About .* on this machine: 200 steps")).wait_for()
    button(page, "Start training").click()
    job = watch(page, studio)
    cancel(page, studio, job)
    done = resume(page, studio, job)
    use(page, server, done)


def choose(page: Any) -> None:
    """A DDPM of a few thousand weights that checks itself often."""
    number(page, "Steps", "200")
    channels = page.get_by_role("combobox", name="Channels")
    channels.fill("16-16")
    channels.press("Enter")
    settled(page)
    number(page, "Batch", "8")
    page.get_by_text("More settings").click()
    number(page, "Check every", "50")
    page.get_by_text("--channels=16-16").wait_for()


def watch(page: Any, studio: Any) -> Any:
    """Curve, samples and log while it runs, with none of them torn down between two looks."""
    (job,) = until(lambda: studio.active("train"))
    live = page.locator(f".st-key-training_{job.id}")
    live.get_by_role("progressbar").wait_for()
    live.locator(".js-plotly-plot .main-svg").first.wait_for()
    live.get_by_role("img", name=re.compile("^samples")).wait_for()
    live.get_by_text(re.compile("Running for .* images a second")).wait_for()
    live.get_by_text(re.compile("about .* left")).wait_for()
    return job


def cancel(page: Any, studio: Any, job: Any) -> None:
    page.locator(f".st-key-training_{job.id}").get_by_role("button", name="Cancel").click()
    until(lambda: studio.read(job.id).state == "cancelled", 30)
    ended = page.locator(f".st-key-ended_{job.id}")
    ended.get_by_text(re.compile("cancelled after")).wait_for()
    ended.get_by_text("Loss curve").click()
    ended.locator(".js-plotly-plot .main-svg").first.wait_for()


def resume(page: Any, studio: Any, job: Any) -> Any:
    """Goes on from the last checkpoint to the end; the job that did."""
    told = studio.read(job.id).done
    page.locator(f".st-key-resume_{job.id}").get_by_role("button").click()
    (second,) = until(lambda: studio.active("train"))
    page.locator(f".st-key-ended_{second.id}").get_by_text(re.compile("Model ddpm-photos-1 · validation loss")).wait_for(
        timeout=120_000
    )
    done = studio.read(second.id)
    first = next(e["done"] for e in studio.history(second.id) if e["done"])
    assert done.state == "done" and done.done == 200 and 50 <= first <= told + 50
    page.locator(f".st-key-ended_{job.id}").get_by_text("A later training went on from here.").wait_for()
    return done


def use(page: Any, server: Server, done: Any) -> None:
    """The finished model is one click from the sampler, and one from the leaderboard."""
    ended, model = page.locator(f".st-key-ended_{done.id}"), done.result["model"]
    ended.get_by_role("link", name="Sample").click()
    page.get_by_role("heading", name="Diffusion Sampler", level=1).wait_for()
    settled(page)
    assert f"sm_model={model}" in page.url or page.get_by_text(f"core sample {model}").count()
    page.goto(f"{server.url}/baselines?bl_dataset=photos")
    ended.get_by_role("link", name="Evaluate").click()
    page.get_by_role("heading", name="Metrics Leaderboard", level=1).wait_for()
    settled(page)
    assert f"lb_target={model}" in page.url

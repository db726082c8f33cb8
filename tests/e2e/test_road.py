"""The through road as a person walks it, in a real browser on a real server."""

import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pandas as pd
import pytest

from tests.e2e.conftest import Server, settled
from tests.test_through_road import photos

PAGES = {
    "": "Fidelio",
    "dataset_explorer": "Dataset Explorer",
    "baselines": "Baselines",
    "diffusion_sampler": "Diffusion Sampler",
    "metrics_leaderboard": "Metrics Leaderboard",
    "sweep_viewer": "Sweep Viewer",
}


@pytest.fixture
def studio(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """core.jobs, looking at the server's cache."""
    monkeypatch.setenv("STUDIO_CACHE", str(server.cache))
    from core import jobs

    yield jobs


def until(condition: Any, seconds: float = 90.0) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return value


def number(page: Any, label: str, value: str) -> None:
    box = page.get_by_role("spinbutton", name=label, exact=True)
    box.fill(value)
    box.press("Enter")
    settled(page)


def text(page: Any, label: str, value: str) -> None:
    box = page.get_by_role("textbox", name=label, exact=True)
    box.fill(value)
    box.press("Enter")
    settled(page)


def button(page: Any, label: str) -> Any:
    return page.get_by_role("button", name=label, exact=True)


# -------------------------------------------------------------------------------------- the first minute, cold server


def test_within_a_minute_the_first_visit_shows_the_bundled_flowers(page: Any, server: Server) -> None:
    page.goto(f"{server.url}/dataset_explorer?ds_name=petals")
    page.get_by_role("heading", name="Dataset Explorer").wait_for()
    page.locator("[data-testid=stImage] img").first.wait_for(timeout=60_000)
    page.get_by_text("Colours", exact=True).first.click()
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
    settled(page)
    assert page.get_by_text("8,000", exact=True).count() == 1


@pytest.mark.parametrize("path", PAGES)
def test_each_address_opens_its_own_page(path: str, page: Any, server: Server) -> None:
    page.goto(f"{server.url}/{path}")
    page.get_by_role("heading", name=PAGES[path], level=1).wait_for()
    settled(page)
    assert page.get_by_text("Page not found").count() == 0
    # Content, or a way to start it.
    page.locator("[data-testid=stMain]").locator("img:visible, button:visible").first.wait_for()


def test_an_image_reaches_the_browser_pixel_for_pixel(page: Any, server: Server, studio: Any) -> None:
    import numpy as np
    from PIL import Image

    from core import datasets

    page.goto(f"{server.url}/dataset_explorer?ds_name=petals")
    picture = page.locator("[data-testid=stImage] img").first
    picture.wait_for()
    body = page.request.get(urljoin(server.url, picture.get_attribute("src"))).body()
    with Image.open(io.BytesIO(body)) as sheet:
        assert sheet.format == "PNG"
        first = np.asarray(sheet.convert("RGB"))[: 3 * 32 : 3, : 3 * 32 : 3]
    assert (first == datasets.load("petals", "train").images[0]).all()


# ----------------------------------------------------------------------------------------------------------- the road


def test_from_a_folder_to_an_exported_table(page: Any, server: Server, studio: Any, tmp_path: Path) -> None:
    add_a_folder(page, server, photos(tmp_path / "photos"))
    model = train(page, server, studio)
    sample(page, server, model)
    table = evaluate_and_export(page, server, model)
    assert {"noise", model, "held-out", "gaussian-pca@photos"} <= set(table["model"])
    assert table["kid_matched"].notna().all()


def add_a_folder(page: Any, server: Server, folder: Path) -> None:
    page.goto(f"{server.url}/dataset_explorer")
    settled(page)
    button(page, "Add images").click()
    text(page, "Folder or .zip on this machine", str(folder))
    text(page, "Name in the studio", "photos")
    button(page, "Add and prepare").click()
    page.get_by_text("Files that could not be read and were left out: 1").wait_for()
    page.get_by_text("Colours", exact=True).first.click()
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    assert "ds_name=photos" in page.url


def train(page: Any, server: Server, studio: Any) -> str:
    """A short training: its progress is seen, and its model is named when it has ended."""
    page.goto(f"{server.url}/baselines?bl_dataset=photos&bl_family=Diffusion (DDPM)")
    settled(page)
    number(page, "Steps", "40")
    channels = page.get_by_role("combobox", name="Channels")
    channels.fill("16-16")
    channels.press("Enter")
    settled(page)
    page.get_by_text("More settings").click()
    number(page, "Check every", "20")
    button(page, "Start training").click()
    page.get_by_role("progressbar").first.wait_for()
    page.get_by_text(re.compile("Model ddpm-photos-1")).wait_for(timeout=120_000)
    (job,) = studio.every("train")
    assert job.state == "done" and job.done == job.total == 40
    return str(job.result["model"])


def sample(page: Any, server: Server, model: str) -> None:
    page.goto(f"{server.url}/diffusion_sampler?sm_model={model}&sm_n=4")
    settled(page)
    page.get_by_role("button", name=re.compile("^Draw")).click()
    slider = page.locator(".scrubber input")
    slider.wait_for(timeout=120_000)
    settled(page)
    last = int(slider.get_attribute("max"))
    noisy = page.locator("canvas.x")
    page.get_by_text(re.compile(f"step {last} of {last} ")).wait_for()
    noisy.and_(page.locator("[data-step]")).wait_for()
    shown = noisy.evaluate("canvas => canvas.toDataURL()")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_text(re.compile(f"step {last - 1} of {last} ")).wait_for()
    assert noisy.evaluate("canvas => canvas.toDataURL()") != shown


def evaluate_and_export(page: Any, server: Server, model: str) -> pd.DataFrame:
    page.goto(f"{server.url}/metrics_leaderboard?lb_dataset=photos&lb_target={model}")
    settled(page)
    number(page, "Images", "16")
    button(page, "Evaluate").click()
    page.locator("[data-testid=stDataFrame]").first.wait_for(timeout=180_000)
    settled(page)
    with page.expect_download() as download:
        button(page, "CSV").click()
    return pd.read_csv(download.value.path())


# ---------------------------------------------------------------------------------------------------------- the restart


def test_a_training_survives_the_death_of_the_server(page: Any, server: Server, studio: Any) -> None:
    page.goto(f"{server.url}/baselines?bl_dataset=photos")
    settled(page)
    number(page, "Epochs", "400")
    button(page, "Start training").click()
    job = until(lambda: next((j for j in studio.active("train") if j.done), None))
    server.kill()
    assert studio.read(job.id).state == "running"
    server.start()
    page.goto(f"{server.url}/baselines?bl_dataset=photos")
    page.locator("[data-testid=stMain]").get_by_role("progressbar").first.wait_for()
    done = until(lambda: next((j for j in [studio.read(job.id)] if not j.active), None), 180)
    assert done.state == "done" and os.path.basename(done.result["model"]).startswith("vae-photos")
    page.get_by_text(re.compile(f"Model {done.result['model']}")).wait_for()

"""The slider of the Diffusion Sampler in a browser: every step shows exactly the stored pixels, without asking the server."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import generate
from core.configs import SampleConfig
from tests.core.tiny_models import DDPM, publish
from tests.e2e.conftest import Server
from tests.e2e.test_road import settled

# The canvas of one kind in the component's own tree, and its pixels at each position of the slider.
SHOWN = """
([what, steps, side, columns]) => {
  const inside = (root) => {
    for (const e of root.querySelectorAll("*")) {
      if (e.matches(".scrubber")) return e;
      const found = e.shadowRoot && inside(e.shadowRoot);
      if (found) return found;
    }
  };
  const scrubber = inside(document);
  const canvas = scrubber.querySelector(`canvas.${what}`);
  const slider = scrubber.querySelector("input");
  const scale = Math.floor((canvas.width + 2) / columns - 2) / side;
  const all = [];
  for (let step = 0; step < steps; step++) {
    slider.value = step;
    slider.dispatchEvent(new Event("input"));
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const images = [];
    for (let i = 0; i < 4; i++) {
      const left = (i % columns) * (side * scale + 2), top = Math.floor(i / columns) * (side * scale + 2);
      for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) {
        const at = 4 * ((top + y * scale + (scale >> 1)) * canvas.width + left + x * scale + (scale >> 1));
        images.push(pixels.data[at], pixels.data[at + 1], pixels.data[at + 2]);
      }
    }
    all.push(images);
  }
  return all;
}
"""


@pytest.fixture
def recorded(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The way of four images by a small random model, in the server's cache."""
    monkeypatch.setenv("STUDIO_CACHE", str(server.cache))
    publish(DDPM, tmp_path, model_id="small")
    return generate.recorded(SampleConfig("small", n=4, sampler="ddim", steps=10, grid="leading"))


def test_the_slider_shows_the_stored_pixels_of_every_step_and_asks_nobody(page: Any, server: Server, recorded: Any) -> None:
    page.goto(f"{server.url}/diffusion_sampler?sm_model=small&sm_n=4&sm_steps_ddim_leading=10")
    settled(page)
    page.locator("canvas.x0[data-step]").wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for what in ("x", "x0"):
        shown = np.array(page.evaluate(SHOWN, [what, 11, 8, 2]), np.uint8).reshape(11, 4, 8, 8, 3)
        np.testing.assert_array_equal(shown, recorded[what])
    slider = page.locator(".scrubber input")
    slider.focus()
    page.keyboard.press("Home")
    assert page.locator("canvas.x").get_attribute("data-step") == "0"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("canvas.x").get_attribute("data-step") == "3"
    assert "step 3 of 10" in page.locator(".scrubber .told").inner_text()
    assert not asked
    page.locator("canvas.x0").click(position={"x": 5, "y": 5})
    page.get_by_text("image 1 of seed 0").first.wait_for()

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import datasets, generate, models, paths, pixels
from core.configs import SampleConfig, VAEConfig
from core.errors import ConfigError, ModelError
from core.families import ddpm
from core.models import yardsticks
from core.types import DatasetCard, ImageSet, Step
from tests.core.tiny_models import DDPM, VAE, publish

DDIM_5: dict[str, Any] = {"sampler": "ddim", "steps": 5}
DDPM_5: dict[str, Any] = {"sampler": "ddpm", "steps": 5}
DDIM_ETA: dict[str, Any] = {"sampler": "ddim", "steps": 4, "eta": 0.5, "grid": "trailing"}
BLOCK = 32  # two chunks, so that several blocks stay quick


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "BLOCK", BLOCK)


@pytest.fixture
def unet(tmp_path: Path) -> str:
    return publish(DDPM, tmp_path / "unet", "ema", "raw").id


@pytest.fixture
def vae(tmp_path: Path) -> str:
    return publish(VAE, tmp_path / "vae").id


@pytest.fixture
def petals(monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    shades = np.random.default_rng(0).integers(60, 200, (40, 1, 1, 3)).repeat(8, 1).repeat(8, 2)
    images = ImageSet("petals", "train", shades.astype(np.uint8))
    card = DatasetCard("petals", "Petals", "procedural", "", 8, {}, prepared=True)
    for module in (models, yardsticks):
        monkeypatch.setattr(module, "BUILTIN_SIZE", 8)
    monkeypatch.setattr(datasets, "card", lambda name, size=32: card, raising=False)
    monkeypatch.setattr(datasets, "load", lambda name, split, *, size=32: images, raising=False)
    return images


class Chunks:
    """Counts how often a chunk of the U-Net is drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        walk: Callable[..., Iterator[Step]] = ddpm.walk

        def counted(*given: Any) -> Iterator[Step]:
            self.count += 1
            return walk(*given)

        monkeypatch.setattr(ddpm, "walk", counted)


def pictures(c: SampleConfig) -> np.ndarray:
    return np.asarray(generate.images(c).images)


# ---------------------------------------------------------------------------------------- image i depends on (seed, i)


@pytest.mark.parametrize("knobs", [DDIM_5, DDPM_5, DDIM_ETA], ids=str)
def test_an_image_is_the_same_to_the_bit_for_any_n(unet: str, knobs: dict[str, Any], small_blocks: None) -> None:
    most = pictures(SampleConfig(unet, n=70, **knobs))
    assert len(np.unique(most.reshape(70, -1), axis=0)) == 70
    for n in (1, 5, 16, 17, 40):
        np.testing.assert_array_equal(pictures(SampleConfig(unet, n=n, **knobs)), most[:n])


@pytest.mark.parametrize("knobs", [DDIM_5, DDPM_5], ids=str)
def test_an_image_is_the_same_to_the_bit_for_any_block_size(
    unet: str, knobs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    c = SampleConfig(unet, n=50, **knobs)
    whole = pictures(c).copy()
    monkeypatch.setattr(generate, "BLOCK", 16)
    monkeypatch.setattr(generate.store, "get", lambda kind, recipe: None)
    monkeypatch.setattr(generate.store, "get_or_compute", lambda kind, recipe, compute: compute())
    np.testing.assert_array_equal(pictures(c), whole)


@pytest.mark.parametrize("n", [1, 17, 40])
def test_the_walk_ends_at_the_same_images_in_float(unet: str, n: int) -> None:
    c = SampleConfig(unet, n=n, **DDPM_5)
    longest = [s.x for s in generate.walk(replace(c, n=48))]
    steps = list(generate.walk(c))
    assert [s.index for s in steps] == list(range(6))
    for step, expected in zip(steps, longest, strict=True):
        np.testing.assert_array_equal(step.x, expected[:n])
    np.testing.assert_array_equal(pixels.to_uint8(steps[-1].x), pictures(c))


def test_another_seed_draws_other_images(unet: str) -> None:
    a, b = (pictures(SampleConfig(unet, n=4, seed=s, **DDIM_5)) for s in (0, 1))
    assert not any((x == y).all() for x in a for y in b)


def test_every_sampler_starts_an_image_from_the_same_noise(unet: str) -> None:
    first = [next(iter(generate.walk(SampleConfig(unet, n=3, **k)))).x for k in (DDIM_5, DDPM_5)]
    np.testing.assert_array_equal(first[0], first[1])


@pytest.mark.parametrize("model", ["noise", "gaussian-pca@petals", "vae"])
def test_models_that_draw_at_once_keep_the_rule_too(model: str, petals: ImageSet, vae: str, small_blocks: None) -> None:
    model = vae if model == "vae" else model
    most = pictures(SampleConfig(model, n=70))
    assert len(np.unique(most.reshape(70, -1), axis=0)) == 70
    for n in (1, 17, 33):
        np.testing.assert_array_equal(pictures(SampleConfig(model, n=n)), most[:n])
        (step,) = generate.walk(SampleConfig(model, n=n))
        np.testing.assert_array_equal(pixels.to_uint8(step.x), most[:n])


def test_a_copycat_draws_the_same_training_images_for_any_n(petals: ImageSet, small_blocks: None) -> None:
    known = {image.tobytes() for image in petals.images}
    most = pictures(SampleConfig("copycat@petals", n=70))
    assert {image.tobytes() for image in most} <= known and len({image.tobytes() for image in most}) > 20
    for n in (1, 17, 33):
        np.testing.assert_array_equal(pictures(SampleConfig("copycat@petals", n=n)), most[:n])
    assert (pictures(SampleConfig("copycat@petals", n=70, seed=1)) != most).any()


# -------------------------------------------------------------------------------------------------- built in, any size


@pytest.fixture
def few_petals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real data set, with few images, so that another size is prepared in no time."""
    monkeypatch.setattr(datasets.procedural, "SIZES", {"train": 24, "val": 8, "test": 8})


@pytest.mark.parametrize("size", [8, 16, 48])
@pytest.mark.parametrize("name", models.BUILTIN)
def test_built_in_models_draw_at_any_size(name: str, size: int, few_petals: None) -> None:
    c = SampleConfig(models.builtin(name, "petals", size), n=20)
    drawn = generate.images(c)
    assert drawn.images.shape == (20, size, size, 3) and drawn.name == drawn.origin == c.model
    np.testing.assert_array_equal(pictures(replace(c, n=5)), drawn.images[:5])
    assert generate.drawn(c) is not None and generate.evaluations(c) == 0
    if name == "copycat":
        train = {image.tobytes() for image in datasets.load("petals", "train", size=size).images}
        assert {image.tobytes() for image in drawn.images} <= train


def test_one_built_in_model_has_one_name_and_one_place_in_the_cache(few_petals: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert generate.resolve(SampleConfig("noise:32")).model == "noise"
    generate.images(SampleConfig("copycat@petals", n=4))
    assert generate.drawn(SampleConfig("copycat@petals:32", n=4)) is not None
    assert generate.drawn(SampleConfig("copycat@petals:16", n=4)) is None
    assert generate.way_key(SampleConfig("noise:64", n=4)) != generate.way_key(SampleConfig("noise", n=4))


def test_a_built_in_models_id_never_becomes_a_path(few_petals: None) -> None:
    """':' cannot stand in a file name everywhere."""
    for name in models.BUILTIN:
        generate.images(SampleConfig(models.builtin(name, "petals", 16), n=2))
    assert not [p for p in paths.cache().rglob("*") if ":" in p.name or "copycat@" in p.name]


# ----------------------------------------------------------------------------------------------------------- cache


def test_images_know_where_they_come_from(unet: str) -> None:
    drawn = generate.images(SampleConfig(unet, n=2, **DDIM_5))
    assert (drawn.name, drawn.origin, drawn.split, drawn.images.shape) == (unet, unet, "generated", (2, 8, 8, 3))


def test_a_larger_sample_reuses_whole_blocks(unet: str, small_blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    c = SampleConfig(unet, n=BLOCK, **DDIM_5)
    chunks = Chunks(monkeypatch)
    generate.images(c)
    assert chunks.count == 2
    generate.images(replace(c, n=3 * BLOCK))
    assert chunks.count == 2 + 4
    generate.images(replace(c, n=2 * BLOCK + 5))
    assert chunks.count == 2 + 4


def test_an_interruption_loses_one_block_at_most(unet: str, small_blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    c = SampleConfig(unet, n=70, **DDIM_5)
    expected = pictures(replace(c, weights="raw"))
    chunks = Chunks(monkeypatch)

    def stop(done: int, total: int, note: str) -> None:
        if done == 48:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate.images(c, stop)
    assert chunks.count == 3
    assert generate.drawn(c) is None and generate.drawn(replace(c, n=BLOCK)) is not None
    assert len(generate.images(c)) == 70
    assert chunks.count == 3 + 3, "the second block again and the third; the first is kept"
    assert pictures(c).shape == expected.shape and (pictures(c) != expected).any()


def test_progress_is_told_in_images(unet: str, small_blocks: None) -> None:
    told: list[tuple[int, int]] = []
    generate.images(SampleConfig(unet, n=40, **DDIM_5), lambda done, total, note: told.append((done, total)))
    assert told == [(0, 40), (16, 40), (32, 40), (32, 40), (40, 40)]


def test_a_copy_under_another_name_draws_nothing_again(unet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = publish(replace(DDPM, name="other"), tmp_path / "copy", model_id="other").id
    expected = pictures(SampleConfig(unet, n=3, **DDIM_5))
    chunks = Chunks(monkeypatch)
    drawn = generate.images(SampleConfig(copy, n=3, **DDIM_5))
    np.testing.assert_array_equal(drawn.images, expected)
    assert chunks.count == 0 and drawn.origin == "other"


def test_everything_that_shapes_the_pixels_is_in_the_key(unet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = SampleConfig(unet, n=2, sampler="ddim", steps=4)
    other = publish(replace(DDPM, prediction="epsilon"), tmp_path / "e").id
    changes = [
        {"seed": 1},
        {"steps": 5},
        {"grid": "trailing"},
        {"eta": 0.5},
        {"sampler": "ddpm"},
        {"weights": "raw"},
        {"model": other},
    ]
    chunks = Chunks(monkeypatch)
    for changed in (base, *(replace(base, **c) for c in changes)):  # type: ignore[arg-type]
        assert generate.drawn(changed) is None
        generate.images(changed)
    assert chunks.count == 1 + len(changes)


@pytest.mark.parametrize("model", ["gaussian-pca@petals", "copycat@petals"])
def test_what_was_fitted_to_images_that_changed_is_drawn_again(
    model: str, petals: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = SampleConfig(model, n=2)
    before = pictures(c).copy()
    changed = ImageSet("petals", "train", 255 - petals.images)
    monkeypatch.setattr(datasets, "load", lambda name, split, *, size=32: changed, raising=False)
    assert generate.drawn(c) is None
    assert (pictures(c) != before).any()


@pytest.mark.parametrize("model", ["gaussian-pca@petals", "copycat@petals"])
def test_what_is_not_prepared_is_not_looked_for(model: str, petals: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    c = SampleConfig(model, n=2)
    generate.images(c)
    bare = DatasetCard("petals", "Petals", "procedural", "", 8, {}, prepared=False)
    monkeypatch.setattr(datasets, "card", lambda name, size=32: bare, raising=False)
    monkeypatch.setattr(datasets, "load", lambda *a, **k: pytest.fail("prepared"), raising=False)
    assert generate.drawn(c) is None and generate.recording(c) is None and generate.seconds(c) is None


def test_the_seconds_of_drawing_are_kept(unet: str, small_blocks: None) -> None:
    c = SampleConfig(unet, n=40, **DDIM_5)
    assert generate.seconds(c) is None
    generate.images(c)
    whole = generate.seconds(c)
    generate.images(c)
    assert whole is not None and 0 < whole == generate.seconds(c)
    part = generate.seconds(replace(c, n=BLOCK))
    assert part is not None and part < whole


def test_a_diverged_model_is_said_to_have_diverged(tmp_path: Path, unet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = models.network(models.card(unet))
    network.conv_out.bias.data.fill_(float("nan"))
    monkeypatch.setattr(models, "network", lambda card, weights: network)
    with pytest.raises(Exception, match="the model that drew them has diverged"):
        generate.images(SampleConfig(unet, n=1, **DDIM_5))


# ------------------------------------------------------------------------------------------------------- recording


def test_a_recorded_way_runs_from_the_noise_to_the_images(unet: str) -> None:
    c = SampleConfig(unet, n=5, **DDIM_5)
    seen: list[int] = []
    assert generate.recording(c) is None
    way = generate.recorded(c, lambda step: seen.append(step.index))
    assert seen == [0, 1, 2, 3, 4, 5]
    assert way["x"].shape == way["x0"].shape == (6, 5, 8, 8, 3)
    assert way["timestep"].tolist() == [800, 600, 400, 200, 0, 0]
    assert way["evaluations"].tolist() == [1, 2, 3, 4, 5, 5]
    np.testing.assert_array_equal(way["x"][-1], pictures(c))
    np.testing.assert_array_equal(way["x"][0], pixels.to_uint8(next(iter(generate.walk(c))).x))
    again = generate.recording(c)
    assert again is not None
    np.testing.assert_array_equal(again["x0"], way["x0"])


def test_a_long_way_keeps_101_steps_evenly_with_both_ends(unet: str) -> None:
    c = SampleConfig(unet, n=1, sampler="ddpm", steps=250)
    seen: list[int] = []
    way = generate.recorded(c, lambda step: seen.append(step.index))
    assert len(seen) == 251 and way["x"].shape[0] == 101
    assert way["timestep"][0] == 996 and way["evaluations"][-1] == 250
    gaps = np.diff(way["evaluations"][:-1])
    assert gaps.min() == 2 and gaps.max() == 3


def test_recording_alone_tells_the_seconds_too(unet: str) -> None:
    c = SampleConfig(unet, n=1, **DDIM_5)
    generate.recorded(c)
    assert generate.seconds(c) == float(generate.recorded(c)["seconds"].sum()) > 0
    assert generate.drawn(c) is None


def test_models_that_draw_at_once_are_recorded_as_one_step(vae: str) -> None:
    way = generate.recorded(SampleConfig(vae, n=3))
    assert way["x"].shape == (1, 3, 8, 8, 3) and way["evaluations"].tolist() == [1]


def test_more_than_64_images_are_not_recorded(unet: str) -> None:
    with pytest.raises(ConfigError, match="n is 65; .* 64 images at most"):
        generate.recorded(SampleConfig(unet, n=65))


# -------------------------------------------------------------------------------------------------------- defaults


def test_open_knobs_are_filled_in_for_diffusion(unet: str) -> None:
    c = generate.resolve(SampleConfig(unet, weights="raw"))
    assert (c.sampler, c.steps, c.grid, c.weights) == ("ddim", 50, "leading", "raw")
    assert generate.resolve(c) == c


def test_a_model_with_one_set_of_weights_has_no_raw_ones(vae: str) -> None:
    assert generate.resolve(SampleConfig(vae, weights="raw")).weights == "ema"
    assert generate.resolve(SampleConfig("noise", weights="raw")).weights == "ema"


@pytest.mark.parametrize("knobs", [{"sampler": "ddim"}, {"steps": 10}, {"grid": "leading"}, {"eta": 1.0}], ids=str)
def test_a_model_that_draws_at_once_takes_no_sampler(knobs: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="noise draws its images at once: leave sampler, steps, grid, eta out"):
        generate.resolve(SampleConfig("noise", **knobs))


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no model named 'x'"):
        generate.images(SampleConfig("x"))


def test_network_evaluations_are_those_of_one_image(unet: str, vae: str) -> None:
    assert generate.evaluations(SampleConfig(unet)) == 50
    assert generate.evaluations(SampleConfig(unet, sampler="ddpm")) == 1000
    assert generate.evaluations(SampleConfig(vae)) == 1
    assert generate.evaluations(SampleConfig("noise")) == 0


# -------------------------------------------------------------------------------------------------- without torch

WEB = """
import sys
from core import generate, models
from core.configs import SampleConfig
c = SampleConfig(sys.argv[1], n=3, sampler="ddim", steps=5)
assert len(models.cards()) == 1 and models.card(c.model).family == "ddpm"
assert generate.resolve(c).grid == "leading" and generate.evaluations(c) == 5
assert len(generate.drawn(c)) == 3 and len(generate.recording(c)["x"]) == 6 and generate.seconds(c) > 0
assert len(generate.images(c)) == 3 and len(generate.images(SampleConfig("noise", n=20))) == 20
heavy = {"torch", "torchvision", "lightning", "diffusers"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_web_process_reads_what_is_drawn_without_torch(unet: str) -> None:
    c = SampleConfig(unet, n=3, **DDIM_5)
    generate.images(c)
    generate.recorded(c)
    done = subprocess.run([sys.executable, "-c", WEB, unet], cwd=paths.PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_vae_of_another_size_draws_its_size(tmp_path: Path) -> None:
    model = publish(VAEConfig(dataset="d", size=12, latent=1), tmp_path).id
    assert pictures(SampleConfig(model, n=1)).shape == (1, 12, 12, 3)

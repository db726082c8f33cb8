"""The side-by-side and VAE panels of the Baselines screen in every state; the jobs that they start are done by hand."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import configs, datasets, generate, latents, leaderboard, models, paths
from core.configs import AddConfig, LatentConfig, PrepareConfig, SampleConfig, VAEConfig
from core.jobs import supervisor
from core.types import Job
from core.ui import baseline_samples, running
from tests.core import tiny_models

TWO, MANY = VAEConfig(dataset="photos", size=32, latent=2), VAEConfig(dataset="photos", size=32, latent=64)
PNG = ("mine.png", "image/png")
Put = Callable[..., None]


@pytest.fixture(autouse=True)
def photos(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(60):
        folder = tmp_path / "photos" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="photos"))
    datasets.prepare(PrepareConfig("photos"))


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the page starts, without starting it."""
    seen: list[Any] = []

    def start(c: Any, title: str) -> Job:
        seen.append(c)
        return Job(f"id-{len(seen)}", "latent", title, ("python", "-m", *configs.to_argv(c)), "cancelled", "now")

    monkeypatch.setattr(running, "start", start)
    return seen


@pytest.fixture
def put() -> Iterator[Put]:
    """put(config, state, ...): a job of this config in that state."""
    held: list[Any] = []

    def make(c: Any, state: str, note: str = "", error: str = "") -> None:
        folder = paths.job(f"20260101-0000{len(held):02d}-latent-aaaaaa")
        folder.mkdir(parents=True)
        now = datetime.now(UTC)
        argv = [sys.executable, "-m", *configs.to_argv(c)]
        spec = {"kind": "latent", "title": "Look at it", "argv": argv, "created_at": now.isoformat(), "parent": ""}
        supervisor.write_json(folder / "job.json", spec)
        (folder / "events.jsonl").write_text(json.dumps({"time": now.timestamp(), "done": 0, "total": 0, "note": note}) + "\n")
        if state == "running":
            held.append(supervisor.take(folder))
            supervisor.write_json(folder / "started.json", {"started_at": now.timestamp()})
        else:
            held.append(None)
            ended = {"state": state, "exit_code": 1, "seconds": 2.0, "result": {}, "error": error}
            supervisor.write_json(folder / "outcome.json", ended)

    yield make
    for lock in filter(None, held):
        lock.close()


def publish(tmp_path: Path, model_id: str, c: VAEConfig = TWO, **more: Any) -> str:
    card = replace(tiny_models.card(c, model_id), **more)
    return models.publish(card, tiny_models.weights(c, tmp_path / f"weights-{model_id}", seed=1)).id


def visit(**query: str) -> AppTest:
    at = AppTest.from_file(str(paths.PROJECT / "core/ui/router.py"), default_timeout=60)
    for key, value in ({"bl_dataset": "photos"} | query).items():
        at.query_params[key] = value
    at.run()
    at.switch_page("../../pages/baselines.py").run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    kinds = ("title", "markdown", "caption", "error", "info", "subheader")
    return "\n".join(str(e.value) for kind in kinds for e in at.get(kind))


def pictures(at: AppTest) -> list[str]:
    """What the pictures say to those who cannot see them."""
    return [alt for e in at.get("image") for alt in (i.alt for i in e.proto.imgs)]


def upload(at: AppTest, data: bytes, name: str = "mine.png") -> AppTest:
    (field,) = [f for f in at.get("file_uploader") if f.label == "An image"]
    at = field.set_value((name, data, "image/png")).run()
    assert not at.exception, at.exception
    return at


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (50, 40), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def commands(at: AppTest) -> list[str]:
    return [c.value for c in at.code if "core latent" in c.value]


def asked(started: list[Any]) -> list[LatentConfig]:
    return [c for c in started if isinstance(c, LatentConfig)]


# ---------------------------------------------------------------------------------------------------- side by side


def test_without_a_vae_the_screen_says_how_to_get_one(started: list[Any]) -> None:
    at = visit()
    assert "No VAE is trained here yet" in words(at) and "makes of images" not in words(at)
    assert not asked(started) and not [s for s in at.selectbox if s.key == "bl_vae"]


def test_all_columns_are_drawn_from_the_same_seed_and_number(tmp_path: Path, started: list[Any]) -> None:
    publish(tmp_path, "mine")
    at = visit()
    drawn = [c for c in started if isinstance(c, SampleConfig)]
    assert {c.model for c in drawn} == {"gaussian-pca@photos", "mine"}
    assert {(c.n, c.seed) for c in drawn} == {(16, 0)}
    assert all(f"**{t}**" in words(at) for t in ("Real images", "Uniform noise", "Gaussian of pixels", "VAE mine"))
    for c in drawn:
        generate.recorded(c)
    said = pictures(visit())
    assert sum("16 samples" in alt for alt in said) == 3 and "16 real images of photos" in said


def test_only_vaes_of_this_data_set_can_be_chosen_and_imported_ones_that_say_none(tmp_path: Path, started: list[Any]) -> None:
    for name, dataset in (("imported", ""), ("other", "elsewhere"), ("mine", "photos")):
        publish(tmp_path, name, dataset=dataset, origin="file:x.ckpt" if not dataset else "job:1")
    at = visit()
    (choice,) = [s for s in at.selectbox if s.key == "bl_vae"]
    assert choice.options == ["mine", "imported"]
    assert asked(started)[-1] == LatentConfig("mine")
    at = visit(bl_vae="imported")
    assert asked(started)[-1] == LatentConfig("imported", dataset="photos") and "Imported · codes of 2 numbers" in words(at)


def test_an_example_is_called_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, "mine")
    monkeypatch.setattr(models, "is_example", lambda card: card.id == "mine")
    assert "An example that came with the studio · codes of 2 numbers" in words(visit())


def row(model: str, kid: float, terms: str = "A", **more: Any) -> dict[str, Any]:
    base = {"model": model, "kind": "model", "origin": "", "terms_matched": terms, "n_matched": 432}
    return base | {"kid_matched": kid, "kid_matched_error": 0.01} | more


def test_scores_stand_below_what_was_measured_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, "mine")
    rows = [row("noise", 0.54), row("held-out", 0.0), row("mine", 0.3, "B"), row("gaussian-pca@photos", 0.15, origin="away")]
    monkeypatch.setattr(leaderboard, "rows", lambda dataset=None, protocol=None, seed=None: rows)
    assert baseline_samples.measured("photos").keys() == {"noise", "held-out"}
    said = words(visit())
    assert "KID (Lite0) 0.540 ± 0.010" in said and "KID (Lite0) 0.000 ± 0.010" in said
    assert said.count("Not evaluated yet") == 2 and "KID at 432 images each" in said


# --------------------------------------------------------------------------------------------------- the VAE's views


def test_a_view_that_is_not_made_yet_starts_its_job(tmp_path: Path, started: list[Any]) -> None:
    publish(tmp_path, "mine")
    for view, show in (("Reconstructions", "reconstructions"), ("Manifold", "manifold"), ("Interpolation", "interpolation")):
        visit(bl_view=view)
        assert asked(started)[-1] == LatentConfig("mine", show=show)


def test_reconstructions_show_sixteen_pairs_at_most_the_best_one_first(tmp_path: Path) -> None:
    publish(tmp_path, "mine")
    found = latents.compute(LatentConfig("mine"))
    at = visit()
    pairs = [alt for alt in pictures(at) if "above its reconstruction" in alt]
    order = found["places"][found["val_errors"][found["places"]].argsort()]
    assert [int(alt.split()[2]) for alt in pairs] == order.tolist() and len(pairs) == 6
    assert "half of 6 validation images" in words(at) and "python -m core latent mine" in commands(at)


def test_another_number_shows_other_images(tmp_path: Path, started: list[Any]) -> None:
    publish(tmp_path, "mine")
    latents.compute(LatentConfig("mine"))
    at = visit()
    at.number_input(key="bl_latent_seed").set_value(3).run()
    assert asked(started) == [LatentConfig("mine", seed=3)]


def test_sliders_move_through_the_plane_to_a_decode_of_the_grid(tmp_path: Path) -> None:
    publish(tmp_path, "mine")
    found = latents.compute(LatentConfig("mine", show="manifold"))
    at = visit(bl_view="Manifold")
    axis = [float(z) for z in found["axis"]]
    assert "decoded at 0.00, 0.00" in pictures(at)
    at.select_slider(key="bl_across").set_value(axis[20]).run()
    at.select_slider(key="bl_up").set_value(axis[0]).run()
    assert f"decoded at {axis[20]:.2f}, {axis[0]:.2f}" in pictures(at)
    assert any("marked: row 25, column 21" in alt for alt in pictures(at))
    distance = np.linalg.norm(found["val_codes"] - [axis[20], axis[0]], axis=1).min()
    assert f"{distance:.2f} away" in words(at)
    assert len(at.get("plotly_chart")) == 1 and "6 validation images" in words(at)


def test_codes_of_many_numbers_have_no_plane_and_the_screen_says_why(tmp_path: Path, started: list[Any]) -> None:
    publish(tmp_path, "many", MANY)
    at = visit(bl_view="Manifold")
    assert "have 64 numbers, and a plane has 2" in words(at)
    assert not asked(started) and not at.error


def test_a_slider_moves_from_one_real_image_to_another(tmp_path: Path) -> None:
    publish(tmp_path, "many", MANY)
    latents.compute(LatentConfig("many", show="interpolation"))
    at = visit(bl_view="Interpolation")
    assert "decoded frame 6 of 12" in pictures(at)
    at.select_slider(key="bl_frame").set_value(12).run()
    assert "decoded frame 12 of 12" in pictures(at) and "the image that the way ends at" in pictures(at)


@pytest.mark.parametrize("posterior", ["legacy", "unknown"])
def test_an_imported_vae_says_what_is_not_known_of_it(tmp_path: Path, posterior: str) -> None:
    config = configs.as_dict(MANY) | {"posterior": posterior}
    publish(tmp_path, "old", MANY, config=config, note="trained with the old noise scale")
    data = picture(200)
    at = visit(bl_view="Your image")
    latents.compute(LatentConfig("old", show="encode", image=str(latents.keep(data, "mine.png", 32))))
    at = upload(at, data)
    assert "Trained with the old noise scale." in words(at)
    table = at.dataframe[0].value
    assert list(table.columns) == ["Number", "Code"] and len(table) == 64


# -------------------------------------------------------------------------------------------------------- your image


def test_an_uploaded_image_is_encoded_by_a_job_and_judged_by_the_validation_images(tmp_path: Path, started: list[Any]) -> None:
    publish(tmp_path, "mine")
    at = upload(visit(bl_view="Your image"), picture(250), "../../mine.png")
    (c,) = asked(started)
    assert c.show == "encode" and Path(c.image).parent == paths.store(latents.UPLOADS)
    assert Path(c.image).read_bytes() == picture(250)
    found = latents.compute(c)
    ratio, below = latents.beside_validation(found)
    at = at.run()
    assert f"**{ratio:.1f} times** that of the median of 6 validation images" in words(at)
    assert f"{round(6 * below)} of them are decoded better" in words(at)
    assert {"your image, prepared", "your image, decoded"} <= set(pictures(at))
    assert "The code of your image" in words(at) and str(tmp_path) not in "".join(commands(at))


@pytest.mark.parametrize(("below", "says"), [(1.0, "has not seen such images"), (0.5, "within what validation images show")])
def test_the_verdict_is_that_of_the_validation_images(below: float, says: str) -> None:
    from core.ui.latents import verdict

    usual = np.arange(1.0, 101.0)
    error = np.quantile(usual, below) + 1
    assert says in verdict({"error": np.array([error]), "val_errors": usual}, 32)


def test_codes_of_many_numbers_are_a_table_with_their_kl(tmp_path: Path) -> None:
    publish(tmp_path, "many", MANY)
    data = picture(90)
    found = latents.compute(LatentConfig("many", show="encode", image=str(latents.keep(data, "x.png", 32))))
    table = upload(visit(bl_view="Your image"), data).dataframe[0].value
    np.testing.assert_allclose(table["KL"], found["kl"], rtol=1e-6)
    np.testing.assert_allclose(table["KL, validation"], found["val_kl"].mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("data", [b"", b"no picture at all", picture(3)[:60]])
def test_a_broken_upload_is_one_sentence_and_no_job(tmp_path: Path, started: list[Any], data: bytes) -> None:
    publish(tmp_path, "mine")
    at = upload(visit(bl_view="Your image"), data, "holiday.png")
    assert [e for e in at.error if e.value.startswith("holiday.png cannot be encoded")]
    assert not asked(started) and "Train a model" in words(at)


# --------------------------------------------------------------------------------------------------------------- jobs


def test_a_running_job_is_waited_for_in_one_line(tmp_path: Path, started: list[Any], put: Put) -> None:
    publish(tmp_path, "mine")
    put(LatentConfig("mine"), "running", note="encoding validation images")
    at = visit()
    assert "encoding validation images" in words(at) and not asked(started)


def test_a_job_whose_result_was_deleted_can_be_done_again(tmp_path: Path, started: list[Any], put: Put) -> None:
    publish(tmp_path, "mine")
    put(LatentConfig("mine"), "done")
    at = visit()
    assert "not in the cache any more" in words(at) and not at.error and not asked(started)
    assert "Try again" in {b.label for b in at.button}


def test_a_failed_job_says_why_and_can_be_tried_again(tmp_path: Path, started: list[Any], put: Put) -> None:
    publish(tmp_path, "mine")
    put(LatentConfig("mine"), "failed", error="The weights are damaged; train the model again.")
    at = visit()
    assert any("The weights are damaged" in e.value for e in at.error) and not asked(started)
    (button,) = [b for b in at.button if b.label == "Try again"]
    button.click().run()
    assert asked(started) == [LatentConfig("mine")]

"""The training half of the Baselines screen in every state, over job folders as a supervisor leaves them."""

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import configs, datasets, jobs, models, paths
from core.configs import AddConfig, DDPMConfig, ImportConfig, PrepareConfig, TrainingConfig, VAEConfig
from core.jobs import supervisor
from core.types import Job, ModelCard
from core.ui import estimating, running, trained, training, training_live
from tests.core import tiny_models

DDPM = "Diffusion (DDPM)"
MEASURED = {"step_seconds": 0.5, "check_seconds": 2.0, "start_seconds": 10.0, "check_every": 250, "steps": 6000, "seconds": 1.0}
DEFAULT = VAEConfig(dataset="photos", epochs=20)
Put = Callable[..., Path]


@pytest.fixture(autouse=True)
def photos(tmp_path: Path) -> None:
    """A small registered and prepared data set: 32 training images."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for i in range(40):
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(tmp_path / "photos" / f"{i}.png")
    datasets.add(AddConfig(str(tmp_path / "photos"), name="photos"))
    datasets.prepare(PrepareConfig("photos"))


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The trainings, measurements and imports that the page starts, without starting them."""
    seen: list[Any] = []
    number = itertools.count()

    def start(c: Any, title: str) -> Job:
        if isinstance(c, TrainingConfig | ImportConfig):
            seen.append(c)
        return Job(f"id-{next(number)}", "train", title, ("python", "-m", *configs.to_argv(c)), "cancelled", "now")

    monkeypatch.setattr(running, "start", start)
    return seen


@pytest.fixture
def put() -> Iterator[Put]:
    """put(config, state, ...) -> the folder of a job in that state, the later the newer."""
    held: list[Any] = []

    def make(c: Any, state: str = "done", events: Any = (), **more: Any) -> Path:
        kind = "estimate" if c.estimate else "train"
        folder = paths.job(more.get("id", f"20260101-0000{len(held):02d}-{kind}-aaaaaa"))
        folder.mkdir(parents=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        spec = {"kind": kind, "title": more.get("title", "Train it"), "argv": [sys.executable, "-m", *configs.to_argv(c)]}
        supervisor.write_json(folder / "job.json", spec | {"created_at": now, "parent": ""})
        (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events))
        held.append(supervisor.take(folder) if state in ("running", "waiting") else None)
        if state == "running":
            supervisor.write_json(folder / "started.json", {"started_at": datetime.now(UTC).timestamp() - 60})
        elif state not in ("waiting", "lost"):
            ended = {
                "state": state,
                "exit_code": 0,
                "seconds": 250.0,
                "result": more.get("result", {}),
                "error": more.get("error", ""),
            }
            supervisor.write_json(folder / "outcome.json", ended)
        return folder

    yield make
    for lock in filter(None, held):
        lock.close()


def told(*steps: int, total: int = 1500, start: float = 0.0, **more: Any) -> list[dict[str, Any]]:
    """Events of a training that takes half a second a step."""
    return [
        {"time": start + s / 2, "done": s, "total": total, "note": "Training", "loss": 1 / s, "images_per_second": 90.0, **more}
        for s in steps
    ]


def grids(folder: Path, *steps: int) -> None:
    (folder / "samples").mkdir(exist_ok=True)
    for step in steps:
        Image.new("RGB", (128, 128), (step % 256, 0, 0)).save(folder / "samples" / f"{step:07d}.png")
        Image.new("RGB", (128, 128), (step % 256, 0, 0)).save(folder / "samples.png")


def checkpoint(folder: Path) -> None:
    (folder / "checkpoints" / "seed-0").mkdir(parents=True)
    (folder / "checkpoints" / "seed-0" / "last.ckpt").write_bytes(b"x")


def published(tmp_path: Path, model_id: str, c: Any = None, **more: Any) -> ModelCard:
    c = c or DDPMConfig(dataset="photos", channels="16-16")
    card = replace(tiny_models.card(c, model_id), metrics={"val_loss": 0.25, "steps": 300.0, "parameters": 1.1e6}, **more)
    return models.publish(card, tiny_models.weights(c, tmp_path / f"weights-{model_id}"))


def visit(state: Mapping[str, Any] = MappingProxyType({}), **query: str) -> AppTest:
    at = AppTest.from_file(str(paths.PROJECT / "core/ui/router.py"), default_timeout=60)
    for key, value in ({"bl_dataset": "photos"} | query).items():
        at.query_params[key] = value
    at.run()
    for key, value in state.items():
        at.session_state[key] = value
    at.switch_page("../../pages/baselines.py").run()
    assert not at.exception, at.exception
    return at


def words(at: AppTest) -> str:
    kinds = ("title", "markdown", "caption", "error", "info", "success", "subheader")
    said = [str(e.value) for kind in kinds for e in at.get(kind)]  # type: ignore[union-attr]
    return "\n".join((*said, *(p.proto.text for p in at.get("progress"))))


def labels(at: AppTest) -> set[str]:
    return {b.label for b in at.button}


def click(at: AppTest, label: str) -> AppTest:
    (button,) = [b for b in at.button if b.label == label]
    at = button.click().run()
    assert not at.exception, at.exception
    return at


def commands(at: AppTest) -> list[str]:
    return [c.value for c in at.code if "trainers" in c.value]


def trainings(started: list[Any]) -> list[Any]:
    return [c for c in started if isinstance(c, TrainingConfig) and not c.estimate]


def measurements(started: list[Any]) -> list[Any]:
    return [c for c in started if isinstance(c, TrainingConfig) and c.estimate]


# ------------------------------------------------------------------------------------------------------------ form


@pytest.mark.parametrize("family", training.TRAINED)
def test_every_knob_is_asked_once_or_decided_by_the_screen(family: str) -> None:
    names = [f.name for f in fields(training.TRAINED[family].config) if not f.metadata["hidden"]]  # type: ignore[arg-type]
    grouped = [n for _, group in training.GROUPS for n in group]
    assert len(grouped) == len(set(grouped)) and not training.NOT_ASKED & set(grouped)
    assert set(names) <= set(grouped) | training.NOT_ASKED and set(training.MAIN[family]) <= set(names)
    assert all(set(p) <= set(names) for (f, _), p in training.PRESETS.items() if f == family)


def test_the_form_starts_the_training_whose_command_it_shows(started: list[Any]) -> None:
    at = visit()
    at.number_input(key="bl_vae_epochs").set_value(3).run()
    shown = commands(at)
    at = click(at, "Start training")
    assert trainings(started) == [VAEConfig(dataset="photos", epochs=3)]
    assert shown == [configs.command(trainings(started)[0])]


def test_channels_of_one_s_own_are_taken() -> None:
    at = visit(bl_family=DDPM, state={"bl_ddpm_channels": "16-16"})
    assert commands(at) == [configs.command(DDPMConfig(dataset="photos", steps=1500, channels="16-16"))]


@pytest.mark.parametrize(("value", "says"), [("fast", "needed: a number"), ("100", "needed: 1e-08 to 10"), ("nan", "finite")])
def test_a_slip_is_one_sentence_and_hides_nothing_below(value: str, says: str) -> None:
    at = visit()
    at.text_input(key="bl_vae_learning_rate").set_value(value).run()
    (error,) = at.error
    assert value in error.value and says in error.value
    assert "No model is trained on photos yet" in words(at) and "Start training" not in labels(at)


def test_values_come_back_when_the_family_does() -> None:
    at = visit()
    at.number_input(key="bl_vae_epochs").set_value(3).run()
    at.button_group(key="bl_family").set_value("ddpm").run()
    at.number_input(key="bl_ddpm_steps").set_value(70).run()
    at.button_group(key="bl_family").set_value("vae").run()
    assert at.number_input(key="bl_vae_epochs").value == 3
    at.button_group(key="bl_family").set_value("ddpm").run()
    assert at.number_input(key="bl_ddpm_steps").value == 70


# ------------------------------------------------------------------------------------------------------ fine-tuning


def test_a_base_brings_its_architecture_and_milder_knobs(started: list[Any], tmp_path: Path) -> None:
    published(tmp_path, "mine")
    at = visit(bl_family=DDPM)
    at.selectbox(key="bl_from_ddpm").set_value("mine").run()
    assert "Kept from mine: 1.1 M weights, channels 16-16" in words(at)
    keys = {w.key for kind in ("number_input", "text_input", "selectbox") for w in at.get(kind)}
    assert not keys & {f"bl_ddpm_tune_{n}" for n in ("channels", "layers", "prediction", "schedule")}
    click(at, "Start fine-tuning")
    (c,) = trainings(started)
    assert c == DDPMConfig(dataset="photos", base="mine", **training.PRESETS["ddpm", training.TUNE])
    assert c.learning_rate <= 1e-4 and c.steps < training.PRESETS["ddpm", training.SCRATCH]["steps"]


def test_a_link_opens_the_form_on_a_base(tmp_path: Path) -> None:
    published(tmp_path, "mine")
    assert "--from=mine" in commands(visit(bl_family=DDPM, bl_from="mine"))[0]


def test_only_models_of_the_family_and_the_size_can_be_a_base(tmp_path: Path) -> None:
    published(tmp_path, "mine")
    published(tmp_path, "small", DDPMConfig(dataset="photos", size=16, channels="16-16"))
    published(tmp_path, "vae", VAEConfig(dataset="photos"))
    assert list(visit(bl_family=DDPM).selectbox(key="bl_from_ddpm").options) == ["Nothing: random weights", "mine"]
    assert list(visit().selectbox(key="bl_from_vae").options) == ["Nothing: random weights", "vae"]


# -------------------------------------------------------------------------------------------------------- estimate


def test_the_time_of_a_step_is_measured_unasked(started: list[Any]) -> None:
    visit()
    assert measurements(started) == [VAEConfig(dataset="photos", estimate=True)]


def test_knobs_that_change_no_step_start_no_measurement(started: list[Any], put: Put) -> None:
    put(estimating.probe_of(DEFAULT), "done", result=MEASURED)
    at = visit()
    at.text_input(key="bl_vae_learning_rate").set_value("0.01").run()
    at.number_input(key="bl_vae_epochs").set_value(7).run()
    at.text_input(key="bl_vae_name").set_value("other").run()
    at.number_input(key="bl_vae_seed").set_value(7).run()
    assert measurements(started) == []
    at.number_input(key="bl_vae_batch").set_value(16).run()
    assert measurements(started) == [VAEConfig(dataset="photos", batch=16, estimate=True)]


def test_the_time_stands_beside_the_button(put: Put) -> None:
    put(estimating.probe_of(DDPMConfig(dataset="photos")), "done", result=MEASURED)
    assert "About **13 min** on this machine: 1,500 steps, 0.5 s each, measured just now." in words(visit(bl_family=DDPM))


def test_the_time_is_start_steps_and_checks_of_each_seed() -> None:
    c = DDPMConfig(dataset="photos", steps=1000, check_every=300, seeds=3)
    assert estimating.seconds(MEASURED, c, 1000) == 3 * (10 + 1000 * 0.5 + 4 * 2)


def test_a_training_that_patience_may_end_takes_that_long_at_most(put: Put) -> None:
    put(estimating.probe_of(DEFAULT), "done", result=MEASURED | {"check_every": 1})
    assert "Up to about **" in words(visit())


def test_epochs_are_counted_in_steps_as_the_trainers_do() -> None:
    assert estimating.steps(VAEConfig(dataset="d", epochs=3, batch=128), 130) == 6
    assert estimating.steps(DDPMConfig(dataset="d", epochs=3, batch=64, accumulate=2), 130) == 5
    assert estimating.steps(DDPMConfig(dataset="d", steps=7), 130) == 7


def test_nothing_is_measured_while_a_training_runs(started: list[Any], put: Put) -> None:
    put(DEFAULT, "running")
    assert "measured once no other training runs" in words(visit()) and measurements(started) == []


def test_a_known_time_is_told_while_another_training_runs(put: Put) -> None:
    put(estimating.probe_of(DEFAULT), "done", result=MEASURED)
    put(replace(DEFAULT, seed=1), "running")
    assert "Another training runs now: this one would wait for its end." in words(visit())


def test_a_measurement_that_failed_says_why_and_can_be_asked_for_again(started: list[Any], put: Put) -> None:
    put(estimating.probe_of(DEFAULT), "failed", error="The device's memory does not hold a batch of 128 images; lower the batch.")
    at = visit()
    assert "lower the batch" in words(at) and measurements(started) == []
    click(at, "Measure the time")
    assert measurements(started) == [VAEConfig(dataset="photos", estimate=True)]


def test_a_training_ends_the_measurement_that_would_disturb_it(put: Put) -> None:
    folder = put(estimating.probe_of(DEFAULT), "running")
    at = visit()
    assert "Measuring how long a step takes" in words(at) and not (folder / "cancel").exists()
    click(at, "Start training")
    assert (folder / "cancel").exists()


# ------------------------------------------------------------------------------------------------------------ live


def test_a_running_training_shows_its_curve_samples_and_time_left(put: Put) -> None:
    folder = put(DDPMConfig(dataset="photos", steps=1500), "running", told(*range(1, 501), val_loss=0.5), title="Train DDPM")
    grids(folder, 250, 500)
    at = visit()
    said = words(at)
    assert "Train DDPM: Training · 500 of 1,500 · about 8 min left" in said
    assert "90 images a second · validation loss 0.5" in said and "one prediction type" in said
    assert len(at.get("plotly_chart")) == 1
    slider = at.select_slider(key=f"grid_{folder.name}")
    assert list(slider.options) == ["250", "500"] and slider.value == 500
    click(at, "Cancel")
    assert (folder / "cancel").exists()


def test_a_waiting_training_is_one_line(put: Put) -> None:
    put(DEFAULT, "waiting")
    at = visit()
    assert "waits for the training before it" in words(at) and not at.get("plotly_chart") and "Cancel" in labels(at)


def test_the_samples_follow_the_newest_until_somebody_looks_back(put: Put) -> None:
    folder = put(DDPMConfig(dataset="photos"), "running", told(1, 2))
    grids(folder, 1, 2)
    key = f"grid_{folder.name}"
    at = visit(bl_family=DDPM)
    grids(folder, 3)
    assert at.run().select_slider(key=key).value == 3
    at.select_slider(key=key).set_value(1).run()
    grids(folder, 4)
    assert at.run().select_slider(key=key).value == 1


def test_the_end_of_the_log_is_read_when_it_is_opened(put: Put) -> None:
    folder = put(DEFAULT, "running", told(1))
    (folder / "log.txt").write_text("printed by the work")
    at = visit()
    assert not [c for c in at.code if "printed" in c.value]
    at.session_state[f"log_{folder.name}"] = True
    assert [c for c in at.run().code if "printed by the work" in c.value]


def test_the_time_left_of_a_resumed_training_is_that_of_its_own_steps() -> None:
    assert training_live.remaining(told(1000, 1010, 1020)) == pytest.approx(240)
    assert training_live.remaining(told(1000)) is None and training_live.remaining([]) is None


def test_the_curve_of_a_resumed_training_is_one_line_without_what_was_lost(put: Put) -> None:
    begun = put(DEFAULT, "cancelled", told(10, 20, 30, 40), id="20260101-000000-train-aaaaaa")
    put(replace(DEFAULT, resume=begun.name), "failed", told(25, 35, 45), id="20260101-000001-train-aaaaaa")
    last = put(replace(DEFAULT, resume=begun.name), "running", told(36, 46), id="20260101-000002-train-aaaaaa")
    grids(begun, 20, 40)
    grids(last, 46)
    job = jobs.read(last.name)
    assert [e["done"] for e in training_live.story(job)] == [10, 20, 25, 35, 36, 46]
    assert list(training_live.kept(job)) == [20, 40, 46]
    assert training_live.later(jobs.read(begun.name)) and not training_live.later(job)


# -------------------------------------------------------------------------------------------------------- finished


def test_a_cancelled_training_is_resumed_with_its_own_knobs(started: list[Any], put: Put) -> None:
    folder = put(DDPMConfig(dataset="photos", steps=70), "cancelled", told(1, 2))
    checkpoint(folder)
    at = visit()
    assert "cancelled after 4 min 10 s" in words(at)
    click(at, "Resume")
    assert trainings(started) == [DDPMConfig(dataset="photos", steps=70, resume=folder.name)]


def test_a_training_without_a_checkpoint_starts_again(started: list[Any], put: Put) -> None:
    put(DEFAULT, "lost")
    at = visit()
    assert "Resume" not in labels(at)
    click(at, "Start again")
    assert trainings(started) == [DEFAULT]


def test_what_went_on_already_is_not_resumed_twice(put: Put) -> None:
    begun = put(DEFAULT, "cancelled", id="20260101-000000-train-aaaaaa")
    checkpoint(begun)
    put(replace(DEFAULT, resume=begun.name), "done", id="20260101-000001-train-aaaaaa")
    at = visit()
    assert "A later training went on from here." in words(at) and "Resume" not in labels(at)


def test_a_failed_training_says_why_and_shows_its_log(put: Put) -> None:
    folder = put(DEFAULT, "failed", error="The training loss was no longer a finite number; lower the learning rate.")
    (folder / "log.txt").write_text("the last words")
    at = visit()
    assert "failed after 4 min 10 s" in words(at) and "lower the learning rate" in words(at)
    at.session_state[f"log_{folder.name}"] = True
    assert [c for c in at.run().code if "the last words" in c.value]


def test_a_finished_model_is_one_click_from_sampler_and_leaderboard(put: Put, tmp_path: Path) -> None:
    published(tmp_path, "mine", base="base")
    put(DDPMConfig(dataset="photos"), "done", told(1, 2), result={"model": "mine", "val_loss": 0.25, "seconds": 9.0})
    at = visit()
    assert "Model mine · validation loss 0.25 · fine-tuned from base" in words(at)
    links = {e.proto.label: e.proto.query_string for e in at.get("page_link")}
    assert "sm_model=mine" in links["Sample"] and "lb_target=mine" in links["Evaluate"]


def test_a_renamed_model_is_found_and_a_deleted_one_is_not_linked(put: Put, tmp_path: Path) -> None:
    published(tmp_path, "new", former=("old",))
    put(DDPMConfig(dataset="photos"), result={"model": "old", "val_loss": 0.25})
    put(DDPMConfig(dataset="photos", seed=1), result={"model": "gone", "val_loss": 0.25})
    at = visit()
    assert "Model new (trained as old)" in words(at) and "Model gone is not in the store any more." in words(at)
    targets = [e.proto.query_string for e in at.get("page_link") if e.proto.label == "Evaluate"]
    # One stands with the training, the other with the models.
    assert targets.count("lb_target=new") == 2 and "lb_target=gone" not in targets


def test_every_seed_s_model_is_named_and_can_be_chosen(put: Put, tmp_path: Path) -> None:
    for name in ("a-s0", "a-s1"):
        published(tmp_path, name)
    result = {"models": ["a-s0", "a-s1"], "experiment": "e", "val_loss": 0.3, "val_losses": [0.2, 0.4], "seconds": 9.0}
    folder = put(DDPMConfig(dataset="photos", seeds=2), "done", told(1, 2), result=result)
    at = visit()
    assert "Model a-s0 · validation loss 0.2" in words(at) and "Model a-s1 · validation loss 0.4" in words(at)
    assert "Mean validation loss of the 2 seeds: 0.3" in words(at)
    at.selectbox(key=f"of_{folder.name}").set_value("a-s1").run()
    assert next(e.proto.query_string for e in at.get("page_link") if e.proto.label == "Sample") == "sm_model=a-s1"


def test_a_finished_training_goes_on_to_more_steps_under_a_new_name(started: list[Any], put: Put) -> None:
    folder = put(DDPMConfig(dataset="photos", steps=70, name="first"), "done", result={"model": "first", "val_loss": 0.25})
    checkpoint(folder)
    at = visit()
    at.number_input(key=f"longer_n_{folder.name}").set_value(100).run()
    at.text_input(key=f"longer_name_{folder.name}").set_value("second").run()
    click(at, "Go on")
    assert trainings(started) == [DDPMConfig(dataset="photos", steps=100, name="second", resume=folder.name)]


def test_a_training_that_patience_ended_is_not_made_longer(put: Put) -> None:
    folder = put(DDPMConfig(dataset="photos"), "done", told(1, 2), result={"model": "first", "val_loss": 0.25})
    checkpoint(folder)
    at = visit()
    assert "It ended early" in words(at) and "Go on" not in labels(at)


def test_the_curve_of_a_finished_training_is_drawn_when_it_is_opened(put: Put) -> None:
    folder = put(DEFAULT, "done", told(1, 2, 3))
    at = visit()
    assert not at.get("plotly_chart")
    at.session_state[f"curve_of_{folder.name}"] = True
    assert len(at.run().get("plotly_chart")) == 1


def test_five_finished_trainings_are_shown_and_the_rest_on_demand(put: Put) -> None:
    for i in range(trained.FIRST + 2):
        put(replace(DEFAULT, seed=i), "cancelled", title=f"Training {i}")
    put(VAEConfig(dataset="petals"), "cancelled", title="Of other data")
    at = visit()
    assert words(at).count("cancelled after") == trained.FIRST and "Of other data" not in words(at)
    (toggle,) = [t for t in at.toggle if t.key == "bl_all"]
    toggle.set_value(True).run()
    assert words(at).count("cancelled after") == trained.FIRST + 2


def test_a_training_of_another_version_is_shown_without_a_way_on(put: Put) -> None:
    folder = put(DEFAULT, "cancelled", told(1))
    spec = json.loads((folder / "job.json").read_text())
    spec["argv"].append("--knob-of-old")
    supervisor.write_json(folder / "job.json", spec)
    at = visit()
    assert "cancelled after" in words(at) and not labels(at) & {"Resume", "Start again"}


# ---------------------------------------------------------------------------------------------------------- models


def listed(at: AppTest) -> list[str]:
    return [row for d in tables(at) for row in d["Model"]]


def tables(at: AppTest) -> list[Any]:
    return [d.value for d in at.dataframe if "Model" in d.value]


def test_models_of_the_data_set_and_of_unknown_ones_are_listed(tmp_path: Path) -> None:
    published(tmp_path, "mine")
    published(
        tmp_path, "foreign", DDPMConfig(dataset="", channels="16-16"), origin="file:foreign.ckpt", note="with the old noise scale"
    )
    published(tmp_path, "other", DDPMConfig(dataset="petals", channels="16-16"))
    at = visit()
    assert set(listed(at)) == {"mine", "foreign"}
    (table,) = tables(at)
    assert set(table["Note"]) == {"", "with the old noise scale"} and set(table["Origin"]) == {"trained here", "imported"}


def test_a_model_is_renamed_deleted_and_restored(tmp_path: Path) -> None:
    published(tmp_path, "mine")
    at = visit()
    at.text_input(key="bl_rename_mine").set_value("yours").run()
    at = click(at, "Rename")
    assert listed(at) == ["yours"] and [m.id for m in models.cards() if not models.is_example(m)] == ["yours"]
    at = click(at, "Delete")
    assert listed(at) == [] and "Restore" in labels(at)
    assert listed(click(at, "Restore")) == ["yours"]


def test_a_name_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    published(tmp_path, "mine")
    published(tmp_path, "other")
    at = visit()
    at.selectbox(key="bl_model").set_value("mine").run()
    at.text_input(key="bl_rename_mine").set_value("other").run()
    at = click(at, "Rename")
    assert len(at.error) == 1 and "other" in at.error[0].value and set(listed(at)) == {"mine", "other"}


def test_examples_are_hidden_and_shown_again() -> None:
    at = visit()
    at.toggle(key="bl_examples").set_value(False).run()
    assert models.examples_hidden()
    at.toggle(key="bl_examples").set_value(True).run()
    assert not models.examples_hidden()


def test_a_checkpoint_is_imported_by_the_command_that_is_shown(started: list[Any]) -> None:
    at = visit()
    at.text_input(key="bl_source").set_value("old/vae.ckpt").run()
    at.text_input(key="bl_source_name").set_value("study").run()
    at.checkbox(key="bl_source_on").check().run()
    c = ImportConfig("old/vae.ckpt", name="study", dataset="photos")
    assert configs.command(c) in [e.value for e in at.code]
    click(at, "Import")
    assert c in started


def test_an_import_that_failed_is_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    c = ImportConfig("bad.ckpt")
    why = "bad.ckpt holds code, and nothing of it was executed; export the weights as safetensors."
    failed = Job(
        "20260101-000000-import-aaaaaa", "import", "Import", ("python", "-m", *configs.to_argv(c)), "failed", "now", error=why
    )
    monkeypatch.setattr(running, "of", lambda asked: failed if asked == c else None)
    at = visit()
    at.text_input(key="bl_source").set_value("bad.ckpt").run()
    assert [e for e in at.error if why in e.value]

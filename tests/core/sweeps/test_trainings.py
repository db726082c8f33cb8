from typing import Any

import pytest

from core import jobs, sweeps
from core.configs import DDPMConfig, PrepareConfig, VAEConfig
from core.errors import DataError
from core.jobs import supervisor


def training(config: Any, state: str = "done", created: str = "", **result: Any) -> str:
    """A job's folder as its supervisor leaves it."""
    folder = jobs.create(config, title=f"{config.VERB[-1]} on {getattr(config, 'dataset', '')}")
    ended = {"state": state, "exit_code": 0 if state == "done" else 1, "seconds": 12.5, "ended_at": 0.0, "result": result}
    supervisor.write_json(folder / "outcome.json", ended)
    return folder.name


def test_no_training_is_a_sweep_without_runs() -> None:
    sweep = sweeps.load("trainings")
    assert (sweep.runs, sweep.metrics) == ((), ("val_loss",))


def test_ended_trainings_are_runs_with_their_knobs_and_results() -> None:
    good = training(VAEConfig("petals", latent=8), model="vae-petals-1", val_loss=0.5, seconds=3.0)
    bad = training(VAEConfig("petals", latent=16, learning_rate=1.0, name="wild"), "failed")
    sweep = sweeps.load("trainings")
    runs = {r.id: r for r in sweep.runs}
    assert (runs[good].name, runs[good].state, runs[good].failed) == ("vae-petals-1", "finished", False)
    assert runs[good].metrics == {"val_loss": 0.5, "seconds": 3.0}
    assert (runs[good].params["latent"], runs[bad].params["learning_rate"]) == (8, 1.0)
    assert "dataset" not in runs[good].params and "name" not in runs[good].params
    assert (runs[bad].name, runs[bad].state, runs[bad].failed) == ("wild", "failed", True)
    assert sweeps.varying(sweep) == ("latent", "learning_rate")
    assert sweeps.best(sweep, "val_loss") == runs[good]


def test_a_cancelled_training_and_one_that_diverged_are_failed_runs() -> None:
    training(VAEConfig("petals"), "cancelled")
    training(VAEConfig("petals"), val_loss="nan")
    assert [(r.failed, "val_loss" in r.metrics) for r in sweeps.load("trainings").runs] == [(True, False), (True, False)]


def test_other_jobs_and_trainings_under_way_are_no_runs() -> None:
    training(PrepareConfig("petals"), n=10)
    folder = jobs.create(VAEConfig("petals"))
    held = supervisor.lock(folder / "alive")
    assert held is not None
    with held:
        assert jobs.read(folder.name).active
        assert sweeps.load("trainings").runs == ()


def test_families_and_data_sets_are_never_mixed_and_the_rest_is_named() -> None:
    training(VAEConfig("petals"), val_loss=100.0)
    training(VAEConfig("flowers"), val_loss=50.0)
    training(DDPMConfig("petals", steps=300), val_loss=0.1, steps=120)
    sweep = sweeps.load("trainings:ddpm@petals")
    assert [r.metrics["val_loss"] for r in sweep.runs] == [0.1]
    assert sweep.runs[0].params["steps"] == 300 and "steps" not in sweep.runs[0].metrics
    assert "vae@petals" in sweep.notes[0] and "vae@flowers" in sweep.notes[0]
    assert len(sweeps.load("trainings").runs) == 1


def test_an_unknown_group_names_the_known_ones() -> None:
    training(VAEConfig("petals"), val_loss=1.0)
    with pytest.raises(DataError, match="no group of trainings named 'gan@petals'; known: vae@petals"):
        sweeps.load("trainings:gan@petals")


def test_settings_that_change_the_meaning_of_the_loss_are_pointed_out() -> None:
    training(VAEConfig("petals", beta=1.0), val_loss=2.0)
    training(VAEConfig("petals", beta=0.0), val_loss=1.0)
    assert any("Runs differ in beta" in n for n in sweeps.load("trainings").notes)


def test_a_training_whose_knobs_no_longer_exist_is_counted_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    name = training(VAEConfig("petals"), val_loss=1.0)
    old = training(VAEConfig("petals"), val_loss=2.0)
    spec = jobs._json(jobs.paths.job(old) / "job.json")
    supervisor.write_json(jobs.paths.job(old) / "job.json", spec | {"argv": [*spec["argv"], "--momentum=3"]})
    sweep = sweeps.load("trainings")
    assert [r.id for r in sweep.runs] == [name]
    assert sweep.notes == ("Left out, for their settings cannot be read any more: 1 of the trainings.",)
    assert capsys.readouterr().err == ""


def test_another_result_can_lead() -> None:
    training(VAEConfig("petals"), val_loss=1.0, kid=0.25)
    assert sweeps.load("trainings", "kid").metrics == ("kid", "val_loss", "seconds")
    with pytest.raises(DataError, match="no metric named 'fid'"):
        sweeps.load("trainings", "fid")

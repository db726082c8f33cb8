from dataclasses import replace
from pathlib import Path

import pytest

from core import jobs, models
from tests.trainers import tiny
from tests.trainers.test_run import photos  # noqa: F401
from trainers import cli, run


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    "c", [replace(tiny.VAE, epochs=30, patience=100), replace(tiny.DDPM, steps=60, check_every=20, accumulate=2)]
)
def test_an_estimate_comes_near_what_the_training_then_takes(c: run.Trainable, tmp_path: Path) -> None:
    told, tell = tiny.listener()
    found = run.estimate(c)
    card = run.train(c, tmp_path, tell)
    assert card is not None and found["steps"] == card.metrics["steps"] == told[-1]["total"]
    # Generous: other work may come and go between the two.
    step = c.batch * (c.accumulate if c.VERB[1] == "ddpm" else 1) / card.metrics["images_per_second"]  # type: ignore[union-attr]
    assert step / 8 < found["step_seconds"] < 8 * step
    checks = found["steps"] / found["check_every"] * found["check_seconds"]
    assert found["seconds"] == pytest.approx(found["start_seconds"] + found["steps"] * found["step_seconds"] + checks)
    assert run.estimate(replace(c, seeds=3))["seconds"] > found["seconds"]


@pytest.mark.usefixtures("photos")
def test_an_estimate_trains_and_publishes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["vae", "--dataset=d", "--size=8", "--epochs=3", "--estimate"]) == 0
    assert "s for 3 steps of" in capsys.readouterr().out
    (job,) = jobs.every()
    assert job.kind == "estimate" and job.result["steps"] == 3 and models.cards() == []

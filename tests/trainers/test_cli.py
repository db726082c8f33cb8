import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core import configs, jobs, models, paths
from core.jobs import worker
from core.types import Job
from tests.trainers import tiny
from tests.trainers.test_run import photos  # noqa: F401
from trainers import cli

DONE = Job("j", "train", "", (), "done", "", result={"model": "vae-d-1", "val_loss": 0.25, "seconds": 3.2})


def argv(c: object) -> list[str]:
    return list(configs.to_argv(c)[1:])  # type: ignore[arg-type]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The job that stands for a training without running one."""
    job = [DONE]
    monkeypatch.setattr(jobs, "submit", lambda c, **k: replace(job[0], state="running"))
    monkeypatch.setattr(jobs, "follow", lambda j, say: job[0])
    return job


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys; import trainers.cli; print(sorted({'torch', 'lightning', 'diffusers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=paths.PROJECT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [[], ["gan"], ["vae"], ["vae", "--dataset", "d", "--latent", "two"]])
def test_wrong_usage_exits_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(words)
    assert stop.value.code == 2 and capsys.readouterr().out == ""


@pytest.mark.parametrize(("words", "sentence"), [(["--dataset=d", "--latent=0"], "latent is 0"), (["--dataset=x"], "data set")])
def test_what_a_person_can_put_right_exits_1_with_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["vae", *words]) == 1
    said = capsys.readouterr()
    assert said.out == "" and sentence in said.err and said.err.count("\n") == 1
    assert jobs.every() == []


@pytest.mark.usefixtures("photos")
def test_the_result_is_one_document_or_one_sentence(ended: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*argv(tiny.VAE), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == DONE.result
    assert cli.main(argv(tiny.VAE)) == 0
    assert capsys.readouterr().out == "vae-d-1 is trained: validation loss 0.25 after 3 s.\n"


@pytest.mark.usefixtures("photos")
def test_a_failed_training_exits_1_with_its_error(ended: list[Job], capsys: pytest.CaptureFixture[str]) -> None:
    ended[0] = replace(DONE, state="failed", result={}, error="It went wrong.")
    assert cli.main(argv(tiny.VAE)) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "It went wrong.\n")


@pytest.mark.usefixtures("photos")
def test_ctrl_c_exits_130_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, ended: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(job: Job, say: object) -> Job:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "follow", interrupted)
    assert cli.main(argv(tiny.VAE)) == 130
    assert "go on with it: python -m trainers vae --resume=j" in capsys.readouterr().err


@pytest.mark.usefixtures("photos")
def test_inside_a_job_it_trains_and_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.setenv("STUDIO_JOB", str(folder))
    monkeypatch.setattr(worker, "die_with_supervisor", lambda: None)
    assert cli.main(argv(tiny.VAE)) == 0
    report = json.loads((folder / "report.json").read_text())
    card = models.card(report["result"]["model"])
    assert report["ok"] and report["result"]["val_loss"] == card.metrics["val_loss"]
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert events[-1]["done"] == events[-1]["total"] == 6 and events[-1]["val_loss"] >= card.metrics["val_loss"]


@pytest.mark.usefixtures("photos")
def test_a_training_that_fails_in_its_job_reports_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.setenv("STUDIO_JOB", str(folder))
    monkeypatch.setattr(worker, "die_with_supervisor", lambda: None)
    assert cli.main(argv(replace(tiny.VAE, dataset="nothing"))) == 1
    report = json.loads((folder / "report.json").read_text())
    assert not report["ok"] and "no data set named 'nothing'" in report["error"]

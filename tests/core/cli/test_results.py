import json
from pathlib import Path

import pytest

import core.cli
from core import results
from tests.core.toy_evaluations import draw, evaluation, real


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> object:
    assert core.cli.main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_evaluations_go_from_one_machine_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results.record(evaluation("m", draw(40, 1), real(50)))
    results.record(evaluation("k", draw(40, 2), real(50)))
    file = tmp_path / "lab-a.zip"
    assert said(capsys, "results", "export", str(file), "--dataset", "toys")["evaluations"] == 2  # type: ignore[index]
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "elsewhere"))
    assert said(capsys, "results") == []
    assert said(capsys, "results", "import", str(file)) == {"bundle": str(file), "added": 2, "known": 0}
    row = {"dataset": "toys", "protocol": "lite0", "from": "lab-a", "evaluations": 2, "scores": 4}
    assert said(capsys, "results") == [row]
    assert core.cli.main(["results"]) == 0 and "lab-a" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["export", "x.zip"], "no evaluation to export"),
        (["export", "x.zip", "--dataset", "nowhere"], "no data set named 'nowhere'"),
        (["export", "x.zip", "--protocol", "magic"], "no protocol named 'magic'"),
        (["import", "x.zip"], "x.zip cannot be read"),
    ],
)
def test_what_cannot_be_carried_is_one_sentence(
    argv: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert core.cli.main(["results", *argv]) == 1
    out = capsys.readouterr()
    assert out.out == "" and why in out.err and out.err.count("\n") == 1 and not Path("x.zip").exists()

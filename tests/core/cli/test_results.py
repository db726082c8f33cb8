import json
from dataclasses import replace
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


def test_a_folder_is_named_by_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos, file = tmp_path / "my" / "photos", tmp_path / "x.zip"
    photos.mkdir(parents=True)
    e = evaluation("m", draw(40, 1), real(50), reference="my/photos")
    results.record(replace(e, dataset="my/photos"))
    results.record(evaluation("k", draw(40, 2), real(50)))
    assert said(capsys, "results", "export", str(file), "--dataset", str(photos))["evaluations"] == 1  # type: ignore[index]
    assert said(capsys, "results", "import", str(file)) == {"bundle": str(file), "added": 0, "known": 1}
    photos.rmdir()
    file.unlink()
    assert said(capsys, "results", "export", str(file), "--dataset", "my/photos")["evaluations"] == 1  # type: ignore[index]


def test_a_folder_that_nothing_was_compared_with_has_nothing_to_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    results.record(replace(evaluation("m", draw(40, 1), real(50)), dataset="my/photos"))
    for argv in (["--dataset", str(tmp_path / "photos")], ["--dataset", "my/photos", "--protocol", "pixels"]):
        assert core.cli.main(["results", "export", str(tmp_path / "x.zip"), *argv]) == 1
        assert "no evaluation to export" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["export", "x.zip"], "no evaluation to export"),
        (["export", "x.zip", "--dataset", "nowhere"], "no data set named 'nowhere'"),
        (["export", "x.zip", "--dataset", "./nowhere"], "no folder ./nowhere"),
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

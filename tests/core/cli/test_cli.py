"""The contract of the command line: exit codes, one sentence on standard error, one JSON document on standard output."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import core.cli
import trainers.cli
from core import paths


def photos(folder: Path, n: int = 12) -> Path:
    folder.mkdir(parents=True)
    for i in range(n):
        Image.fromarray(np.full((16, 16, 3), i * 20, np.uint8)).save(folder / f"{i}.png")
    return folder


def test_json_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert core.cli.main(["datasets", "--json"]) == 0
    said = capsys.readouterr()
    assert any(d["name"] == "petals" for d in json.loads(said.out)) and said.err == ""


def test_json_may_stand_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert core.cli.main(["--json", "jobs"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["datasets", "show", "nowhere"], "no data set named 'nowhere'"),
        (["datasets", "prepare", "nowhere"], "no data set named 'nowhere'"),
        (["datasets", "add", "no/such/folder", "--name", "x"], "no/such/folder"),
        (["datasets", "add", ".", "--name", "../x"], "cannot be a"),
        (["models", "show", "nobody"], "nobody"),
        (["sample", "nobody"], "nobody"),
        (["sample", "noise", "--n", "0"], "n is 0; needed: 1 to 1000000"),
        (["sample", "noise", "--trajectory", "x.png"], "needed: a .gif file"),
        (["evaluate", "nobody", "--dataset", "petals"], "nobody"),
        (["evaluate", "noise", "--dataset", "nowhere"], "nowhere"),
        (["evaluate", "noise", "--dataset", "petals", "--protocol", "magic"], "magic"),
        (["leaderboard", "--dataset", "nowhere"], "no data set named 'nowhere'"),
        (["leaderboard", "--protocol", "magic"], "no protocol named 'magic'"),
        (["compare", "noise", "nobody", "--dataset", "petals"], "noise has no evaluation on petals"),
        (["sample", "noise", "--out", "no/such/folder/x.png"], "no/such/folder is not a folder"),
        (["jobs", "show", "20200101-000000-train-abcdef"], "no job named"),
        (["sweep", "show", "no.csv"], "no.csv"),
    ],
    ids=lambda v: " ".join(v)[:40] if isinstance(v, list) else "",
)
def test_what_a_person_can_cause_is_one_sentence_and_exit_1(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert core.cli.main(argv) == 1
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and said.err.rstrip().endswith(".")
    assert said.out == ""


@pytest.mark.parametrize("argv", [[], ["fly"], ["sample"], ["sample", "noise", "--nn", "3"], ["evaluate", "noise"]])
def test_wrong_usage_is_exit_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as e:
        core.cli.main(argv)
    assert e.value.code == 2


@pytest.mark.parametrize("program", ["core", "trainers"])
def test_a_cache_that_cannot_be_written_is_one_sentence(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("STUDIO_CACHE", str(tmp_path / "file" / "cache"))
    main = {"core": core.cli.main, "trainers": trainers.cli.main}[program]
    argv = {"core": ["datasets", "prepare", "petals"], "trainers": ["vae", "--dataset", "petals"]}[program]
    assert main(argv) == 1
    said = capsys.readouterr()
    assert "cannot be written" in said.err and said.err.count("\n") == 1


def test_an_empty_folder_is_refused_and_nothing_is_registered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert core.cli.main(["datasets", "add", str(tmp_path / "empty"), "--name", "x"]) == 1
    assert not (paths.datasets() / "x").exists()
    assert "No image lies in" in capsys.readouterr().err


def test_the_densities_of_a_shown_data_set_add_up_to_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    core.cli.main(["datasets", "add", str(photos(tmp_path / "p")), "--name", "p"])
    core.cli.main(["datasets", "prepare", "p", "--size", "8"])
    capsys.readouterr()
    assert core.cli.main(["datasets", "show", "p", "--size", "8", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert np.asarray(document["densities"]["train"]).sum(axis=1) == pytest.approx([1, 1, 1])


def test_samples_are_written_as_a_sheet_or_as_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert core.cli.main(["sample", "noise", "--n", "3", "--out", str(tmp_path / "s.png")]) == 0
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.format == "PNG"
    assert core.cli.main(["sample", "noise", "--n", "3", "--out", str(tmp_path / "many")]) == 0
    assert [p.name for p in sorted((tmp_path / "many").iterdir())] == ["000000.png", "000001.png", "000002.png"]


def test_a_folder_is_not_taken_for_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.png").mkdir()
    assert core.cli.main(["sample", "noise", "--n", "1", "--out", str(tmp_path / "x.png")]) == 1
    assert "is a folder" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert core.cli.main(["sample", "noise", "--n", "1", "--out", str(tmp_path / "x.png")]) == 1
    said = capsys.readouterr()
    assert "No space left" in said.err.splitlines()[-1] and "Traceback" not in said.err


def test_json_is_plain_ascii_for_any_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert core.cli.main(["datasets", "add", str(photos(tmp_path / "花")), "--name", "p", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.isascii() and json.loads(out)["source"].endswith("花")


def test_a_folder_with_files_in_it_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "000000.png").write_text("precious")
    assert core.cli.main(["sample", "noise", "--n", "1", "--out", str(tmp_path / "mine")]) == 1
    assert (tmp_path / "mine" / "000000.png").read_text() == "precious"


def test_a_reader_who_has_seen_enough_causes_no_traceback() -> None:
    code = "import sys; from core.cli import main; sys.exit(main(['doctor', '--json']))"
    p = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=paths.PROJECT)
    assert p.stdout is not None and p.stderr is not None
    p.stdout.close()
    errors = p.stderr.read().decode()
    p.stderr.close()
    p.wait(60)
    assert "Traceback" not in errors


def test_the_doctor_names_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert core.cli.main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert "lite0" in document["extractors"] and document["packages"]["torch"] and "lite0" in document["protocols"]

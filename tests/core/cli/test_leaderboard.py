import json
from dataclasses import replace
from pathlib import Path

import pytest

import core.cli
from core import models, results
from core.types import Evaluation, ModelCard
from tests.core.leaderboard.toys import fill, told


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert core.cli.main(["leaderboard", *argv]) == 0
    return capsys.readouterr().out


def test_the_table_is_read_by_people_and_the_document_by_programs(capsys: pytest.CaptureFixture[str]) -> None:
    fill()
    table = said(capsys)
    assert "KID (Lite0)" in table and "comparable within equal Terms only" in table and "2-3" in table
    rows = json.loads(said(capsys, "--json"))
    assert [r["rank"] for r in rows] == [1, 2, 2, None, None] and rows[0]["fingerprint"] == "f" * 64
    assert len(said(capsys, "--format", "csv").splitlines()) == 6
    assert r"\toprule" in said(capsys, "--format", "latex")


def test_the_seed_to_select_on_may_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    for seed, value in ((0, 1.0), (3, 2.0)):
        results.record(told("m", seed=seed, kid=value))
    assert [r["kid"] for r in json.loads(said(capsys, "--json"))] == [1.0]
    assert [r["kid"] for r in json.loads(said(capsys, "--json", "--seed", "3"))] == [2.0]


def test_methods_are_trainings_together(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    card = ModelCard("m", "vae", "toys", 8, {}, 0, "e" * 64, "job:1", "", {}, "")
    monkeypatch.setattr(models, "by_name", lambda: {"m": card})
    assert "No trained model is evaluated yet" in said(capsys, "--methods")
    results.record(told("m", kid=1.0))
    (row,) = json.loads(said(capsys, "--methods", "--json"))
    assert (row["trainings"], row["rank"], row["kid"]) == (1, None, 1.0)
    assert "needs 3 trainings of different seeds, has 1" in said(capsys, "--methods")
    results.record(replace(told("m", kid=2.0), protocol="pixels"))
    latex = said(capsys, "--methods", "--format", "latex")
    assert "% toys under lite0" in latex and "KID (Lite0)" in latex and "KID (pixels)" in latex
    assert len(said(capsys, "--methods", "--format", "csv").splitlines()) == 3


def test_each_data_set_and_protocol_has_a_block_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    results.record(told("m", kid=1.0))
    results.record(replace(told("m", kid=2.0), protocol="pixels"))
    results.record(replace(told("m", kid=3.0), dataset="others", origin="lab-a"))
    blocks = said(capsys).split("\n\n")
    assert [b.splitlines()[0] for b in blocks] == ["others under lite0", "toys under lite0", "toys under pixels"]
    assert ["from" in b.splitlines()[1].split() for b in blocks] == [True, False, False]
    assert "KID (Lite0)" in blocks[1] and "KID (pixels)" in blocks[2]
    assert len(json.loads(said(capsys, "--json"))) == 3


def test_figures_that_others_printed_stand_below_and_never_among_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    table = said(capsys, "--protocol", "study-2024")
    assert "Nothing is evaluated yet" in table and "2.0693" in table and "never ranked" in table
    assert r"\toprule" in said(capsys, "--protocol", "study-2024", "--format", "latex")
    assert json.loads(said(capsys, "--protocol", "study-2024", "--json")) == []
    assert "2.0693" not in said(capsys, "--protocol", "lite0")


def test_a_data_set_may_be_the_path_of_a_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    photos = tmp_path / "my" / "photos"
    photos.mkdir(parents=True)
    assert "Nothing is evaluated yet" in said(capsys, "--dataset", str(photos))
    results.record(replace(told("m", kid=1.0), dataset="my/photos"))
    assert "my/photos under lite0" in said(capsys, "--dataset", str(photos))
    assert "Nothing is evaluated yet" in said(capsys, "--dataset", "my/photos", "--protocol", "pixels")


# Two of them.


def compared(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert core.cli.main(["compare", *argv, "--dataset", "toys"]) == 0
    return capsys.readouterr().out


def test_two_folders_are_compared_by_their_paths(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("one", 1.0), ("two", 2.0)):
        (tmp_path / "out" / name).mkdir(parents=True)
        results.record(replace(told(f"out/{name}", kind="folder", kid=value), sample=None))
    assert "out/one is better" in compared(capsys, str(tmp_path / "out" / "one"), str(tmp_path / "out" / "two"))
    monkeypatch.chdir(tmp_path / "out")
    assert "out/one is better" in compared(capsys, "two", "./one")
    # Records outlive their folders.
    (tmp_path / "out" / "one").rmdir()
    assert "out/one is better" in compared(capsys, "out/one", "out/two")
    # A model of that name goes before a folder.
    results.record(told("noise", kid=3.0, kind="yardstick"))
    (tmp_path / "out" / "noise").mkdir()
    assert "noise - out/two" in compared(capsys, "noise", "two")


def test_a_record_of_another_machine_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    results.record(told("a", kid=1.0))
    results.record(replace(told("b", kid=2.0), origin="lab-a"))
    text = compared(capsys, "a", "b")
    assert "a is better" in text and "b is from the bundle lab-a" in text and "a is from" not in text
    document = json.loads(compared(capsys, "a", "b", "--json"))
    assert (document["a_from"], document["b_from"]) == ("", "lab-a")


def test_what_decides_nothing_says_so_and_that_the_margin_was_not_used(capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("a", 0.2), ("b", 0.9)):
        results.record(told(name, precision=value))
    bare = compared(capsys, "a", "b", "--metric", "precision")
    assert bare == "a - b = -0.7 ± 0.014: KID decides: precision ranks nothing.\n"
    text = compared(capsys, "a", "b", "--metric", "precision", "--margin", "0.5")
    assert text == "a - b = -0.7 ± 0.014: KID decides: precision ranks nothing. The margin was not used.\n"


def test_a_pair_at_the_held_out_floor_is_undecided_as_in_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    def sure(e: Evaluation) -> Evaluation:
        return replace(e, scores={r: replace(s, error=0.001) for r, s in e.scores.items()})

    for name, value in (("a", 0.10), ("b", 0.15)):
        results.record(sure(told(name, kid=value, kid_matched=value)))
    assert "a is better" in compared(capsys, "a", "b")
    results.record(replace(told("held-out", kind="yardstick", kid_matched=0.2), sample=None))
    assert "undecided" in compared(capsys, "a", "b") and "as near to the reference as real images" in compared(capsys, "a", "b")

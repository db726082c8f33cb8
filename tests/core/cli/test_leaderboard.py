import json

import pytest

import core.cli
from core import models, results
from core.types import ModelCard
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
    monkeypatch.setattr(models, "cards", lambda: [card])
    assert "No trained model is evaluated yet" in said(capsys, "--methods")
    results.record(told("m", kid=1.0))
    (row,) = json.loads(said(capsys, "--methods", "--json"))
    assert (row["trainings"], row["rank"], row["kid"]) == (1, None, 1.0)
    assert "needs 3 trainings of different seeds, has 1" in said(capsys, "--methods")

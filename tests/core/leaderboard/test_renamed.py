"""A renamed model is one line, under its id of today."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import leaderboard, models, results
from core.errors import ScoreError
from tests.core.leaderboard.toys import told
from tests.core.tiny_models import VAE, publish


@pytest.fixture
def renamed(tmp_path: Path) -> None:
    """`a` and `other` have a record each; then `a` becomes `b`."""
    publish(VAE, tmp_path, model_id="a")
    results.record(told("a", kid=1.0))
    results.record(told("other", kid=2.0))
    assert [r["model"] for r in leaderboard.rows()] == ["a", "other"]
    models.rename("a", "b")


def test_records_under_an_old_id_stand_under_the_present_one(renamed: None) -> None:
    rows = leaderboard.rows()
    assert [(r["model"], r["family"]) for r in rows] == [("b", "vae"), ("other", "")]
    assert leaderboard.evaluation(rows[0]["evaluation"]).subject == "b"
    assert [e.subject for e in results.read()] == ["a", "other"]
    (method,) = leaderboard.methods("toys", "lite0")
    assert method["models"] == "b"


def test_records_under_both_ids_are_one_line(renamed: None) -> None:
    results.record(told("b", kid=1.5))
    first, _ = leaderboard.rows()
    assert (first["model"], first["kid"], first["evaluations"]) == ("b", 1.5, 2)
    assert [r["kid"] for r in leaderboard.history(first["evaluation"])] == [1.5, 1.0]


@pytest.mark.parametrize("name", ["a", "b"])
def test_either_id_names_it_in_a_comparison(name: str, renamed: None) -> None:
    one, two = leaderboard.newest_pair(name, "other", "toys", "lite0", "kid")
    assert (one.subject, two.subject) == ("b", "other")


def test_a_deleted_model_keeps_its_line(renamed: None) -> None:
    models.delete("b")
    assert [r["model"] for r in leaderboard.rows()] == ["b", "other"]
    assert leaderboard.newest_pair("b", "other", "toys", "lite0", "kid")[0].subject == "b"


def test_what_is_no_model_of_this_machine_keeps_its_name(renamed: None) -> None:
    results.record(replace(told("a", kid=3.0), origin="lab"))
    results.record(replace(told("a", kid=4.0, kind="folder"), sample=None))
    assert [r["model"] for r in leaderboard.rows()] == ["b", "other", "a", "a"]


def test_a_name_that_nothing_has_or_had_is_refused(renamed: None) -> None:
    with pytest.raises(ScoreError, match="c has no evaluation on toys"):
        leaderboard.newest_pair("c", "other", "toys", "lite0", "kid")

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core import compare, leaderboard, results
from core.errors import ScoreError
from core.types import Evaluation, Features
from tests.core.toy_evaluations import draw, evaluation, real

N, HELD = 120, 60


@pytest.fixture
def ref() -> Features:
    return real()


def held_out(ref: Features, n: int = HELD) -> Evaluation:
    return evaluation("held-out", draw(n, 500), ref, seed=None, kind="yardstick", matched=n)


def fill(ref: Features) -> None:
    """Three models (two of them equal), noise, and held-out images, of which there are fewer."""
    noise = draw(N, 1)
    other = np.concatenate([noise[:-1], draw(1, 2)])
    for name, x in (("middle", noise * 1.45), ("good", noise * 1.05), ("middle-too", other * 1.45)):
        results.record(evaluation(name, x, ref, matched=HELD))
    results.record(evaluation("noise", draw(N, 3, 4.0), ref, kind="yardstick", matched=HELD))
    results.record(held_out(ref))


def names(group: leaderboard.Group) -> list[str]:
    return [r.evaluation.subject for r in group.rows]


def test_ranks_count_who_is_significantly_better(ref: Features) -> None:
    fill(ref)
    (group,) = leaderboard.table("toys", "lite0")
    ranks = {r.evaluation.subject: (r.rank, r.rank_low, r.rank_high) for r in group.rows if r.rank}
    assert ranks == {"good": (1, 1, 1), "middle": (2, 2, 3), "middle-too": (2, 2, 3)}


def test_yardsticks_stand_in_the_order_without_a_rank(ref: Features) -> None:
    fill(ref)
    (group,) = leaderboard.table("toys", "lite0")
    assert names(group)[0] == "good" and names(group)[3:] == ["noise", "held-out"]
    assert [r.rank for r in group.rows][3:] == [None, None]
    assert [r.beside for r in group.rows] == [False] * 4 + [True]


def test_held_out_images_are_compared_in_the_matched_column_only(ref: Features) -> None:
    fill(ref)
    rows = leaderboard.rows("toys", "lite0")
    held, model = rows[-1], rows[0]
    assert held["model"] == "held-out" and held["kid"] is None and held["fd"] is None and held["n"] == HELD
    assert held["terms_matched"] == model["terms_matched"] and held["n_matched"] == model["n_matched"] == HELD
    assert held["kid_matched"] < model["kid_matched"] < rows[3]["kid_matched"]


def test_held_out_images_of_the_same_n_stand_in_the_table(ref: Features) -> None:
    results.record(evaluation("m", draw(HELD, 1, 1.5), ref, matched=HELD))
    results.record(held_out(ref))
    (group,) = leaderboard.table("toys", "lite0")
    assert names(group) == ["held-out", "m"] and [r.rank for r in group.rows] == [None, 1]
    assert leaderboard.rows()[0]["kid"] is not None


def test_other_terms_are_another_group_with_its_reason(ref: Features) -> None:
    fill(ref)
    results.record(evaluation("few", draw(30, 9), ref, matched=30))
    results.record(evaluation("other-resize", draw(N, 9), ref, resize="nearest"))
    groups = leaderboard.table("toys", "lite0")
    assert len(groups) == 3
    assert len({g.terms.hash for g in groups}) == 3
    for g in groups:
        assert {r.evaluation.scores["kid"].terms.hash for r in g.rows if not r.beside} == {g.terms.hash}
    assert names(groups[-1]) == ["few"]
    newest, first = groups[0], groups[1]
    assert names(newest) == ["other-resize"]
    assert "resizing to the extractor (nearest and bilinear)" in leaderboard.why_apart(newest, first)
    assert "number of generated images (120 and 30)" in leaderboard.why_apart(first, groups[2])
    assert all(r["rank"] in (1, None) for r in leaderboard.rows() if r["terms"] != first.terms.hash)


def test_only_the_newest_of_a_way_of_drawing_counts(ref: Features) -> None:
    a = evaluation("m", draw(N, 1, 1.2), ref)
    assert a.sample is not None
    results.record(a)
    newer = results.record(evaluation("m", draw(N, 2, 1.3), ref, seed=5))
    other = results.record(replace(a, sample=replace(a.sample, sampler="ddim", steps=20, grid="leading")))
    (group,) = leaderboard.table("toys", "lite0")
    assert {r.evaluation.id for r in group.rows} == {newer.id, other.id}
    assert {r["sampler"] for r in leaderboard.rows()} == {"", "ddim, 20 steps, leading, eta 0"}


def test_a_missing_fd_is_a_gap(ref: Features) -> None:
    results.record(evaluation("m", draw(N, 1), ref, metrics=("kid",)))
    (row,) = leaderboard.rows()
    assert row["fd"] is None and row["fd_band"] == "" and row["kid"] is not None


def test_rows_are_plain_and_say_where_they_come_from(ref: Features) -> None:
    fill(ref)
    rows = leaderboard.rows()
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    good = rows[0]
    assert good["seconds_per_1000"] == pytest.approx(1000 * 0.25 / N) and good["network_evaluations"] == 50
    assert good["command"].startswith("python -m core evaluate good") and good["n_real"] == 300
    assert rows[3]["kind"] == "yardstick" and rows[-1]["seconds_per_1000"] is None
    assert len({tuple(r) for r in rows}) == 1


def test_data_sets_never_share_a_group(ref: Features) -> None:
    for name in ("toys", "others"):
        e = evaluation("m", draw(N, 1), ref, reference=name)
        results.record(replace(e, dataset=name))
    assert [r["dataset"] for r in leaderboard.rows()] == ["others", "toys"]
    assert len({r["terms"] for r in leaderboard.rows()}) == 2
    assert [r["dataset"] for r in leaderboard.rows("toys")] == ["toys"]


def test_nothing_measured_is_an_empty_table() -> None:
    assert leaderboard.table("toys", "lite0") == [] and leaderboard.rows() == [] and leaderboard.rows("toys", "lite0") == []


def test_an_unknown_protocol_is_told_with_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="no protocol named 'x'; known: lite0"):
        leaderboard.table("toys", "x")


def test_two_are_compared_by_their_newest_evaluations_of_equal_terms(ref: Features) -> None:
    """A later evaluation of one of them with another n does not take away what can be compared."""
    results.record(evaluation("m", draw(N, 1), ref))
    last = results.record(evaluation("m", draw(N, 2), ref))
    pca = results.record(evaluation("gaussian-pca@toys", draw(N, 3), ref, kind="yardstick"))
    results.record(evaluation("gaussian-pca@toys", draw(N // 2, 3), ref, kind="yardstick"))
    one, two = leaderboard.newest_pair("m", "gaussian-pca", "toys", "lite0", "kid")
    assert (one.id, two.id) == (last.id, pca.id) and one.scores["kid"].influence_fake is not None


def test_where_no_terms_are_equal_the_newest_are_given_so_that_the_difference_can_be_told(ref: Features) -> None:
    a, b = results.record(evaluation("a", draw(N, 1), ref)), results.record(evaluation("b", draw(N // 2, 2), ref))
    found = leaderboard.newest_pair("a", "b", "toys", "lite0", "kid")
    assert [e.id for e in found] == [a.id, b.id]
    with pytest.raises(ScoreError, match="number of generated images"):
        compare.pair(*found, "kid")


def test_what_was_never_evaluated_is_told_with_the_command(ref: Features) -> None:
    with pytest.raises(ScoreError, match="x has no evaluation on toys under lite0; make one: python -m core evaluate x"):
        leaderboard.newest_pair("x", "y", "toys", "lite0", "kid")
    with pytest.raises(ScoreError, match="no protocol named 'z'; known: lite0"):
        leaderboard.newest_pair("x", "y", "toys", "z", "kid")


def test_two_folders_of_one_name_are_two_rows(ref: Features) -> None:
    for seed, content in ((1, "a" * 64), (2, "b" * 64)):
        results.record(replace(evaluation("run/out", draw(N, seed), ref, seed=None, kind="folder"), fingerprint=content))
    assert [r["model"] for r in leaderboard.rows("toys", "lite0")] == ["run/out", "run/out"]


def test_what_is_printed_has_a_paper_s_columns_and_says_its_terms(ref: Features) -> None:
    fill(ref)
    rows = leaderboard.rows("toys", "lite0")
    assert list(leaderboard.for_print(rows)[0])[:4] == ["rank", "model", "sampler", "kid"]
    assert str(rows[0]["terms"])[:12] in leaderboard.footnote(rows) and "KID (Lite0)" in leaderboard.footnote(rows)


def test_one_difference_among_many_equal_models_is_judged_by_the_whole_family(
    ref: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holm: a p of 0.02 alone is a verdict, among 28 pairs it is none."""
    from core import compare
    from core.types import Comparison

    for i in range(8):
        results.record(evaluation(f"m{i}", draw(N, 10 + i, 1.4), ref, metrics=("kid",)))

    def fixed(a: Evaluation, b: Evaluation, metric: str) -> Comparison:
        p = 0.02 if {a.subject, b.subject} == {"m0", "m1"} else 0.9
        return Comparison(a.subject, b.subject, metric, -0.1, 0.01, p, "a" if p < 0.05 else "undecided", 0.02)

    monkeypatch.setattr(compare, "pair", fixed)
    (group,) = leaderboard.table("toys", "lite0")
    assert {(r.rank_low, r.rank_high) for r in group.rows} == {(1, 8)}


def test_fd_never_moves_a_rank(ref: Features) -> None:
    def worse_fd(e: Evaluation, value: float) -> Evaluation:
        return replace(e, scores={**e.scores, "fd": replace(e.scores["fd"], value=value)})

    noise: Any = draw(N, 1)
    results.record(worse_fd(evaluation("good", noise, ref), 900.0))
    results.record(worse_fd(evaluation("bad", noise * 2, ref), 0.1))
    assert [(r["model"], r["rank"]) for r in leaderboard.rows()] == [("good", 1), ("bad", 2)]

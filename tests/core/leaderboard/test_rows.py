import json
import os
import time
from dataclasses import replace

import numpy as np
import pytest

from core import compare, leaderboard, models, paths, results
from core.configs import SampleConfig
from core.errors import ScoreError
from core.results.file import opened
from core.results.rows import insert
from core.types import Evaluation, ModelCard, Score
from tests.core.leaderboard.toys import HELD, N_REAL, REF, N, fill, told
from tests.core.toy_evaluations import draw, evaluation, terms

NAMES = (
    "dataset protocol rank rank_low rank_high unranked model kind family experiment sampler seed n n_real kid kid_error "
    "kid_matched kid_matched_error n_matched share fd fd_error fd_band fd_corrected fd_corrected_error is is_error precision "
    "precision_error recall recall_error density density_error coverage coverage_error copies copies_low copies_high flagged "
    "disagrees report_kid report_kid_error report_seed evaluations network_evaluations seconds_per_1000 refused origin "
    "created_at command evaluation fingerprint weights terms terms_matched"
)
KEYS = set(NAMES.split())


def test_rows_are_plain_and_say_where_they_come_from() -> None:
    fill()
    rows = leaderboard.rows()
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert {frozenset(r) for r in rows} == {frozenset(KEYS)} and len({tuple(r) for r in rows}) == 1
    good = rows[0]
    assert good["seconds_per_1000"] == pytest.approx(1000 * 0.25 / N) and good["network_evaluations"] == 50
    assert good["command"].startswith("python -m core evaluate good") and good["n_real"] == N_REAL
    assert rows[3]["kind"] == "yardstick" and rows[-1]["seconds_per_1000"] is None


def test_held_out_images_of_another_n_show_what_may_be_compared() -> None:
    """The matched column; and the Inception score, which means nothing without that of real images beside it."""
    results.record(told("m", kid=1.0, kid_matched=1.1, precision=0.5, **{"is": 2.0}))
    heldout = told("held-out", kind="yardstick", n=HELD, kid=0.0, kid_matched=0.0, precision=0.9, fd=1.0, **{"is": 3.0})
    results.record(replace(heldout, sample=None))
    model, held = leaderboard.rows("toys", "lite0")
    assert held["model"] == "held-out" and held["kid"] is None and held["fd"] is None and held["precision"] is None
    assert (held["n"], held["is"], held["kid_matched"], held["n_matched"]) == (HELD, 3.0, 0.0, HELD)
    assert held["terms_matched"] == model["terms_matched"] and held["terms"] == model["terms"]
    assert model["precision"] == 0.5


def test_the_share_of_the_way_from_a_gaussian_to_held_out_images() -> None:
    for name, kind, value in (("m", "model", 0.4), ("gaussian-pca@toys", "yardstick", 1.0), ("noise", "yardstick", 4.0)):
        results.record(told(name, kind=kind, kid=value, kid_matched=value))
    assert {r["share"] for r in leaderboard.rows()} == {None}
    results.record(replace(told("held-out", kind="yardstick", n=HELD, kid=0.2, kid_matched=0.2), sample=None))
    shares = {r["model"]: r["share"] for r in leaderboard.rows()}
    assert shares == pytest.approx({"m": 0.75, "gaussian-pca@toys": 0.0, "noise": -3.75, "held-out": 1.0})


def test_copies_are_flagged_by_the_lower_end_of_their_interval() -> None:
    for name, low in (("copycat@toys", 0.9), ("honest", 0.0), ("border", 0.01)):
        e = told(name, kid=1.0, copies=0.05)
        copies = replace(e.scores["copies"], interval=(low, 0.99))
        results.record(replace(e, scores={**e.scores, "copies": copies}))
    rows = {r["model"]: (r["flagged"], r["copies_low"], r["copies_high"]) for r in leaderboard.rows()}
    assert rows == {"copycat@toys": (True, 0.9, 0.99), "honest": (False, 0.0, 0.99), "border": (False, 0.01, 0.99)}


def test_the_distance_is_found_whatever_the_protocol_calls_it() -> None:
    e = told("m", kid=1.0, fd=(7.0, 0.5, "provisional"))
    results.record(replace(e, protocol="inception", scores={"kid": e.scores["kid"], "fid": e.scores["fd"]}))
    (row,) = leaderboard.rows()
    assert (row["fd"], row["fd_error"], row["fd_band"]) == (7.0, 0.5, "provisional")


def test_family_and_experiment_come_from_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    card = ModelCard("m", "vae", "toys", 8, {}, 0, "e" * 64, "job:1", "", {}, "")
    monkeypatch.setattr(models, "by_name", lambda: {"m": card})
    results.record(told("m", kid=1.0))
    results.record(told("gone", kid=2.0))
    results.record(replace(told("m", kid=3.0), origin="lab-a"))
    results.record(told("gaussian-pca@toys:64", kid=4.0, kind="yardstick"))
    found = [(r["family"], r["experiment"]) for r in leaderboard.rows()]
    assert found == [("vae", "e" * 64), ("", ""), ("", ""), ("gaussian_pca", "")]


def test_data_sets_never_share_a_group() -> None:
    for name in ("toys", "others"):
        e = evaluation("m", draw(N, 1), REF, reference=name)
        results.record(replace(e, dataset=name))
    assert [r["dataset"] for r in leaderboard.rows()] == ["others", "toys"]
    assert len({r["terms"] for r in leaderboard.rows()}) == 2
    assert [r["dataset"] for r in leaderboard.rows("toys")] == ["toys"]


def test_nothing_measured_is_an_empty_table() -> None:
    assert leaderboard.table("toys", "lite0") == [] and leaderboard.rows() == [] and leaderboard.rows("toys", "lite0") == []


def test_a_new_record_is_seen_at_once_and_rows_handed_out_are_the_caller_s() -> None:
    results.record(told("a", kid=1.0))
    leaderboard.rows()[0]["model"] = "spoiled"
    assert [r["model"] for r in leaderboard.rows()] == ["a"]
    results.record(told("b", kid=2.0))
    assert [r["model"] for r in leaderboard.rows()] == ["a", "b"]


def test_records_of_a_protocol_that_is_not_known_here_are_left_out() -> None:
    e = results.record(replace(told("a", kid=1.0), protocol="of-tomorrow"))
    assert leaderboard.rows() == [] and leaderboard.history(e.id) == []


# One record and its like.


def test_history_is_all_of_a_way_of_drawing_newest_first() -> None:
    first = results.record(told("m", kid=1.0))
    results.record(told("other", kid=1.0))
    few = results.record(told("m", kid=2.0, n=HELD))
    seed = results.record(told("m", kid=3.0, seed=4))
    rows = leaderboard.history(first.id)
    assert [(r["evaluation"], r["kid"], r["n"], r["seed"]) for r in rows] == [
        (seed.id, 3.0, N, 4),
        (few.id, 2.0, HELD, 0),
        (first.id, 1.0, N, 0),
    ]
    assert {r["rank"] for r in rows} == {None} and {r["evaluations"] for r in rows} == {3}
    assert set(rows[0]) == KEYS


def test_a_record_is_found_by_its_number() -> None:
    e = results.record(told("m", kid=1.0))
    assert leaderboard.evaluation(e.id).subject == "m"
    with pytest.raises(ScoreError, match="no evaluation 99"):
        leaderboard.evaluation(99)


def test_why_two_records_stand_apart_is_told_field_by_field() -> None:
    a = results.record(evaluation("a", draw(N, 1), REF))
    b = results.record(evaluation("b", draw(30, 2), REF, resize="nearest"))
    assert leaderboard.why_apart(a.id, b.id) == [
        ("resizing to the extractor", "bilinear", "nearest"),
        ("number of generated images", "120", "30"),
    ]
    assert leaderboard.why_apart(a.id, a.id) == []
    other = results.record(replace(told("c", precision=0.5), protocol="inception"))
    assert leaderboard.why_apart(a.id, other.id) == [("protocol", "lite0", "inception"), ("metrics", "kid, fd", "precision")]
    elsewhere = results.record(replace(evaluation("d", draw(N, 1), REF, reference="photos"), dataset="photos"))
    assert leaderboard.why_apart(a.id, elsewhere.id) == [("data set", "toys", "photos")]


def test_two_are_compared_by_their_newest_evaluations_of_equal_terms() -> None:
    """A later evaluation of one of them with another n does not take away what can be compared."""
    results.record(evaluation("m", draw(N, 1), REF))
    last = results.record(evaluation("m", draw(N, 2), REF))
    pca = results.record(evaluation("gaussian-pca@toys", draw(N, 3), REF, kind="yardstick"))
    results.record(evaluation("gaussian-pca@toys", draw(N // 2, 3), REF, kind="yardstick"))
    one, two = leaderboard.newest_pair("m", "gaussian-pca", "toys", "lite0", "kid")
    assert (one.id, two.id) == (last.id, pca.id) and one.scores["kid"].influence_fake is not None


def test_two_are_compared_on_one_seed_where_they_have_one() -> None:
    a, b = (results.record(evaluation(name, draw(N, 1), REF, seed=0)) for name in "ab")
    results.record(evaluation("b", draw(N, 2), REF, seed=1))
    one, two = leaderboard.newest_pair("a", "b", "toys", "lite0", "kid")
    assert (one.id, two.id) == (a.id, b.id)


def test_where_no_terms_are_equal_the_newest_are_given_so_that_the_difference_can_be_told() -> None:
    a, b = results.record(evaluation("a", draw(N, 1), REF)), results.record(evaluation("b", draw(N // 2, 2), REF))
    found = leaderboard.newest_pair("a", "b", "toys", "lite0", "kid")
    assert [e.id for e in found] == [a.id, b.id]
    with pytest.raises(ScoreError, match="number of generated images"):
        compare.pair(*found, "kid")


def test_what_was_never_evaluated_is_told_with_the_command() -> None:
    with pytest.raises(ScoreError, match="x has no evaluation on toys under lite0; make one: python -m core evaluate x"):
        leaderboard.newest_pair("x", "y", "toys", "lite0", "kid")
    with pytest.raises(ScoreError, match="no protocol named 'z'; known: .*lite0"):
        leaderboard.newest_pair("x", "y", "toys", "z", "kid")


# What others printed.


def test_the_study_s_figures_stand_under_its_protocol_only() -> None:
    rows = leaderboard.published("study-2024")
    assert [r["approach"] for r in rows] == ["random noise", "VAE", "diffusion"]
    assert [(r["is"], r["fid_flowers102"], r["fid_celeba"]) for r in rows][2] == (1.642, 2.0693, 1.0349)
    assert all("figure 12" in r["source"] for r in rows)
    assert leaderboard.published("lite0") == [] and leaderboard.rows() == []


# Ten thousand scores.


@pytest.mark.parametrize(("many", "metrics"), [(10_000, ("kid",)), (1_250, ("kid", "fd", "is", *"abcd"))])
def test_ten_thousand_scores_are_ranked_and_soon_there(many: int, metrics: tuple[str, ...]) -> None:
    """Timed at 0.6 s and 0.4 s on two cores; the bound is loose, since machines are busy."""
    rng = np.random.default_rng(0)
    known = {m: replace(terms("kid", N, REF), metric=m) for m in metrics}
    matched = terms("kid", HELD, REF)

    def made(i: int) -> Evaluation:
        scores = {m: Score(m, 1 + 0.001 * i, 0.01, t) for m, t in known.items()}
        if i < 600:
            vectors = {"influence_fake": rng.normal(size=N) * 0.1, "influence_real": rng.normal(size=N_REAL) * 0.1}
            scores["kid"] = replace(scores["kid"], **vectors)
        if len(metrics) > 1:
            scores["kid_matched"] = Score("kid", 1.0, 0.1, matched)
        return replace(base, subject=f"m{i}", sample=SampleConfig(f"m{i}", n=N), scores=scores, created_at="2025")

    base = told("m")
    with opened() as db:
        db.execute("BEGIN")
        for i in range(many):
            insert(db, made(i))
        db.execute("COMMIT")
    started = time.perf_counter()
    rows = leaderboard.rows()
    first = time.perf_counter() - started
    started = time.perf_counter()
    assert leaderboard.rows() == rows
    assert len(rows) == many and sum(r["rank"] is not None for r in rows) == 500
    assert rows[0]["rank"] == 1 and rows[499]["rank"] > 1 and rows[500]["unranked"].startswith("not compared")
    assert first < 5 and time.perf_counter() - started < 1


def test_pairs_are_of_this_machine_before_any_that_were_imported() -> None:
    mine = [results.record(told(name, kid=value)) for name, value in (("a", 1.0), ("b", 2.0))]
    results.record(replace(told("a", kid=9.0), origin="lab-a"))
    one, two = leaderboard.newest_pair("a", "b", "toys", "lite0", "kid")
    assert (one.id, two.id) == tuple(e.id for e in mine)


def test_a_pair_at_the_held_out_floor_gets_no_verdict_as_in_the_ranking() -> None:
    a, b = told("a", kid=0.10, kid_matched=0.10), told("b", kid=0.15, kid_matched=0.15)
    a, b = (replace(e, scores={r: replace(s, error=0.001) for r, s in e.scores.items()}) for e in (a, b))
    assert leaderboard.compared(a, b, "kid").verdict == "a"
    results.record(replace(told("held-out", kind="yardstick", n=HELD, kid=0.2, kid_matched=0.2), sample=None))
    assert leaderboard.compared(a, b, "kid").verdict == "undecided"


def test_own_records_of_two_seeds_stand_before_an_imported_one_of_the_same_seed() -> None:
    mine = [results.record(told(name, seed=seed, kid=1.0)) for name, seed in (("a", 0), ("b", 1))]
    results.record(replace(told("b", seed=0, kid=1.0), origin="lab-a"))
    assert [e.id for e in leaderboard.newest_pair("a", "b", "toys", "lite0", "kid")] == [e.id for e in mine]


def test_where_one_was_only_imported_that_record_is_taken() -> None:
    mine = results.record(told("a", kid=1.0))
    carried = [results.record(replace(told(name, kid=2.0), origin="lab-a")) for name in "ab"]
    one, two = leaderboard.newest_pair("a", "b", "toys", "lite0", "kid")
    assert (one.id, two.id, two.origin) == (mine.id, carried[1].id, "lab-a")


def test_where_no_terms_are_equal_own_records_are_told_apart_first() -> None:
    mine = results.record(told("a", kid=1.0))
    results.record(replace(told("a", kid=1.0, n=50), origin="lab-a"))
    other = results.record(told("b", kid=1.0, n=30))
    assert [e.id for e in leaderboard.newest_pair("a", "b", "toys", "lite0", "kid")] == [mine.id, other.id]


def test_a_file_in_the_place_of_one_with_the_same_last_id_is_seen() -> None:
    results.record(told("a", kid=1.0))
    file = paths.results()
    first = file.read_bytes()
    file.unlink()
    results.record(told("b", kid=1.0))
    assert [r["model"] for r in leaderboard.rows()] == ["b"]
    times = file.stat()
    beside = file.with_suffix(".old")
    beside.write_bytes(first)
    os.utime(beside, ns=(times.st_atime_ns, times.st_mtime_ns))
    beside.replace(file)
    assert results.last_id() == 1 and [r["model"] for r in leaderboard.rows()] == ["a"]
    assert leaderboard.evaluation(1).subject == "a"


def test_a_score_of_a_role_that_is_unknown_here_disturbs_nothing() -> None:
    e = told("m", kid=1.0)
    odd = replace(e.scores["kid"], metric="of_tomorrow", terms=replace(e.scores["kid"].terms, metric="of_tomorrow"))
    both = results.record(replace(e, scores={**e.scores, "of_tomorrow": odd, "of_tomorrow_matched": odd}, origin="lab-a"))
    alone = results.record(
        replace(e, subject="k", scores={"of_tomorrow": odd}, refused={"of_yesterday": "Too few."}, origin="lab-a")
    )
    rows = leaderboard.rows()
    assert [(r["model"], r["kid"], r["rank"]) for r in rows] == [("m", 1.0, 1), ("k", None, None)]
    assert "KID (Lite0)" in leaderboard.text(rows, "md") and len(leaderboard.history(alone.id)) == 1
    assert leaderboard.why_apart(both.id, alone.id) == []
    assert leaderboard.label("lite0", "of_tomorrow_matched") == "of_tomorrow (Lite0), matched n"
    assert leaderboard.compared(both, both, "kid").verdict == "undecided"

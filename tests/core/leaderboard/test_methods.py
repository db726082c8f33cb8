from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from core import leaderboard, models, results
from core.errors import ScoreError
from core.leaderboard.trainings import welch
from core.types import ModelCard
from tests.core.leaderboard.toys import told


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two methods with three trainings, one with two, one with three of a single seed."""
    cards = []
    for experiment, seeds in (("aaaa", (0, 1, 2)), ("bbbb", (0, 1, 2)), ("cccc", (0, 1)), ("dddd", (0, 0, 0))):
        for k, seed in enumerate(seeds):
            card = ModelCard(f"{experiment}-{k}", "vae", "toys", 8, {}, seed, experiment * 16, "job:1", "", {}, "")
            cards.append(card)
    monkeypatch.setattr(models, "by_name", lambda: {c.id: c for c in cards})


def record(**values: tuple[float, ...]) -> None:
    for experiment, each in values.items():
        for k, value in enumerate(each):
            results.record(told(f"{experiment}-{k}", kid=value))


def test_methods_are_ranked_by_their_trainings_not_by_their_images(trained: None) -> None:
    """The errors of the images are tiny: every training differs from every other; the methods do not all."""
    record(aaaa=(1.0, 1.1, 0.9), bbbb=(2.0, 2.1, 1.9), cccc=(0.1, 0.2), dddd=(3.0, 3.1, 3.2))
    assert [r["rank"] for r in leaderboard.rows()] == list(range(1, 12))
    rows = leaderboard.methods("toys", "lite0")
    assert [(r["experiment"][:4], r["trainings"], r["rank"], r["rank_high"]) for r in rows] == [
        ("cccc", 2, None, None),
        ("aaaa", 3, 1, 1),
        ("bbbb", 3, 2, 2),
        ("dddd", 1, None, None),
    ]
    assert rows[0]["why"] == "needs 3 trainings of different seeds, has 2" and rows[1]["why"] == ""
    assert rows[1]["kid"] == pytest.approx(1.0) and rows[1]["spread"] == pytest.approx(0.1)
    assert rows[1]["error"] == pytest.approx(0.1 / 3**0.5) and rows[1]["seeds"] == "0: 1, 1: 1.1, 2: 0.9"
    assert rows[3]["kid"] == 3.2 and rows[3]["spread"] is None  # of one seed, the newest counts


def test_methods_whose_trainings_overlap_stay_undecided(trained: None) -> None:
    record(aaaa=(1.0, 1.6, 0.5), bbbb=(1.1, 1.9, 0.7))
    assert [(r["rank"], r["rank_high"]) for r in leaderboard.methods("toys", "lite0")] == [(1, 2), (1, 2)]


def test_methods_seen_by_other_weights_have_a_table_of_their_own(trained: None) -> None:
    record(aaaa=(1.0, 1.1, 0.9))
    e = told("bbbb-0", kid=1.0)
    kid = e.scores["kid"]
    results.record(replace(e, scores={"kid": replace(kid, terms=replace(kid.terms, weights_sha256="f17de1cd" + "0" * 56))}))
    found = {title: rows for title, rows, _ in leaderboard.method_tables(leaderboard.methods("toys", "lite0"))}
    assert sorted(found) == ["toys under lite0", "toys under lite0, weights f17de1cd"]
    (own,), (other,) = (found[title] for title in sorted(found))
    assert own["KID (Lite0)"] == pytest.approx(1.0) and own["rank"] == "1"
    assert other["KID (Lite0, weights f17de1cd)"] == 1.0 and "has 1" in other["not ranked"]


def test_ways_of_drawing_are_methods_of_their_own(trained: None) -> None:
    record(aaaa=(1.0, 1.1, 0.9))
    e = told("aaaa-0", kid=5.0)
    assert e.sample is not None
    results.record(replace(e, sample=replace(e.sample, sampler="ddim", steps=20, grid="leading")))
    rows = leaderboard.methods("toys", "lite0")
    assert [r["method"] for r in rows] == ["vae aaaaaaaa", "vae aaaaaaaa, ddim, 20 steps, leading, eta 0"]


def test_models_of_another_machine_and_yardsticks_are_no_trainings(trained: None) -> None:
    results.record(replace(told("aaaa-0", kid=1.0), origin="lab-a"))
    results.record(told("noise", kid=4.0, kind="yardstick"))
    assert leaderboard.methods("toys", "lite0") == []


def test_a_protocol_that_ranks_nothing_has_no_methods(trained: None) -> None:
    record(aaaa=(1.0, 1.1, 0.9))
    assert leaderboard.methods("toys", "study-2024") == []
    with pytest.raises(ScoreError, match="no protocol named 'x'"):
        leaderboard.methods("toys", "x")


@pytest.mark.parametrize("sizes", [(3, 3), (3, 7), (2, 5)])
def test_welch_is_scipy_s(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(sizes))
    one, two = rng.normal(size=sizes[0]), rng.normal(0.5, 3.0, size=sizes[1])
    assert welch(one, two) == pytest.approx(stats.ttest_ind(one, two, equal_var=False).pvalue, rel=1e-12)  # type: ignore[arg-type]


def test_trainings_without_any_spread_decide_nothing() -> None:
    assert welch([1.0, 1.0, 1.0], [2.0, 2.0, 2.0]) == 1.0


def test_equal_methods_are_told_apart_in_one_of_twenty_trials_at_most() -> None:
    rng = np.random.default_rng(1)
    found = [welch(rng.normal(size=3), rng.normal(0, 2, size=3)) <= 0.05 for _ in range(2_000)]  # type: ignore[arg-type]
    # 5 % and three standard deviations of a count of 2000.
    assert np.mean(found) <= 0.05 + 3 * (0.05 * 0.95 / 2_000) ** 0.5

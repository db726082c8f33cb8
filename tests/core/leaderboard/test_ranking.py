from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import compare, leaderboard, results
from core.configs import EvaluateConfig
from core.errors import ScoreError
from core.evaluate import targets
from core.leaderboard import ranking
from core.metrics import METRICS
from core.protocols import PROTOCOLS
from core.types import MetricRule
from tests.core.leaderboard.toys import HELD, REF, N, fill, held_out, told
from tests.core.toy_evaluations import draw, evaluation, terms


def names(group: leaderboard.Group) -> list[str]:
    return [r.evaluation.subject for r in group.rows]


def ranks(group: leaderboard.Group) -> dict[str, tuple[int | None, ...]]:
    return {r.evaluation.subject: (r.rank, r.rank_low, r.rank_high) for r in group.rows if r.rank}


def test_ranks_count_who_is_significantly_better() -> None:
    fill()
    (group,) = leaderboard.table("toys", "lite0")
    assert ranks(group) == {"good": (1, 1, 1), "middle": (2, 2, 3), "middle-too": (2, 2, 3)}


def test_yardsticks_stand_in_the_order_without_a_rank() -> None:
    fill()
    (group,) = leaderboard.table("toys", "lite0")
    assert names(group)[0] == "good" and names(group)[3:] == ["noise", "held-out"]
    assert [(r.rank, r.unranked) for r in group.rows][3:] == [(None, "a yardstick")] * 2
    assert [r.beside for r in group.rows] == [False] * 4 + [True]


def test_held_out_images_of_the_same_n_stand_in_the_table() -> None:
    results.record(evaluation("m", draw(HELD, 1, scale=1.5), REF, matched=HELD))
    results.record(held_out())
    (group,) = leaderboard.table("toys", "lite0")
    assert names(group) == ["held-out", "m"] and [r.rank for r in group.rows] == [None, 1]


def test_held_out_images_alone_are_a_group() -> None:
    results.record(held_out())
    (group,) = leaderboard.table("toys", "lite0")
    assert names(group) == ["held-out"]


def test_other_terms_are_another_group() -> None:
    fill()
    results.record(evaluation("few", draw(30, 9), REF, matched=30))
    results.record(evaluation("other-resize", draw(N, 9), REF, resize="nearest"))
    groups = leaderboard.table("toys", "lite0")
    assert [names(g) for g in groups[::2]] == [["other-resize"], ["few"]]
    assert len({g.terms.hash for g in groups if g.terms}) == 3
    for g in groups:
        assert g.terms and {r.evaluation.scores["kid"].terms.hash for r in g.rows if not r.beside} == {g.terms.hash}


def test_one_difference_among_many_equal_models_is_judged_by_the_whole_family() -> None:
    """Holm: a p of 0.02 alone is a verdict, among 28 pairs it is none."""
    values = (10.0, *[10 + 1.16 * 2**0.5] * 6, 10 + 2.33 * 2**0.5)
    for i, value in enumerate(values):
        results.record(told(f"m{i}", kid=(value, 1.0)))
    (group,) = leaderboard.table("toys", "lite0")
    assert {(r.rank_low, r.rank_high) for r in group.rows} == {(1, 8)}


def test_fd_never_moves_a_rank() -> None:
    results.record(told("good", kid=1.0, fd=(900.0, 1.0)))
    results.record(told("bad", kid=2.0, fd=(0.1, 1.0)))
    (group,) = leaderboard.table("toys", "lite0")
    assert ranks(group) == {"good": (1, 1, 1), "bad": (2, 2, 2)}


def test_models_that_score_no_worse_than_held_out_images_are_not_ranked_apart() -> None:
    for name, full, matched in (("a", 0.10, 0.10), ("b", 0.20, 0.20), ("c", 0.40, 0.40)):
        results.record(told(name, kid=full, kid_matched=matched))
    (group,) = leaderboard.table("toys", "lite0")
    assert [r.rank for r in group.rows] == [1, 2, 3]
    heldout = told("held-out", kind="yardstick", n=HELD, kid=0.2, kid_matched=0.2)
    results.record(replace(heldout, sample=None))
    (group,) = leaderboard.table("toys", "lite0")
    assert ranks(group) == {"a": (1, 1, 2), "b": (1, 1, 2), "c": (3, 3, 3)}


def test_held_out_images_of_this_machine_stand_before_imported_ones() -> None:
    for name, value in (("a", 0.10), ("b", 0.20)):
        results.record(told(name, kid=value, kid_matched=value))
    heldout = replace(told("held-out", kind="yardstick", n=HELD, kid=0.05, kid_matched=0.05), sample=None)
    own = results.record(heldout)
    lax = replace(heldout.scores["kid_matched"], value=9.0)
    results.record(replace(heldout, origin="lab-a", scores={**heldout.scores, "kid_matched": lax}))
    (group,) = leaderboard.table("toys", "lite0")
    assert ranks(group) == {"a": (1, 1, 1), "b": (2, 2, 2)}
    assert [r.evaluation.id for r in group.rows if r.beside] == [own.id]
    a, b = (r.evaluation for r in group.rows[:2])
    assert leaderboard.compared(a, b, "kid").verdict == "a"


# Seeds.


def test_rows_show_the_seed_that_most_have_and_report_another() -> None:
    for name, seed, value in (("a", 0, 1.0), ("a", 7, 1.5), ("b", 0, 2.0), ("b", 3, 0.5), ("b", 9, 2.5), ("c", 5, 3.0)):
        results.record(told(name, seed=seed, kid=value))
    (group,) = leaderboard.table("toys", "lite0")
    shown = {r.evaluation.subject: r.evaluation.sample.seed for r in group.rows if r.evaluation.sample}
    assert shown == {"a": 0, "b": 0, "c": 5}
    rows = {r["model"]: r for r in leaderboard.rows()}
    assert [(rows[m]["report_seed"], rows[m]["report_kid"]) for m in "abc"] == [(7, 1.5), (9, 2.5), (None, None)]
    assert [rows[m]["evaluations"] for m in "abc"] == [2, 3, 1]


def test_the_seed_to_select_on_may_be_chosen() -> None:
    for name, seed, value in (("a", 0, 1.0), ("a", 7, 3.0), ("b", 0, 2.0), ("b", 7, 2.0)):
        results.record(told(name, seed=seed, kid=value))
    assert [(r["model"], r["seed"], r["report_seed"]) for r in leaderboard.rows(seed=7)] == [("b", 7, 0), ("a", 7, 0)]
    assert [r["model"] for r in leaderboard.rows(seed=0)] == ["a", "b"]
    # What has no evaluation on it is shown with what it has.
    assert [r["seed"] for r in leaderboard.rows(seed=1)] == [7, 7]


def test_only_the_newest_on_a_seed_is_shown() -> None:
    results.record(told("m", kid=1.0))
    newer = results.record(told("m", kid=2.0))
    drawn = told("m", kid=3.0)
    assert drawn.sample is not None
    other = results.record(replace(drawn, sample=replace(drawn.sample, sampler="ddim", steps=20, grid="leading")))
    assert [r["evaluation"] for r in leaderboard.rows()] == [newer.id, other.id]
    assert [r["sampler"] for r in leaderboard.rows()] == ["", "ddim, 20 steps, leading, eta 0"]
    assert [r["evaluations"] for r in leaderboard.rows()] == [2, 1]


def test_the_seed_chosen_makes_pairs_of_most() -> None:
    """Two models that differ by less than their own errors are told apart by the seed they share, though others were newer."""
    noise = draw(N, 1)
    for name, scale in (("a", 1.40), ("b", 1.46)):
        results.record(evaluation(name, noise * scale, REF))
    results.record(evaluation("b", draw(N, 2, 1.46), REF, seed=1))
    (group,) = leaderboard.table("toys", "lite0")
    assert ranks(group) == {"a": (1, 1, 1), "b": (2, 2, 2)}


def test_a_folder_is_its_content_and_a_model_of_another_machine_another_model() -> None:
    for seed, content in ((1, "a" * 64), (2, "b" * 64)):
        e = evaluation("run/out", draw(N, seed), REF, seed=None, kind="folder")
        results.record(replace(e, fingerprint=content))
    results.record(told("vae", kid=1.0))
    results.record(replace(told("vae", kid=2.0), origin="lab-a"))
    assert sorted((r["model"], r["origin"]) for r in leaderboard.rows()) == [
        *[("run/out", "")] * 2,
        ("vae", ""),
        ("vae", "lab-a"),
    ]


def test_a_folder_s_content_is_one_entry_whatever_the_seed_and_the_names(tmp_path: Path) -> None:
    """The seed only draws from a folder that has more images than are asked for."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (24, 8, 8, 3), np.uint8)
    prints = set()
    for k, order in enumerate((range(24), reversed(range(24)))):
        folder = tmp_path / f"{k}" / "run" / "out"
        folder.mkdir(parents=True)
        for place, i in enumerate(order):
            Image.fromarray(pictures[i]).save(folder / f"{place:02d}.png")
        for seed in (0, 7):
            t = targets.target(EvaluateConfig(str(folder), "toys", seed=seed), PROTOCOLS["lite0"])
            assert t.images is not None and t.subject == "run/out"
            prints.add(t.images.fingerprint)
            results.record(replace(told("run/out", kind="folder", kid=1.0), sample=None, fingerprint=t.images.fingerprint))
    (row,) = leaderboard.rows()
    assert len(prints) == 1 and row["evaluations"] == 4
    some = [targets.target(EvaluateConfig(str(folder), "toys", n=16, seed=s), PROTOCOLS["lite0"]).images for s in (0, 7)]
    assert len({x.fingerprint for x in some if x}) == 2


# What has no leading metric.


def test_a_metric_that_is_added_later_orphans_no_row() -> None:
    """Made when the protocol had FD only; KID came later."""
    before = results.record(told("old", fd=3.0))
    assert [(r["model"], r["fd"], r["kid"], r["rank"]) for r in leaderboard.rows()] == [("old", 3.0, None, None)]
    results.record(told("new", kid=1.0, fd=2.0))
    (group,) = leaderboard.table("toys", "lite0")
    assert names(group) == ["new", "old"] and ranks(group) == {"new": (1, 1, 1)}
    assert group.rows[1].unranked == "evaluated without KID (Lite0): evaluate it again"
    old = leaderboard.rows()[1]
    assert (old["evaluation"], old["fd"], old["n"]) == (before.id, 3.0, N)
    # Evaluated again, the one with both stands for it, and the old one is history.
    again = results.record(told("old", kid=2.0, fd=3.0))
    assert [r["evaluation"] for r in leaderboard.rows()][1] == again.id and len(leaderboard.rows()) == 2
    assert leaderboard.rows()[1]["evaluations"] == 2


def test_an_old_row_of_other_conditions_stands_alone() -> None:
    results.record(told("new", kid=1.0, fd=2.0))
    old = told("old", fd=3.0)
    fd = old.scores["fd"]
    results.record(replace(old, scores={"fd": replace(fd, terms=replace(fd.terms, resize="nearest"))}))
    assert [names(g) for g in leaderboard.table("toys", "lite0")] == [["old"], ["new"]]


def test_a_refused_leading_metric_is_told() -> None:
    results.record(replace(told("m", fd=2.0), refused={"kid": "KID over subsets of 1000 needs as many images."}))
    results.record(replace(told("nothing"), refused={"kid": "Too few."}))
    found = {r["model"]: r for r in leaderboard.rows()}
    assert found["m"]["unranked"] == "KID over subsets of 1000 needs as many images."
    assert found["nothing"]["refused"] == found["nothing"]["unranked"] == "Too few." and found["nothing"]["terms"] == ""


def test_a_further_metric_in_the_protocol_changes_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    fill()
    before = leaderboard.rows()
    p = PROTOCOLS["lite0"]
    monkeypatch.setitem(METRICS, "dummy", replace(METRICS["kid"], name="dummy"))  # type: ignore[arg-type]
    monkeypatch.setitem(PROTOCOLS, "lite0", replace(p, metrics=(*p.metrics, MetricRule("dummy"))))  # type: ignore[arg-type]
    assert leaderboard.rows() == before and len(before) == 5


def test_a_value_without_error_is_not_ranked() -> None:
    results.record(told("sure", kid=1.0))
    results.record(told("unsure", kid=(2.0, None)))
    (group,) = leaderboard.table("toys", "lite0")
    assert ranks(group) == {"sure": (1, 1, 1)} and group.rows[1].unranked == "KID (Lite0) has no known error"


def test_a_protocol_that_ranks_nothing_gives_no_rank_however_clear() -> None:
    for name, value in (("a", 1.0), ("b", 900.0)):
        e = told(name, fd=(value, 0.001), kid=value)
        results.record(replace(e, protocol="study-2024", scores={"fid": e.scores["fd"]}))
    rows = leaderboard.rows()
    assert [(r["model"], r["rank"], r["fd"]) for r in rows] == [("a", None, 1.0), ("b", None, 900.0)]
    assert {r["unranked"] for r in rows} == {"study-2024 ranks nothing"}


# Disagreement.


def sentences(**values: dict[str, object]) -> dict[str, str]:
    for name, scores in values.items():
        results.record(told(name, **scores))
    return {r["model"]: r["disagrees"] for r in leaderboard.rows()}


def test_metrics_that_disagree_about_an_order_are_marked_on_both_rows() -> None:
    found = sentences(a={"kid": 1.0, "fd": (9.0, 0.1)}, b={"kid": 2.0, "fd": (5.0, 0.1)}, c={"kid": 3.0, "fd": (9.5, 0.1)})
    assert found["a"] == "KID (Lite0) puts it before b; FD says the reverse."
    assert found["b"] == "KID (Lite0) puts it behind a; FD says the reverse."
    assert found["c"] == ""


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"kid": (1.0, 2.0), "fd": (9.0, 0.1)}, {"kid": (2.0, 2.0), "fd": (5.0, 0.1)}),  # KID says nothing
        ({"kid": 1.0, "fd": (9.0, 3.0)}, {"kid": 2.0, "fd": (5.0, 3.0)}),  # FD says nothing
        ({"kid": 1.0, "fd": (9.0, 0.1, "small")}, {"kid": 2.0, "fd": (5.0, 0.1, "small")}),
        ({"kid": 1.0, "fd": (9.0, 0.1), "fd_corrected": 3.0}, {"kid": 2.0, "fd": (5.0, 0.1), "fd_corrected": 4.0}),
        ({"kid": 1.0}, {"kid": 2.0, "fd": (5.0, 0.1)}),
    ],
)
def test_what_is_not_sure_disagrees_with_nothing(a: dict[str, object], b: dict[str, object]) -> None:
    assert sentences(a=a, b=b) == {"a": "", "b": ""}


def test_many_names_are_counted() -> None:
    many = {f"m{i}": {"kid": 2.0 + i, "fd": (5.0, 0.1)} for i in range(5)}
    found = sentences(a={"kid": 1.0, "fd": (9.0, 0.1)}, **many)
    assert found["a"] == "KID (Lite0) puts it before m0, m1, m2 and 2 more; FD says the reverse."


# Many.


def test_beyond_the_best_no_pairs_are_compared_and_the_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "MOST", 2)
    for i in range(4):
        results.record(told(f"m{i}", kid=1.0 + i))
    (group,) = leaderboard.table("toys", "lite0")
    assert ranks(group) == {"m0": (1, 1, 3), "m1": (2, 2, 4)}
    assert [r.unranked for r in group.rows][2:] == ["not compared: only the 2 best are compared in pairs"] * 2


def test_large_samples_are_compared_in_smaller_numbers() -> None:
    small, large = (replace(terms("kid", n, REF), n_real=n_real) for n, n_real in ((2_048, 6_551), (10_000, 162_000)))
    assert ranking._most(small) == 500 and ranking._most(large) == 58


def test_groups_never_mix_terms_whatever_the_evaluations() -> None:
    """Acceptance 10, from the side of the table: the arithmetic itself refuses."""
    a, b = told("a", kid=1.0), told("b", kid=2.0)
    kid = b.scores["kid"]
    b = replace(b, scores={"kid": replace(kid, terms=replace(kid.terms, n_real=299))})
    for e in (a, b):
        results.record(e)
    assert [len(g.rows) for g in leaderboard.table("toys", "lite0")] == [1, 1]
    with pytest.raises(ScoreError, match="number of reference images"):
        compare.pairwise([a, b], "kid")


def test_an_unknown_protocol_is_told_with_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="no protocol named 'x'; known: .*lite0"):
        leaderboard.table("toys", "x")


def test_the_ranks_of_random_values_are_those_of_a_slow_count() -> None:
    """Slow reference: every pair by `compare.pair`, Holm by hand, counted one by one."""
    rng = np.random.default_rng(3)
    es = [results.record(told(f"m{i}", kid=(float(v), 0.05))) for i, v in enumerate(rng.uniform(1, 1.5, 12))]
    pairs = [(a, b) for i, a in enumerate(es) for b in es[i + 1 :]]
    compared = [compare.pair(a, b, "kid") for a, b in pairs]
    adjusted = compare.holm(np.array([c.p for c in compared]))
    better: dict[str, int] = dict.fromkeys((e.subject for e in es), 0)
    for (a, b), c, p in zip(pairs, compared, adjusted, strict=True):
        if p <= 0.05:
            better[(b if c.difference < 0 else a).subject] += 1
    (group,) = leaderboard.table("toys", "lite0")
    assert {r.evaluation.subject: r.rank for r in group.rows} == {name: 1 + k for name, k in better.items()}
    assert len(set(better.values())) > 2

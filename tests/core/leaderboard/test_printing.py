from dataclasses import replace

import pytest

from core import leaderboard, results
from core.features import EXTRACTORS
from core.protocols import PROTOCOLS
from core.types import Evaluation
from tests.core.leaderboard.toys import HELD, N_REAL, N, fill, told


def under(protocol: str, e: Evaluation, **roles: str) -> Evaluation:
    """The evaluation's scores in these roles, seen by the protocol's own weights."""
    own = EXTRACTORS[PROTOCOLS[protocol].extractor].weights_sha256
    old = {role: e.scores[metric] for role, metric in roles.items()}
    scores = {role: replace(s, terms=replace(s.terms, weights_sha256=own)) for role, s in old.items()}
    return replace(e, protocol=protocol, scores=scores)


def test_what_is_printed_has_a_paper_s_columns_with_labels_and_units() -> None:
    fill()
    printed = leaderboard.for_print(leaderboard.rows("toys", "lite0"))
    assert list(printed[0]) == [
        *("rank", "model", "KID (Lite0)", "± SE (KID)", "n", "N_ref", "KID (Lite0), matched n", "± SE (KID, matched n)"),
        *("matched n", "FD (Lite0)", "± SE (FD)", "FD's n", "seed", "network evaluations / image", "s / 1,000 images"),
    ]
    assert [r["rank"] for r in printed] == ["1", "2-3", "2-3", "", ""]


def test_the_distance_of_inception_is_called_fid() -> None:
    e = told("m", kid=1.0, fd=2.0)
    results.record(under("inception", e, kid="kid", fid="fd"))
    assert "FID (Inception)" in leaderboard.for_print(leaderboard.rows())[0]


def test_rows_of_several_data_sets_and_protocols_say_which_in_each_row() -> None:
    results.record(told("m", kid=1.0))
    results.record(replace(told("m", kid=2.0), protocol="pixels"))
    rows = leaderboard.rows()
    assert [(r["protocol"], r["KID"]) for r in leaderboard.for_print(rows)] == [("lite0", 1.0), ("pixels", 2.0)]
    assert "data set" not in leaderboard.for_print(rows)[0] and "protocol" not in leaderboard.for_print(rows[:1])[0]
    assert "toys under KID (Lite0), toys under KID (pixels)" in leaderboard.footnote(rows)


def test_each_data_set_protocol_and_weights_has_a_table_of_its_own_in_a_paper() -> None:
    e = told("m", kid=1.0)
    kid = e.scores["kid"]
    results.record(e)
    results.record(replace(e, protocol="pixels"))
    results.record(replace(e, scores={"kid": replace(kid, terms=replace(kid.terms, weights_sha256="f17de1cd" + "0" * 56))}))
    rows = leaderboard.rows()
    said = leaderboard.text(rows, "md")
    titles = [line for line in said.splitlines() if line.startswith("### ")]
    assert sorted(titles) == ["### toys under lite0", "### toys under lite0, weights f17de1cd", "### toys under pixels"]
    assert "KID (Lite0, weights f17de1cd)" in said and "KID (pixels)" in said and said.count("comparable within equal Terms") == 3
    assert leaderboard.text(rows, "csv").count("\n") == 4


@pytest.mark.parametrize("name", ["<b>a*b", "a\nb"])
def test_a_title_is_one_line_of_plain_text(name: str) -> None:
    results.record(replace(told("m", kid=1.0), dataset=name))
    md, latex = (leaderboard.text(leaderboard.rows(), form).splitlines()[0] for form in ("md", "latex"))
    assert md in ("### &lt;b>a\\*b under lite0", "### a b under lite0")
    assert latex in ("% <b>a*b under lite0", "% a b under lite0")


def test_a_score_on_another_seed_carries_the_mark_too() -> None:
    for seed, value in ((0, 1.0), (3, 2.0)):
        results.record(told("m", seed=seed, kid=value))
    (row,) = leaderboard.for_print(leaderboard.rows(seed=0))
    assert row["KID (Lite0), another seed"] == 2.0


def test_why_a_row_has_no_rank_names_its_weights() -> None:
    e = told("m", kid=(1.0, None))
    kid = e.scores["kid"]
    other = replace(kid, terms=replace(kid.terms, weights_sha256="f17de1cd" + "0" * 56))
    results.record(replace(e, scores={"kid": other}))
    assert leaderboard.rows()[0]["unranked"] == "KID (Lite0, weights f17de1cd) has no known error"


def test_what_others_printed_stands_in_a_table_of_its_own_with_its_digits() -> None:
    assert leaderboard.tables([]) == [] and leaderboard.text([], "csv", "study-2024") == ""
    ((title, rows, note),) = leaderboard.tables([], "study-2024")
    assert title == "study-2024, as it was printed" and "not measured here; never ranked" in note
    assert rows[2]["FID-64 (study), Flowers102"] == "2.0693" and rows[0]["IS (study), both mixed"] == "1.0844"
    results.record(under("study-2024", told("m", fd=3.0), fid="fd"))
    said = leaderboard.text(leaderboard.rows(), "md")
    assert said.index("### toys under study-2024") < said.index("### study-2024, as it was printed") < said.index("2.0693")
    assert len(leaderboard.text(leaderboard.rows(), "csv").splitlines()) == 2


def test_what_copies_says_so_in_print() -> None:
    e = told("copycat@toys", kind="yardstick", kid=0.0)
    terms = replace(e.scores["kid"].terms, metric="copies")
    copies = replace(e.scores["kid"], metric="copies", value=0.98, interval=(0.9, 1.0), terms=terms)
    results.record(replace(e, scores={**e.scores, "copies": copies}))
    (row,) = leaderboard.for_print(leaderboard.rows())
    assert row["copies of training images (%)"] == 98.0


def test_rows_of_another_machine_say_so() -> None:
    results.record(told("m", kid=1.0))
    results.record(replace(told("m", kid=2.0), origin="lab-a"))
    assert [r["from"] for r in leaderboard.for_print(leaderboard.rows())] == ["", "lab-a"]


def test_the_share_is_printed_in_percent() -> None:
    results.record(told("m", kid=0.4, kid_matched=0.4))
    results.record(told("gaussian-pca@toys", kind="yardstick", kid=1.0, kid_matched=1.0))
    results.record(replace(told("held-out", kind="yardstick", n=HELD, kid=0.2, kid_matched=0.2), sample=None))
    assert leaderboard.for_print(leaderboard.rows())[0]["way from gaussian-pca to held-out (%)"] == 75.0


def test_the_footnote_says_the_terms_the_errors_and_the_ranks() -> None:
    fill()
    rows = leaderboard.rows("toys", "lite0")
    said = leaderboard.footnote(rows)
    assert f"{rows[0]['terms'][:12]} (n = {N}, N_ref = {N_REAL})" in said and "toys under KID (Lite0)" in said
    assert said.count("N_ref") == 1  # held-out images beside are fewer, and of the same group
    assert "standard errors" in said and "significantly better" in said and "not ranked" not in said
    assert leaderboard.footnote([]) == "" and leaderboard.for_print([]) == []


def test_rows_of_the_study_s_protocol_are_marked_as_not_ranked() -> None:
    e = told("m", fd=3.0)
    results.record(under("study-2024", e, fid="fd"))
    rows = leaderboard.rows()
    assert leaderboard.for_print(rows)[0]["rank"] == "not ranked"
    assert "too few images for any verdict" in leaderboard.footnote(rows) and "FID-64 (study)" in leaderboard.footnote(rows)

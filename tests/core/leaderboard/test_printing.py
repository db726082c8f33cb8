from dataclasses import replace

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


def test_rows_of_several_protocols_share_columns_without_a_mark() -> None:
    results.record(told("m", kid=1.0))
    results.record(replace(told("m", kid=2.0), protocol="pixels"))
    rows = leaderboard.rows()
    assert [r["KID"] for r in leaderboard.for_print(rows)] == [1.0, 2.0]
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

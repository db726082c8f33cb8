import math
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any, cast

import numpy as np
import pytest

from core import compare
from core.errors import ScoreError
from core.types import Evaluation, Score
from tests.core.toy_evaluations import draw, evaluation, real

N = 120


def two(a: float, b: float, n: int = N, **other: object) -> tuple[Evaluation, Evaluation]:
    """Models of one seed: the same noise, scaled differently."""
    ref = real()
    return tuple(evaluation(name, draw(n, 5, s), ref, **other) for name, s in (("a", a), ("b", b)))  # type: ignore[return-value,arg-type]


def held(e: Evaluation, role: str, **other: Any) -> Evaluation:
    """The evaluation with another score in this role."""
    return replace(e, scores={**e.scores, role: replace(e.scores[role], **other)})


def test_the_lower_kid_is_better() -> None:
    c = compare.pair(*two(1.0, 2.0), "kid")
    assert (c.a, c.b, c.verdict) == ("a", "b", "a") and c.difference < 0 and c.p < 0.05
    assert compare.pair(*two(2.0, 1.0), "kid").verdict == "b"


def test_is_antisymmetric() -> None:
    a, b = two(1.1, 1.5)
    one, other = compare.pair(a, b, "kid"), compare.pair(b, a, "kid")
    assert one.difference == -other.difference and one.p == other.p and one.error == other.error


def test_a_against_itself_is_undecided() -> None:
    a, _ = two(1.5, 1.5)
    c = compare.pair(a, a, "kid")
    assert (c.difference, c.error, c.p, c.verdict) == (0, 0, 1, "undecided")


def test_pairing_by_seed_makes_the_error_smaller() -> None:
    a, b = two(1.3, 1.4)
    ref = real()
    unpaired = evaluation("b", draw(N, 5, 1.4), ref, seed=1)
    folder = evaluation("b", draw(N, 5, 1.4), ref, seed=None, kind="folder")
    paired = compare.pair(a, b, "kid").error
    assert paired < 0.5 * compare.pair(a, unpaired, "kid").error
    assert compare.pair(a, unpaired, "kid").error == compare.pair(a, folder, "kid").error


def test_without_influences_the_errors_are_added() -> None:
    a, b = two(1.3, 1.6)
    bare = [
        replace(e, scores={k: replace(s, influence_fake=None, influence_real=None) for k, s in e.scores.items()}) for e in (a, b)
    ]
    one, other = a.scores["kid"].error, b.scores["kid"].error
    assert one is not None and other is not None
    assert compare.pair(bare[0], bare[1], "kid").error == pytest.approx(np.hypot(one, other))


def test_detectable_is_what_would_just_be_a_verdict() -> None:
    c = compare.pair(*two(1.3, 1.4), "kid")
    assert compare._p(np.array(c.detectable), np.array(c.error)) == pytest.approx(compare.LEVEL)


def test_near_the_floor_there_is_no_verdict() -> None:
    """Both are what real images score; whatever p says."""
    a, b = two(1.0, 1.2)

    def at(e: Evaluation, value: float) -> Evaluation:
        s = replace(e.scores["kid"], value=value, error=1.0)
        return replace(e, scores={"kid": s})

    c = compare.pair(at(a, -1.5), at(b, 1.5), "kid")
    assert c.difference == -3 and c.verdict == "undecided"
    bare = [held(e, "kid", influence_fake=None, influence_real=None, value=v, error=1.0) for e, v in ((a, -3.0), (b, 1.9))]
    c = compare.pair(*bare, "kid")
    assert c.p < 0.05 and c.verdict == "undecided" and "near to the reference" in c.note


def test_a_pair_may_be_told_that_both_are_at_the_floor() -> None:
    a, b = two(1.5, 2.5)
    assert compare.pair(a, b, "kid").verdict == "a"
    c = compare.pair(a, b, "kid", floor=True)
    assert c.verdict == "undecided" and c.p < 0.05 and "near to the reference" in c.note


def test_fd_gives_no_verdict_however_large_the_difference() -> None:
    c = compare.pair(*two(1.0, 5.0), "fd")
    assert c.verdict == "undecided" and c.p == 1 and c.difference < -10 and c.error > 0 and c.note.startswith("KID decides")
    assert compare.pair(*two(1.0, 1.0), "fd", margin=1e9).verdict == "undecided"


def test_fd_without_an_error_says_what_to_use() -> None:
    a, b = two(1.0, 1.2, n=5)
    assert a.scores["fd"].error is None
    with pytest.raises(ScoreError, match="fd of 5 images has no known error; compare by kid"):
        compare.pair(a, b, "fd")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("resize", "nearest", "resizing to the extractor (bilinear and nearest)"),
        ("weights_sha256", "1" * 64, "weights of the extractor (579344248a93... and 111111111111...)"),
        ("reference_fingerprint", "2" * 64, "reference images"),
        ("generator_seeds", 3, "number of seeds (1 and 3)"),
        ("params", {"degree": 2}, "parameters of the metric"),
    ],
)
def test_other_terms_are_refused_by_name(field: str, value: object, words: str) -> None:
    ref, change = real(), cast(dict[str, Any], {field: value})
    a, b = evaluation("a", draw(N, 1), ref), evaluation("b", draw(N, 2), ref, **change)
    with pytest.raises(ScoreError) as e:
        compare.pair(a, b, "kid")
    assert "a and b cannot be compared by kid; they differ in: " in str(e.value) and words in str(e.value)


def test_another_n_is_refused_by_name() -> None:
    ref = real()
    with pytest.raises(ScoreError, match=r"number of generated images \(120 and 80\)"):
        compare.pair(evaluation("a", draw(N, 1), ref), evaluation("b", draw(80, 2), ref), "kid")


def test_every_field_of_terms_has_words() -> None:
    from dataclasses import fields

    from core.types import Terms

    assert set(compare.WORDS) == {f.name for f in fields(Terms)}


def test_an_unknown_score_is_told_with_the_known_ones() -> None:
    a, b = two(1.0, 1.1)
    with pytest.raises(ScoreError, match="no score of a named 'is'; known: fd, kid"):
        compare.pair(a, b, "is")


def test_holm_adjusts_as_in_the_textbook() -> None:
    assert compare.holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert compare.holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert compare.holm(np.array([])).tolist() == []


# Many at once.


def many() -> list[Evaluation]:
    """Two seeds, a folder, and one whose influences are lost."""
    ref = real()
    made = [evaluation(f"m{i}", draw(N, 5 + i % 2, 1.2 + 0.1 * i), ref, seed=i % 2) for i in range(4)]
    folder = evaluation("folder", draw(N, 9, 1.5), ref, seed=None, kind="folder")
    return [*made, folder, held(made[0], "kid", influence_fake=None, influence_real=None)]


def test_pairs_all_at_once_are_the_pairs_one_by_one() -> None:
    es = many()
    found = compare.pairwise(es, "kid")
    for i, j in permutations(range(len(es)), 2):
        one = compare.pair(es[i], es[j], "kid")
        assert found.difference[i, j] == one.difference
        assert found.error[i, j] == pytest.approx(one.error)
        assert found.p[i, j] == pytest.approx(one.p) and found.detectable[i, j] == pytest.approx(one.detectable)
    assert (found.verdict == -found.verdict.T).all() and not np.diag(found.verdict).any()


def test_errors_of_pairs_are_the_spreads_of_their_differences() -> None:
    """Slow reference: the variance of influence less influence, image by image where the seed is one."""

    def slow(a: Evaluation, b: Evaluation) -> float:
        x, y = a.scores["kid"], b.scores["kid"]
        assert x.influence_fake is not None and y.influence_fake is not None
        assert x.influence_real is not None and y.influence_real is not None
        fakes = [x.influence_fake, y.influence_fake]
        same = a.sample is not None and b.sample is not None and a.sample.seed == b.sample.seed
        fake = np.var(fakes[0] - fakes[1], ddof=1) if same else sum(np.var(f, ddof=1) for f in fakes)
        return float(np.sqrt(fake / N + np.var(x.influence_real - y.influence_real, ddof=1) / 300))

    es = many()[:5]
    error = compare.pairwise(es, "kid").error
    for i, j in combinations(range(5), 2):
        assert error[i, j] == error[j, i] == pytest.approx(slow(es[i], es[j]), rel=1e-9)


def test_verdicts_of_many_hold_for_all_together() -> None:
    """Holm: a p of 0.02 alone is a verdict, among 28 pairs it is none."""
    a, _ = two(1.4, 1.4)
    alone = {"influence_fake": None, "influence_real": None, "error": 1 / 2**0.5}
    values = (10.0, *[11.2] * 6, 12.4)
    es = [held(a, "kid", value=v, **alone) for v in values]
    found = compare.pairwise(es, "kid")
    assert found.p[0, 7] == compare.pair(es[0], es[7], "kid").p < 0.05
    assert compare.pair(es[0], es[7], "kid").verdict == "a" and not found.verdict.any()


def test_a_part_of_the_error_that_no_influence_explains_is_added_to_both() -> None:
    """Subsets drawn at random, for instance."""
    a, b = two(1.3, 1.4)
    before = compare.pair(a, b, "kid").error
    noisy = [held(e, "kid", error=float(np.hypot(e.scores["kid"].error or 0, extra))) for e, extra in ((a, 3.0), (b, 4.0))]
    assert compare.pair(*noisy, "kid").error == pytest.approx(np.hypot(before, 5.0))


def test_the_floor_may_be_told_from_outside() -> None:
    a, b = two(1.5, 2.5)
    assert compare.pairwise((a, b), "kid").verdict[0, 1] == -1
    assert compare.pairwise((a, b), "kid", np.array([True, False])).verdict[0, 1] == -1
    assert compare.pairwise((a, b), "kid", np.array([True, True])).verdict[0, 1] == 0


def test_terms_are_never_mixed_among_many() -> None:
    ref = real()
    es = [*many(), evaluation("other", draw(N, 2), ref, resize="nearest")]
    with pytest.raises(ScoreError, match="m0 and other cannot be compared by kid; they differ in: resizing to the extractor"):
        compare.pairwise(es, "kid")
    with pytest.raises(ScoreError, match="metric"):
        compare.pairwise([es[0], held(es[1], "kid", metric="fd", terms=es[1].scores["fd"].terms)], "kid")


def test_none_and_one_have_no_pairs() -> None:
    assert compare.pairwise([], "kid").verdict.shape == (0, 0)
    assert compare.pairwise(many()[:1], "kid").verdict.tolist() == [[0]]


# Equal.


def test_equal_needs_a_margin_and_both_one_sided_tests() -> None:
    a, b = two(1.3, 1.301)
    c = compare.pair(a, b, "kid")
    needed = abs(c.difference) + 1.6448536 * c.error
    assert c.verdict != "equal"
    assert compare.pair(a, b, "kid", margin=needed * 1.001).verdict == "equal"
    assert compare.pair(a, b, "kid", margin=needed * 0.999).verdict != "equal"
    assert compare.pair(a, b, "kid", margin=needed * 1.001).margin == needed * 1.001


def test_a_large_error_never_makes_two_equal() -> None:
    a, b = (held(e, "kid", error=50.0) for e in two(1.3, 1.3))
    assert compare.pair(a, b, "kid", margin=1.0).verdict == "undecided"


def test_a_small_difference_that_is_certain_is_equal_within_the_margin() -> None:
    a, b = two(1.3, 1.4)
    assert compare.pair(a, b, "kid").verdict == "a"
    assert compare.pair(a, b, "kid", margin=100.0).verdict == "equal"


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan"), float("inf")])
def test_a_margin_is_a_number_above_0(margin: float) -> None:
    with pytest.raises(ScoreError, match="needed: the largest difference that does not matter"):
        compare.pair(*two(1.0, 1.1), "kid", margin=margin)


# Which metrics decide.


def corrected(e: Evaluation, value: float, error: float, band: str = "") -> Evaluation:
    """With a bias-corrected FD of this value and error."""
    fd = e.scores["fd"]
    score = Score("fd_corrected", value, error, replace(fd.terms, metric="fd_corrected", params={}), band)
    return replace(e, scores={**e.scores, "fd_corrected": score})


def test_corrected_fd_decides_beyond_what_its_correction_may_leave() -> None:
    a, b = (held(e, "fd", value=10.0) for e in two(1.0, 1.0))
    c = compare.pair(corrected(a, 8.0, 0.1), corrected(b, 9.0, 0.1), "fd_corrected")
    # The corrections are 2 and 1: a tenth of what they differ by is allowed for.
    assert c.verdict == "a" and c.error == pytest.approx(0.1 * 2**0.5)
    assert c.detectable == pytest.approx(compare.Z * c.error + 0.1)
    assert c.p == pytest.approx(math.erfc(0.9 / c.error / 2**0.5))
    near = compare.pair(corrected(a, 8.0, 0.01), corrected(b, 8.1, 0.01), "fd_corrected")
    assert near.verdict == "a" and near.p > compare._p(np.array(0.1), np.array(near.error))


def test_corrected_fd_of_few_images_or_without_fd_leaves_it_to_kid() -> None:
    a, b = (corrected(e, v, 0.1, "small") for e, v in zip(two(1.0, 1.0), (1.0, 9.0), strict=True))
    c = compare.pair(a, b, "fd_corrected")
    assert (c.verdict, c.p) == ("undecided", 1) and "four times as many images" in c.note
    bare = [
        replace(corrected(e, v, 0.1), scores={"fd_corrected": corrected(e, v, 0.1).scores["fd_corrected"]})
        for e, v in zip(two(1.0, 1.0), (1.0, 9.0), strict=True)
    ]
    assert "size of the bias correction is unknown" in compare.pair(*bare, "fd_corrected").note


def test_what_ranks_nothing_gives_no_verdict() -> None:
    a, b = two(1.0, 2.0)
    named = [held(e, "kid", metric="precision", value=v, error=0.001) for e, v in ((a, 0.1), (b, 0.9))]
    c = compare.pair(*named, "kid")
    assert (c.verdict, c.p, c.note) == ("undecided", 1, "KID decides: precision ranks nothing.")


# How many images it takes.


def test_with_the_images_needed_the_difference_would_mostly_be_found() -> None:
    a, b = (held(e, "kid", value=v) for e, v in zip(two(1.3, 1.35), (1.0, 1.01), strict=True))
    a, b = (held(e, "kid", influence_real=np.zeros(300)) for e in (a, b))
    error = compare.pair(a, b, "kid").error
    n = compare.n_needed(a, b, "kid")
    assert n is not None and n > N
    assert 0.01 / (error * (N / n) ** 0.5) == pytest.approx(compare.Z + 0.8416, rel=1e-3)


def test_no_number_of_images_suffices_where_nothing_differs_or_the_reference_is_too_small() -> None:
    a, b = two(1.3, 1.35)
    assert compare.n_needed(a, a, "kid") is None
    close = [held(e, "kid", value=v) for e, v in ((a, 1.0), (b, 1.0 + 1e-6))]
    assert compare.n_needed(*close, "kid") is None

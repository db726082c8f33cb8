from typing import Any, cast

import numpy as np
import pytest

from core import compare
from core.errors import ScoreError
from core.types import Evaluation
from tests.core.toy_evaluations import draw, evaluation, real

N = 120


def two(a: float, b: float, n: int = N, **other: object) -> tuple[Evaluation, Evaluation]:
    """Models of one seed: the same noise, scaled differently."""
    ref = real()
    return tuple(evaluation(name, draw(n, 5, s), ref, **other) for name, s in (("a", a), ("b", b)))  # type: ignore[return-value,arg-type]


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
    from dataclasses import replace

    a, b = two(1.3, 1.6)
    bare = [
        replace(e, scores={k: replace(s, influence_fake=None, influence_real=None) for k, s in e.scores.items()}) for e in (a, b)
    ]
    one, other = a.scores["kid"].error, b.scores["kid"].error
    assert one is not None and other is not None
    assert compare.pair(bare[0], bare[1], "kid").error == pytest.approx(np.hypot(one, other))


def test_detectable_is_what_would_just_be_a_verdict() -> None:
    c = compare.pair(*two(1.3, 1.4), "kid")
    assert compare._p(c.detectable, c.error) == pytest.approx(compare.LEVEL)


def test_near_the_floor_there_is_no_verdict() -> None:
    """Both are what real images score; whatever p says."""
    from dataclasses import replace

    a, b = two(1.0, 1.2)

    def at(e: Evaluation, value: float) -> Evaluation:
        s = replace(e.scores["kid"], value=value, error=1.0)
        return replace(e, scores={"kid": s})

    c = compare.pair(at(a, -1.5), at(b, 1.5), "kid")
    assert c.difference == -3 and c.p < 0.05 and c.verdict == "undecided"


def test_fd_gives_no_verdict_however_large_the_difference() -> None:
    c = compare.pair(*two(1.0, 5.0), "fd")
    assert c.verdict == "undecided" and c.p == 1 and c.difference < -10 and c.error > 0


def test_fd_without_an_error_says_what_to_use() -> None:
    a, b = two(1.0, 1.2, n=5)
    assert a.scores["fd"].error is None
    with pytest.raises(ScoreError, match="fd of 5 images has no known error; compare by kid"):
        compare.pair(a, b, "fd")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("resize", "nearest", "resizing to the extractor (bilinear and nearest)"),
        ("weights_sha256", "1" * 64, "weights of the extractor (000000000000... and 111111111111...)"),
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
    assert compare.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert compare.holm([0.9, 0.8]) == [1.0, 1.0]
    assert compare.holm([]) == []


# 200 toy runs each.


def test_paired_intervals_cover_the_truth() -> None:
    """Truth: the mean over all runs of an unbiased estimate. Two models of the same noise, one wider, one moved."""
    found = []
    for i in range(200):
        ref, noise = real(150, seed=10_000 + i), draw(100, 20_000 + i)
        a, b = (evaluation(name, x, ref, metrics=("kid",)) for name, x in (("a", 1.3 * noise), ("b", noise + 0.4)))
        found.append(compare.pair(a, b, "kid"))
    truth = np.mean([c.difference for c in found])
    covered = np.mean([abs(c.difference - truth) <= compare.Z * c.error for c in found])
    assert 0.90 <= covered <= 0.99


@pytest.mark.parametrize("same_seed", [True, False])
def test_equal_models_are_told_apart_in_one_of_twenty_runs_at_most(same_seed: bool) -> None:
    """Far from the reference, where the statistic is normal; with samples of one seed and of two."""
    verdicts = 0
    for i in range(200):
        ref = real(150, seed=30_000 + i)
        a = evaluation("a", draw(100, 40_000 + i, 1.4), ref, metrics=("kid",))
        b = evaluation("b", draw(100, 50_000 + i, 1.4), ref, metrics=("kid",), seed=0 if same_seed else 1)
        verdicts += compare.pair(a, b, "kid").verdict != "undecided"
    # 5 % and three standard deviations of a count of 200.
    assert verdicts <= 19


def test_real_against_real_gets_no_verdict() -> None:
    """Drawn from the reference's own distribution, the statistic is degenerate: its error is too large, not too small."""
    verdicts = 0
    for i in range(200):
        ref = real(150, seed=60_000 + i)
        a, b = (evaluation(name, draw(100, s + i), ref, metrics=("kid",)) for name, s in (("a", 70_000), ("b", 80_000)))
        verdicts += compare.pair(a, b, "kid").verdict != "undecided"
    assert verdicts <= 10

"""Which of several evaluations is better, if that can be said; and why some of them cannot be compared."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from core.errors import ScoreError, unknown
from core.types import Comparison, Evaluation, Score, Terms

LEVEL = 0.05
"""Probability of a false verdict that is accepted: two-sided for a difference, each one-sided test for an equivalence."""
Z, Z_ONE_SIDED, Z_POWER = 1.959963984540054, 1.6448536269514722, 0.8416212335729143
"""A standard normal number leaves [-Z, Z], or exceeds Z_ONE_SIDED, with probability LEVEL, and Z_POWER with 20 %."""

KID, FD, FD_CORRECTED = "kid", "fd", "fd_corrected"
DECIDES = (KID, FD_CORRECTED)
"""Metrics that give verdicts. FD itself gives none: its bias depends on the model and does not cancel in a difference."""

LEFT = 0.1
"""Share of its correction by which bias-corrected FD may still be off. On Gaussians of 16 to 512 numbers with n = 4 D what was
left was 0 to 9 % wherever the correction exceeded the error; with 512 equal variances it alone gave 38 % false verdicts."""

WORDS = {
    "metric": "metric",
    "params": "parameters of the metric",
    "extractor": "extractor",
    "weights_sha256": "weights of the extractor",
    "layer": "layer of the extractor",
    "dtype": "precision of the extractor",
    "input_size": "input size of the extractor",
    "resize": "resizing to the extractor",
    "values": "value range of the pixels",
    "reference": "data set",
    "reference_split": "reference split",
    "reference_recipe": "preparation of the reference",
    "reference_fingerprint": "reference images",
    "n_real": "number of reference images",
    "n_fake": "number of generated images",
    "generator_seeds": "number of seeds",
}


@dataclass(frozen=True, eq=False)
class Pairwise:
    """R evaluations of equal Terms, each against each; all (R, R), row less column.

    difference, error (standard error), p (two-sided, of each pair alone), detectable (smallest difference that would have been
    significant): float64.  verdict: int8, -1 the row is better, +1 the column, 0 undecided; at 5 % for all pairs together (Holm).
    """

    difference: np.ndarray
    error: np.ndarray
    p: np.ndarray
    detectable: np.ndarray
    verdict: np.ndarray


def pairwise(evaluations: Sequence[Evaluation], role: str, floor: np.ndarray | None = None) -> Pairwise:
    """All differences of the score with this role, with verdicts where the statistics allow them.

    What two errors share drops out: the reference is the same for all, and image i of two samples of one seed is one pair. A part
    of a score's error that its influences do not explain is added as independent; so are samples of two seeds, and scores
    without influences (`results.with_influences_of` loads them). No verdict between two at the floor: their values are within
    1.96 of their own errors of 0, or `floor` (R,) bool says so for another reason. ScoreError where Terms differ or an error
    is unknown.
    """
    scores = [_score(e, role) for e in evaluations]
    for e, s in zip(evaluations[1:], scores[1:], strict=True):
        _refuse_unequal(evaluations[0], e, scores[0], s, role)
    for s in scores:
        if s.error is None:
            raise ScoreError(f"{role} of {s.terms.n_fake} images has no known error; compare by {KID}, or evaluate more images.")
    value, error = np.array([s.value for s in scores]), np.array([s.error for s in scores], float)
    difference = value[:, None] - value
    spread = _spread(scores, error, _seeds(evaluations))
    left = _left(evaluations, scores)
    p = np.ones_like(difference) if _undecidable(evaluations, scores) else _p(np.maximum(np.abs(difference) - left, 0), spread)
    at_floor = (value <= Z * error) | (False if floor is None else floor)
    open_ = (_holm_matrix(p) > LEVEL) | (at_floor[:, None] & at_floor)
    verdict = np.where(open_, 0, np.sign(difference)).astype(np.int8)
    return Pairwise(difference, spread, p, Z * spread + left, verdict)


def pair(a: Evaluation, b: Evaluation, role: str, margin: float | None = None, floor: bool = False) -> Comparison:
    """The difference a - b of the score with this role, and a verdict where the statistics allow one at 5 %; see `pairwise`.

    With a margin the verdict is "equal" where two one-sided 5 % tests put the difference within it (TOST; Schuirmann 1987), even
    if the difference is significant: the margin says what matters. floor: neither scores worse than held-out images do. p is 1
    where no test is made. ScoreError as `pairwise`, or for a margin that is not positive.
    """
    if margin is not None and not 0 < margin < math.inf:
        raise ScoreError(f"The margin is {margin}; needed: the largest difference that does not matter, a number above 0.")
    found = pairwise((a, b), role, np.array([floor, floor]))
    difference, error, p, detectable = (float(x[0, 1]) for x in (found.difference, found.error, found.p, found.detectable))
    verdict = {-1: "a", 1: "b", 0: "undecided"}[int(found.verdict[0, 1])]
    note = _undecidable((a, b), (_score(a, role), _score(b, role)))
    left = detectable - Z * error
    if margin is not None and not note and abs(difference) + left + Z_ONE_SIDED * error < margin:
        verdict = "equal"
    elif verdict == "undecided" and p <= LEVEL:
        note = "Both are as near to the reference as real images may be."
    return Comparison(a.subject, b.subject, role, difference, error, p, verdict, detectable, margin, note)


def n_needed(a: Evaluation, b: Evaluation, role: str) -> int | None:
    """Generated images with which the difference now seen would be significant in 80 % of trials.

    None where no number suffices: nothing differs, or the reference is too small for it. The part of the error that comes from
    the reference stays, the rest shrinks with the number of images. ScoreError as `pairwise`.
    """
    found = pairwise((a, b), role)
    difference, error = float(found.difference[0, 1]), float(found.error[0, 1])
    real = _covariance([_score(e, role).influence_real for e in (a, b)])
    by_real = float(real[0, 0] + real[1, 1] - 2 * real[0, 1])
    allowed = (difference / (Z + Z_POWER)) ** 2 - by_real
    n = _score(a, role).terms.n_fake
    return math.ceil(n * max(error**2 - by_real, 0) / allowed) if allowed > 0 else None


def differences(a: Terms, b: Terms) -> list[str]:
    """The fields in which two Terms differ, in words with both values; none for equal Terms."""
    return [f"{words} ({one} and {two})" for words, one, two in apart(a, b)]


def apart(a: Terms, b: Terms) -> list[tuple[str, str, str]]:
    """(field in words, value in a, value in b) of each field in which two Terms differ."""
    pairs = [(WORDS[f.name], getattr(a, f.name), getattr(b, f.name)) for f in fields(Terms)]
    return [(words, _short(one), _short(two)) for words, one, two in pairs if one != two]


def holm(p: np.ndarray) -> np.ndarray:
    """p-values (m,) of a family of tests, adjusted so that each may be read against the level alone (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return adjusted


# -------------------------------------------------------------------------------------------------------- who may


def _score(e: Evaluation, role: str) -> Score:
    if role not in e.scores:
        raise ScoreError(unknown(f"score of {e.subject}", role, e.scores))
    return e.scores[role]


def _refuse_unequal(a: Evaluation, b: Evaluation, one: Score, two: Score, role: str) -> None:
    if one.terms is not two.terms and (found := differences(one.terms, two.terms)):
        raise ScoreError(f"{a.subject} and {b.subject} cannot be compared by {role}; they differ in: {'; '.join(found)}.")


def _undecidable(evaluations: Sequence[Evaluation], scores: Sequence[Score]) -> str:
    """Why these scores, which have equal Terms, give no verdict; "" if they may."""
    metric = scores[0].metric if scores else KID
    if metric == FD:
        return "KID decides: the bias of FD differs from model to model and does not cancel."
    if metric not in DECIDES:
        return f"KID decides: {metric} ranks nothing."
    if metric == FD_CORRECTED and any(s.band == "small" for s in scores):
        return "KID decides: bias-corrected FD needs four times as many images as features."
    if metric == FD_CORRECTED and any(_fd_beside(e, s) is None for e, s in zip(evaluations, scores, strict=True)):
        return "KID decides: without FD beside it, the size of the bias correction is unknown."
    return ""


def _fd_beside(e: Evaluation, corrected: Score) -> float | None:
    """FD of the same images."""
    n = corrected.terms.n_fake
    return next((s.value for s in e.scores.values() if s.metric == FD and s.terms.n_fake == n), None)


# ----------------------------------------------------------------------------------------------------- arithmetic


def _seeds(evaluations: Sequence[Evaluation]) -> np.ndarray:
    """(R,): equal numbers for samples whose images are pairs; what has no seed is paired with itself only."""
    return np.array([-1 - i if e.sample is None else e.sample.seed for i, e in enumerate(evaluations)])


def _spread(scores: Sequence[Score], error: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """(R, R) standard errors of the differences."""
    fake, real = (_covariance([getattr(s, side) for s in scores]) for side in ("influence_fake", "influence_real"))
    explained = np.diag(fake) + np.diag(real)
    # Influences are kept in single precision: a difference in the seventh digit is no unexplained part.
    own = np.where(error**2 > explained * (1 + 1e-6), error**2, explained)
    alone = own[:, None] + own
    variance = alone - 2 * (fake * (seeds[:, None] == seeds) + real)
    # One and the same sample differs from itself by rounding only.
    return np.sqrt(np.where(variance > 1e-12 * alone, variance, 0))


def _covariance(influences: Sequence[np.ndarray | None]) -> np.ndarray:
    """(R, R) covariances of the means of the influences (n,) of one side; 0 where there are none."""
    size = next((len(x) for x in influences if x is not None), 2)
    rows = np.array([np.zeros(size) if x is None else x - x.mean() for x in influences]).reshape(len(influences), size)
    return np.asarray(rows @ rows.T) / (size * (size - 1))


def _left(evaluations: Sequence[Evaluation], scores: Sequence[Score]) -> np.ndarray:
    """(R, R): how far the bias that a correction leaves may move each difference; 0 for metrics without bias."""
    if not scores or scores[0].metric != FD_CORRECTED:
        return np.zeros((len(scores), len(scores)))
    beside = [_fd_beside(e, s) for e, s in zip(evaluations, scores, strict=True)]
    correction = np.array([0.0 if fd is None else fd - s.value for fd, s in zip(beside, scores, strict=True)])
    return LEFT * np.abs(correction[:, None] - correction)


def _p(difference: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Two-sided, normal. Nothing differs without any spread: 1."""
    z = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return np.asarray(np.vectorize(math.erfc, otypes=[float])(z / math.sqrt(2)))


def _holm_matrix(p: np.ndarray) -> np.ndarray:
    """(R, R) symmetric p-values, adjusted over the pairs above the diagonal."""
    upper = np.triu_indices(len(p), 1)
    adjusted = np.ones_like(p)
    adjusted[upper] = holm(p[upper])
    return np.asarray(np.minimum(adjusted, adjusted.T))


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}..." if isinstance(value, str) and len(text) == 64 else text

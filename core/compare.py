"""Which of two evaluations is better, if that can be said; and why two of them cannot be compared."""

import math
from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from core.errors import ScoreError, unknown
from core.types import Comparison, Evaluation, Score, Terms

LEVEL = 0.05
"""Two-sided probability of a false verdict that is accepted."""
Z = 1.959963984540054
"""A standard normal number leaves [-Z, Z] with probability LEVEL."""

DECIDES = "kid"
"""The metric that gives verdicts. FD's bias depends on the model and does not cancel in a difference: models of equal true FD
and unequal diversity would be told apart falsely in most trials."""

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


def pair(a: Evaluation, b: Evaluation, metric: str) -> Comparison:
    """The difference a - b of the score with this role, and a verdict where the statistics allow one at 5 %.

    Image i of two samples of one seed is one pair, and the reference is the same for both: what the two errors share drops out.
    Where either says nothing else than the unbiased floor (both within their errors of 0), and for FD, the verdict stays
    "undecided"; p is 1 for FD, since no test is made. ScoreError where the Terms differ or an error is unknown; the evaluations
    need their influences (`results.with_influences`) for pairing.
    """
    one, two = _score(a, metric), _score(b, metric)
    apart = differences(one.terms, two.terms)
    if apart:
        raise ScoreError(f"{a.subject} and {b.subject} cannot be compared by {metric}; they differ in: {'; '.join(apart)}.")
    if one.error is None or two.error is None:
        raise ScoreError(
            f"{metric} of {one.terms.n_fake} images has no known error; compare by {DECIDES}, or evaluate more images."
        )
    difference = one.value - two.value
    error = _error(one, two, same_seed=_seed(a) is not None and _seed(a) == _seed(b))
    decides = one.metric == DECIDES
    p = _p(difference, error) if decides else 1.0
    verdict = "undecided"
    if decides and p <= LEVEL and not (_at_floor(one) and _at_floor(two)):
        verdict = "a" if difference < 0 else "b"
    return Comparison(a.subject, b.subject, metric, difference, error, p, verdict, detectable=Z * error)


def differences(a: Terms, b: Terms) -> list[str]:
    """The fields in which two Terms differ, in words with both values; none for equal Terms."""
    found = []
    for f in fields(Terms):
        one, two = getattr(a, f.name), getattr(b, f.name)
        if one != two:
            found.append(f"{WORDS[f.name]} ({_short(one)} and {_short(two)})")
    return found


def holm(p: Sequence[float]) -> list[float]:
    """p-values of a family of tests, adjusted so that one may be read against the level alone (Holm 1979)."""
    adjusted, largest = [0.0] * len(p), 0.0
    for k, i in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        largest = max(largest, min(1.0, (len(p) - k) * p[i]))
        adjusted[i] = largest
    return adjusted


def _score(e: Evaluation, role: str) -> Score:
    if role not in e.scores:
        raise ScoreError(unknown(f"score of {e.subject}", role, e.scores))
    return e.scores[role]


def _seed(e: Evaluation) -> int | None:
    return None if e.sample is None else e.sample.seed


def _error(a: Score, b: Score, same_seed: bool) -> float:
    """Standard error of a.value - b.value. Without influences the errors are added as if nothing were shared."""
    if a.influence_real is None or b.influence_real is None or a.influence_fake is None or b.influence_fake is None:
        assert a.error is not None and b.error is not None
        return math.hypot(a.error, b.error)
    n = a.terms.n_fake
    if same_seed:
        fake = float(np.var(a.influence_fake - b.influence_fake, ddof=1)) / n
    else:
        fake = float(np.var(a.influence_fake, ddof=1) + np.var(b.influence_fake, ddof=1)) / n
    real = float(np.var(a.influence_real - b.influence_real, ddof=1)) / a.terms.n_real
    return math.sqrt(fake + real)


def _p(difference: float, error: float) -> float:
    """Two-sided, normal. Nothing differs without any spread: 1."""
    return math.erfc(abs(difference) / error / math.sqrt(2)) if error > 0 else 1.0


def _at_floor(s: Score) -> bool:
    return s.error is not None and s.value <= Z * s.error


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}..." if isinstance(value, str) and len(text) == 64 else text

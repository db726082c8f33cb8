"""Ready evaluations whose numbers are told, not measured."""

from dataclasses import replace
from typing import Any

import numpy as np

from core import results
from core.types import Evaluation, Features, Score
from tests.core.toy_evaluations import draw, evaluation, real, terms

N, HELD, N_REAL = 120, 60, 300
REF = real(N_REAL)


def held_out(ref: Features = REF, n: int = HELD) -> Evaluation:
    return evaluation("held-out", draw(n, 500), ref, seed=None, kind="yardstick", matched=n)


def fill() -> None:
    """Three models (two of them equal), noise, and held-out images, of which there are fewer."""
    noise = draw(N, 1)
    other = np.concatenate([noise[:-1], draw(1, 2)])
    for name, x in (("middle", noise * 1.45), ("good", noise * 1.05), ("middle-too", other * 1.45)):
        results.record(evaluation(name, x, REF, matched=HELD))
    results.record(evaluation("noise", draw(N, 3, 4.0), REF, kind="yardstick", matched=HELD))
    results.record(held_out())


def told(subject: str, *, seed: int = 0, kind: str = "model", n: int = N, **values: Any) -> Evaluation:
    """An evaluation with these values by metric, each a number or (number, error) or (number, error, band); matched ones as
    kid_matched. Errors are 0.01 and without influences if not told."""
    e = evaluation(subject, draw(n, 1), REF, seed=seed, kind=kind, metrics=())
    scores = {}
    for name, given in values.items():
        told_of = given if isinstance(given, tuple) else (given,)
        value, error, band = (*told_of, *(0.01, "")[len(told_of) - 1 :])
        metric = name.removesuffix("_matched")
        own = replace(terms("kid", HELD if name != metric else n, REF), metric=metric)
        scores[name] = Score(metric, value, error, own, band)
    return replace(e, scores=scores)

"""Checkpoint or method? One training is one draw: a claim about a method needs several."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from core import compare, models, protocols
from core.leaderboard.entries import Entry, described, foreign
from core.leaderboard.ranking import Group, table
from core.types import ModelCard

LEAST = 3
"""Trainings with seeds of their own of each method, before a verdict."""


@dataclass(frozen=True, eq=False)
class Method:
    """Trainings with equal knobs but the seed, drawn one way. scores: by seed of the training, the leading metric."""

    family: str
    experiment: str
    sampler: str
    scores: Mapping[int, float]
    trained: tuple[str, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(list(self.scores.values())))

    @property
    def spread(self) -> float | None:
        """Standard deviation over the trainings."""
        return float(np.std(list(self.scores.values()), ddof=1)) if len(self.scores) > 1 else None

    @property
    def error(self) -> float | None:
        return None if self.spread is None else self.spread / math.sqrt(len(self.scores))


def methods(dataset: str, protocol: str, seed: int | None = None) -> list[dict[str, Any]]:
    """One row a method in each group of equal Terms, best first; seed as for `ranking.table`. ScoreError: no such protocol.

    Rank = 1 + the number of methods whose mean over trainings is significantly lower: Welch's t test (1947) at 5 %, Holm over all
    pairs of methods with at least three trainings of different seeds. All share the reference and mostly the images' seed.
    """
    if not protocols.protocol(protocol).ranked:
        return []
    cards = models.by_name()
    return [row for group in table(dataset, protocol, seed) for row in _rows(group, cards, dataset)]


def welch(one: Sequence[float], two: Sequence[float]) -> float:
    """Two-sided p-value of equal means of two samples of at least 2, of unequal spread; 1 where neither has any spread."""
    from scipy.special import stdtr  # Student's distribution

    a, b = (float(np.var(x, ddof=1)) / len(x) for x in (one, two))
    if a + b == 0:
        return 1.0
    freedom = (a + b) ** 2 / (a**2 / (len(one) - 1) + b**2 / (len(two) - 1))
    t = abs(float(np.mean(one)) - float(np.mean(two))) / math.sqrt(a + b)
    return float(2 * stdtr(freedom, -t))


def _rows(group: Group, cards: Mapping[str, ModelCard], dataset: str) -> list[dict[str, Any]]:
    found = sorted(_found([r.entry for r in group.rows], cards, group.lead), key=lambda m: m.mean)
    enough = [m for m in found if len(m.scores) >= LEAST]
    places = dict(zip(map(id, enough), _ranks(enough), strict=True))
    return [_row(m, places.get(id(m)), group, dataset) for m in found]


def _row(m: Method, place: tuple[int, int] | None, group: Group, dataset: str) -> dict[str, Any]:
    low, high = place or (None, None)
    lacking = "" if place else f"needs {LEAST} trainings of different seeds, has {len(m.scores)}"
    return {
        "dataset": dataset,
        "protocol": group.protocol.name,
        "rank": low,
        "rank_low": low,
        "rank_high": high,
        "why": lacking,
        "method": f"{m.family} {m.experiment[:8]}" + (f", {m.sampler}" if m.sampler else ""),
        "family": m.family,
        "experiment": m.experiment,
        "sampler": m.sampler,
        "trainings": len(m.scores),
        "kid": m.mean,
        "spread": m.spread,
        "error": m.error,
        "seeds": ", ".join(f"{seed}: {value:.4g}" for seed, value in sorted(m.scores.items())),
        "models": ", ".join(m.trained),
        "n": group.terms.n_fake if group.terms else None,
        "weights": foreign(group.terms, group.protocol) if group.terms else "",
        "terms": group.terms.hash if group.terms else "",
    }


def _found(all_: Sequence[Entry], cards: Mapping[str, ModelCard], lead: str) -> list[Method]:
    """Of trainings with one seed twice, the newest evaluation counts."""
    together: dict[tuple[str, str, str], dict[int, tuple[int, float, str]]] = {}
    for entry in all_:
        e, score = entry.shown, entry.scores.get(lead)
        card = cards.get(e.subject) if not e.origin else None
        if card is None or score is None or not card.experiment:
            continue
        mine = together.setdefault((card.family, card.experiment, described(e)), {})
        mine[card.seed] = max(mine.get(card.seed, (0, 0.0, "")), (e.id, score.value, card.id))
    return [
        Method(*name, {seed: value for seed, (_, value, _) in mine.items()}, tuple(sorted(c for _, _, c in mine.values())))
        for name, mine in together.items()
    ]


def _ranks(enough: Sequence[Method]) -> list[tuple[int, int]]:
    """(lowest, highest) place of each, in the order of their means."""
    pairs = list(combinations(range(len(enough)), 2))
    values = [list(m.scores.values()) for m in enough]
    p = compare.holm(np.array([welch(values[i], values[j]) for i, j in pairs]))
    clear = [
        pair for pair, at in zip(pairs, p, strict=True) if at <= compare.LEVEL and enough[pair[0]].mean != enough[pair[1]].mean
    ]
    better, worse = [0] * len(enough), [0] * len(enough)
    for i, j in clear:  # i has the lower mean
        better[j] += 1
        worse[i] += 1
    return [(1 + b, len(enough) - w) for b, w in zip(better, worse, strict=True)]

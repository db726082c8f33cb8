"""The rows of the leaderboard where 10,000 scores are on record: four data sets of 250 models each, ten scores a model.

The first call after a new evaluation reads, compares all pairs of a group by their influences, and ranks; others find that done.
"""

import statistics
import tempfile
from dataclasses import replace
from unittest import mock

import numpy as np

from core import leaderboard, results
from core.protocols import MATCHED, PROTOCOLS
from core.results import file, rows
from core.types import Evaluation, MetricRule, Score
from tests.benchmarks.timing import Row, timed
from tests.core import toy_evaluations

N, N_REAL = 2048, 3000
VECTORS = ("kid", "fd", "fd_corrected", "kid" + MATCHED)
"""Scores that are kept with their influences."""


def measure(quick: bool) -> list[Row]:
    data_sets, models, repeats = (2, 10, 1) if quick else (4, 250, 5)
    with tempfile.TemporaryDirectory() as cache, mock.patch.dict("os.environ", {"STUDIO_CACHE": cache}):
        template = evaluation()
        fill(template, data_sets, models)
        first, later = [], []
        for k in range(repeats + 1):
            results.record(replace(template, subject=f"new-{k}", dataset="data-0"))
            spent, shown = timed(leaderboard.rows)
            assert len(shown) == data_sets * models + k + 1, len(shown)
            first.append(spent)
            later.append(timed(leaderboard.rows)[0])
    count = data_sets * models * len(template.scores)
    work = f"leaderboard rows of {count:,} scores"
    # The first round warms; it opens the file and imports what is imported late.
    return [
        Row(f"{work}, after a new evaluation", "-", statistics.median(first[1:]), None, "page ready < 1.5 s", most=1.5),
        Row(f"{work}, again", "-", statistics.median(later[1:]), None, "page ready < 1.5 s", most=1.5),
    ]


def fill(template: Evaluation, data_sets: int, models: int) -> None:
    """The models' evaluations in one transaction: recorded one by one they would take minutes."""
    rng = np.random.default_rng(0)
    with file.opened() as db:
        db.execute("BEGIN")
        for d in range(data_sets):
            for m in range(models):
                e = moved(template, 0.1 * m / models, rng)
                rows.insert(db, replace(e, subject=f"model-{m}", dataset=f"data-{d}", created_at="2025-01-01T00:00:00+00:00"))
        db.execute("COMMIT")


def moved(template: Evaluation, by: float, rng: np.random.Generator) -> Evaluation:
    """The evaluation of a model that is worse by this much, with influences of its own."""
    scores = {
        role: replace(s, value=s.value + by, influence_fake=None if s.influence_fake is None else rng.normal(size=N) * 0.3)
        for role, s in template.scores.items()
    }
    return replace(template, scores=scores)


def evaluation() -> Evaluation:
    """One under lite0 with a score of each metric, numbers drawn at random."""
    rng = np.random.default_rng(1)
    p = PROTOCOLS["lite0"]
    rules = {r.key: r for r in (*p.metrics, MetricRule("kid", p.metrics[0].params, role="kid" + MATCHED))}
    toy = toy_evaluations.evaluation("m", toy_evaluations.draw(40, 1), toy_evaluations.real(50))
    base = replace(toy.scores["kid"].terms, n_fake=N, n_real=N_REAL)
    scores = {}
    for role, rule in rules.items():
        vectors = {"influence_fake": rng.normal(size=N) * 0.3, "influence_real": rng.normal(size=N_REAL) * 0.3}
        terms = replace(base, metric=rule.metric, params=dict(rule.params))
        scores[role] = Score(rule.metric, 0.1, 0.01, terms, **(vectors if role in VECTORS else {}))  # type: ignore[arg-type]
    return replace(toy, scores=scores, sample=replace(toy.sample, n=N) if toy.sample else None)

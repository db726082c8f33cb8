import numpy as np
import pytest

from core.errors import Refused, ScoreError
from core.metrics import METRICS, Reference, metric
from core.protocols import PROTOCOLS
from core.types import MetricRule
from tests.core.metrics.toys import features

DIM = 8
RULES = [r for r in PROTOCOLS["lite0"].metrics if r.metric not in ("copies", "is")]


def draw(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, DIM)) + shift


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.metric)
def test_every_metric_is_worse_for_moved_images(rule: MetricRule) -> None:
    ref = Reference(features(draw(400, 19)))
    near, far = (METRICS[rule.metric].compute(features(draw(400, 20, shift)), ref, rule.params).value for shift in (0.0, 2.0))
    if METRICS[rule.metric].better == "lower":
        assert near < 0.1 * far
    else:
        assert far < 0.5 * near


def test_every_metric_of_every_protocol_has_a_row() -> None:
    assert {r.metric for p in PROTOCOLS.values() for r in p.metrics} == set(METRICS)


def test_verdicts_are_given_by_metrics_without_bias_only() -> None:
    assert [m.name for m in METRICS.values() if m.ranked] == ["kid", "fd_corrected"]
    assert all(m.better == "lower" for m in METRICS.values() if m.ranked)


@pytest.mark.parametrize("rule", PROTOCOLS["lite0"].metrics, ids=lambda r: r.metric)
def test_too_few_images_are_refused_in_one_sentence_or_measured(rule: MetricRule) -> None:
    """Nothing crashes on the two images that a held-out set may have."""
    try:
        value = METRICS[rule.metric].compute(features(draw(2, 1)), Reference(features(draw(3, 2))), rule.params).value
        assert np.isfinite(value)
    except Refused as e:
        assert str(e).endswith(".") and "\n" not in str(e)


def test_an_unknown_metric_is_told_with_the_known_ones() -> None:
    with pytest.raises(ScoreError, match="There is no metric named 'fid'; known: copies, coverage"):
        metric("fid")

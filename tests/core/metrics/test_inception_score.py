import numpy as np
import pytest

from core.errors import Refused
from core.metrics import Measure, Reference, inception_score
from tests.core.metrics.toys import features

CLASSES = 5
SURE = 1000.0
"""A logit so far above the others that the probability is 1 in double precision."""
STUDY = {"splits": 10, "groups": 6, "group_size": 12}


def score(logits: np.ndarray | None, **params: int) -> Measure:
    n = 20 if logits is None else len(logits)
    values = np.zeros((n, 2))
    return inception_score.score(features(values, logits), Reference(features(values)), {"splits": 1, **params})


def one_hot(classes: np.ndarray, of: int = CLASSES) -> np.ndarray:
    return np.eye(of)[classes] * SURE


def draw(n: int, seed: int, classes: int = CLASSES) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, classes)) * 2


def brute(logits: np.ndarray) -> float:
    """By loops, from the definition."""
    p = np.array([[np.exp(v) for v in row] for row in logits])
    p /= p.sum(1, keepdims=True)
    q = [sum(row[c] for row in p) / len(p) for c in range(p.shape[1])]
    kl = [sum(row[c] * np.log(row[c] / q[c]) for c in range(p.shape[1])) for row in p]
    return float(np.exp(sum(kl) / len(kl)))


def test_of_constant_predictions_is_one() -> None:
    m = score(np.tile(np.random.default_rng(0).normal(size=7), (50, 1)))
    assert m.value == pytest.approx(1, rel=1e-12) and m.error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5, 10])
def test_of_sure_predictions_of_k_classes_is_k(k: int) -> None:
    m = score(one_hot(np.arange(50) % k, of=12))
    assert m.value == pytest.approx(k, rel=1e-12)


def test_equals_brute_force() -> None:
    logits = draw(23, 1)
    assert score(logits).value == pytest.approx(brute(logits), rel=1e-12)


def test_the_error_is_the_jackknife_that_leaves_out_one_image() -> None:
    logits = draw(17, 2)
    left = np.array([brute(np.delete(logits, i, 0)) for i in range(17)])
    assert score(logits).error == pytest.approx(np.sqrt(16 / 17 * ((left - left.mean()) ** 2).sum()), rel=1e-9)


def test_the_error_is_the_spread_over_samples() -> None:
    found = [score(draw(200, 100 + i)) for i in range(150)]
    errors = [m.error for m in found if m.error is not None]
    assert np.mean(errors) == pytest.approx(np.std([m.value for m in found]), rel=0.15)


def test_does_not_depend_on_the_order_and_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = draw(50, 3)
    whole = score(logits)
    monkeypatch.setattr(inception_score, "ROWS", 7)
    cut = score(logits[::-1])
    assert cut.value == pytest.approx(whole.value, rel=1e-12) and cut.error == pytest.approx(whole.error, rel=1e-9)


def test_a_constant_added_to_an_images_logits_changes_nothing() -> None:
    logits = draw(30, 4)
    assert score(logits + np.linspace(-700, 700, 30)[:, None]).value == pytest.approx(score(logits).value, rel=1e-9)


def test_the_real_side_is_not_looked_at() -> None:
    logits = draw(30, 5)
    fake = features(np.zeros((30, 2)), logits)
    real = features(np.ones((3, 2)), draw(3, 6))
    assert inception_score.score(fake, Reference(real), {"splits": 1}).value == score(logits).value


def test_splits_are_cut_as_torchmetrics_cuts_them() -> None:
    import torch

    rows = np.arange(47)
    for parts in (1, 2, 3, 10, 45):
        cut = [c.numpy() for c in torch.from_numpy(rows).chunk(parts)]
        mine = inception_score.chunks(rows, parts)
        assert len(cut) == len(mine) and all(np.array_equal(a, b) for a, b in zip(cut, mine, strict=True))


def test_splits_are_averaged_with_the_error_of_that_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inception_score, "LEAST", 10)
    logits = draw(30, 7)
    each = [brute(logits[i : i + 10]) for i in (0, 10, 20)]
    m = score(logits, splits=3)
    assert m.value == pytest.approx(np.mean(each), rel=1e-12)
    assert m.error == pytest.approx(np.std(each, ddof=1) / np.sqrt(3), rel=1e-9)


def test_fewer_than_a_thousand_images_a_split_are_refused() -> None:
    with pytest.raises(Refused, match="in 10 splits needs at least 10000 images; there are 9999: make more"):
        score(np.zeros((9999, 2)), splits=10)
    assert score(np.zeros((10_000, 2)), splits=10).value == pytest.approx(1)


def test_without_logits_is_refused() -> None:
    with pytest.raises(Refused, match="needs a classifier's outputs; toy gives none"):
        score(None)


def test_twelve_sure_and_different_images_score_two_in_the_studys_groups() -> None:
    """Chunks of two images: 2 however good they are, where all twelve together score 12."""
    logits = one_hot(np.arange(72) % 12, of=12)
    m = score(logits, **STUDY)
    assert (m.value, m.error) == (pytest.approx(2), pytest.approx(0, abs=1e-9))
    assert score(logits[:12]).value == pytest.approx(12)


def test_the_studys_groups_never_exceed_two() -> None:
    assert all(score(draw(72, 50 + i, 100) * 5, **STUDY).value <= 2 for i in range(5))


def test_groups_are_averaged_with_the_error_of_that_mean() -> None:
    logits = draw(80, 8)
    each = [np.mean([brute(logits[i + j : i + j + 2]) for j in range(0, 12, 2)]) for i in range(0, 72, 12)]
    m = score(logits, **STUDY)
    assert m.value == pytest.approx(np.mean(each), rel=1e-12)
    assert m.error == pytest.approx(np.std(each, ddof=1) / np.sqrt(6), rel=1e-9)
    with pytest.raises(Refused, match="6 groups of 12 need 72 images; there are 71"):
        score(logits[:71], **STUDY)

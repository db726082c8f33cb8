"""Inception score: how sure a classifier is of each image, and how many classes it sees in all (Salimans et al. 2016, section 4).

exp of the mean of KL(p(class | image) || p(class)); from 1 to the number of classes. It knows nothing of the real images and says
little where they are not what the classifier was trained on (Barratt and Sharma 2018), so it ranks nothing here.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.errors import Refused
from core.metrics.reference import Measure, Reference
from core.types import Features

LEAST = 1000
"""Images a split: of fewer, the score depends on their number more than on the images."""

ROWS = 1024
"""Images at a time where each is left out once; bounds the memory (8 MB at 1,000 classes)."""


def score(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """Of the logits (n, classes) of fake; the real side is not looked at.

    One split: of all images, with the error of the jackknife that leaves out one image after the other. More splits: the mean
    over consecutive parts of ceil(n / splits) images, as torchmetrics cuts them (torch-fidelity cuts at i n // splits, which is
    the same where splits divides n), and SD / sqrt(parts). With `groups` in the params the mean over groups of `group_size`
    images that are split likewise, and SD / sqrt(groups). Refused without logits, or for parts of fewer than LEAST images unless
    there is one part or they are the protocol's groups.
    """
    if fake.logits is None:
        raise Refused(f"The inception score needs a classifier's outputs; {fake.extractor} gives none: choose another protocol.")
    n, splits = len(fake), int(params["splits"])
    if "groups" in params:
        return _of_groups(fake.logits, splits, int(params["groups"]), int(params["group_size"]))
    if splits == 1:
        value, error = whole(fake.logits)
        return Measure(value, error)
    if n < splits * LEAST:
        raise Refused(f"The inception score in {splits} splits needs at least {splits * LEAST} images; there are {n}: make more.")
    return _mean(np.array([whole(part)[0] for part in chunks(fake.logits, splits)]))


def whole(logits: np.ndarray) -> tuple[float, float]:
    """(n, classes) -> score, standard error by the exact jackknife (Efron and Stein 1981); 0 for one image."""
    n = len(logits)
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    certainty = (p * log_p).sum(1)  # -entropy of each image
    total = p.sum(0)
    value = float(np.exp(certainty.mean() - _negentropy(total / n)))
    if n == 1:
        return value, 0.0
    without = np.concatenate([_negentropy((total - p[i : i + ROWS]) / (n - 1)) for i in range(0, n, ROWS)])
    left = np.exp((certainty.sum() - certainty) / (n - 1) - without)
    return value, float(np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(n, classes) float64, without overflow."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(1, keepdims=True))


def chunks(rows: np.ndarray, parts: int) -> list[np.ndarray]:
    """Consecutive parts of ceil(n / parts) rows; the last may be shorter, and there may be fewer of them (as `torch.chunk`)."""
    size = -(-len(rows) // parts)
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _negentropy(q: np.ndarray) -> np.ndarray:
    """Sum of q log q over the last axis; what rounding left below 0 counts as 0."""
    q = np.maximum(q, 0)
    return np.asarray((q * np.log(q, out=np.zeros_like(q), where=q > 0)).sum(-1))


def _of_groups(logits: np.ndarray, splits: int, groups: int, size: int) -> Measure:
    if len(logits) < groups * size:
        raise Refused(f"{groups} groups of {size} need {groups * size} images; there are {len(logits)}: make more.")
    cut = [chunks(logits[i * size : (i + 1) * size], splits) for i in range(groups)]
    return _mean(np.array([np.mean([whole(part)[0] for part in parts]) for parts in cut]))


def _mean(values: np.ndarray) -> Measure:
    return Measure(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))

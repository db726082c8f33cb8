"""Evaluations of Gaussian toys: real KID and FD, real Terms, no images."""

import contextlib
import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from core.configs import SampleConfig
from core.errors import Refused
from core.features import EXTRACTORS
from core.metrics import METRICS, Reference
from core.protocols import PROTOCOLS
from core.types import Evaluation, Features, Score, Terms

DIM = 6


def features(values: np.ndarray) -> Features:
    return Features(values, None, "lite0", "0" * 64, hashlib.sha256(np.ascontiguousarray(values).data).hexdigest())


def real(n: int = 300, seed: int = 99, dim: int = DIM) -> Features:
    return features(np.random.default_rng(seed).normal(size=(n, dim)))


def draw(n: int, seed: int, scale: float = 1.0, shift: float = 0.0, dim: int = DIM) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, dim)) * scale + shift


def params(metric: str) -> dict[str, Any]:
    return dict(next(r.params for r in PROTOCOLS["lite0"].metrics if r.metric == metric))


def terms(metric: str, n_fake: int, ref: Features, **other: Any) -> Terms:
    return replace(
        Terms(
            metric=metric,
            params=params(metric),
            extractor="lite0",
            weights_sha256=EXTRACTORS["lite0"].weights_sha256,
            layer="pool",
            dtype="float32",
            input_size=224,
            resize="bilinear",
            values="[-1, 1]",
            reference="toys",
            reference_split="train",
            reference_recipe="r" * 64,
            reference_fingerprint=ref.source,
            n_real=len(ref),
            n_fake=n_fake,
            generator_seeds=1,
        ),
        **other,
    )


def score(metric: str, fake: np.ndarray, ref: Features, side: Reference | None = None, **other: Any) -> Score:
    """As the metric measures it. side: the same reference, with what was worked out of it before."""
    m = METRICS[metric].compute(features(fake), side or Reference(ref), params(metric))
    own = terms(metric, len(fake), ref, **other)
    return Score(metric, m.value, m.error, own, m.band, m.influence_fake, m.influence_real, m.interval)


def evaluation(
    subject: str,
    fake: np.ndarray,
    ref: Features,
    *,
    seed: int | None = 0,
    kind: str = "model",
    matched: int = 0,
    metrics: tuple[str, ...] = ("kid", "fd"),
    **other: Any,
) -> Evaluation:
    """`seed` None: images that were not drawn here. `matched`: also the KID of the first so many images."""
    scores, side = {}, Reference(ref)
    for m in metrics:
        with contextlib.suppress(Refused):
            scores[m] = score(m, fake, ref, side, **other)
    if matched:
        scores["kid_matched"] = score("kid", fake[:matched], ref, **other)
    return Evaluation(
        subject=subject,
        kind=kind,
        dataset="toys",
        protocol="lite0",
        sample=None if seed is None else SampleConfig(subject, n=len(fake), seed=seed),
        scores=scores,
        fingerprint="f" * 64,
        seconds=1.5,
        sampling_seconds=None if seed is None else 0.25,
        network_evaluations=None if seed is None else 50,
        versions={"numpy": np.__version__},
        command=f"python -m core evaluate {subject} --dataset toys",
    )

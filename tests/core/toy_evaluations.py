"""Evaluations of Gaussian toys: real KID and FD, real Terms, no images."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from core.configs import SampleConfig
from core.metrics import METRICS, Reference
from core.protocols import PROTOCOLS
from core.types import Evaluation, Features, Score, Terms

DIM = 6


def features(values: np.ndarray) -> Features:
    return Features(values, None, "lite0", "0" * 64, hashlib.sha256(np.ascontiguousarray(values).data).hexdigest())


def real(n: int = 300, seed: int = 99) -> Features:
    return features(np.random.default_rng(seed).normal(size=(n, DIM)))


def terms(metric: str, n_fake: int, ref: Features, **other: Any) -> Terms:
    rule = next(r for r in PROTOCOLS["lite0"].metrics if r.metric == metric)
    return replace(
        Terms(
            metric=metric,
            params=dict(rule.params),
            extractor="lite0",
            weights_sha256="0" * 64,
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


def score(metric: str, fake: np.ndarray, ref: Features, **other: Any) -> Score:
    rule = next(r for r in PROTOCOLS["lite0"].metrics if r.metric == metric)
    m = METRICS[metric].compute(features(fake), Reference(ref), rule.params)
    assert m is not None
    return Score(metric, m.value, m.error, terms(metric, len(fake), ref, **other), m.band, m.influence_fake, m.influence_real)


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
    scores = {m: score(m, fake, ref, **other) for m in metrics}
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


def draw(n: int, seed: int, scale: float = 1.0, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, DIM)) * scale + shift

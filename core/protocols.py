"""Named rules of evaluation, and the Terms that they become in one comparison."""

from collections.abc import Mapping
from typing import Any

from core.errors import ScoreError, unknown
from core.features import EXTRACTORS
from core.metrics import METRICS
from core.types import EvalProtocol, ImageSet, MetricRule, Terms, digest

PROTOCOLS: Mapping[str, EvalProtocol] = {
    p.name: p
    for p in (
        EvalProtocol(
            name="lite0",
            label="Lite0, works offline",
            use="EfficientNet-Lite0 features against the whole training split; KID leads. Not comparable with FID of papers.",
            extractor="lite0",
            metrics=(
                MetricRule("kid", {"estimator": "unbiased, all pairs", "degree": 3, "offset": 1.0, "scale": "1/D"}),
                MetricRule("fd", {"estimator": "Gaussian moments", "covariance": "unbiased"}),
            ),
            reference_split="train",
            n=2048,
        ),
    )
}

MATCHED = "_matched"
"""Ending of a score's role: the metric on as many images as there are held-out real ones."""


def protocol(name: str) -> EvalProtocol:
    """The rules of this name; ScoreError with the known ones otherwise."""
    if name not in PROTOCOLS:
        raise ScoreError(unknown("protocol", name, PROTOCOLS))
    return PROTOCOLS[name]


def label(name: str, role: str) -> str:
    """How the score with this role is written wherever it is shown: "KID (Lite0)". Only Inception's distance is called FID."""
    matched = ", matched n" if role.endswith(MATCHED) else ""
    metric = METRICS[role.removesuffix(MATCHED)].label
    return f"{metric} ({EXTRACTORS[protocol(name).extractor].label}){matched}"


def resolve(p: EvalProtocol, rule: MetricRule, real: ImageSet, recipe: Mapping[str, Any], n_fake: int) -> Terms:
    """The conditions of one metric in one comparison of `n_fake` images of one seed with all of `real`.

    `recipe`: of the data set, what shaped its pixels.
    """
    row = EXTRACTORS[p.extractor]
    return Terms(
        metric=rule.metric,
        params=dict(rule.params),
        extractor=row.name,
        weights_sha256=row.weights_sha256,
        layer=row.layer,
        dtype=row.dtype,
        input_size=row.input_size,
        resize=row.resize,
        values=row.values,
        reference=real.name,
        reference_split=real.split,
        reference_recipe=digest(dict(recipe)),
        reference_fingerprint=real.fingerprint,
        n_real=len(real),
        n_fake=n_fake,
        generator_seeds=1,
    )

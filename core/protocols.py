"""Named rules of evaluation, and the Terms that they become in one comparison."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from core.errors import ScoreError, unknown
from core.features import EXTRACTORS, Extractor
from core.metrics import METRICS, memorisation
from core.types import EvalProtocol, ImageSet, MetricRule, Terms, digest

KID = MetricRule("kid", {"estimator": "unbiased, all pairs", "degree": 3, "offset": 1.0, "scale": "1/D"})
KID_SUBSETS = MetricRule(
    "kid",
    {"estimator": "subsets", "subsets": 100, "subset_size": 1000, "seed": 0, "degree": 3, "offset": 1.0, "scale": "1/D"},
)
FD = MetricRule("fd", {"estimator": "Gaussian moments", "covariance": "unbiased"})
FID = MetricRule("fd", FD.params, role="fid")
FD_CORRECTED = MetricRule("fd_corrected", {"estimator": "2 FD - mean FD of halves", "covariance": "unbiased"})
PRDC = (
    *(MetricRule(m, {"k": 3}) for m in ("precision", "recall")),
    *(MetricRule(m, {"k": 5}) for m in ("density", "coverage")),
)
COPIES = MetricRule("copies", {"neighbours": 50, "mirrored": True, "fdr": 0.05, **memorisation.RULES})
GROUPS = {"groups": 6, "group_size": 12}

PROTOCOLS: Mapping[str, EvalProtocol] = {
    p.name: p
    for p in (
        EvalProtocol(
            name="lite0",
            label="Lite0, works offline",
            use="EfficientNet-Lite0 features against the whole training split; KID leads. Not comparable with FID of papers.",
            mark="Lite0",
            extractor="lite0",
            layer="global average pool (1280)",
            metrics=(KID, FD, FD_CORRECTED, MetricRule("is", {"splits": 1}), *PRDC, COPIES),
            reference_split="train",
            n=2048,
        ),
        EvalProtocol(
            name="inception",
            label="Inception, the number to publish",
            use="The FID network as torch-fidelity runs it, 2048 features, against the whole training split.",
            mark="Inception",
            extractor="inception",
            layer="2048",
            metrics=(KID, FID, FD_CORRECTED, MetricRule("is", {"splits": 1}), *PRDC, COPIES),
            reference_split="train",
            n=10_000,
        ),
        EvalProtocol(
            name="torchmetrics",
            label="torchmetrics' defaults",
            use="What torchmetrics gives by default: another resize than Inception's own, KID over 100 subsets of 1,000.",
            mark="torchmetrics",
            extractor="inception-torchmetrics",
            layer="2048",
            metrics=(KID_SUBSETS, FID, MetricRule("is", {"splits": 10})),
            reference_split="train",
            n=10_000,
        ),
        EvalProtocol(
            name="pixels",
            label="Pixels, no network at all",
            use="64 principal components of the reference's pixels: colours and layout, blind to texture. A rough first look.",
            mark="pixels",
            extractor="pixel-pca",
            layer="components",
            metrics=(KID, FD, FD_CORRECTED, *PRDC),
            reference_split="train",
            n=2048,
        ),
        EvalProtocol(
            name="study-2024",
            label="The study's protocol of 2024, never ranked",
            use="64 Inception features, six groups of 12 images against 12 test images: shows how the study's figures arose. "
            "Far too few images for any verdict, and its Inception score cannot exceed 2.",
            mark="study",
            extractor="inception-torchmetrics",
            layer="64",
            metrics=(MetricRule("fd", {**FD.params, **GROUPS}, role="fid"), MetricRule("is", {"splits": 10, **GROUPS})),
            reference_split="test",
            n=72,
            n_real=72,
            ranked=False,
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


def role(name: str, metric: str) -> str:
    """What the protocol's score of this metric is called: its distance is "fid" under Inception's protocols."""
    return next((r.key for r in protocol(name).metrics if r.metric == metric), metric)


def label(name: str, role: str, weights_sha256: str = "") -> str:
    """How the score with this role is written wherever it is shown: "KID (Lite0)". Only Inception's distance is called FID.

    weights_sha256: of the score's Terms; weights that are not the extractor's own are named: "KID (Lite0, weights f17de1cd)".
    A role that this version does not know is written as it stands.
    """
    p, bare = protocol(name), role.removesuffix(MATCHED)
    found = next((r for r in p.metrics if r.key == bare), MetricRule(bare))
    own = EXTRACTORS[p.extractor].weights_sha256
    foreign = bool(weights_sha256 and own and weights_sha256 != own)
    metric = METRICS[found.metric].label if found.metric in METRICS else bare
    if found.key == "fid" and not foreign:
        metric = "FID" if p.layer == "2048" else f"FID-{p.layer}"
    mark = f"{p.mark}, weights {weights_sha256[:8]}" if foreign else p.mark
    return f"{metric} ({mark})" + (", matched n" if role.endswith(MATCHED) else "")


def resolve(
    p: EvalProtocol,
    rule: MetricRule,
    extractor: Extractor,
    real: ImageSet,
    recipe: Mapping[str, Any],
    n_fake: int,
    params: Mapping[str, Any] = MappingProxyType({}),
) -> Terms:
    """The conditions of one metric in one comparison of `n_fake` images of one seed with all of `real`.

    extractor: the protocol's, with its weights.  recipe: of the data set, what shaped its pixels.  params: what this comparison
    adds to the rule's parameters.
    """
    return Terms(
        metric=rule.metric,
        params={**rule.params, **params},
        extractor=extractor.name,
        weights_sha256=extractor.weights_sha256,
        layer=p.layer,
        dtype=extractor.dtype,
        input_size=extractor.input_size,
        resize=extractor.resize,
        values=extractor.values,
        reference=real.name,
        reference_split=real.split,
        reference_recipe=digest(dict(recipe)),
        reference_fingerprint=real.fingerprint,
        n_real=len(real),
        n_fake=n_fake,
        generator_seeds=1,
    )

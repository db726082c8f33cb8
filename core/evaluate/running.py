"""The whole verb: draw, make missing yardsticks, score, record."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from core import datasets, features, generate, models, protocols, results, store
from core.configs import EvaluateConfig, SampleConfig
from core.errors import Refused
from core.evaluate import targets
from core.evaluate.gallery import gallery
from core.evaluate.scoring import Real, evaluate, first_look, real_sets, shares, wanted
from core.evaluate.targets import Target
from core.features import Extractor
from core.types import BLOCK, EvalProtocol, Evaluation, ImageSet, Progress, Score, silent

Provisional = Callable[[Score], None]


@dataclass(frozen=True, eq=False)
class Setting:
    """What every evaluation of one run shares."""

    real: Real
    protocol: EvalProtocol
    extractor: Extractor

    def roles(self, n_fake: int) -> Iterator[tuple[str, str]]:
        """(role, hash of the Terms that it gets) of every metric of the protocol."""
        for rule in self.protocol.metrics:
            yield rule.key, wanted(self.protocol, rule, self.extractor, self.real, n_fake).hash


def run(c: EvaluateConfig, progress: Progress = silent, provisional: Provisional | None = None) -> Evaluation:
    """Scores the target under the protocol and records it, after the yardsticks of this n that are not on record yet.

    `provisional` hears the leading metric of the target's first BLOCK images, long before the rest. The same command twice, or
    twice at once, does the work once and is one record. ConfigError, DataError, ModelError or ScoreError with one sentence for
    what does not exist or cannot be scored.
    """
    p = protocols.protocol(c.protocol)
    if not targets.reference_is_folder(c.dataset):
        datasets.card(c.dataset)
    t = targets.target(c, p)
    features.check(p.extractor, c.extractor_weights, c.trust_sha256)
    real = targets.real(c, p, t, progress)
    extractor = features.resolve(p.extractor, real.images, c.extractor_weights, c.trust_sha256)
    s = Setting(real, p, extractor)
    todo = [y for y in targets.yardsticks(c, p, t, real) if y.subject != t.subject and not _on_record(y, s)]
    # The reference is passed once, before all else; drawing an image is counted like passing it.
    sets = real_sets(real, p)
    parts = shares(progress, [*(len(x) for x in sets), *(2 * x.n for x in (*todo, t))])
    features.extract(sets[0], extractor, p.layer, next(parts))
    if provisional is not None and t.n > BLOCK:
        _tell_provisional(t, s, provisional)
    for images in sets[1:]:
        features.extract(images, extractor, p.layer, next(parts))
    for yardstick in todo:
        _score(yardstick, s, next(parts))
    return _score(t, s, next(parts))


def _tell_provisional(t: Target, s: Setting, provisional: Provisional) -> None:
    """The first block is drawn and passed ahead of its turn; both stay in the store for the whole set."""
    if t.images is not None:
        images = t.images.take(BLOCK)
    else:
        assert t.sample is not None, t.subject
        images = generate.images(replace(t.sample, n=BLOCK))
    try:
        score = first_look(images, s.real.images, s.protocol, s.extractor)
    except Refused:  # the leading metric needs more images than that
        return
    provisional(score)


def _on_record(t: Target, s: Setting) -> bool:
    """Whether the table has this yardstick with every metric under the Terms that it would get now."""
    for e in results.read(s.real.images.name, s.protocol.name):
        if e.subject == t.subject and not e.origin and _complete(e, s, t.n):
            return True
    return False


def _complete(e: Evaluation, s: Setting, n_fake: int) -> bool:
    held = e.scores
    return all(
        role in e.refused if role not in held else held[role].terms.hash == terms for role, terms in s.roles(n_fake)
    ) and bool(held)


def _score(t: Target, s: Setting, progress: Progress) -> Evaluation:
    """Draws what is not drawn, scores and records; what is on record already with the same images is given back."""
    drawing, scoring = shares(progress, [t.n, t.n])
    images = t.images
    if images is None:
        assert t.sample is not None, t.subject
        images = generate.images(t.sample, drawing)
    terms = {"subject": t.subject, "images": images.fingerprint, "terms": dict(s.roles(t.n))}
    with store.lock("evaluations", terms):
        known = _known(t, images, s)
        if known is not None and gallery(known) is not None:
            return known
        before = sum(len(x) for x in real_sets(s.real, s.protocol))
        e = evaluate(
            images,
            s.real.images,
            s.real.heldout,
            s.protocol,
            recipe=s.real.recipe,
            extractor=s.extractor,
            progress=_only_fake(scoring, before),
        )
        if known is not None:
            return known
        e = replace(e, subject=t.subject, kind=t.kind, sample=t.sample, command=t.command)
        if t.sample is not None:
            spent = generate.seconds(t.sample)
            e = replace(e, sampling_seconds=spent, network_evaluations=generate.evaluations(t.sample))
            e = replace(e, versions={**e.versions, **_checkpoint(t.sample)})
        return results.record(e)


def _checkpoint(c: SampleConfig) -> dict[str, str]:
    """sha256 of the weights that drew the images: a name may mean another model tomorrow."""
    card = models.card(c.model)
    return {"checkpoint": card.sha256[models.weights_name(card, c.weights)]} if card.sha256 else {}


def _known(t: Target, images: ImageSet, s: Setting) -> Evaluation | None:
    """The newest record of these very images under these Terms, made here."""
    same = functools.partial(_complete, s=s, n_fake=len(images))
    found = [
        e
        for e in results.read(s.real.images.name, s.protocol.name)
        if (e.subject, e.fingerprint, e.sample, e.origin) == (t.subject, images.fingerprint, t.sample, "") and same(e)
    ]
    return found[-1] if found else None


def _only_fake(progress: Progress, n_real: int) -> Progress:
    """The reference is in the store by now: only what comes after it is told."""

    def tell(done: int, total: int, note: str) -> None:
        if done > n_real:
            progress(done - n_real, total - n_real, note)

    return tell

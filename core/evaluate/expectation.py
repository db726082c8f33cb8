"""What an evaluation will take, said before it is started. Opens no network, reads no folder's images and draws nothing."""

from dataclasses import dataclass

from core import datasets, features, generate, models, protocols, results
from core.configs import EvaluateConfig, SampleConfig
from core.evaluate import targets
from core.evaluate.scoring import COPIES, HELD_OUT, mirrored
from core.families import FAMILIES
from core.features import EXTRACTORS
from core.types import EvalProtocol, Evaluation


@dataclass(frozen=True)
class Expected:
    """passes: images for the extractor, at most.  draws: images that are still to be drawn.

    seconds: None where nothing like the drawing was timed on this machine yet.
    """

    seconds: float | None
    passes: int
    draws: int


def expected(c: EvaluateConfig) -> Expected:
    """The work that is not in the cache, by its number of images. Weights are not looked at.

    ConfigError, DataError, ModelError or ScoreError as `run` for a target that cannot be.
    """
    p = protocols.protocol(c.protocol)
    sample = None if targets.is_folder(c.target) else targets.target(c, p).sample
    n = sample.n if sample is not None else min(c.n or p.n, datasets.folder_count(c.target))
    size = models.card(sample.model).size if sample is not None else c.size or models.BUILTIN_SIZE
    drawn = generate.drawn(sample) if sample is not None else None
    passes = n if drawn is None else features.missing(drawn, p.extractor, c.trust_sha256)
    draws = n if sample is not None and drawn is None else 0
    passes += _real_side(c, p, size) + _yardsticks(c, p, n, size)
    took = 0.0 if sample is None or not draws else _seconds_to_draw(sample)
    return Expected(None if took is None else passes / features.rate(p.extractor) + took, passes, draws)


def _real_side(c: EvaluateConfig, p: EvalProtocol, size: int) -> int:
    """Images of the reference, and of its mirror images where copies are looked for, that were not passed yet."""
    if targets.reference_is_folder(c.dataset):
        return datasets.folder_count(c.dataset)
    card = datasets.card(c.dataset, size)
    twice = any(r.metric == COPIES for r in p.metrics)
    if not card.prepared:
        return (2 if twice else 1) * card.splits.get(p.reference_split, card.n)
    real = datasets.load(c.dataset, p.reference_split, size=size)
    if p.n_real:
        real = real.take(min(len(real), p.n_real))
    return sum(features.missing(s, p.extractor, c.trust_sha256) for s in ([real, mirrored(real)] if twice else [real]))


def _yardsticks(c: EvaluateConfig, p: EvalProtocol, n: int, size: int) -> int:
    """Images of those that have no record at this n yet; another reference than the one on record is not seen here."""
    if targets.reference_is_folder(c.dataset):
        return n
    card = datasets.card(c.dataset, size)
    held = n if card.source == "procedural" else min(n, card.splits.get("test", n))
    images = {HELD_OUT: held, **{models.builtin(name, c.dataset, size): n for name in models.BUILTIN}}
    there = {e.subject for e in results.read(c.dataset, p.name) if _alike(e, c, n)}
    return sum(count for name, count in images.items() if name not in there | {_own(c, size)})


def _alike(e: Evaluation, c: EvaluateConfig, n: int) -> bool:
    """A record of this machine, of this n, with these weights."""
    own = c.trust_sha256 or EXTRACTORS[protocols.protocol(c.protocol).extractor].weights_sha256
    return (
        (e.sample is None or e.sample.n == n)
        and not e.origin
        and all(s.terms.weights_sha256 == (own or s.terms.weights_sha256) for s in e.scores.values())
    )


def _own(c: EvaluateConfig, size: int) -> str:
    return models.builtin(c.target, c.dataset, size) if c.target in models.BUILTIN else c.target


def _seconds_to_draw(c: SampleConfig) -> float | None:
    """By the last drawing on this machine, this model's before any other's, scaled by network evaluations."""
    if not FAMILIES[models.card(c.model).family].trained:
        return 0.001 * c.n
    timed = [
        (e.subject == c.model, e.id, e.sampling_seconds / (e.sample.n * e.network_evaluations))
        for e in results.read()
        if e.sample is not None and e.sampling_seconds and e.network_evaluations and not e.origin
    ]
    return max(timed)[2] * generate.evaluations(c) * c.n if timed else None

"""Cost curves: how the leading score of a diffusion model falls with the network evaluations an image, sampler by sampler.

Each point is an ordinary evaluation and stands on the leaderboard; all have the same noise, so that differences are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core import compare, evaluate, generate, models, protocols, results, sampling
from core.configs import CostConfig, EvaluateConfig, SampleConfig
from core.errors import ConfigError, ScoreError
from core.sampling import SAMPLERS
from core.types import Evaluation, Progress, silent

FIRST = 256
"""Images that are scored in every way of drawing before more are drawn."""
REFERENCE = "ddim"


@dataclass(frozen=True)
class Point:
    """One way of drawing n images. value, error: of the leading score.  seconds: for an image, None where nobody took them.

    difference, difference_error: value less the reference's, by pairs of images.  verdict: "reference", "equal" within the
    margin, "worse", "better" or "undecided".
    """

    sampler: str
    steps: int
    grid: str
    evaluations: int
    n: int
    value: float
    error: float | None
    seconds: float | None
    difference: float
    difference_error: float
    verdict: str


@dataclass(frozen=True)
class Curve:
    """label: of the score, "KID (Lite0)".  margin: the difference that does not matter, in units of the score; None without one.

    points: the reference first, then sampler by sampler, rising.  cheapest: the first of fewest evaluations that is equal to
    the reference or better.
    """

    label: str
    margin: float | None
    points: tuple[Point, ...]

    @property
    def cheapest(self) -> Point | None:
        good = [p for p in self.points if p.verdict in ("equal", "better")]
        return min(good, key=lambda p: p.evaluations, default=None)


def ways(c: CostConfig) -> list[SampleConfig]:
    """How images are drawn, the reference first. ConfigError for a sampler or number that cannot be; ModelError for no model."""
    if models.card(c.model).family != "ddpm":
        raise ConfigError(f"{c.model} draws its images at once; needed: a diffusion model, whose cost can be chosen.")
    first = SampleConfig(c.model, c.n, c.seed, sampler=REFERENCE, steps=c.reference)
    noise = generate.noise(c.model)
    found = [generate.resolve(first)]
    for name in _words(c.samplers):
        bare = sampling.resolve(SampleConfig(c.model, c.n, c.seed, sampler=name), noise)
        counts = sampling.step_counts(SAMPLERS[name], bare.grid)
        for wanted in sorted(map(_number, _words(c.evaluations))):
            cost = SAMPLERS[name].evaluations
            steps = min(counts, key=lambda k: abs(cost(k) - wanted))
            found.append(generate.resolve(SampleConfig(c.model, c.n, c.seed, sampler=name, steps=steps, grid=bare.grid)))
    return list(dict.fromkeys(found))


def run(c: CostConfig, progress: Progress = silent) -> Curve:
    """Draws, scores and records what is not on record yet: FIRST images in every way, then all of them."""
    drawn, sizes = ways(c), sorted({min(FIRST, c.n), c.n})
    total = sum(sizes) * len(drawn)
    done = 0
    for n in sizes:
        for way in drawn:
            words = f"{way.sampler}, {way.steps} steps, {n:,} images"
            evaluate.run(_evaluation(c, way, n), _part(progress, done, n, total, words))
            done += n
    curve = found(c)
    assert curve is not None, "just recorded"
    return curve


def found(c: CostConfig) -> Curve | None:
    """What is on record of this curve, with the greatest number of images that the reference has; None without a reference.

    Draws nothing and needs no network.
    """
    p = protocols.protocol(c.protocol)
    lead = p.metrics[0].key
    drawn = ways(c)
    recorded = results.read(evaluate.dataset_name(c.dataset), c.protocol)
    for n in sorted({c.n, min(FIRST, c.n)}, reverse=True):
        own = [(w, _newest(recorded, w, n, lead)) for w in drawn]
        held = [e for _, e in own if e is not None]
        if own[0][1] is None:
            continue
        same = [e for e in held if e.scores[lead].terms.hash == held[0].scores[lead].terms.hash]
        return _curve(c, results.with_influences_of(same, lead), lead)
    return None


def said(curve: Curve) -> str:
    """The verdict in a sentence, with its margin."""
    if curve.margin is None:
        return f"{curve.label} of the reference is not above 0: no margin, and no equivalence."
    within = f"within {curve.margin:.3g} of {curve.label} (two one-sided 5 % tests)"
    if curve.cheapest is None:
        return f"Nothing is as good as the reference {within} yet."
    p = curve.cheapest
    return f"Good enough from {p.evaluations} network evaluations on ({p.sampler}, {p.grid}): as good as the reference {within}."


def _part(progress: Progress, before: int, n: int, total: int, words: str) -> Progress:
    """Tells the work of one evaluation as its n images of all; it counts anew while it gets ready."""
    reached = 0

    def tell(done: int, of: int, note: str) -> None:
        nonlocal reached
        reached = max(reached, n * done // max(of, 1))
        progress(before + reached, total, words)

    return tell


def _curve(c: CostConfig, evaluations: Sequence[Evaluation], lead: str) -> Curve:
    reference = evaluations[0]
    value = reference.scores[lead].value
    margin = c.margin * value if value > 0 else None
    points = tuple(_point(e, reference, lead, margin) for e in evaluations)
    return Curve(protocols.label(c.protocol, lead, reference.scores[lead].terms.weights_sha256), margin, points)


def _point(e: Evaluation, reference: Evaluation, lead: str, margin: float | None) -> Point:
    assert e.sample is not None
    score, difference, error, verdict = e.scores[lead], 0.0, 0.0, "reference"
    if e is not reference:
        try:
            compared = compare.pair(e, reference, lead, margin)
        except ScoreError:  # a score without a known error
            verdict = "undecided"
            difference = score.value - reference.scores[lead].value
        else:
            verdict = {"a": "better", "b": "worse"}.get(compared.verdict, compared.verdict)
            difference, error = compared.difference, compared.error
    n = score.terms.n_fake
    return Point(
        e.sample.sampler,
        e.sample.steps,
        e.sample.grid,
        SAMPLERS[e.sample.sampler].evaluations(e.sample.steps),
        n,
        score.value,
        score.error,
        None if e.sampling_seconds is None else e.sampling_seconds / n,
        difference,
        error,
        verdict,
    )


def _newest(recorded: Sequence[Evaluation], way: SampleConfig, n: int, lead: str) -> Evaluation | None:
    """The newest evaluation, made here, of n images drawn that way by the weights that the model has now."""
    card = models.card(way.model)
    weights = card.sha256[models.weights_name(card, way.weights)]
    own = [
        e
        for e in recorded
        if e.sample is not None
        and (e.sample.sampler, e.sample.steps, e.sample.grid, e.sample.seed) == (way.sampler, way.steps, way.grid, way.seed)
        and (e.sample.n, e.sample.eta, e.versions.get("checkpoint"), e.origin) == (n, way.eta, weights, "")
        and lead in e.scores
    ]
    return own[-1] if own else None


def _evaluation(c: CostConfig, way: SampleConfig, n: int) -> EvaluateConfig:
    how = {"sampler": way.sampler, "steps": way.steps, "grid": way.grid}
    return EvaluateConfig(c.model, c.dataset, c.protocol, n=n, seed=c.seed, **how)  # type: ignore[arg-type]


def _words(text: str) -> list[str]:
    words = [w.strip() for w in text.split(",") if w.strip()]
    if not words:
        raise ConfigError("Nothing is named; needed: words or numbers with commas between, such as ddim,unipc or 10,20,50.")
    return words


def _number(word: str) -> int:
    if not word.isascii() or not word.isdigit() or int(word) == 0:
        raise ConfigError(f"'{word}' is no number of network evaluations; needed: numbers from 1 on, such as 10,20,50.")
    return int(word)

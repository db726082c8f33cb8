"""A second score of a set, from cached features, beside the same score from scratch (lite0, 2,048 images a side of 32 pixels).

From scratch: both sides through the network, then the metric with nothing prepared. From cached features: the features read
from the store by the images' content, then the metric with the reference's side prepared. The values are equal bit for bit, and
no image passes the network.
"""

import statistics
import tempfile
from unittest import mock

import numpy as np

from core import features, paths
from core.features import Extractor
from core.metrics import METRICS, Measure, Reference
from core.protocols import PROTOCOLS
from core.types import Features, ImageSet, MetricRule
from tests.benchmarks.timing import Row, timed

WANTED = ("kid", "fd", "is", "precision", "density")


def measure(quick: bool) -> list[Row]:
    n, repeats = (16, 1) if quick else (2048, 5)
    pixels = [np.random.default_rng(seed).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8) for seed in (1, 2)]
    p = PROTOCOLS["lite0"]
    # FD needs more images than the network has numbers.
    rules = [r for r in p.metrics if r.metric in WANTED and not (quick and r.metric in ("fd", "is"))]
    rounds = []
    for _ in range(repeats + 1):
        with tempfile.TemporaryDirectory() as cache, mock.patch.dict("os.environ", {"STUDIO_CACHE": cache}):
            rounds.append(one_round(pixels, features.resolve(p.extractor), p.layer, rules))
    # The first round warms: it opens the network.
    rounds = rounds[1:]
    rows = []
    for rule in rules:
        scratch, cached = (statistics.median(r[rule.key][side] for r in rounds) for side in (0, 1))
        work = f"{METRICS[rule.metric].label} from cached features, {n:,} images a side"
        rows.append(Row(work, "from scratch", cached, scratch, ">= 100x, no pass", least=100))
    return rows


def one_round(
    pixels: list[np.ndarray], extractor: Extractor, layer: str, rules: list[MetricRule]
) -> dict[str, tuple[float, float]]:
    """By score, the seconds from scratch and from cached features; asserts equal values and that nothing passed the network."""

    def both() -> tuple[Features, Reference]:
        # New sets, so that their fingerprints are worked out each time too.
        sets = [ImageSet("benchmark", "train", x) for x in pixels]
        fake, real = (features.extract(s, extractor, layer) for s in sets)
        return fake, Reference(real)

    passing, _ = timed(both)
    passed = blocks()
    found = {}
    for rule in rules:
        cold, one = timed(lambda rule=rule: score(both(), rule))  # type: ignore[misc]
        cached, two = timed(lambda rule=rule: score(both(), rule))  # type: ignore[misc]
        assert one.value == two.value, (rule.key, one.value, two.value)
        found[rule.key] = (passing + cold, cached)
    assert blocks() == passed, "an image passed the network again"
    return found


def score(sides: tuple[Features, Reference], rule: MetricRule) -> Measure:
    return METRICS[rule.metric].compute(*sides, rule.params)


def blocks() -> int:
    """Entries that passes left in the store."""
    return len(list(paths.store("features").glob("*/entry.json")))

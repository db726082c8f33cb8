"""THE NOUNS: frozen records that every other module passes around. Verbs live in modules named after them."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.configs import SampleConfig

Arrays = dict[str, np.ndarray]
Progress = Callable[[int, int, str], None]
"""Told (done, total, note) by long work; total 0 means unknown."""

BLOCK = 256
"""Images in a block: the unit of hashing, caching, resuming and sharing out work. Changing it orphans every cache."""


def silent(done: int, total: int, note: str) -> None:
    """The Progress that tells nobody."""


def canonical(value: object) -> str:
    """One spelling of plain data: sorted keys, no spaces, no NaN. What is hashed and what is stored."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: object) -> str:
    """sha256 of plain data, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


# ------------------------------------------------------------------------------------------------------------ data


@dataclass(frozen=True)
class DatasetCard:
    """What a data set is. `splits` and `skipped` are known once it is prepared at `size`."""

    name: str
    label: str
    source: str  # folder, or "procedural"
    licence: str
    size: int
    recipe: Mapping[str, Any]  # all that shaped the pixels; hashed into every key
    n: int = 0
    splits: Mapping[str, int] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()  # (file, reason)
    prepared: bool = False


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Small RGB images of one shape, in a fixed order, from one origin: real or generated.

    images: (N, H, W, 3) uint8, usually memory-mapped.  labels: (N,) int64, or None.
    origin: "real", a model id, or "folder".
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray | None = None
    origin: str = "real"

    def __post_init__(self) -> None:
        assert self.images.ndim == 4 and self.images.shape[3] == 3, f"{self.name}: shape {self.images.shape}"
        assert self.images.dtype == np.uint8, f"{self.name}: {self.images.dtype}"
        assert self.labels is None or len(self.labels) == len(self.images), f"{self.name}: labels"

    def __len__(self) -> int:
        return len(self.images)

    def blocks(self) -> Iterator[np.ndarray]:
        """The images in order, BLOCK at a time; the last block may be shorter."""
        for start in range(0, len(self), BLOCK):
            yield self.images[start : start + BLOCK]

    @cached_property
    def block_hashes(self) -> tuple[str, ...]:
        """sha256 of shape and pixels of each block."""
        return tuple(block_hash(b) for b in self.blocks())

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the block hashes: names the content, whatever the set is called."""
        return digest(list(self.block_hashes))

    def take(self, n: int) -> "ImageSet":
        """The first n images of the fixed order, which is random once and for all."""
        assert n <= len(self), f"{self.name} has {len(self)} images, {n} asked for"
        return replace(self, images=self.images[:n], labels=None if self.labels is None else self.labels[:n])


def block_hash(block: np.ndarray) -> str:
    h = hashlib.sha256(repr(block.shape).encode())
    h.update(np.ascontiguousarray(block).data)
    return h.hexdigest()


def concat(sets: list[ImageSet], name: str) -> ImageSet:
    """One set after the other; labels are kept only if all have them."""
    labels = [s.labels for s in sets if s.labels is not None]
    joined = np.concatenate(labels) if len(labels) == len(sets) else None
    return ImageSet(name, sets[0].split, np.concatenate([s.images for s in sets]), joined, sets[0].origin)


# ---------------------------------------------------------------------------------------------------------- scores


@dataclass(frozen=True, eq=False)
class Features:
    """What one extractor saw in a set, image for image.

    values: (N, D) float32.  logits: (N, classes) float32, or None.  source: fingerprint of the set.
    images: (N, H, W, 3) uint8, the pixels they were seen in, or None where no metric needs them.
    """

    values: np.ndarray
    logits: np.ndarray | None
    extractor: str
    weights_sha256: str
    source: str
    images: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def take(self, n: int) -> "Features":
        assert n <= len(self), f"{len(self)} features, {n} asked for"
        if n == len(self):
            return self
        logits, images = (None if a is None else a[:n] for a in (self.logits, self.images))
        return replace(self, values=self.values[:n], logits=logits, images=images, source=digest([self.source, n]))


@dataclass(frozen=True)
class MetricRule:
    """One metric of a protocol with its parameters. role: the name of its score, where that is not the metric's ("fid")."""

    metric: str
    params: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""

    @property
    def key(self) -> str:
        return self.role or self.metric


@dataclass(frozen=True)
class EvalProtocol:
    """Rules chosen by name. `n` is the default number of generated images; `metrics[0]` leads the ranking.

    mark: what stands in brackets behind a metric, "Lite0".  n_real: images of the reference split that are used, 0: all.
    ranked: False for rules whose numbers allow no verdict.
    """

    name: str
    label: str
    use: str
    mark: str
    extractor: str
    layer: str
    metrics: tuple[MetricRule, ...]
    reference_split: str
    n: int
    n_real: int = 0
    ranked: bool = True


@dataclass(frozen=True)
class Terms:
    """The resolved conditions of ONE metric in ONE comparison. Two scores may be ranked together only if the hashes agree."""

    metric: str
    params: Mapping[str, Any]
    extractor: str
    weights_sha256: str
    layer: str
    dtype: str
    input_size: int
    resize: str
    values: str  # value range and rounding of the pixels that the extractor gets
    reference: str  # data set
    reference_split: str
    reference_recipe: str  # digest of the data set's recipe
    reference_fingerprint: str
    n_real: int
    n_fake: int
    generator_seeds: int

    @cached_property
    def hash(self) -> str:
        return digest(asdict(self))


@dataclass(frozen=True, eq=False)
class Score:
    """One number with its rules and its error.

    error: standard error of `value`, or None where none is known.  interval: 95 %, where value ± 1.96 error is not it.
    band: how far n suffices ("", "small", "provisional", "full", "50k").
    influence_fake: (n_fake,), influence_real: (n_real,) float64, mean 0: first-order effect of each image on `value`,
    so that value(sample) - truth ~ mean(influence_fake) + mean(influence_real).
    """

    metric: str
    value: float
    error: float | None
    terms: Terms
    band: str = ""
    influence_fake: np.ndarray | None = None
    influence_real: np.ndarray | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One row: what was measured, how it was drawn, its scores.

    kind: "model", "folder" or "yardstick".  scores: by role, "kid", "fd", and "kid_matched" at the size of the held-out set.
    refused: by role, why a metric of the protocol has no score here.  origin: "" for this machine, else the bundle's name.
    """

    subject: str  # model id, folder name, or "held-out"
    kind: str
    dataset: str
    protocol: str
    sample: SampleConfig | None
    scores: Mapping[str, Score]
    fingerprint: str  # of the generated images
    seconds: float  # of this evaluation, cached parts not counted
    sampling_seconds: float | None  # of drawing the images when they were drawn
    network_evaluations: int | None  # an image
    versions: Mapping[str, str]
    command: str
    created_at: str = ""
    id: int = 0
    refused: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""


@dataclass(frozen=True)
class Comparison:
    """Which of two is better, if that can be said. difference = a - b; lower is better for every ranked metric.

    verdict: "a", "b", "equal" (within the declared margin, by two one-sided tests) or "undecided".  note: why it is undecided.
    detectable: the smallest difference that this n could have shown, two-sided 5 %.
    """

    a: str
    b: str
    metric: str
    difference: float
    error: float
    p: float
    verdict: str
    detectable: float
    margin: float | None = None
    note: str = ""


# ---------------------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class ModelCard:
    """What a model is and where it came from."""

    id: str
    family: str
    dataset: str
    size: int
    config: Mapping[str, Any]  # the training's knobs
    seed: int
    experiment: str
    origin: str  # URI: "job:ID", "file:NAME", "builtin:"
    base: str  # id of the model it was fine-tuned from, or ""
    sha256: Mapping[str, str]  # of each weights file
    created_at: str
    command: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)  # val_loss, steps, seconds
    note: str = ""
    former: tuple[str, ...] = ()  # ids that it had before


@dataclass(frozen=True, eq=False)
class Step:
    """One move of a sampler. index counts from 0 (the pure noise) to total; arrays are (N, H, W, 3) float32, images in [-1, 1].

    x: the state, scaled so that its deviation is about 1 at every step.  x0: the network's present guess of the clean image.
    """

    index: int
    total: int
    timestep: float
    evaluations: int
    x: np.ndarray
    x0: np.ndarray


# ------------------------------------------------------------------------------------------------------------ jobs


@dataclass(frozen=True)
class Job:
    """A background process as its folder tells it.

    state: waiting, running, done, failed, cancelled or lost.
    """

    id: str
    kind: str  # train, evaluate, sample, prepare
    title: str
    argv: tuple[str, ...]
    state: str
    created_at: str
    done: int = 0
    total: int = 0
    note: str = ""
    exit_code: int | None = None
    seconds: float | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    parent: str = ""

    @property
    def active(self) -> bool:
        return self.state in ("waiting", "running")


# ---------------------------------------------------------------------------------------------------------- sweeps


@dataclass(frozen=True)
class Run:
    """One point of a search. metrics hold finite numbers only; a metric that is missing or not finite is absent."""

    id: str
    name: str
    state: str
    failed: bool
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    created_at: str = ""
    url: str = ""

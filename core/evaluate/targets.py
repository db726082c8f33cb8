"""What an evaluation command means: the images to score, the real side, and the yardsticks that belong beside them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core import configs, datasets, generate, models, results
from core.configs import EvaluateConfig, PrepareConfig, SampleConfig
from core.errors import ConfigError, ScoreError
from core.evaluate.scoring import HELD_OUT, Real, check_n
from core.types import EvalProtocol, ImageSet, Progress, block_hash

LARGEST = 256
"""Side up to which a folder of equal square images is scored as it is."""


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


def target(c: EvaluateConfig, p: EvalProtocol) -> Target:
    """ConfigError, DataError, ModelError or ScoreError for what does not exist or does not go together."""
    if p.n_real and c.n not in (0, p.n):
        raise ScoreError(f"n is {c.n}; {p.name} is about {p.n} images and no other number: leave --n out.")
    if is_folder(c.target):
        return _folder(c, p)
    size = c.size or models.BUILTIN_SIZE
    model = models.builtin(c.target, c.dataset, size) if c.target in models.BUILTIN else c.target
    card = models.card(model)
    if c.size and card.size != c.size:
        raise ConfigError(f"size is {c.size}; the images of {model} have {card.size} pixels a side: leave --size out.")
    model = card.id
    own = [models.builtin(name, c.dataset, card.size) for name in models.BUILTIN]
    n = c.n or p.n
    check_n(n, c.target)
    drawn = SampleConfig(model, n, c.seed, c.weights, c.sampler, c.steps, c.grid, c.eta)
    kind = "yardstick" if model in own else "model"
    return Target(model, kind, card.size, generate.resolve(drawn), command=configs.command(c))


def _folder(c: EvaluateConfig, p: EvalProtocol) -> Target:
    """All images of a folder, or n of them drawn by the seed."""
    given = [k for k in ("sampler", "steps", "grid", "eta") if getattr(c, k)]
    if given:
        raise ConfigError(f"{', '.join(given)} cannot be used with the folder {c.target}: its images are drawn already.")
    size = c.size or datasets.folder_side(c.target, LARGEST) or models.BUILTIN_SIZE
    images = datasets.read_folder(c.target, size=size)
    if c.n > len(images):
        raise ScoreError(f"{c.target} has {len(images)} images, {c.n} were asked for; leave --n out or make it smaller.")
    n = min(c.n or p.n, len(images))
    check_n(n, c.target)
    if n < p.n_real:
        raise ScoreError(f"{c.target} has {n} images; {p.name} needs {p.n}: add images.")
    images = by_content(images)
    if n < len(images):
        images = _placed(images, np.random.default_rng(c.seed).permutation(len(images))[:n])
    return Target(folder_name(c.target), "folder", size, images=images, command=configs.command(c))


def by_content(images: ImageSet) -> ImageSet:
    """A folder's images in an order that their pixels alone decide, as good as random: names may be sorted by class."""
    hashes = [block_hash(x) for x in images.images]
    return _placed(images, np.array(sorted(range(len(images)), key=lambda i: hashes[i])))


def _placed(images: ImageSet, order: np.ndarray) -> ImageSet:
    return replace(images, images=images.images[order], labels=None if images.labels is None else images.labels[order])


def is_folder(name: str, else_a: str = "model") -> bool:
    """A path of a folder that exists, unless a model has this name. ScoreError for the path of nothing."""
    looks_like_path = "/" in name or "\\" in name
    if Path(name).expanduser().is_dir():
        return looks_like_path or name not in models.by_name().keys() | models.BUILTIN.keys()
    if looks_like_path:
        raise ScoreError(f"There is no folder {name}; give a folder of images, or a {else_a} by its name.")
    return False


def folder_name(path: str) -> str:
    """Two parts of the path tell more folders apart than one, and no model or data set can have such a name."""
    return "/".join(Path(path).expanduser().resolve().parts[-2:])


def dataset_name(text: str) -> str:
    """What the records call the data set or folder that a person names."""
    if results.read(text):
        return text
    return folder_name(text) if reference_is_folder(text) else text


def reference_is_folder(name: str) -> bool:
    """Whether the comparison is with a folder instead of a data set. ScoreError for the path of nothing."""
    if any(d.name == name for d in datasets.cards()):
        return False
    return is_folder(name, "data set")


def real(c: EvaluateConfig, p: EvalProtocol, t: Target, progress: Progress) -> Real:
    """The reference at the target's size; a data set is prepared if it never was, a folder is taken whole."""
    if reference_is_folder(c.dataset):
        images = by_content(datasets.read_folder(c.dataset, size=t.size))
        return _cut(Real(replace(images, name=folder_name(c.dataset), origin="real"), {"folder, at side": t.size}), p)
    if not datasets.card(c.dataset, t.size).prepared:
        datasets.prepare(PrepareConfig(c.dataset, t.size), progress)
    images = datasets.load(c.dataset, p.reference_split, size=t.size)
    recipe = datasets.card(c.dataset, t.size).recipe
    # Against the test split nothing is held out.
    heldout = None if p.reference_split == "test" else datasets.heldout(c.dataset, t.n, size=t.size)
    return _cut(Real(images, recipe, heldout if heldout is not None and len(heldout) >= 2 else None), p)


def _cut(side: Real, p: EvalProtocol) -> Real:
    """The first images of the fixed order, for a protocol that uses so many only."""
    if not p.n_real:
        return side
    if len(side.images) < p.n_real:
        name = f"{side.images.name} ({side.images.split})"
        raise ScoreError(f"{name} has {len(side.images)} images; {p.name} needs {p.n_real}: choose another protocol.")
    return replace(side, images=side.images.take(p.n_real))


def yardsticks(c: EvaluateConfig, p: EvalProtocol, t: Target, side: Real) -> Iterator[Target]:
    """Held-out real images, a Gaussian, noise and a copier: what any number beside them is read against."""
    n, size = t.n, t.size
    if side.heldout is not None:
        yield Target(HELD_OUT, "yardstick", size, images=side.heldout.take(min(n, len(side.heldout))), command=t.command)
    for name in models.BUILTIN:
        if name != models.NOISE and reference_is_folder(c.dataset):
            continue
        own = EvaluateConfig(
            target=name,
            dataset=c.dataset,
            protocol=c.protocol,
            n=0 if n == p.n else n,
            size=0 if size == models.BUILTIN_SIZE else size,
            extractor_weights=c.extractor_weights,
            trust_sha256=c.trust_sha256,
        )
        model = models.builtin(name, c.dataset, size)
        yield Target(model, "yardstick", size, generate.resolve(SampleConfig(model, n)), command=configs.command(own))

"""From a SampleConfig to images: as Steps, as a cached ImageSet, as a recorded way from noise to image.

Image i depends on the model, the way of drawing and (seed, i) only, to the bit on one machine: images are drawn in chunks of
CHUNK, always whole, each image with a generator of its own. What reads the cache (`resolve`, `recording`, `drawn`,
`evaluations`, `seconds`) runs without torch.
"""

import collections
import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core import datasets, families, models, pixels, sampling, store
from core.configs import DDPMConfig, SampleConfig
from core.errors import ConfigError
from core.families import FAMILIES, Draw
from core.sampling.seeds import image_seed
from core.types import BLOCK, Arrays, ImageSet, Progress, Step, silent

CHUNK = 16
"""Images drawn together. A network's rounding depends on it, so changing it orphans every cached image."""

LAYOUT = "channels last"
"""Of the weights of convolutions on a CPU; rounding depends on it too."""

MOST_RECORDED = 64
KEPT = 101
"""Steps of a recorded way, at most."""


def resolve(c: SampleConfig) -> SampleConfig:
    """The config with every default filled in; resolving twice changes nothing.

    ModelError for an unknown model, ConfigError for what does not go together. "raw" becomes "ema" for a model with one set,
    "noise:32" becomes "noise".
    """
    card = models.card(c.model)
    c = replace(c, model=card.id, weights="raw" if c.weights == "raw" and models.RAW in card.sha256 else "ema")
    if FAMILIES[card.family].stepwise:
        return sampling.resolve(c, noise(c.model))
    given = {"sampler": c.sampler, "steps": c.steps, "grid": c.grid, "eta": c.eta}
    for knob, value in given.items():
        if value:
            raise ConfigError(f"{knob} is {value}; {c.model} draws its images at once: leave {', '.join(given)} out.")
    return c


def noise(model: str) -> str:
    """The kind of noise that a diffusion model was trained with, which decides what it can be drawn with."""
    trained = models.training_config(models.card(model))
    assert isinstance(trained, DDPMConfig), f"{model} draws at once"
    return sampling.noise_of(trained)


def evaluations(c: SampleConfig) -> int:
    """Network evaluations that one image costs."""
    c = resolve(c)
    family = FAMILIES[models.card(c.model).family]
    return sampling.SAMPLERS[c.sampler].evaluations(c.steps) if family.stepwise else int(family.trained)


def walk(c: SampleConfig) -> Iterator[Step]:
    """Every Step of all n images together; a model that draws at once has one Step."""
    c = resolve(c)
    return _together(_open(c), c.n)


def images(c: SampleConfig, progress: Progress = silent) -> ImageSet:
    """The n images, from the cache where they were drawn before; what is interrupted loses one block of BLOCK at most."""
    c = resolve(c)
    base, opened = _recipe(c), functools.cache(lambda: _open(c))

    def tell(done: int) -> None:
        progress(min(done, c.n), c.n, f"drawing images of {c.model}")

    def computed(block: _Block) -> Arrays:
        recipe = _block_recipe(base, block.index, block.count)
        return store.get_or_compute("images", recipe, lambda: _draw(opened(), block, tell))

    parts = []
    for block in _blocks(c.n):
        entry = _cached(base, block) or computed(block)
        parts.append(entry["images"][: block.wanted])
        tell(block.first + block.wanted)
    return _image_set(c, parts)


def drawn(c: SampleConfig) -> ImageSet | None:
    """The images if all of them are in the cache, else None. Never draws."""
    found = _found(resolve(c))
    return None if found is None else _image_set(resolve(c), [e["images"][: b.wanted] for b, e in found])


def seconds(c: SampleConfig) -> float | None:
    """What drawing these images took when they were drawn, or recorded; None if they are not in the cache."""
    found = _found(resolve(c))
    if found is not None:
        return float(sum(e["seconds"][: b.count // CHUNK].sum() for b, e in found))
    way = recording(c)
    return None if way is None else float(way["seconds"].sum())


def recorded(c: SampleConfig, watch: Callable[[Step], None] | None = None) -> Arrays:
    """The way of at most 64 images: x and x0 (K, n, H, W, 3) uint8, timestep and evaluations (K,), seconds (1,); cached.

    K <= 101 evenly spaced Steps, the first and the last among them; x[-1] are the images. `watch` hears every Step while they are
    drawn, and nothing where they come from the cache. ConfigError for more images.
    """
    c = resolve(c)
    if c.n > MOST_RECORDED:
        raise ConfigError(f"n is {c.n}; the way from noise is kept for {MOST_RECORDED} images at most: lower n.")
    return store.get_or_compute("walks", _way_recipe(c), lambda: _record(_open(c), c.n, watch))


def recording(c: SampleConfig) -> Arrays | None:
    """What `recorded` has kept, or None. Never draws."""
    c = resolve(c)
    return store.get("walks", _way_recipe(c)) if _known(c) else None


def way_key(c: SampleConfig) -> str:
    """Names the content of the recording, as the store does: by what the model is, not by what it is called."""
    return store.key("walks", _way_recipe(resolve(c)))


# --------------------------------------------------------------------------------------------------------- drawing

Open = Callable[[int], Iterator[Step]]
"""The Steps of the chunk whose first image has this number."""


def _open(c: SampleConfig) -> Open:
    """Loads the model (onto the GPU where there is one) or fits it."""
    card = models.card(c.model)
    family = FAMILIES[card.family]
    module = families.module(family)
    model: Any = None
    if family.trained:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        network = models.network(card, c.weights)
        model = module.placed(network, device) if family.stepwise else network.to(device)
    elif card.dataset:
        model = module.fit(datasets.load(card.dataset, "train", size=card.size))
    draw = Draw(model, models.training_config(card), c, card.size)

    def chunk(first: int) -> Iterator[Step]:
        return module.walk(draw, [image_seed(c.seed, i) for i in range(first, first + CHUNK)])

    return chunk


def _together(chunk: Open, n: int) -> Iterator[Step]:
    """All chunks in lock-step, each with a scheduler of its own, cut to n."""
    for steps in zip(*(chunk(first) for first in range(0, n, CHUNK)), strict=True):
        yield replace(steps[0], x=np.concatenate([s.x for s in steps])[:n], x0=np.concatenate([s.x0 for s in steps])[:n])


def _draw(chunk: Open, block: "_Block", tell: Callable[[int], None]) -> Arrays:
    """images: (count, H, W, 3) uint8; seconds: (chunks,) float64."""
    drawn, took = [], []
    for first in range(block.first, block.first + block.count, CHUNK):
        tell(first)
        started = time.perf_counter()
        last = collections.deque(chunk(first), maxlen=1).pop()
        drawn.append(pixels.to_uint8(last.x))
        took.append(time.perf_counter() - started)
    return {"images": np.concatenate(drawn), "seconds": np.array(took)}


def _record(chunk: Open, n: int, watch: Callable[[Step], None] | None) -> Arrays:
    kept: list[Step] = []
    took = 0.0
    mark = time.perf_counter()
    for step in _together(chunk, n):
        # Not the time of whoever watches.
        took += time.perf_counter() - mark
        if watch:
            watch(step)
        if step.index in _kept(step.total):
            kept.append(replace(step, x=pixels.to_uint8(step.x), x0=pixels.to_uint8(step.x0)))
        mark = time.perf_counter()
    return {
        "x": np.stack([s.x for s in kept]),
        "x0": np.stack([s.x0 for s in kept]),
        "timestep": np.array([s.timestep for s in kept]),
        "evaluations": np.array([s.evaluations for s in kept]),
        "seconds": np.array([took]),
    }


@functools.cache
def _kept(total: int) -> frozenset[int]:
    return frozenset(np.linspace(0, total, min(total + 1, KEPT)).round().astype(int).tolist())


# ----------------------------------------------------------------------------------------------------------- cache


@dataclass(frozen=True)
class _Block:
    """Images first .. first + wanted of a sample; `count`: how many are drawn for it, a multiple of CHUNK."""

    index: int
    wanted: int

    @property
    def first(self) -> int:
        return self.index * BLOCK

    @property
    def count(self) -> int:
        return -(-self.wanted // CHUNK) * CHUNK


def _blocks(n: int) -> list[_Block]:
    return [_Block(i, min(BLOCK, n - i * BLOCK)) for i in range(-(-n // BLOCK))]


def _recipe(c: SampleConfig) -> dict[str, Any]:
    """All that shapes the pixels of a resolved config but for n; no display name."""
    card = models.card(c.model)
    family = FAMILIES[card.family]
    model: dict[str, Any] = {"family": family.name, "size": card.size}
    if family.trained:
        knobs = models.training_config(card)
        model["sha256"] = card.sha256[models.weights_name(card, c.weights)]
        model["architecture"] = {k: getattr(knobs, k) for k in family.architecture}
    elif card.dataset:
        model |= families.module(family).recipe(datasets.load(card.dataset, "train", size=card.size))
    if family.stepwise:
        model["layout"] = LAYOUT
    how = {"sampler": c.sampler, "steps": c.steps, "grid": c.grid, "eta": c.eta, "seed": c.seed}
    return {"model": model, **how, "chunk": CHUNK}


def _block_recipe(base: dict[str, Any], index: int, count: int) -> dict[str, Any]:
    return {**base, "block": index, "count": count}


def _way_recipe(c: SampleConfig) -> dict[str, Any]:
    return {**_recipe(c), "n": c.n, "kept": KEPT}


def _cached(base: dict[str, Any], block: _Block) -> Arrays | None:
    """The block as it was drawn for this n, or the whole block of a larger sample."""
    for count in dict.fromkeys((block.count, BLOCK)):
        entry = store.get("images", _block_recipe(base, block.index, count))
        if entry is not None:
            return entry
    return None


def _found(c: SampleConfig) -> list[tuple[_Block, Arrays]] | None:
    """Every block of a resolved config from the cache, or None if one is missing."""
    if not _known(c):
        return None
    base, found = _recipe(c), []
    for block in _blocks(c.n):
        entry = _cached(base, block)
        if entry is None:
            return None
        found.append((block, entry))
    return found


def _known(c: SampleConfig) -> bool:
    """Whether the recipe can be told without preparing a data set, which is a job's work."""
    card = models.card(c.model)
    return FAMILIES[card.family].trained or not card.dataset or datasets.card(card.dataset, card.size).prepared


def _image_set(c: SampleConfig, parts: list[np.ndarray]) -> ImageSet:
    return ImageSet(c.model, "generated", parts[0] if len(parts) == 1 else np.concatenate(parts), origin=c.model)

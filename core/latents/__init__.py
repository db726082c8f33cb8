"""What a VAE makes of images: reconstructions, the plane of its codes, the way between two images, an image of one's own.

The code of an image is the mean that the encoder gives for it: nothing is sampled, so the same weights and images always show
the same. What reads the cache (`resolve`, `cached`) and what lays it out runs without torch.
"""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import datasets, models, store
from core.configs import LatentConfig
from core.datasets import reading
from core.errors import ConfigError, ModelError
from core.families import FAMILIES
from core.latents import decoding, files
from core.latents.decoding import FRAMES, GRID, quantiles
from core.latents.files import UPLOADS, keep
from core.latents.layout import beside_validation, laid_out, levels, nearest, share_inside
from core.types import Arrays, ImageSet, ModelCard, Progress, silent

VERSION = 1
"""Of the computations below; a part of every key."""

KIND, VALIDATION = "latents", "validation"
MOST = 1000  # validation images that are encoded

__all__ = [
    "FRAMES",
    "GRID",
    "MOST",
    "UPLOADS",
    "beside_validation",
    "cached",
    "compute",
    "keep",
    "key",
    "laid_out",
    "latent",
    "levels",
    "nearest",
    "quantiles",
    "resolve",
    "share_inside",
    "spread_known",
]


def resolve(c: LatentConfig) -> LatentConfig:
    """The config with its data set filled in, and without a seed where none is used.

    ModelError for what is no VAE, ConfigError for what does not go together, DataError for an unknown data set.
    """
    card = models.card(c.model)
    if card.family != "vae":
        kind = FAMILIES[card.family].label
        raise ModelError(f"{card.id} is of the family '{kind}', which has no codes of images; choose a VAE.")
    name = c.dataset or card.dataset
    if not name:
        raise ConfigError(f"{card.id} does not say what it was trained on; name a data set with --dataset.")
    datasets.card(name, card.size)
    if c.show == "manifold" and latent(card) != 2:
        raise ConfigError(f"The codes of {card.id} have {latent(card)} numbers; a plane needs 2: train a VAE with --latent=2.")
    if bool(c.image) != (c.show == "encode"):
        raise ConfigError("An image is encoded with --show=encode --image=FILE; everything else shows validation images.")
    seeded = c.show in ("reconstructions", "interpolation")
    return replace(c, model=card.id, dataset=name, seed=c.seed if seeded else 0)


def latent(card: ModelCard) -> int:
    """Numbers in a code of this VAE."""
    return int(models.training_config(card).latent)


def spread_known(card: ModelCard) -> bool:
    """Whether log_var means what the formulas say. Imported weights of the study were trained with the old noise scale."""
    return card.config.get("posterior", "") not in ("legacy", "unknown")


def compute(c: LatentConfig, progress: Progress = silent) -> Arrays:
    """What `c.show` names, from the cache or computed in float32 on the CPU. Images are uint8, codes (..., L) float32.

    reconstructions  places (16,) in the validation split, originals and images (16, H, W, 3)
    manifold         axis (25,) float64, rising; images (25, 25, H, W, 3): images[i, j] is the code (axis[j], axis[i])
    interpolation    places (2,), originals (2, H, W, 3), codes (13, L), images (13, H, W, 3)
    encode           original and image (H, W, 3), code (L,), error (1,), kl (L,)

    And of the first 1,000 validation images: val_codes (N, L), val_errors (N,), val_kl (N, L), and val_labels (N,) int64 where
    there are classes. Errors are squared, summed over an image's values in [-1, 1]; KL in nats, for each number of the code, and
    left out where the model's spread is not known. Errors as for `resolve`; DataError for an image that cannot be read.
    """
    c = resolve(c)
    opened = functools.cache(lambda: models.network(models.card(c.model)))
    images = _images(c)
    recipes = _recipes(c, images)
    known = store.get_or_compute(KIND, recipes[VALIDATION], lambda: decoding.validation(opened(), images, progress))
    progress(0, 0, f"decoding with {c.model}")
    own = store.get_or_compute(KIND, recipes[c.show], lambda: decoding.SHOWS[c.show](decoding.Scene(c, opened(), images, known)))
    return _told(c, images, known, own)


def cached(c: LatentConfig) -> Arrays | None:
    """What `compute` gives, where it is in the cache; else None. Computes nothing, prepares nothing. Errors as for `compute`."""
    c = resolve(c)
    if not datasets.card(c.dataset, models.card(c.model).size).prepared:
        return None
    images = _images(c)
    recipes = _recipes(c, images)
    known, own = store.get(KIND, recipes[VALIDATION]), store.get(KIND, recipes[c.show])
    return None if known is None or own is None else _told(c, images, known, own)


def key(c: LatentConfig) -> str:
    """Names the content of what `compute` gives, but for labels: by what model and images are, not what they are called."""
    c = resolve(c)
    return store.key(KIND, _recipes(c, _images(c))[c.show])


# ----------------------------------------------------------------------------------------------------------- cache


def _images(c: LatentConfig) -> ImageSet:
    """The validation images that are encoded: a prefix of the split's fixed random order."""
    images = datasets.load(c.dataset, "val", size=models.card(c.model).size)
    return images.take(min(MOST, len(images)))


def _recipes(c: LatentConfig, images: ImageSet) -> dict[str, dict[str, Any]]:
    """By what it shows: all that shapes it, no display name. The codes of the validation images are shared."""
    card = models.card(c.model)
    knobs = models.training_config(card)
    base = {
        "version": VERSION,
        "sha256": card.sha256[models.weights_name(card)],
        "architecture": {k: getattr(knobs, k) for k in FAMILIES[card.family].architecture},
        "images": images.fingerprint,
    }
    own = {**base, "show": c.show, "seed": c.seed}
    if c.image:
        own |= {"image": files.sha256(Path(c.image)), "rule": reading.RULE}
    return {VALIDATION: {**base, "show": VALIDATION}, c.show: own}


def _told(c: LatentConfig, images: ImageSet, known: Arrays, own: Arrays) -> Arrays:
    """Labels are no part of an image set's fingerprint, so they come from the data set as it is now."""
    found = {**own, **{f"val_{name}": array for name, array in known.items()}}
    if images.labels is not None:
        found["val_labels"] = images.labels
    if not spread_known(models.card(c.model)):
        found = {name: array for name, array in found.items() if name not in ("kl", "val_kl")}
    return found

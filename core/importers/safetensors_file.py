"""Safetensors: a model of another studio (its folder or a file of it), or the bare weights of the study's VAE."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import models, store
from core.errors import ConfigError, ModelError
from core.families import FAMILIES
from core.importers import lightning_ckpt, reading
from core.importers.reading import Found
from core.types import ModelCard

CARD = "card.json"


def read(path: Path) -> Found:
    """The model that the file is of, with its card where one lies beside it; else the VAE whose weights it holds."""
    if path.name in reading.FILES.values() and reading.inside(path.parent, CARD):
        return studio(path.parent)
    return lightning_ckpt.vae(reading.tensors(path), path)


def is_studio(folder: Path) -> bool:
    return reading.inside(folder, CARD) is not None


def studio(folder: Path) -> Found:
    """A model's folder as a studio published it: card.json and the weights that the card's sha256 vouch for."""
    card = _card(folder)
    network = reading.skeleton(card.family, card.config)
    weights = {}
    for name in (n for n, file in reading.FILES.items() if file in card.sha256):
        file = reading.inside(folder, reading.FILES[name])
        if file is None:
            raise ModelError(f"{folder} lacks {reading.FILES[name]}, which its card names; copy the whole folder.")
        if store.sha256(file) != card.sha256[file.name]:
            raise ModelError(f"{file} is damaged: its sha256 is not the one on its card; copy the folder again.")
        weights[name] = reading.fitted(reading.tensors(file), network, file)
    return Found(card.family, card.config, weights, card.note, card.metrics, card)


def _card(folder: Path) -> ModelCard:
    """The card, every field of its kind. ModelError where one is not."""
    file = reading.inside(folder, CARD)
    assert file is not None, folder
    values = reading.document(file)
    try:
        if values.pop("format", None) != models.FORMAT:
            raise ValueError(f"its format is not {models.FORMAT}")
        card = ModelCard(**{f.name: _checked(f, values[f.name]) for f in dataclasses.fields(ModelCard) if f.name in values})
        if card.family not in FAMILIES or not FAMILIES[card.family].trained:
            raise ValueError(f"its family '{reading.shown(card.family)}' is not one that is trained")
        if models.EMA not in card.sha256 or not card.sha256.keys() <= set(reading.FILES.values()):
            raise ValueError(f"it names no {models.EMA}")
        if models.training_config(card).size != card.size:
            raise ValueError("its two sizes differ")
    except (TypeError, ValueError, ConfigError) as e:
        raise ModelError(f"{folder / CARD} is no card of a trained model ({e}); copy the model's folder again.") from e
    return card


def _checked(f: Any, value: Any) -> Any:
    """The value of a card's field from JSON. TypeError where it is of another kind."""
    if f.type in (str, int):
        right = type(value) is f.type
    elif f.name == "former":
        right = isinstance(value, list) and all(isinstance(v, str) for v in value)
        value = tuple(value) if right else value
    else:
        kinds: tuple[type, ...] = {"sha256": (str,), "metrics": (int, float)}.get(f.name, (object,))
        right = isinstance(value, Mapping) and all(isinstance(v, kinds) for v in value.values())
    if not right:
        raise TypeError(f"its {f.name} is '{reading.shown(value)}'")
    return value

"""A model's folder and the card in it. The folder's name is the model's id; another id on the card is one that it had before."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import configs, store
from core.errors import ConfigError, ModelError
from core.families import FAMILIES
from core.types import ModelCard

FORMAT = 1
EMA, RAW = "ema.safetensors", "raw.safetensors"
"""Averaged and last weights. A model with one set has the first only, and both names mean it."""


def folders(root: Path) -> list[Path]:
    """The models' folders in one place; half-written and deleted ones begin with a dot."""
    return sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith(".")) if root.is_dir() else []


def read(folder: Path) -> ModelCard:
    """The card of the model in this folder. ModelError where it is damaged."""
    file = folder / "card.json"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise ValueError(f"its format is {values['format']}, not {FORMAT}")
        card = _card(values, folder.name)
        if not FAMILIES[card.family].trained or EMA not in card.sha256:
            raise ValueError(f"it names no {EMA} of a trained family")
        training_config(card)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ConfigError) as e:
        raise ModelError(
            f"The card of model '{folder.name}' is damaged ({e}); restore {file}, or delete the model and train it again."
        ) from e
    return card


def _card(values: Mapping[str, Any], name: str) -> ModelCard:
    """A renaming that was cut short after the folder had its new name is whole by this."""
    names = {f.name for f in dataclasses.fields(ModelCard)}
    earlier = dict.fromkeys((*values.get("former", ()), values["id"]))
    if not all(isinstance(e, str) for e in earlier):
        raise ValueError("an id is no text")
    card = ModelCard(**{k: v for k, v in values.items() if k in names})
    return dataclasses.replace(card, id=name, former=tuple(e for e in earlier if e != name))


def write(folder: Path, card: ModelCard) -> None:
    """The file holds the old card or the new one, whatever happens in between."""
    text = json.dumps({"format": FORMAT, **dataclasses.asdict(card)}, indent=1, sort_keys=True, allow_nan=False)
    store.replace_text(folder / "card.json", text)


def training_config(card: ModelCard) -> Any:
    """The knobs of the training, as its family's config; None for a built-in model."""
    cls = FAMILIES[card.family].config
    return None if cls is None else configs.from_dict(cls, card.config)

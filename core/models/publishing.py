"""New models: checked, written beside, and listed by one rename. The examples are written here too, into another folder."""

import dataclasses
import os
import shutil
import uuid
from datetime import UTC, datetime
from pathlib import Path

from core import paths, store
from core.errors import ModelError, StoreError
from core.models import card_file, reading
from core.models.card_file import EMA, RAW
from core.models.weights import load
from core.models.yardsticks import BUILTIN
from core.types import ModelCard


def publish(card: ModelCard, weights: Path) -> ModelCard:
    """Copies ema.safetensors (and raw.safetensors if there) from the folder `weights` and lists the model; its card as published.

    id "" becomes FAMILY-DATASET-NUMBER with the first number that no model has or had. ModelError for an id that is taken or
    reserved and for weights that do not fit the card's family and config.
    """
    if card.id:
        check_id(card.id)
    part = _part(paths.models(), card.id or card.family)
    try:
        part.mkdir(parents=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sums = _copy(card, weights, part, (EMA, RAW))
        return _claim(dataclasses.replace(card, sha256=sums, created_at=card.created_at or now), part)
    except OSError as e:
        raise StoreError(f"{paths.models()} cannot be written ({e.strerror}); make room or move STUDIO_CACHE.") from e
    finally:
        shutil.rmtree(part, ignore_errors=True)


def bundle(card: ModelCard, weights: Path, root: Path) -> ModelCard:
    """Writes root/ID/ with the averaged weights and the card, in the place of what is there; the card as written.

    StoreError where the folder cannot be written; it then holds what it held.
    """
    target, part, old = root / card.id, _part(root, card.id), _part(root, card.id)
    try:
        part.mkdir(parents=True)
        card = dataclasses.replace(card, sha256=_copy(card, weights, part, (EMA,)))
        card_file.write(part, card)
        if target.exists():
            os.rename(target, old)  # a folder with files cannot be replaced in one move
        os.rename(part, target)
    except OSError as e:
        raise StoreError(f"{root} cannot be written ({e.strerror}); choose another folder.") from e
    finally:
        if old.exists() and not target.exists():
            os.rename(old, target)
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)
    return card


def check_id(model_id: str) -> None:
    """ModelError or ConfigError unless a new model could have this id: no model has or had it."""
    paths.check_name(model_id, "model name")
    if model_id in BUILTIN or "@" in model_id:
        raise ModelError(f"'{model_id}' cannot name a model: {', '.join(BUILTIN)} and '@' are for built-in ones; choose another.")
    why = reading.taken().get(model_id) or _there(model_id)
    if why:
        raise ModelError(why)


def _there(model_id: str) -> str:
    """What has this folder already; a system that makes no difference between a and A is asked, too."""
    said = f"There is a model '{model_id}' already, and models are never overwritten; choose another name."
    return said if paths.model(model_id).exists() else ""


def _part(root: Path, name: str) -> Path:
    return root / f".{name}.{uuid.uuid4().hex[:8]}.part"


def _copy(card: ModelCard, folder: Path, part: Path, names: tuple[str, ...]) -> dict[str, str]:
    """sha256 of each weights file; only files that load are copied."""
    sums = {}
    for name in names:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, part / name)
            store.fsync(part / name)
            sums[name] = store.sha256(part / name)
            load(card, part / name, sums[name])
    if EMA not in sums:
        raise ModelError(f"{folder} has no {EMA}; a model needs its weights there.")
    return sums


def _claim(card: ModelCard, part: Path) -> ModelCard:
    """Moves the finished folder to its id, the first free one where the card has none. The rename decides a race."""
    number, taken = 1, {} if card.id else reading.taken()
    while True:
        mine = card if card.id else dataclasses.replace(card, id=f"{card.family}-{card.dataset[:60].replace('@', '-')}-{number}")
        target = paths.model(mine.id)
        if mine.id not in taken and not target.exists():
            card_file.write(part, mine)
            try:
                os.rename(part, target)  # onto a folder with files: fails on every system
                return mine
            except OSError:
                if not target.exists():
                    raise
        if card.id:
            raise ModelError(_there(card.id))
        number += 1

"""Trained models: a folder each, `cache/models/ID/` with card.json, ema.safetensors and perhaps raw.safetensors.

Published once, never overwritten: a folder appears by a rename, whole or not at all. `noise`, `gaussian-pca@DATASET` and
`copycat@DATASET` need no training and no folder: they are built in, and draw at any size (`noise:64`; 32 without a number).
"""

import dataclasses
import json
import os
import re
import shutil
import uuid
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core import configs, datasets, families, paths, store
from core.errors import ConfigError, ModelError, StoreError, unknown
from core.families import FAMILIES
from core.types import ModelCard

FORMAT = 1
EMA, RAW = "ema.safetensors", "raw.safetensors"
"""Averaged and last weights. A model with one set has the first only, and both names mean it."""

NOISE = "noise"
GAUSSIAN = "gaussian-pca"
COPYCAT = "copycat"
BUILTIN: Mapping[str, str] = {NOISE: "noise", GAUSSIAN: "gaussian_pca", COPYCAT: "copycat"}
"""The family of each built-in model. All but noise are fitted to a data set, which their id names."""
BUILTIN_SIZE = 32
SIZES = (8, 256)
"""Smallest and largest side of an image, as for data sets."""
_FORMS = f"{NOISE}, {GAUSSIAN}@DATASET, {COPYCAT}@DATASET"
_BUILTIN_ID = re.compile(rf"({'|'.join(BUILTIN)})(?:@([^:]*))?(?::(.*))?", re.DOTALL)


def cards() -> list[ModelCard]:
    """The published models, newest first. A damaged card is left out with a warning."""
    found = []
    for folder in _folders():
        try:
            found.append(_read(folder))
        except ModelError as e:
            warnings.warn(str(e), stacklevel=2)
    return sorted(found, key=lambda c: (c.created_at, c.id), reverse=True)


def card(model_id: str) -> ModelCard:
    """The card of a published or built-in model, the latter under its shortest id ("noise" for "noise:32").

    ModelError for an unknown name (with the known ones), for a damaged card, and for a size that no image can have.
    """
    builtin_id = _BUILTIN_ID.fullmatch(model_id)
    if builtin_id:
        return _builtin(model_id, *builtin_id.groups())
    if ":" in model_id:
        raise ModelError(f"There is no model named '{model_id}': only the built-in ones ({_FORMS}) take a size behind ':'.")
    try:
        folder = paths.model(model_id)
    except ConfigError as e:
        raise ModelError(str(e)) from e
    if not folder.is_dir():
        raise ModelError(unknown("model", model_id, [*(f.name for f in _folders()), *_FORMS.split(", ")]))
    return _read(folder)


def builtin(name: str, dataset: str, size: int = BUILTIN_SIZE) -> str:
    """The id of a built-in model at this size: "noise", "gaussian-pca@petals", "copycat@petals:64". Noise needs no data set."""
    assert name in BUILTIN, name
    return (name if name == NOISE else f"{name}@{dataset}") + ("" if size == BUILTIN_SIZE else f":{size}")


def publish(card: ModelCard, weights: Path) -> ModelCard:
    """Copies ema.safetensors (and raw.safetensors if there) from the folder `weights` and lists the model; its card as published.

    id "" becomes FAMILY-DATASET-NUMBER with the first free number. ModelError for an id that is taken or reserved and for weights
    that do not fit the card's family and config.
    """
    if card.id:
        check_id(card.id)
    part = paths.models() / f".{card.id or card.family}.{uuid.uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        sums = _copy(card, weights, part)
        return _claim(dataclasses.replace(card, sha256=sums, created_at=card.created_at or now), part)
    except OSError as e:
        raise StoreError(f"{paths.models()} cannot be written ({e.strerror}); make room or move STUDIO_CACHE.") from e
    finally:
        shutil.rmtree(part, ignore_errors=True)


def weights_name(card: ModelCard, weights: str = "ema") -> str:
    """The file that "ema" or "raw" means: raw.safetensors where the model has it, else ema.safetensors."""
    assert weights in ("ema", "raw"), weights
    if not card.sha256:
        raise ModelError(f"{card.id} is built in and has no weights; choose a trained model.")
    return RAW if weights == "raw" and RAW in card.sha256 else EMA


def weights_file(card: ModelCard, weights: str = "ema") -> Path:
    return paths.model(card.id) / weights_name(card, weights)


def network(card: ModelCard, weights: str = "ema") -> Any:
    """The model's torch.nn.Module in eval mode on the CPU, float32, every weight from the file.

    ModelError where the file is missing or damaged (its sha256 is checked) or does not fit the config.
    """
    file = weights_file(card, weights)
    return _load(card, file, card.sha256[file.name])


def training_config(card: ModelCard) -> Any:
    """The knobs of the training, as its family's config; None for a built-in model."""
    cls = FAMILIES[card.family].config
    return None if cls is None else configs.from_dict(cls, card.config)


# ----------------------------------------------------------------------------------------------------------- cards


def _folders() -> list[Path]:
    if not paths.models().is_dir():
        return []
    return sorted(f for f in paths.models().iterdir() if f.is_dir() and not f.name.startswith("."))


def _builtin(model_id: str, name: str, dataset: str | None, side: str | None) -> ModelCard:
    """The card of NAME[@DATASET][:SIDE], taken apart."""
    if name != NOISE and not dataset:
        raise ModelError(f"'{model_id}' needs a data set to draw from: write {name}@NAME, such as {name}@petals.")
    if name == NOISE and dataset is not None:
        raise ModelError(f"'{model_id}' names a data set, and noise is drawn from none: write noise, or noise:64 for 64 pixels.")
    # No other spelling of a number: what is one model has one id.
    size = BUILTIN_SIZE if side is None else int(side) if re.fullmatch("[1-9][0-9]{0,3}", side) else 0
    if not SIZES[0] <= size <= SIZES[1]:
        raise ModelError(f"The size of '{model_id}' is '{side}'; needed: {SIZES[0]} to {SIZES[1]} pixels, such as {name}:64.")
    return ModelCard(
        id=builtin(name, dataset or "", size),
        family=BUILTIN[name],
        dataset=datasets.card(dataset, size).name if dataset else "",
        size=size,
        config={},
        seed=0,
        experiment="",
        origin="builtin:",
        base="",
        sha256={},
        created_at="",
    )


def _read(folder: Path) -> ModelCard:
    file = folder / "card.json"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        names = {f.name for f in dataclasses.fields(ModelCard)}
        card = ModelCard(**{k: tuple(v) if k == "former" else v for k, v in values.items() if k in names})
        if values["format"] != FORMAT or card.id != folder.name or not FAMILIES[card.family].trained or EMA not in card.sha256:
            raise ValueError("it is not of this model or of this version")
        training_config(card)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ConfigError) as e:
        raise ModelError(f"The card of model '{folder.name}' is damaged ({e}); train the model again or restore {file}.") from e
    return card


def check_id(model_id: str) -> None:
    """ModelError or ConfigError unless a new model could have this id."""
    paths.check_name(model_id, "model name")
    if model_id in BUILTIN or "@" in model_id:
        raise ModelError(f"'{model_id}' cannot name a model: {', '.join(BUILTIN)} and '@' are for built-in ones; choose another.")
    if paths.model(model_id).exists():
        raise _taken(model_id)


def _taken(model_id: str) -> ModelError:
    return ModelError(f"There is a model '{model_id}' already, and models are never overwritten; choose another name.")


def _copy(card: ModelCard, weights: Path, part: Path) -> dict[str, str]:
    """sha256 of each weights file; only files that load are copied."""
    sums = {}
    for name in (EMA, RAW):
        if (weights / name).is_file():
            shutil.copyfile(weights / name, part / name)
            store.fsync(part / name)
            sums[name] = store.sha256(part / name)
            _load(card, part / name, sums[name])
    if EMA not in sums:
        raise ModelError(f"{weights} has no {EMA}; a model needs its weights there.")
    return sums


def _claim(card: ModelCard, part: Path) -> ModelCard:
    """Moves the finished folder to its id, the first free one where the card has none. The rename decides a race."""
    number = 1
    while True:
        mine = card if card.id else dataclasses.replace(card, id=f"{card.family}-{card.dataset[:60].replace('@', '-')}-{number}")
        target = paths.model(mine.id)
        if not target.exists():
            text = json.dumps({"format": FORMAT, **dataclasses.asdict(mine)}, indent=1, sort_keys=True, allow_nan=False)
            store.replace_text(part / "card.json", text)
            try:
                os.rename(part, target)  # onto a folder with files: fails on every system
                return mine
            except OSError:
                if not target.exists():
                    raise
        if card.id:
            raise _taken(card.id)
        number += 1


# --------------------------------------------------------------------------------------------------------- weights

# Weights files whose bytes this process has checked: (path, size, mtime in ns, sha256).
_checked: set[tuple[str, int, int, str]] = set()


def _load(card: ModelCard, file: Path, sha256: str) -> Any:
    import safetensors
    import safetensors.torch
    import torch

    again = "train or import the model again"
    try:
        stat = file.stat()
        mark = (str(file), stat.st_size, stat.st_mtime_ns, sha256)
        if mark not in _checked:
            if store.sha256(file) != sha256:
                raise ModelError(f"{file} is damaged: its sha256 is not the one on the card; {again}.")
            _checked.add(mark)
        tensors = safetensors.torch.load_file(file)
    except OSError as e:
        raise ModelError(f"{file} cannot be read ({e.strerror or e}); {again}.") from e
    except safetensors.SafetensorError as e:
        raise ModelError(f"{file} is not a safetensors file ({e}); {again}.") from e
    # On the meta device nothing is initialised at random: a weight that the file lacks cannot go unseen.
    with torch.device("meta"):
        network = families.module(FAMILIES[card.family]).network(training_config(card))
    wrong = _misfit(network.state_dict(), tensors)
    if wrong:
        raise ModelError(f"{file} does not fit the model's config: {wrong}; {again}.")
    network.load_state_dict(tensors, strict=True, assign=True)
    assert not any(t.is_meta for t in (*network.parameters(), *network.buffers())), card.family
    return network.eval()


def _misfit(needed: Any, found: Any) -> str:
    """What keeps these weights from the network: the first difference in names, shapes or dtype; "" for none."""
    missing, extra = sorted(needed.keys() - found.keys()), sorted(found.keys() - needed.keys())
    if missing or extra:
        return f"{len(missing)} weights are missing and {len(extra)} are unknown, such as '{(missing + extra)[0]}'"
    for name, tensor in found.items():
        if tensor.shape != needed[name].shape or tensor.dtype != needed[name].dtype:
            return f"'{name}' is {tuple(tensor.shape)} {tensor.dtype}, needed: {tuple(needed[name].shape)} {needed[name].dtype}"
    return ""

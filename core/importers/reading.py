"""What a foreign file holds, read without running anything of it, and made to fit a network or refused."""

import json
import os
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import configs, families, models
from core.errors import ModelError
from core.families import FAMILIES
from core.types import ModelCard

LIMIT = 2 << 30
"""Bytes of a weights file, packed or not, at most."""
DOCUMENT = 1 << 20
"""Bytes of a JSON file, at most."""

FILES: Mapping[str, str] = {"ema": models.EMA, "raw": models.RAW}
"""A model's weights -> the file that holds them."""

Tensors = dict[str, Any]
"""Name -> torch.Tensor."""


@dataclass(frozen=True, eq=False)
class Found:
    """A model as it was read. config: what is known of its training, by the family's knobs.  weights: "ema" and perhaps "raw".

    card: the one that came with it, for a model of a studio.
    """

    family: str
    config: Mapping[str, Any]
    weights: Mapping[str, Tensors]
    note: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    card: ModelCard | None = None


# ----------------------------------------------------------------------------------------------------------- files


def inside(folder: Path, name: str) -> Path | None:
    """The file of this name in the folder, or None; ModelError for a link that leads elsewhere.

    A snapshot in the Hub's cache consists of links into the folder two levels above it; those are followed.
    """
    here, file = Path(os.path.realpath(folder)), folder / name
    root = here.parents[1] if here.parent.name == "snapshots" else here
    # Not Path.is_file: it raises where a folder on the way may not be looked into.
    if not os.path.isfile(file):
        return None
    if not Path(os.path.realpath(file)).is_relative_to(root):
        raise ModelError(f"{file} is a link that leads out of the folder; put the file itself there.")
    return file


def document(path: Path) -> dict[str, Any]:
    """The JSON object of a file."""
    try:
        if path.stat().st_size > DOCUMENT:
            raise ValueError(f"it has more than {DOCUMENT:,} bytes")
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
        if not isinstance(value, dict):
            raise ValueError("it is a list or a single value")
    except OSError as e:
        raise ModelError(f"{path} cannot be read ({e.strerror}); change who may read it.") from e
    except (ValueError, RecursionError) as e:
        raise ModelError(f"{path} is no JSON object ({e}); get it again where it came from.") from e
    return value


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def unpickled(path: Path) -> Any:
    """What torch.save wrote: tensors, numbers, texts, lists and dictionaries. Whatever else the file holds is refused unread."""
    import torch

    _check_size(path)
    try:
        # A packed entry may be a thousand times as large as the file.
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as z:
                _check_unpacked(path, sum(i.file_size for i in z.infolist()))
        with warnings.catch_warnings():
            # Of a file that is something else, before it is refused.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except Exception as e:  # torch has no error of its own for bad bytes: whatever they make it raise says the same
        # Not its own words: they advise to switch the check off.
        foreign = re.search(r"GLOBAL ([\w.]+)", str(e))
        if foreign:
            held = f"{path} holds more than weights ({foreign[1]}), which could run code; nothing of it was run"
            raise ModelError(f"{held}: have its weights saved as safetensors and import that.") from e
        raise ModelError(f"{path} is damaged or was not written by torch.save; get it again where it came from.") from e


def tensors(path: Path) -> Tensors:
    """The tensors of a safetensors file."""
    import safetensors
    import safetensors.torch

    _check_size(path)
    try:
        return dict(safetensors.torch.load_file(path))
    except OSError as e:
        raise ModelError(f"{path} cannot be read ({e.strerror or e}); change who may read it.") from e
    except safetensors.SafetensorError as e:
        raise ModelError(f"{path} is damaged or no safetensors file ({e}); get it again where it came from.") from e


def as_tensors(value: Any, path: Path) -> Tensors:
    """A state dict that was unpickled; ModelError where it is something else."""
    import torch

    plain = isinstance(value, Mapping) and all(isinstance(k, str) and isinstance(t, torch.Tensor) for k, t in value.items())
    if not plain or not value:
        raise ModelError(f"{path} holds no dictionary of weights; give a file that torch.save wrote of a network's state_dict.")
    return dict(value)


def _check_size(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as e:
        raise ModelError(f"{path} cannot be read ({e.strerror}); change who may read it.") from e
    if not size:
        raise ModelError(f"{path} is empty; get it again where it came from.")
    _check_unpacked(path, size)


def _check_unpacked(path: Path, size: int) -> None:
    if size > LIMIT:
        raise ModelError(f"{path} holds {size / 2**30:.1f} GB; a model for small images has at most {LIMIT >> 30} GB.")


# -------------------------------------------------------------------------------------------------------- networks


def knobs(family: str, config: Mapping[str, Any]) -> Any:
    """The config of the family, knobs that are not known at their default."""
    cls = FAMILIES[family].config
    assert cls is not None, family
    return configs.from_dict(cls, {"dataset": "", **config})


def skeleton(family: str, config: Mapping[str, Any]) -> Any:
    """The network of a family's config on the meta device: names and shapes, no numbers. ConfigError for an impossible config."""
    import torch

    with torch.device("meta"):
        return families.module(FAMILIES[family]).network(knobs(family, config))


def fitted(found: Tensors, network: Any, path: Path) -> Tensors:
    """The tensors as float32 of their own, all of the network's and no other. ModelError for the first that does not fit."""
    import torch

    needed = network.state_dict()
    missing, extra = sorted(needed.keys() - found.keys()), sorted(found.keys() - needed.keys())
    if missing or extra:
        faults = [f"lacks {named(missing)}"] * bool(missing) + [f"has {named(extra)} too many"] * bool(extra)
        raise ModelError(f"{path} {' and '.join(faults)}; its network needs exactly its {len(needed)} weights.")
    kinds = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    for name, tensor in found.items():
        shape, right = tuple(tensor.shape), tuple(needed[name].shape)
        if shape != right:
            raise ModelError(f"'{name}' in {path} has the shape {shape}, needed: {right}; give weights of this network.")
        if tensor.dtype not in kinds or tensor.layout is not torch.strided or tensor.device.type != "cpu":
            raise ModelError(f"'{name}' in {path} holds no plain floating-point numbers ({tensor.dtype}); give weights that do.")
        if not torch.isfinite(tensor).all():
            raise ModelError(
                f"'{name}' in {path} has numbers that are not finite: its training diverged; give another checkpoint."
            )
    # Copies: weights that share their memory cannot be written as safetensors.
    return {k: t.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format) for k, t in found.items()}


def named(keys: Iterable[str], most: int = 3) -> str:
    """ "14 weights ('dec.0.bias', 'dec.0.weight', 'dec.3.bias', ...)" """
    keys = sorted(keys)
    some = ", ".join(f"'{shown(k)}'" for k in keys[:most]) + (", ..." if len(keys) > most else "")
    return f"{len(keys)} weight{'s' * (len(keys) != 1)} ({some})" if keys else "no weights"


def shown(value: object) -> str:
    """What a foreign file says, short and on one line, for a sentence."""
    line = " ".join(str(value).split())
    return line if len(line) <= 80 else f"{line[:77]}..."

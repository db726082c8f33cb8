"""Weights from their file into the network, checked: the bytes by their sha256, the names, shapes and dtypes by the config."""

from pathlib import Path
from typing import Any

from core import families, paths, store
from core.errors import ModelError
from core.families import FAMILIES
from core.models import card_file, reading
from core.types import ModelCard

# Weights files whose bytes this process has checked: (path, size, mtime in ns, sha256).
_checked: set[tuple[str, int, int, str]] = set()


def network(card: ModelCard, weights: str = "ema") -> Any:
    """The model's torch.nn.Module in eval mode on the CPU, float32, every weight from the file.

    ModelError where the file is missing or damaged (its sha256 is checked) or does not fit the config.
    """
    file = reading.weights_file(card, weights)
    return load(card, file, card.sha256[file.name])


def load(card: ModelCard, file: Path, sha256: str) -> Any:
    """`network` of a file that lies anywhere."""
    import safetensors
    import safetensors.torch
    import torch

    example = file.is_relative_to(paths.examples())
    again = f"run: python -m core demo build --only {card.id}" if example else "train or import the model again"
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
        network = families.module(FAMILIES[card.family]).network(card_file.training_config(card))
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

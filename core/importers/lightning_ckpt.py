"""Checkpoints of the study's VAE: Lightning's .ckpt as the study published them, and bare state dicts.

The study drew its codes as mu + exp(log_var) noise where the deviation is exp(log_var / 2): what its encoder says of the spread
must not be read with the right formula. Its means and its decoder are as good as any.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import ModelError
from core.importers import reading
from core.importers.reading import Found, Tensors

KEYS = frozenset(
    f"{layer}.{part}" for layer in ("enc.0", "enc.2", "mu", "log_var", "dec.0", "dec.3", "dec.5") for part in ("weight", "bias")
)
CHANNELS = 32  # of both convolutions
LATENTS = (1, 512)
OWN = "network."
"""Before every weight in a checkpoint of this studio's trainers."""

LEGACY = (
    "trained with the old noise scale: the study took exp(log_var) for the deviation of its codes, so its posterior is not "
    "sampled here; its means and its decoder are valid"
)
UNKNOWN = (
    "weights without a word on how they were trained: the spread of its codes is not known, its means and its decoder are valid"
)


def read(path: Path) -> Found:
    """The VAE in a file of torch.save. ModelError, in one sentence, for anything else; nothing in the file is executed."""
    saved = reading.unpickled(path)
    lightning = isinstance(saved, Mapping) and "state_dict" in saved
    state = reading.as_tensors(saved["state_dict"] if lightning else saved, path)
    if lightning and all(k.startswith(OWN) for k in state):
        raise ModelError(_goes_on(path, state))
    study = _of_the_study(saved)
    if study is None:
        return vae(state, path)
    found = vae(state, path, {"posterior": "legacy", "learning_rate": study["learning_rate"]}, LEGACY)
    size, latent = found.config["size"], found.config["latent"]
    said = (tuple(study["input_shape"]), study["latent_size"])
    if said != ((3, size, size), latent):
        raise ModelError(
            f"{path} says input_shape {said[0]} and latent_size {said[1]}, its weights (3, {size}, {size}) and {latent}; "
            "give a checkpoint whose parts are of one training."
        )
    steps = saved.get("global_step")
    return replace(found, metrics={"steps": steps} if type(steps) is int else {})


def vae(state: Tensors, path: Path, known: Mapping[str, Any] | None = None, note: str = UNKNOWN) -> Found:
    """The VAE of these weights, its size and latent from their shapes. known: what else is known of its training."""
    if state.keys() != KEYS:
        hint = "; import the diffusers folder that it lies in" if "conv_in.weight" in state else ""
        raise ModelError(
            f"{path} holds {reading.named(state)}; needed: the weights of the study's VAE "
            f"(enc.0, enc.2, mu, log_var, dec.0, dec.3, dec.5){hint}."
        )
    config = {**_shape(state, path), **(known or {"posterior": "unknown"})}
    return Found("vae", config, {"ema": reading.fitted(state, reading.skeleton("vae", config), path)}, note)


def _shape(state: Tensors, path: Path) -> dict[str, int]:
    """size and latent, from the weights of mu (latent, 32 (size / 4)**2)."""
    shape = tuple(state["mu.weight"].shape)
    latent, flat = shape if len(shape) == 2 else (0, 0)
    side = round((flat / CHANNELS) ** 0.5)
    if side < 2 or side > 64 or flat != CHANNELS * side * side or not LATENTS[0] <= latent <= LATENTS[1]:
        raise ModelError(
            f"'mu.weight' in {path} has the shape {shape}, needed: (1 to 512, 32 (size / 4)^2) with a size of 8 to 256; "
            "give weights of the study's VAE."
        )
    return {"size": 4 * side, "latent": latent}


def _of_the_study(saved: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The hyper-parameters of a checkpoint that the study's code wrote, as far as it says so itself; else None."""
    own = saved.get("hyper_parameters")
    if not isinstance(own, Mapping) or "pytorch-lightning_version" not in saved:
        return None
    shape, latent, rate = (own.get(k) for k in ("input_shape", "latent_size", "learning_rate"))
    numbers = isinstance(shape, tuple | list) and all(type(n) is int for n in (*shape, latent))
    return own if numbers and type(rate) is float and 1e-8 <= rate <= 10 else None


def _goes_on(path: Path, state: Tensors) -> str:
    family = "ddpm" if f"{OWN}conv_in.weight" in state else "vae"
    folders = path.resolve().parts
    job = folders[folders.index("checkpoints") - 1] if "checkpoints" in folders[1:] else "JOB_ID"
    return (
        f"{path} is a checkpoint of a training of this studio, which does not say the network's shape; "
        f"the training itself publishes the model: python -m trainers {family} --resume={job}"
    )

"""The knobs, as frozen records. Command-line flags, widgets, sweep axes, argv, cards and shown commands derive from them.

A config says its verb and its fields; a field says its default, its help, its range or its choices:

    @dataclass(frozen=True)
    class VAEConfig(Config):
        VERB = ("trainers", "vae")
        latent: int = knob(2, "numbers in the latent code", low=1, high=512)

`to_argv(c)` gives the words after `python -m`; `from_argv(cls, words)` inverts it.
"""

import argparse
import dataclasses
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, TypeVar

from core.errors import ConfigError


class Config:
    """What every config has: the words after `python -m` that it belongs to, and knobs that are checked when it is made."""

    VERB: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        check(self)


C = TypeVar("C", bound=Config)


def knob(
    default: Any = MISSING,
    help: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] | None = None,
    positional: bool = False,
) -> Any:
    """A config's field. `low` and `high` are inclusive; a knob without default must be given."""
    meta = {"help": help, "low": low, "high": high, "choices": choices, "positional": positional}
    return field(default=default, metadata=meta)


def check(c: Config) -> None:
    """ConfigError unless every knob is of its kind and in its range."""
    for f in fields(c):  # type: ignore[arg-type]
        value, meta, flag = getattr(c, f.name), f.metadata, f.name.replace("_", "-")
        if f.type is float and type(value) is int:
            object.__setattr__(c, f.name, float(value))
        elif type(value) is not f.type:
            raise ConfigError(f"{flag} is {value!r}; needed: {f.type.__name__}.")  # type: ignore[union-attr]
        if meta.get("choices") and value not in meta["choices"]:
            raise ConfigError(f"{flag} is '{value}'; known: {', '.join(meta['choices'])}.")
        low, high = meta.get("low"), meta.get("high")
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{flag} is {value}; needed: a finite number.")
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
            raise ConfigError(f"{flag} is {value}; needed: {bounds}.")


def add_arguments(parser: argparse.ArgumentParser, cls: type[Any]) -> None:
    """One flag a knob: `learning_rate` becomes `--learning-rate`, a bool `--flips / --no-flips`."""
    for f in fields(cls):
        meta, flag = f.metadata, f"--{f.name.replace('_', '-')}"
        required = f.default is MISSING
        text = meta["help"] + ("" if required or f.default == "" else f" (default: {f.default})")
        options: dict[str, Any] = {"help": text.replace("%", "%%")}
        if f.type is bool:
            parser.add_argument(flag, default=f.default, action=argparse.BooleanOptionalAction, **options)
            continue
        options |= {"type": f.type, "choices": meta["choices"]}
        if meta["positional"]:
            parser.add_argument(f.name, metavar=f.name.upper(), **options)
        else:
            shown = None if meta["choices"] else f.name.upper()
            parser.add_argument(flag, default=None if required else f.default, required=required, metavar=shown, **options)


def from_namespace(cls: type[C], ns: argparse.Namespace) -> C:
    return cls(**{f.name: getattr(ns, f.name) for f in fields(cls)})  # type: ignore[arg-type]


def from_argv(cls: type[C], argv: Sequence[str]) -> C:
    """Inverts `to_argv`; SystemExit(2) for words that no knob knows, as argparse does."""
    verb = cls.VERB
    assert tuple(argv[: len(verb)]) == verb, f"{argv} is not a command of {cls.__name__}"
    parser = argparse.ArgumentParser(prog="python -m " + " ".join(verb))
    add_arguments(parser, cls)
    return from_namespace(cls, parser.parse_args(list(argv[len(verb) :])))


def to_argv(c: Config) -> tuple[str, ...]:
    """The words after `python -m`: verb, positional knobs, then every knob that is not at its default."""
    words: list[str] = []
    flags: list[str] = []
    for f in fields(c):  # type: ignore[arg-type]
        value, flag = getattr(c, f.name), f.name.replace("_", "-")
        if f.metadata["positional"]:
            words.append(str(value))
        elif f.default is MISSING or value != f.default:
            if f.type is bool:
                flags.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                # One word, so that a value starting with "-" stays a value.
                flags.append(f"--{flag}={value}")
    if any(w.startswith("-") for w in words):
        return (*c.VERB, *flags, "--", *words)
    return (*c.VERB, *words, *flags)


def command(c: Config) -> str:
    """The shell line that a page shows beside what it did."""
    return shlex.join(("python", "-m", *to_argv(c)))


def as_dict(c: Any) -> dict[str, Any]:
    return dataclasses.asdict(c)


def from_dict(cls: type[C], values: Mapping[str, Any]) -> C:
    """A record read back from a card; knobs the record no longer has are dropped, new ones take their default."""
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    return cls(**{k: v for k, v in values.items() if k in names})


# ------------------------------------------------------------------------------------------------------------ data


@dataclass(frozen=True)
class AddConfig(Config):
    VERB = ("core", "datasets", "add")
    source: str = knob(help="folder of images, of any depth", positional=True)
    name: str = knob(help="name of the data set in the studio")


@dataclass(frozen=True)
class PrepareConfig(Config):
    VERB = ("core", "datasets", "prepare")
    name: str = knob(help="name of the data set", positional=True)
    size: int = knob(32, "side of the prepared images in pixels", low=8, high=256)


# -------------------------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class VAEConfig(Config):
    """The study's VAE, corrected: see core/families/vae.py."""

    VERB = ("trainers", "vae")
    dataset: str = knob(help="data set to train on")
    size: int = knob(32, "side of the images in pixels, a multiple of 4", low=8, high=256)
    latent: int = knob(2, "numbers in the latent code", low=1, high=512)
    beta: float = knob(1.0, "weight of the KL term (Higgins et al. 2017)", low=0.0, high=1e4)
    learning_rate: float = knob(1e-3, "AdamW's step size", low=1e-8, high=10.0)
    weight_decay: float = knob(1e-4, "AdamW's weight decay", low=0.0, high=10.0)
    batch: int = knob(128, "images a step", low=1, high=4096)
    epochs: int = knob(200, "passes over the training images, at most", low=1, high=10_000)
    patience: int = knob(10, "epochs without a better validation loss before stopping", low=1, high=10_000)
    flips: bool = knob(True, "mirror training images at random")
    seed: int = knob(0, "seed of weights, order and noise", low=0, high=2**31 - 1)
    seeds: int = knob(1, "trainings one after the other, each with the next seed, as one experiment", low=1, high=100)
    name: str = knob("", "name of the model (default: family-dataset-number); several seeds add -s0, -s1, ...")


@dataclass(frozen=True)
class DDPMConfig(Config):
    """A compact DDPM (Ho et al. 2020) that predicts v (Salimans and Ho 2022): see core/families/ddpm.py."""

    VERB = ("trainers", "ddpm")
    dataset: str = knob(help="data set to train on")
    size: int = knob(32, "side of the images in pixels, a multiple of 4", low=8, high=256)
    channels: str = knob("32-64-64", "channels at each resolution, each a multiple of 16")
    layers: int = knob(1, "residual blocks at each resolution", low=1, high=4)
    prediction: str = knob("v_prediction", "what the network predicts", choices=("v_prediction", "epsilon"))
    steps: int = knob(6000, "optimiser steps, at most", low=1, high=10_000_000)
    learning_rate: float = knob(5e-4, "AdamW's step size after the warm-up; falls to 0 as a cosine", low=1e-8, high=10.0)
    weight_decay: float = knob(1e-4, "AdamW's weight decay", low=0.0, high=10.0)
    warmup: int = knob(200, "steps over which the step size grows from 0", low=0, high=100_000)
    batch: int = knob(64, "images a step", low=1, high=4096)
    accumulate: int = knob(1, "batches added up before one optimiser step", low=1, high=1000)
    ema: float = knob(0.999, "decay of the averaged weights, after its warm-up", low=0.0, high=0.99999)
    clip: float = knob(1.0, "largest gradient norm", low=1e-3, high=1e6)
    dropout: float = knob(0.0, "dropout in the residual blocks", low=0.0, high=0.9)
    check_every: int = knob(250, "steps between two validations", low=1, high=1_000_000)
    patience: int = knob(30, "validations without a better loss before stopping", low=1, high=100_000)
    flips: bool = knob(True, "mirror training images at random")
    seed: int = knob(0, "seed of weights, order and noise", low=0, high=2**31 - 1)
    seeds: int = knob(1, "trainings one after the other, each with the next seed, as one experiment", low=1, high=100)
    name: str = knob("", "name of the model (default: family-dataset-number); several seeds add -s0, -s1, ...")


# -------------------------------------------------------------------------------------------- sampling, evaluation


@dataclass(frozen=True)
class SampleConfig(Config):
    """How images are drawn. A leaderboard row is this less n and seed. `sampler=""` is the family's own default."""

    VERB = ("core", "sample")
    model: str = knob(
        help="model id, or noise, gaussian-pca@DATASET, copycat@DATASET (at another size: noise:64)", positional=True
    )
    n: int = knob(16, "number of images", low=1, high=1_000_000)
    seed: int = knob(0, "image i depends on (seed, i) only", low=0, high=2**31 - 1)
    weights: str = knob("ema", "averaged or last weights", choices=("ema", "raw"))
    sampler: str = knob("", "see `python -m core doctor`; models that draw in one step take none")
    steps: int = knob(0, "denoising steps (0: the sampler's default)", low=0, high=1000)
    grid: str = knob("", "which timesteps are visited (default: the sampler's)")
    eta: float = knob(0.0, "DDIM's noise share: 0 deterministic, 1 ancestral", low=0.0, high=1.0)


@dataclass(frozen=True)
class EvaluateConfig(Config):
    """Scores of a model or a folder of images against a data set under a protocol."""

    VERB = ("core", "evaluate")
    target: str = knob(help="model id, noise, gaussian-pca, copycat, or a folder of images", positional=True)
    dataset: str = knob(help="data set to compare with, or a folder of images")
    protocol: str = knob("lite0", "named rules, see `python -m core doctor`")
    n: int = knob(0, "number of generated images (0: the protocol's)", low=0, high=1_000_000)
    seed: int = knob(0, "seed of the generated images", low=0, high=2**31 - 1)
    weights: str = knob("ema", "averaged or last weights", choices=("ema", "raw"))
    sampler: str = knob("", "as for `sample`")
    steps: int = knob(0, "as for `sample`", low=0, high=1000)
    grid: str = knob("", "as for `sample`")
    eta: float = knob(0.0, "as for `sample`", low=0.0, high=1.0)
    size: int = knob(
        0,
        "side of the images (0: a model's own; a folder's, where all are squares of one size up to 256; else 32)",
        low=0,
        high=256,
    )
    extractor_weights: str = knob("", "another weight file for the extractor; one that is not its own needs --trust-sha256")
    trust_sha256: str = knob("", "sha256 of that file, in hex: it stands in the Terms")


@dataclass(frozen=True)
class SelftestConfig(Config):
    """The closed-form checks of the metrics, live on the installed libraries."""

    VERB = ("core", "selftest")


CONFIGS: tuple[type[Any], ...] = (
    *(AddConfig, PrepareConfig, VAEConfig, DDPMConfig, SampleConfig, EvaluateConfig, SelftestConfig),
)

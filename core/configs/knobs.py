"""How a config is written, checked, and turned into words of a command line and back.

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
from dataclasses import MISSING, field, fields
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
    **more: Any,
) -> Any:
    """A config's field. `low` and `high` are inclusive; a knob without default must be given.

    More: positional (a bare word), flag (its name on the command line where Python reserves it), suggestions (values among
    others), hidden (for cards; no help or widget shows it).
    """
    rest = {"positional": False, "flag": "", "suggestions": (), "hidden": False}
    assert more.keys() <= rest.keys(), more
    meta = {"help": help, "low": low, "high": high, "choices": choices, **rest, **more}
    return field(default=default, metadata=meta)


def flag(f: Any) -> str:
    """A knob's name on the command line, without the dashes before it."""
    return f.metadata["flag"] or f.name.replace("_", "-")


def check(c: Config) -> None:
    """ConfigError unless every knob is of its kind and in its range."""
    for f in fields(c):  # type: ignore[arg-type]
        value, meta, word = getattr(c, f.name), f.metadata, flag(f)
        if f.type is float and type(value) is int:
            object.__setattr__(c, f.name, float(value))
        elif type(value) is not f.type:
            raise ConfigError(f"{word} is {value!r}; needed: {f.type.__name__}.")  # type: ignore[union-attr]
        if meta.get("choices") and value not in meta["choices"]:
            raise ConfigError(f"{word} is '{value}'; known: {', '.join(meta['choices'])}.")
        low, high = meta.get("low"), meta.get("high")
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"{word} is {value}; needed: a finite number.")
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
            raise ConfigError(f"{word} is {value}; needed: {bounds}.")


def add_arguments(parser: argparse.ArgumentParser, cls: type[Any], *, partial: bool = False) -> None:
    """One flag a knob: `learning_rate` becomes `--learning-rate`, a bool `--flips / --no-flips`.

    `partial`: nothing is required, and what is not given does not stand in the namespace.
    """
    for f in fields(cls):
        meta, word = f.metadata, f"--{flag(f)}"
        required = f.default is MISSING and not partial
        text = meta["help"] + ("" if f.default in (MISSING, "") else f" (default: {f.default})")
        options: dict[str, Any] = {"help": argparse.SUPPRESS if meta["hidden"] else text.replace("%", "%%")}
        default = argparse.SUPPRESS if partial else None if required else f.default
        if f.type is bool:
            parser.add_argument(word, default=default, action=argparse.BooleanOptionalAction, **options)
            continue
        options |= {"type": f.type, "choices": meta["choices"]}
        if meta["positional"]:
            parser.add_argument(f.name, metavar=f.name.upper(), **options)
        else:
            shown = None if meta["choices"] else flag(f).replace("-", "_").upper()
            parser.add_argument(word, dest=f.name, default=default, required=required, metavar=shown, **options)


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
        value, word = getattr(c, f.name), flag(f)
        if f.metadata["positional"]:
            words.append(str(value))
        elif f.default is MISSING or value != f.default:
            if f.type is bool:
                flags.append(f"--{word}" if value else f"--no-{word}")
            else:
                # One word, so that a value starting with "-" stays a value.
                flags.append(f"--{word}={value}")
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

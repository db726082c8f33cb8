"""What a person added: a card for each name, `datasets/NAME/card.json`, which holds the words of `datasets add`."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from core import configs, paths, store
from core.configs import AddConfig
from core.errors import ConfigError, DataError, StudioError
from core.types import canonical


def resolved(text: str) -> Path:
    """The absolute path that a person means. DataError for what cannot be one."""
    try:
        path = Path(text).expanduser().resolve()
        str(path).encode()  # it is written into cards
    except (OSError, RuntimeError, ValueError) as e:
        raise DataError(f"'{text}' is not the path of a folder ({e}).") from e
    if not text.strip():
        raise DataError("No folder was named; give the path of a folder of images.")
    return path


def check(c: AddConfig) -> None:
    """DataError if the name means something else already."""
    if has(c.name) and (taken := read(c.name)) != replace(c, prepare=False):
        other = "" if taken.source != c.source else " with other settings"
        raise DataError(f"The name '{c.name}' is taken by {taken.source}{other}; choose another name for {c.source}.")


def register(c: AddConfig) -> None:
    """Writes the name's card, unless it is there. DataError if the name means something else already."""
    check(c)
    card, c = _file(c.name), replace(c, prepare=False)
    if card.exists():
        return
    card.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    store.replace_text(card, canonical({**configs.as_dict(c), "added_at": now}))


def read(name: str) -> AddConfig:
    """What was added under a name that has a card. DataError where the card is damaged."""
    card = _file(name)
    try:
        values = json.loads(card.read_text(encoding="utf-8"))
        return configs.from_dict(AddConfig, {k: v for k, v in values.items() if k != "added_at"})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as e:
        raise DataError(f"{card} is damaged ({type(e).__name__}); delete its folder and add the data set again.") from e


def has(name: str) -> bool:
    return _file(name).exists()


def registered() -> list[str]:
    """The names with a card that can be read, in order."""
    return [name for name in _folders() if not isinstance(_tried(name), StudioError)]


def damaged() -> list[str]:
    """A sentence for each card that cannot be read."""
    return [str(e) for e in map(_tried, _folders()) if isinstance(e, StudioError)]


def _folders() -> list[str]:
    return [card.parent.name for card in sorted(paths.datasets().glob("*/card.json"))]


def _tried(name: str) -> AddConfig | StudioError:
    try:
        return read(name)
    except StudioError as e:
        return e


def _file(name: str) -> Path:
    return paths.dataset(name) / "card.json"

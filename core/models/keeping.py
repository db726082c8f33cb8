"""Rename, delete, restore: each is one rename of a folder, whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from core import paths, store
from core.errors import ModelError, StoreError, unknown
from core.models import card_file, reading
from core.models.publishing import check_id
from core.types import ModelCard


def rename(model_id: str, new: str) -> ModelCard:
    """Gives the model another id; by its old ones it is found all the same. Its card.

    ModelError or ConfigError for an id that another model has or had, for an unknown model, a built-in one and an example.
    """
    with _turn():
        folder = _own(model_id)
        card = card_file.read(folder)
        # What the card does not hold yet, after a renaming that was cut short, would be lost by the next one.
        card_file.write(folder, card)
        if new == card.id:
            return card
        if new not in card.former or paths.model(new).exists():
            check_id(new)
        os.rename(folder, paths.model(new))  # this alone is the renaming: the id on the card is of old from here on
        card = card_file.read(paths.model(new))
        card_file.write(paths.model(new), card)
        return card


def delete(model_id: str) -> Path:
    """Takes the model out of the store until it is restored; the folder where it lies now. Its scores stay on record.

    ModelError for an unknown model, a built-in one and an example. A damaged one can be deleted.
    """
    with _turn():
        folder = _own(model_id)
        at = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        place = paths.deleted_models() / f"{at}-{secrets.token_hex(2)}"
        place.mkdir(parents=True)
        os.rename(folder, place / folder.name)
        return place / folder.name


def restore(model_id: str) -> ModelCard:
    """Brings a deleted model back, of several with this id the one deleted last; its card.

    ModelError where there is none, where its card is damaged, and where another model has its id by now.
    """
    with _turn():
        gone = reading.deletions()
        present = {old: c.id for c in reading.deleted() for old in c.former}
        names = [f.name for f in gone]
        name = model_id if model_id in names else present.get(model_id, model_id)
        if name not in names:
            raise ModelError(unknown("deleted model", model_id, set(names)))
        folder = gone[names.index(name)]
        card = card_file.read(folder)
        if paths.model(name).exists():
            raise ModelError(f"There is a model '{name}' already; rename that first: python -m core models rename {name} NEW.")
        os.rename(folder, paths.model(name))
        with contextlib.suppress(OSError):
            folder.parent.rmdir()
        return card


def hide_examples(hidden: bool) -> None:
    """Leaves the examples out of listings, or lists them again."""
    with _written():
        if hidden:
            paths.models().mkdir(parents=True, exist_ok=True)
            paths.hidden_examples().touch()
        else:
            paths.hidden_examples().unlink(missing_ok=True)


def _own(model_id: str) -> Path:
    """The folder of a model that may be changed, be its card damaged or not."""
    for folder in card_file.folders(paths.models()):
        if folder.name == model_id:
            return folder
    card = reading.card(model_id)
    if not card.sha256:
        raise ModelError(f"{card.id} is built in: it can be neither renamed nor deleted.")
    if reading.is_example(card):
        raise ModelError(
            f"{card.id} is an example, which nothing changes; hide the examples: python -m core models examples hide."
        )
    return paths.model(card.id)


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """One change of the store at a time, of all processes."""
    with store.lock("models", {"change": "names"}), _written():
        yield


@contextlib.contextmanager
def _written() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise StoreError(f"{paths.models()} cannot be changed ({e.strerror}); nothing else must use the folder.") from e

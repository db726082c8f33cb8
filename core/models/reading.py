"""Which models there are: the person's own, then the examples that came with the studio."""

from pathlib import Path

from core import paths
from core.errors import ConfigError, ModelError, unknown
from core.models import card_file
from core.models.card_file import EMA, RAW
from core.models.yardsticks import FORMS, yardstick
from core.types import ModelCard


def cards() -> list[ModelCard]:
    """The models, newest first, then the examples unless they are hidden. What is damaged is left out: `damaged` tells of it."""
    own, _ = _read(paths.models())
    own.sort(key=lambda c: (c.created_at, c.id), reverse=True)
    return own if examples_hidden() else own + _examples(own)


def damaged() -> list[str]:
    """A sentence for each model whose card cannot be read."""
    return [said for root in (paths.models(), paths.example_models()) for said in _read(root)[1]]


def card(model_id: str) -> ModelCard:
    """The card of a model under its present id, by that or by one it had before; built-in ones under their shortest id.

    ModelError for an unknown name (with the known ones), for a damaged card, and for a size that no image can have.
    """
    builtin = yardstick(model_id)
    if builtin is not None:
        return builtin
    if ":" in model_id:
        raise ModelError(f"There is no model named '{model_id}': only the built-in ones ({FORMS}) take a size behind ':'.")
    try:
        folder = home(model_id)
    except ConfigError as e:
        raise ModelError(str(e)) from e
    found = card_file.read(folder) if folder.is_dir() else by_name().get(model_id)
    if found is not None:
        return found
    if any(f.name == model_id for f in deletions()):
        raise ModelError(f"The model '{model_id}' is deleted; bring it back with: python -m core models restore {model_id}.")
    roots = [paths.models(), *([] if examples_hidden() else [paths.example_models()])]
    known = {f.name for root in roots for f in card_file.folders(root)}
    raise ModelError(unknown("model", model_id, [*known, *FORMS.split(", ")]))


def by_name() -> dict[str, ModelCard]:
    """Every model, hidden examples too, by its id and by those that it had before. An id of today goes before one of old."""
    own = _read(paths.models())[0]
    every = own + _examples(own)
    return {old: c for c in own for old in c.former} | {c.id: c for c in every}


def present_ids() -> dict[str, str]:
    """The id of today by each one of old, of deleted models too: what was recorded under the old one is the model's still."""
    today = {c.id for c in by_name().values()}
    return {old: c.id for c in (*deleted(), *_read(paths.models())[0]) for old in c.former if old not in today}


def taken() -> dict[str, str]:
    """Why a new model cannot have it, by each id that one has or had: what is recorded under an id is of one model."""
    own, gone = _read(paths.models())[0], deletions()
    had = "and what is recorded under that name is its own; choose another name."
    said = {old: f"'{old}' was the name of '{c.id}' before, {had}" for c in (*deleted(), *own) for old in c.former}
    said |= {f.name: f"'{f.name}' is the name of a deleted model, {had}" for f in gone}
    for what, root in (("an example", paths.example_models()), ("a model", paths.models())):
        for f in card_file.folders(root):
            said[f.name] = f"There is {what} '{f.name}' already, and models are never overwritten; choose another name."
    return said


# -------------------------------------------------------------------------------------------------------- examples


def home(model_id: str) -> Path:
    """The folder of the model with this id, in the cache or among the examples."""
    own, bundled = paths.model(model_id), paths.example_models() / model_id
    return bundled if bundled.is_dir() and not own.is_dir() else own


def is_example(card: ModelCard) -> bool:
    """Whether the model came with the studio and is never changed. A model of one's own with the same id is none."""
    return bool(card.sha256) and home(card.id).parent == paths.example_models()


def examples_hidden() -> bool:
    """Whether the examples are left out of listings; by their ids they are found all the same."""
    return paths.hidden_examples().exists()


def _examples(own: list[ModelCard]) -> list[ModelCard]:
    mine = {c.id for c in own}
    return [c for c in _read(paths.example_models())[0] if c.id not in mine]


# --------------------------------------------------------------------------------------------------------- deleted


def deletions() -> list[Path]:
    """The folders of deleted models, the one deleted last first. Each lies in a folder of its own, named by the time."""
    if not paths.deleted_models().is_dir():
        return []
    return [f for at in sorted(paths.deleted_models().iterdir(), reverse=True) if at.is_dir() for f in card_file.folders(at)]


def deleted() -> list[ModelCard]:
    """Models that can be restored, the one deleted last first; of several with one id the newest."""
    found: dict[str, ModelCard] = {}
    for folder in deletions():
        readable, _ = _read(folder.parent)
        for c in readable:
            found.setdefault(c.id, c)
    return list(found.values())


def _read(root: Path) -> tuple[list[ModelCard], list[str]]:
    """The readable cards of one place, and a sentence for each other one."""
    found, said = [], []
    for folder in card_file.folders(root):
        try:
            found.append(card_file.read(folder))
        except ModelError as e:
            # Deleted or renamed by another process since the folders were listed.
            if folder.is_dir():
                said.append(str(e))
    return found, said


# --------------------------------------------------------------------------------------------------------- weights


def weights_name(card: ModelCard, weights: str = "ema") -> str:
    """The file that "ema" or "raw" means: raw.safetensors where the model has it, else ema.safetensors."""
    assert weights in ("ema", "raw"), weights
    if not card.sha256:
        raise ModelError(f"{card.id} is built in and has no weights; choose a trained model.")
    return RAW if weights == "raw" and RAW in card.sha256 else EMA


def weights_file(card: ModelCard, weights: str = "ema") -> Path:
    return home(card.id) / weights_name(card, weights)

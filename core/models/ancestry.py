"""Where a model comes from, in words."""

from core.families import FAMILIES
from core.models import card_file, reading
from core.types import ModelCard

_WAYS = {"job": "trained by job", "file": "imported from", "hub": "imported from the Hub's"}
"""By the scheme of a card's origin; what the others say is said by the family or by `example`."""


def lineage(card: ModelCard) -> list[tuple[str, str]]:
    """(what, value) of all that is known of its making, in the order of a sentence; what is not known is left out."""
    known = reading.by_name()
    scheme, _, name = card.origin.partition(":")
    knobs = card_file.training_config(card)
    sums = ", ".join(f"{file} {sha256[:12]}" for file, sha256 in sorted(card.sha256.items()))
    found = [
        ("family", FAMILIES[card.family].label),
        ("data set", f"{card.dataset or 'unknown'}, {card.size} pixels"),
        ("example", "came with the studio" if reading.is_example(card) else ""),
        (_WAYS.get(scheme, ""), name),
        ("fine-tuned from", ", which was fine-tuned from ".join(_bases(card, known))),
        ("goes on with the training", getattr(knobs, "resume", "")),
        ("experiment", f"{card.experiment[:12]}, seed {card.seed}" if card.experiment else ""),
        ("its other seeds", ", ".join(_siblings(card, known))),
        ("earlier names", ", ".join(card.former)),
        ("created", card.created_at),
        ("sha256", sums),
        ("command", card.command),
        ("note", card.note),
    ]
    return [(what, value) for what, value in found if what and value]


def _bases(card: ModelCard, known: dict[str, ModelCard]) -> list[str]:
    """The model it was fine-tuned from, that one's own, and so on, under their ids of today."""
    chain: list[str] = []
    seen = {card.id}
    while card.base:
        base = known.get(card.base)
        chain.append(base.id if base else f"{card.base} (not in the store any more)")
        if base is None or base.id in seen:
            break
        seen.add(base.id)
        card = base
    return chain


def _siblings(card: ModelCard, known: dict[str, ModelCard]) -> list[str]:
    """Trainings with the same knobs but the seed."""
    if not card.experiment:
        return []
    same = {c.id: c.seed for c in known.values() if (c.family, c.experiment) == (card.family, card.experiment)}
    return [f"{name} (seed {seed})" for name, seed in sorted(same.items(), key=lambda i: (i[1], i[0])) if name != card.id]

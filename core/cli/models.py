"""python -m core models [show ID | rename ID NEW | delete ID | deleted | restore ID | import SOURCE | examples hide|show]"""

import argparse
import dataclasses
import sys
from typing import Any

from core import configs, importers, models
from core.cli.words import Said, aligned, verb
from core.configs import ImportConfig
from core.jobs import worker
from core.types import ModelCard


def add(verbs: Any) -> None:
    says = "list the trained models; show, rename, delete, restore or import one"
    own = verb(verbs, "models", listed, says).add_subparsers(metavar="VERB")
    verb(own, "show", shown, "what a model is and where it comes from").add_argument("id", metavar="ID")
    p = verb(own, "rename", renamed, "give a model another id; by the old one it is found all the same")
    p.add_argument("id", metavar="ID")
    p.add_argument("new", metavar="NEW")
    verb(own, "delete", deleted, "take a model out of the lists, until it is restored").add_argument("id", metavar="ID")
    verb(own, "deleted", gone, "list the models that can be restored")
    verb(own, "restore", restored, "bring a deleted model back").add_argument("id", metavar="ID")
    configs.add_arguments(verb(own, "import", imported, "take in a foreign checkpoint; nothing of it is executed"), ImportConfig)
    p = verb(own, "examples", examples, "hide the models that came with the studio, or show them again")
    p.add_argument("what", choices=("hide", "show"))


def row(card: ModelCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "family": card.family,
        "dataset": card.dataset,
        "size": card.size,
        "val_loss": card.metrics.get("val_loss"),
        "steps": card.metrics.get("steps"),
        "example": models.is_example(card),
        "base": card.base,
        "created": card.created_at,
    }


def listed(ns: argparse.Namespace) -> Said:
    for sentence in models.damaged():
        print(sentence, file=sys.stderr)
    rows = [row(c) for c in models.cards()]
    return rows, _table(rows, "No models yet. Train one: python -m trainers vae --dataset petals --epochs 5")


def _table(rows: list[dict[str, Any]], empty: str) -> str:
    return aligned([r | {"example": "yes" if r["example"] else "", "base": r["base"] or None} for r in rows], empty)


def shown(ns: argparse.Namespace) -> Said:
    card = models.card(ns.id)
    made = models.lineage(card)
    document = {**dataclasses.asdict(card), "example": models.is_example(card), "lineage": dict(made)}
    lines = [f"id: {card.id}", *(f"{what}: {value}" for what, value in made if what != "sha256")]
    lines += [f"sha256 of {file}: {sha256}" for file, sha256 in card.sha256.items()]
    lines += [f"{what.replace('_', ' ')}: {round(value, 4):.12g}" for what, value in card.metrics.items()]
    knobs = ", ".join(f"{k} {v}" for k, v in card.config.items() if v != "" and k != "imported")
    return document, "\n".join([*lines, *([f"knobs: {knobs}"] if knobs else [])])


def renamed(ns: argparse.Namespace) -> Said:
    card = models.rename(ns.id, ns.new)
    return {"id": card.id, "former": list(card.former)}, f"The model is {card.id} now; its earlier names find it, too."


def deleted(ns: argparse.Namespace) -> Said:
    where = models.delete(ns.id)
    text = (
        f"{where.name} is deleted, its scores stay; it lies in {where}\nBring it back: python -m core models restore {where.name}"
    )
    return {"id": where.name, "folder": str(where)}, text


def gone(ns: argparse.Namespace) -> Said:
    rows = [row(c) for c in models.deleted()]
    return rows, _table(rows, "No model is deleted.")


def restored(ns: argparse.Namespace) -> Said:
    card = models.restore(ns.id)
    return row(card), f"{card.id} is back."


def imported(ns: argparse.Namespace) -> Said:
    card = importers.load(configs.from_namespace(ImportConfig, ns), worker.quietly())
    text = f"{card.id} is imported: a {card.family} of {card.size} pixels; draw with: python -m core sample {card.id}"
    return {"model": card.id, **row(card)}, text


def examples(ns: argparse.Namespace) -> Said:
    models.hide_examples(ns.what == "hide")
    says = "hidden; by their ids they are found all the same" if models.examples_hidden() else "listed"
    return {"hidden": models.examples_hidden()}, f"The examples are {says}."

"""python -m core models [show ID]"""

import argparse
import dataclasses
from typing import Any

from core import models
from core.cli.words import Said, aligned, verb


def add(verbs: Any) -> None:
    own = verb(verbs, "models", listed, "list the trained models; show one").add_subparsers(metavar="VERB")
    verb(own, "show", shown, "the whole card of a model").add_argument("id", metavar="ID")


def listed(ns: argparse.Namespace) -> Said:
    rows = [
        {
            "id": c.id,
            "family": c.family,
            "dataset": c.dataset,
            "size": c.size,
            "val_loss": c.metrics.get("val_loss"),
            "steps": c.metrics.get("steps"),
            "created": c.created_at,
        }
        for c in models.cards()
    ]
    return rows, aligned(rows, "No models yet. Train one: python -m trainers vae --dataset petals --epochs 5")


def shown(ns: argparse.Namespace) -> Said:
    document = dataclasses.asdict(models.card(ns.id))
    return document, "\n".join(f"{k}: {v}" for k, v in document.items())

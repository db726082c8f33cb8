"""python -m core datasets [add | prepare | show]"""

import argparse
import sys
from typing import Any

from core import configs, datasets, pixels
from core.cli.words import Said, aligned, verb
from core.configs import AddConfig, PrepareConfig
from core.jobs import worker
from core.types import DatasetCard


def add(verbs: Any) -> None:
    own = verb(verbs, "datasets", listed, "list the data sets; add, prepare or show one").add_subparsers(metavar="VERB")
    configs.add_arguments(verb(own, "add", added, "register images under a name; fetches what is published elsewhere"), AddConfig)
    configs.add_arguments(verb(own, "prepare", prepared, "crop, resize and split a data set once"), PrepareConfig)
    show = verb(own, "show", shown, "sizes, splits, RGB densities, duplicates, skipped files")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--size", type=int, default=32)


def row(card: DatasetCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "images": card.n or None,
        **{split: card.splits.get(split) for split in ("train", "val", "test")},
        "prepared": f"{card.size} px" if card.prepared else "no",
        "source": card.source,
    }


def listed(ns: argparse.Namespace) -> Said:
    rows = [row(c) for c in datasets.cards()]
    for sentence in datasets.damaged():
        print(sentence, file=sys.stderr)
    return rows, aligned(rows, "No data sets.")


def added(ns: argparse.Namespace) -> Said:
    c = configs.from_namespace(AddConfig, ns)
    card = datasets.add(c, worker.quietly())
    if c.prepare:
        return _prepared(PrepareConfig(c.name))
    return row(card), f"{card.name} is registered; prepare it with: python -m core datasets prepare {card.name}"


def prepared(ns: argparse.Namespace) -> Said:
    return _prepared(configs.from_namespace(PrepareConfig, ns))


def _prepared(c: PrepareConfig) -> Said:
    card = datasets.prepare(c, worker.quietly())
    skipped = [{"file": f, "reason": r} for f, r in card.skipped]
    text = f"{card.name}: {card.n} images at {card.size} px; " + ", ".join(f"{k} {v}" for k, v in card.splits.items())
    if skipped:
        text += f"; skipped files ({len(skipped)}):\n" + aligned(skipped, "")
    return row(card) | {"skipped": skipped}, text


def shown(ns: argparse.Namespace) -> Said:
    document = datasets.show(ns.name, ns.size)
    splits = {s: datasets.load(ns.name, s, size=ns.size) for s in ("train", "val", "test")}
    document["densities"] = {s: pixels.rgb_density(images).tolist() for s, images in splits.items() if len(images)}
    text = "\n".join(f"{k}: {v}" for k, v in document.items() if k != "densities")
    return document, text + "\nRGB densities: with --json"

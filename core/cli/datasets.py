"""python -m core datasets [add | prepare | show | resplit]"""

import argparse
import sys
from typing import Any

from core import configs, datasets, survey
from core.cli.words import Said, aligned, verb
from core.configs import AddConfig, PrepareConfig, ResplitConfig
from core.jobs import worker
from core.types import DatasetCard

MOST = 20  # pairs of copies that are printed


def add(verbs: Any) -> None:
    own = verb(verbs, "datasets", listed, "list the data sets; add, prepare, show or split one anew").add_subparsers(
        metavar="VERB"
    )
    configs.add_arguments(verb(own, "add", added, "register images under a name; fetches what is published elsewhere"), AddConfig)
    configs.add_arguments(verb(own, "prepare", prepared, "crop, resize and split a data set once"), PrepareConfig)
    show = verb(own, "show", shown, "sizes, splits, RGB densities, duplicates, skipped files")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--size", type=int, default=32)
    configs.add_arguments(verb(own, "resplit", split_anew, "the same files under another name, in another split"), ResplitConfig)


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
    # What the screen shows is looked for now, so that nobody waits for it there.
    survey.of(c.name, c.size, worker.quietly())
    skipped = [{"file": f, "reason": r} for f, r in card.skipped]
    text = f"{card.name}: {card.n} images at {card.size} px; " + ", ".join(f"{k} {v}" for k, v in card.splits.items())
    if skipped:
        text += f"; skipped files ({len(skipped)}):\n" + aligned(skipped, "")
    return row(card) | {"skipped": skipped}, text


def shown(ns: argparse.Namespace) -> Said:
    document = datasets.show(ns.name, ns.size) | survey.document(survey.of(ns.name, ns.size, worker.quietly()))
    copies, drift = dict(document["copies"]), [{k: _short(v) for k, v in row.items()} for row in document["drift"]]
    pairs = copies.pop("pairs")
    long = ("densities", "mean", "deviation", "values", "drift", "copies", "outliers")
    text = "\n".join(f"{k}: {v}" for k, v in document.items() if k not in long)
    text += "\n" + "\n".join(f"copies, {k}: {v}" for k, v in copies.items())
    text += f"\n\nDrift between splits\n{aligned(drift, 'One split only.')}"
    if pairs:
        text += f"\n\nCopies (the first {min(len(pairs), MOST)} of {len(pairs)})\n{aligned(pairs[:MOST], '')}"
    return document, text + f"\n\nOutliers: {len(document['outliers'])}; all numbers: with --json"


def split_anew(ns: argparse.Namespace) -> Said:
    c = configs.from_namespace(ResplitConfig, ns)
    card = survey.resplit(c, worker.quietly())
    return _prepared(PrepareConfig(card.name, size=c.size))


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value

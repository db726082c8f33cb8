"""Data sets by name: procedural ones (`DATASETS`) and folders of photos that a person registered.

A folder's pixels, labels and facts are one entry of the store; beside its card lies a copy of the facts for each size, so
that a page knows a data set without touching its photos.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core import paths, store
from core.configs import AddConfig, PrepareConfig
from core.datasets import faces, folder, petals, preparation, procedural
from core.datasets.procedural import Procedural
from core.datasets.split import SPLITS
from core.errors import DataError, unknown
from core.types import Arrays, DatasetCard, ImageSet, Progress, canonical, silent

DATASETS: dict[str, Procedural] = {
    p.name: p
    for p in (
        Procedural(
            name="petals",
            label="Petals (procedural)",
            licence="Apache-2.0, drawn by this project",
            version=petals.VERSION,
            classes=petals.CLASSES,
            draw=petals.draw,
        ),
        Procedural(
            name="faces",
            label="Faces (procedural)",
            licence="Apache-2.0, drawn by this project",
            version=faces.VERSION,
            classes=faces.CLASSES,
            draw=faces.draw,
        ),
    )
}


def cards() -> list[DatasetCard]:
    """Built-in and registered data sets at 32 px. A registered one whose card is damaged is left out with a warning."""
    return [card(name) for name in _names()]


def card(name: str, size: int = 32) -> DatasetCard:
    """What is known of a data set without reading an image. DataError for a name that nothing has."""
    PrepareConfig(name, size=size)  # ConfigError for a size out of range
    if name in DATASETS:
        return _procedural_card(DATASETS[name], size)
    source = str(_source(name))
    blank = DatasetCard(name=name, label=name, source=source, licence="not stated", size=size, recipe={})
    record = _record(name, size)
    if record is None:
        return blank
    facts = record["facts"]
    return replace(
        blank,
        recipe=facts["recipe"],
        n=sum(facts["splits"].values()),
        splits={s: facts["splits"][s] for s in SPLITS},
        classes=tuple(sorted(facts["classes"])),
        skipped=tuple((file, reason) for file, reason in facts["skipped"]),
        prepared=store.has("datasets", record["key"]),
    )


def add(c: AddConfig) -> DatasetCard:
    """Registers a folder of images; adding the same one again changes nothing.

    DataError for no folder, a folder without images, a zip archive, or a name that means something else.
    """
    paths.dataset(c.name)  # ConfigError for a name that cannot be a folder's
    if c.name.lower() in DATASETS:
        raise DataError(f"'{c.name}' is a built-in data set; choose another name.")
    source = folder.resolved(c.source)
    folder.images_in(source)
    folder.register(c.name, source)
    return card(c.name)


def prepare(c: PrepareConfig, progress: Progress = silent) -> DatasetCard:
    """Crops, resizes and splits a data set once; reads no image where nothing changed since."""
    if c.name in DATASETS:
        procedural.arrays(DATASETS[c.name], c.size, progress)
    else:
        _prepare(c.name, c.size, progress)
    return card(c.name, c.size)


def load(name: str, split: str, *, size: int = 32) -> ImageSet:
    """One split ("train", "val", "test"), memory-mapped; prepared first where it never was.

    A folder whose prepared images are gone from the cache is read again; DataError if it changed in between.
    """
    if split not in SPLITS:
        raise DataError(unknown("split", split, SPLITS))
    arrays = _arrays(name, size)
    return ImageSet(name, split, arrays[f"images_{split}"], arrays.get(f"labels_{split}"))


def heldout(name: str, n: int, *, size: int = 32) -> ImageSet:
    """Real images outside training and validation: n fresh ones of a procedural set, a folder's whole test split."""
    if name in DATASETS:
        card(name, size)
        return procedural.fresh(DATASETS[name], n, size)
    return load(name, "test", size=size)


def read_folder(path: str | Path, *, size: int = 32) -> ImageSet:
    """A folder of images as they are, at any depth, in the order of their names.

    DataError for no folder, or where a file cannot be read.
    """
    source = folder.resolved(str(path))
    images = preparation.as_they_are(source, folder.images_in(source), size)
    return ImageSet(source.name, "all", images, origin="folder")


def folder_count(path: str | Path) -> int:
    """How many image files lie in a folder; none is read."""
    return len(folder.images_in(folder.resolved(str(path))))


def folder_side(path: str | Path, largest: int) -> int | None:
    """The side of a folder's images where all are squares of one size that the studio takes as it is, 8 to `largest` pixels."""
    found = folder.side(folder.images_in(folder.resolved(str(path))))
    return found if found is not None and 8 <= found <= largest else None


def show(name: str, size: int = 32) -> dict[str, Any]:
    """All that is known of a data set, as plain data; prepared first where it never was."""
    facts = _facts(_arrays(name, size))
    known = card(name, size)
    spread = {side: dict(zip(("min", "median", "max"), facts[side], strict=True)) for side in ("height", "width")}
    return {
        "name": name,
        "label": known.label,
        "source": known.source,
        "licence": known.licence,
        "size": size,
        "n": known.n,
        "original_size": spread,
        "splits": dict(known.splits),
        "classes": {c: {s: facts["classes"][c][s] for s in SPLITS} for c in known.classes},
        "duplicates": facts["duplicates"],
        "duplicates_across_classes": facts["duplicates_across_classes"],
        "skipped": [{"file": file, "reason": reason} for file, reason in facts["skipped"]],
        "seconds": facts["seconds"],
        "recipe": facts["recipe"],
    }


def _procedural_card(p: Procedural, size: int) -> DatasetCard:
    recipe = procedural.recipe(p, size)
    return DatasetCard(
        name=p.name,
        label=p.label,
        source="procedural",
        licence=p.licence,
        size=size,
        recipe=recipe,
        n=sum(procedural.SIZES.values()),
        splits=dict(procedural.SIZES),
        classes=p.classes,
        prepared=store.has("datasets", recipe),
    )


def _names() -> list[str]:
    return [*DATASETS, *(name for name in folder.registered() if name not in DATASETS)]


def _source(name: str) -> Path:
    if not (paths.dataset(name) / "card.json").exists():
        raise DataError(unknown("data set", name, _names()))
    return folder.source_of(name)


def _arrays(name: str, size: int) -> Arrays:
    card(name, size)
    if name in DATASETS:
        return procedural.arrays(DATASETS[name], size)
    record = _record(name, size)
    if record is None:
        return _prepare(name, size, silent)
    found = store.get("datasets", record["key"])
    if found is not None:
        return found
    source = _source(name)
    files = folder.images_in(source)
    if preparation.key(source, files, size, divided=True) != record["key"]:
        again = f"python -m core datasets prepare {name} --size {size}"
        raise DataError(f"The files in {source} have changed since '{name}' was prepared; run: {again}")
    return _prepare(name, size, silent)


def _prepare(name: str, size: int, progress: Progress) -> Arrays:
    """The folder's arrays as its files are now; the record beside the card is brought up to date."""
    source = _source(name)
    files = folder.images_in(source)
    arrays = preparation.divided(source, files, size, progress)
    record = {"key": preparation.key(source, files, size, divided=True), "facts": _facts(arrays)}
    if record != _record(name, size):
        store.replace_text(_record_file(name, size), canonical(record))
    return arrays


def _facts(arrays: Arrays) -> dict[str, Any]:
    return json.loads(np.asarray(arrays["facts"]).tobytes())


def _record_file(name: str, size: int) -> Path:
    return paths.dataset(name) / f"prepared-{size}.json"


def _record(name: str, size: int) -> Mapping[str, Any] | None:
    """What the last preparation found, or None: there was none, or it cannot be read and is made again."""
    try:
        record = json.loads(_record_file(name, size).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    facts = record.get("facts") if isinstance(record, dict) else None
    whole = isinstance(facts, dict) and {"recipe", "splits", "classes", "skipped"} <= facts.keys() and record.get("key")
    return record if whole else None

"""Data sets by name: procedural ones (`DATASETS`) and folders of photos that a person registered.

A folder's pixels, labels and facts are one entry of the store; beside its card lies a copy of the facts for each size, so
that a page knows a data set without touching its photos.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core import paths, store
from core.configs import AddConfig, PrepareConfig
from core.datasets import faces, files, hub, index, petals, preparation, procedural, registry
from core.datasets.index import is_path as is_path
from core.datasets.index import missing as missing
from core.datasets.procedural import Procedural
from core.datasets.published import PUBLISHED as PUBLISHED
from core.datasets.published import Published as Published
from core.datasets.split import SPLITS
from core.errors import ConfigError, DataError, unknown
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


@dataclass(frozen=True, eq=False)
class Files:
    """What lies behind the images of a split, image for image.

    names: (n,) bytes, below the source.  sha256: (n, 32) uint8, of the files.  sizes: (n, 2) int32, height and width.
    """

    names: np.ndarray
    sha256: np.ndarray
    sizes: np.ndarray


def cards() -> list[DatasetCard]:
    """Built-in and registered data sets at 32 px. One whose card is damaged is left out: `damaged` tells of it."""
    return [card(name) for name in _names()]


def damaged() -> list[str]:
    """A sentence for each registered data set whose card cannot be read."""
    return registry.damaged()


def card(name: str, size: int = 32) -> DatasetCard:
    """What is known of a data set without reading an image. DataError for a name that nothing has."""
    PrepareConfig(name, size=size)  # ConfigError for a size out of range
    if name in DATASETS:
        return _procedural_card(DATASETS[name], size)
    c = added(name)
    blank = DatasetCard(name=name, label=name, source=c.source, licence=_licence(c), size=size, recipe={})
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


def added(name: str) -> AddConfig:
    """What a person added under this name. DataError for a name that nothing has, and for a built-in data set."""
    if name in DATASETS or not registry.has(name):
        raise DataError(unknown("data set", name, _names()))
    return registry.read(name)


def checked(c: AddConfig) -> AddConfig:
    """The words of `add` with absolute places. DataError or ConfigError where the name cannot be had or means something else."""
    paths.dataset(c.name)  # ConfigError for a name that cannot be a folder's
    if c.subset == "all" and c.n != AddConfig.n:
        raise ConfigError(f"n is {c.n} and all images are asked for; choose --subset first or random, or leave --n out.")
    if c.name.lower() in DATASETS:
        raise DataError(f"'{c.name}' is a built-in data set; choose another name.")
    if index.is_path(c.source):
        # The folder itself, wherever the next command is typed.
        c = replace(c, source=str(registry.resolved(c.source)))
    places: dict[str, Any] = {k: str(registry.resolved(v)) for k in ("root", "split_file") if (v := getattr(c, k))}
    c = replace(c, **places)
    registry.check(c)
    return c


def add(c: AddConfig, progress: Progress = silent) -> DatasetCard:
    """Registers a data set, and first fetches what it needs from the network; adding the same one again changes nothing.

    DataError for no folder, one without images, files that cannot be had, or a name that means something else.
    """
    c = checked(c)
    index.fetch(c, progress)
    index.listed(c)
    registry.register(c)
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
    """A folder or archive of images as they are, at any depth, in the order of their names.

    DataError for no folder, or where a file cannot be read.
    """
    source = registry.resolved(str(path))
    images = preparation.as_they_are(source, files.listed(source), size)
    return ImageSet(source.name, "all", images, origin="folder")


def folder_count(path: str | Path) -> int:
    """How many image files lie in a folder; none is read."""
    return len(files.listed(registry.resolved(str(path))))


def folder_side(path: str | Path, largest: int) -> int | None:
    """The side of a folder's images where all are squares of one size that the studio takes as it is, 8 to `largest` pixels."""
    found = files.side(files.listed(registry.resolved(str(path))))
    return found if found is not None and 8 <= found <= largest else None


def of_files(name: str, split: str, *, size: int = 32) -> Files | None:
    """The files behind a split's images, in their order; None for data sets that are drawn."""
    if name in DATASETS:
        return None
    arrays = _arrays(name, size)
    return Files(*(arrays[f"{what}_{split}"] for what in ("names", "sha256", "sizes")))


def original(name: str, split: str, position: int, *, size: int = 32) -> tuple[str, bytes]:
    """Name and bytes of the file behind an image. DataError where it has none or the file is gone."""
    known = of_files(name, split, size=size)
    if known is None:
        raise DataError(f"The images of '{name}' are drawn by the studio; no file lies behind them.")
    wanted = os.fsdecode(known.names[position].tobytes().rstrip(b"\0"))
    c = added(name)
    file = index.one(c, wanted)
    data = files.content(file)
    if isinstance(data, str):
        raise DataError(f"{file.shown} of '{name}' {data}; its prepared image is all that is left of it here.")
    return file.shown, data


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
    return [*DATASETS, *(name for name in registry.registered() if name not in DATASETS)]


def _licence(c: AddConfig) -> str:
    if c.source in PUBLISHED:
        return PUBLISHED[c.source].licence
    mark = hub.read_mark(hub.folder(hub.source(c))) if c.source.startswith(hub.PREFIX) else None
    return mark.licence if mark and mark.licence else "not stated"


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
    c = added(name)
    if preparation.key(c, index.listed(c), size) != record["key"]:
        again = f"python -m core datasets prepare {name} --size {size}"
        raise DataError(f"The files in {c.source} have changed since '{name}' was prepared; run: {again}")
    return _prepare(name, size, silent)


def _prepare(name: str, size: int, progress: Progress) -> Arrays:
    """The data set's arrays as its files are now; the record beside the card is brought up to date."""
    c = added(name)
    found = index.listed(c)
    arrays = preparation.divided(c, found, size, progress)
    record = {"key": preparation.key(c, found, size), "facts": _facts(arrays)}
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
    return record if whole and record["key"].get("format") == preparation.FORMAT else None

"""Which files a data set has, and what is known of each before it is read: class, own split, person."""

import csv
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from core import paths
from core.configs import AddConfig
from core.datasets import fetching, files, hub, published, registry
from core.datasets.files import File
from core.datasets.split import NAMED, SPLITS
from core.errors import DataError
from core.types import Progress


def is_path(source: str) -> bool:
    """Whether the words name a place on this machine, and no source that the studio knows."""
    return source not in published.PUBLISHED and not source.startswith(hub.PREFIX)


def listed(c: AddConfig) -> list[File]:
    """The files of a data set in a fixed order. DataError for none, for too few, and where its files are not on this machine."""
    found = _subset(c, _split_by_file(c, _found(c)))
    if c.split == "own" and not any(f.split for f in found):
        raise DataError(
            f"{c.source} has no split of its own; needed: folders train, val and test in it, or --split-file; "
            "or take --split random."
        )
    if c.split == "identity" and not all(f.person for f in found):
        raise DataError(f"{c.source} does not say who is on its images; take --split random.")
    own = c.split == "own" or c.split == "auto" and any(f.split for f in found) and (is_path(c.source) or bool(c.split_file))
    return [f for f in found if f.split] if own else [f._replace(split="") if f.split else f for f in found]


def fetch(c: AddConfig, progress: Progress) -> None:
    """What a data set needs from the network and is not here yet; nothing for a folder. DataError where it cannot be had."""
    if c.source in published.PUBLISHED:
        fetching.fetch(published.PUBLISHED[c.source], root(c), progress)
    elif c.source.startswith(hub.PREFIX):
        wanted = hub.source(c)
        hub.fetch(wanted, hub.folder(wanted), progress)


def missing(c: AddConfig) -> list[Path]:
    """The files of a published set that are not on this machine, where they belong; none for other sources."""
    if c.source not in published.PUBLISHED:
        return []
    p = published.PUBLISHED[c.source]
    return [p.place(root(c)) / name for name in published.missing(p, root(c))]


def one(c: AddConfig, name: str) -> File:
    """A file of the data set by its name, without listing the others. It may be gone."""
    if c.source in published.PUBLISHED:
        folder = published.images(published.PUBLISHED[c.source], root(c), name)
    else:
        folder = hub.folder(hub.source(c)) if c.source.startswith(hub.PREFIX) else Path(c.source)
    place = folder if files.is_archive(str(folder)) and folder.is_file() else folder / name
    return File(str(place), name, 0, 0)


def root(c: AddConfig) -> Path:
    """Where a published set lies, or is to be put."""
    return registry.resolved(c.root) if c.root else paths.downloads()


def _found(c: AddConfig) -> list[File]:
    if c.source in published.PUBLISHED:
        return _entered(*published.entries(published.PUBLISHED[c.source], root(c)))
    if c.source.startswith(hub.PREFIX):
        return _entered(*hub.entries(c))
    return _labelled(files.listed(registry.resolved(c.source)))


def _entered(folder: Path, entries: Sequence[published.Entry]) -> list[File]:
    """Files of an index. One that is not there has size -1: the reading says that it is missing."""
    made = []
    for e in entries:
        path = folder / e.name
        try:
            stat = path.stat()
            size, stamp = stat.st_size, stat.st_mtime_ns
        except OSError:
            size, stamp = -1, 0
        made.append(File(str(path), e.name, size, stamp, e.label or ".", e.split, e.person))
    return made


def _labelled(found: list[File]) -> list[File]:
    """The class is the first folder, or the second where the first ones are called train, test and so on: those are splits.

    A folder that holds all the others, as archives often have one, does not count.
    """
    folders = {folder: folder.split("/") if folder else [] for folder in {f.name.rpartition("/")[0] for f in found}}
    parts = list(folders.values())
    depth = 0
    while all(len(p) > depth + 1 for p in parts) and len({p[depth] for p in parts}) == 1:
        depth += 1
    first = {p[depth].lower() if len(p) > depth else "" for p in parts}
    splits = first <= NAMED.keys() and {NAMED[f] for f in first} > {"train"}
    at = depth + splits
    known = {folder: (p[at] if len(p) > at else ".", NAMED[p[depth].lower()] if splits else "") for folder, p in folders.items()}
    return [File(f.place, f.name, f.size, f.stamp, *known[f.name.rpartition("/")[0]]) for f in found]


def _subset(c: AddConfig, found: list[File]) -> list[File]:
    if c.subset == "all":
        return found
    if c.n > len(found):
        raise DataError(f"{c.source} has {len(found)} images, {c.n} were asked for; make --n smaller or take all.")
    if c.subset == "first":
        return found[: c.n]
    return [found[i] for i in sorted(random.Random(c.seed).sample(range(len(found)), c.n))]


def _split_by_file(c: AddConfig, found: list[File]) -> list[File]:
    """The files that the lists name, each with its split; the others are left out."""
    if not c.split_file:
        return found
    named = _lists(registry.resolved(c.split_file))
    missing = sorted(named.keys() - {f.name for f in found})
    if missing:
        raise DataError(f"{c.split_file} names {len(missing)} files that {c.source} does not have, the first being {missing[0]}.")
    return [f._replace(split=named[f.name]) for f in found if f.name in named]


def _lists(place: Path) -> Mapping[str, str]:
    """Split by file name, of a CSV or of a folder with a text file a split."""
    try:
        if not place.exists():
            raise ValueError("there is nothing of that name")
        pairs = _rows(place) if place.is_file() else _texts(place)
    except (OSError, ValueError, csv.Error) as e:
        raise DataError(f"{place} cannot be read as a list of splits ({e}).") from e
    named: dict[str, str] = {}
    for file, split in pairs:
        if split.lower() not in NAMED:
            raise DataError(f"{place} puts {file} into a split '{split}'; known: {', '.join(SPLITS)}.")
        if named.setdefault(file, NAMED[split.lower()]) != NAMED[split.lower()]:
            raise DataError(f"{place} puts {file} into two splits; leave one of them.")
    if not named:
        raise DataError(
            f"{place} names no file; needed: a CSV with the columns file and split, or train.txt, val.txt and test.txt."
        )
    return named


def _rows(place: Path) -> list[tuple[str, str]]:
    with place.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as f:
        reader = csv.DictReader(f)
        if not {"file", "split"} <= set(reader.fieldnames or ()):
            raise ValueError(f"its columns are {', '.join(reader.fieldnames or ()) or 'none'}; needed: file and split")
        rows = [(r["file"], r["split"]) for r in reader]
    for line, row in enumerate(rows, start=2):
        if not all(row):
            raise ValueError(f"row {line} lacks its file or its split")
    return rows


def _texts(place: Path) -> list[tuple[str, str]]:
    return [
        (line.strip(), word)
        for word in NAMED
        if (text := place / f"{word}.txt").is_file()
        for line in text.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines()
        if line.strip()
    ]

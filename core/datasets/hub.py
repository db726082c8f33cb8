"""Any image data set of the Hugging Face Hub: its encoded files and an index of them, fetched once, row after row.

FOLDER/fetched.json  what was asked for, which commit gave it, under which licence, and how far the fetching is
FOLDER/index.jsonl   a line for each row
FOLDER/SPLIT/LABEL/000000123.jpg
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from core import paths, store
from core.configs import AddConfig
from core.datasets import hub_rows
from core.datasets.hub_rows import HubSource, Opened, Row
from core.datasets.published import Entry
from core.datasets.split import NAMED
from core.errors import ConfigError, DataError
from core.types import Progress, canonical, silent

PREFIX = "hub:"
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_LOT = 32  # rows at a time
_SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"BM": ".bmp", b"II*\0": ".tif", b"MM\0*": ".tif"}


@dataclass(frozen=True)
class Mark:
    """How far a fetching is. source: what was asked for, without n.  licence: from the Hub's card.

    rows, images, length: of the index, length in bytes.  total: rows that the Hub announces, 0 if none.  split, state: where
    this version of `datasets` goes on reading.  whole: nothing more will come.
    """

    source: Mapping[str, str]
    commit: str
    licence: str
    rows: int = 0
    images: int = 0
    length: int = 0
    total: int = 0
    split: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    whole: bool = False


def source(c: AddConfig) -> HubSource:
    """What a registered data set "hub:OWNER/NAME" asks of the Hub. DataError for a name that the Hub cannot have."""
    repo = c.source.removeprefix(PREFIX)
    if not _REPOSITORY.fullmatch(repo):
        raise DataError(f"'{repo}' cannot be a data set on the Hub; needed: {PREFIX}OWNER/NAME.")
    return HubSource(repo, c.config, c.revision, c.n if c.subset == "first" else 0, c.image_column, c.label_column)


def folder(s: HubSource) -> Path:
    """Where the studio keeps it; the same for every n, so that more of it goes on where less of it ended."""
    return paths.downloads() / "hub" / f"{_name(s.repo.replace('/', '--'))}-{_digest(canonical(_asked(s)))}"


def entries(c: AddConfig) -> tuple[Path, list[Entry]]:
    """The folder and the index of a data set that was fetched; uses no network. DataError where it was not, or not wholly."""
    s = source(c)
    place = folder(s)
    mark = read_mark(place)
    if mark is None:
        raise DataError(f"{s.repo} has not been fetched from the Hub yet; fetch it first (its files come into {place}).")
    if not _enough(mark, s):
        raise DataError(f"The fetching of {s.repo} stopped after {mark.images:,} images; fetch it again, it goes on there.")
    return place, _index(place, mark, s)


def fetch(s: HubSource, place: Path, progress: Progress = silent) -> list[Entry]:
    """Fetches what is missing of the images into the folder; a fetching that was interrupted goes on, a finished one is read.

    DataError where the Hub does not give them, the columns are not there, or the folder cannot be written or holds another
    data set. The encoded bytes are kept as they are; a row without an image has no entry.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / ".fetching.lock"):
            mark = read_mark(place)
            if mark is not None and mark.source != _asked(s):
                raise DataError(f"{place} holds {mark.source.get('repo')} fetched with other settings; take another folder.")
            if mark is None or not _enough(mark, s):
                mark = _go_on(s, place, mark or Mark(_asked(s), *hub_rows.found(s)), progress)
                shutil.rmtree(place / ".cache", ignore_errors=True)
            return _index(place, mark, s)
    except OSError as e:
        raise DataError(f"{place} cannot be written ({e.strerror or e}); make room there or take another folder.") from e


def read_mark(place: Path) -> Mark | None:
    """How far the fetching into a folder is; None where there was none, or its record cannot be read and it begins anew."""
    try:
        mark = Mark(**json.loads((place / "fetched.json").read_text(encoding="utf-8")))
        return mark if (place / "index.jsonl").stat().st_size >= mark.length else None
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def _asked(s: HubSource) -> dict[str, str]:
    return {k: v for k, v in asdict(s).items() if k != "n"}


def _enough(mark: Mark, s: HubSource) -> bool:
    return mark.whole or 0 < s.n <= mark.images


def _index(place: Path, mark: Mark, s: HubSource) -> list[Entry]:
    with (place / "index.jsonl").open("rb") as f:
        rows = [json.loads(line) for line in f.read(mark.length).splitlines()]
    found = [Entry(**row) for row in rows if row["name"]]
    return found[: s.n] if s.n else found


# ------------------------------------------------------------------------------------------------------- the folder


def _go_on(s: HubSource, place: Path, mark: Mark, progress: Progress) -> Mark:
    """Rows from where the mark stands, some at a time; after each lot the mark is written."""
    progress(0, 0, f"asking the Hub for {s.repo}")
    there = hub_rows.opened(s, mark.commit, place / ".cache")
    mark = replace(_usable(mark, there), total=there.total)
    aim = min(s.n or there.total, there.total or s.n)
    names = list(there.splits)
    with (place / "index.jsonl").open("ab") as index:
        index.truncate(mark.length)
        for name in names[names.index(mark.split) if mark.split else 0 :]:
            data = there.splits[name]
            if name == mark.split:
                data.load_state_dict(dict(mark.state))
            stream = iter(data)
            while lot := hub_rows.batch(s, stream, there.columns, min(_LOT, s.n - mark.images) if s.n else _LOT):
                lines = [canonical(asdict(_kept(place, mark.rows + i, name, row))) + "\n" for i, row in enumerate(lot)]
                mark = _added(mark, lot, index.write("".join(lines).encode()))
                index.flush()
                mark = _write(place, replace(mark, split=name, state=data.state_dict()))
                progress(mark.images, aim, f"fetching {s.repo}")
                if mark.images == s.n:
                    return mark
    return _write(place, replace(mark, split="", state={}, whole=True))


def _added(mark: Mark, lot: list[Row], length: int) -> Mark:
    images = sum(bool(row.image) for row in lot)
    return replace(mark, rows=mark.rows + len(lot), images=mark.images + images, length=mark.length + length)


def _usable(mark: Mark, there: Opened) -> Mark:
    """The mark if the reading can go on there, which another version of `datasets` need not know how to; else from the start."""
    import datasets

    if mark.version == datasets.__version__ and (not mark.split or mark.split in there.splits):
        return mark
    return Mark(mark.source, mark.commit, mark.licence, version=datasets.__version__)


def _kept(place: Path, number: int, split: str, row: Row) -> Entry:
    """The row's entry; its image is written. A row without one has an entry without a name."""
    entry = Entry("", row.label, NAMED.get(split, ""), row.person)
    if not row.image:
        return entry
    suffix = next((end for begin, end in _SUFFIXES.items() if row.image.startswith(begin)), ".bin")
    if row.image[:4] == b"RIFF" and row.image[8:12] == b"WEBP":
        suffix = ".webp"
    name = f"{_name(split)}/{_name(row.label)}/{number:09}{suffix}"
    target = place / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(row.image)
    return replace(entry, name=name)


def _name(text: str) -> str:
    """A folder's name on every system for words that come from outside; the index keeps the words."""
    try:
        return paths.check_name(text)
    except ConfigError:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:48]
        return f"{plain or 'none'}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _write(place: Path, mark: Mark) -> Mark:
    store.replace_text(place / "fetched.json", canonical(asdict(mark)))
    return mark

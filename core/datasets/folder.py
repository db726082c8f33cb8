"""A folder of images: what lies in it, and its registration under a name."""

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from core import paths, store
from core.datasets.reading import SUFFIXES
from core.errors import DataError, StudioError
from core.types import canonical


@dataclass(frozen=True)
class File:
    """name: path below the folder, with "/" on every system."""

    path: Path
    name: str
    size: int
    mtime_ns: int

    @property
    def shown(self) -> str:
        """The name in characters that can be written anywhere: file names need not be valid text."""
        return os.fsencode(self.name).decode("utf-8", "replace")


def resolved(text: str) -> Path:
    """The absolute path that a person means. DataError for what cannot be one."""
    try:
        path = Path(text).expanduser().resolve()
        str(path).encode()  # it is written into cards
    except (OSError, RuntimeError, ValueError) as e:
        raise DataError(f"'{text}' is not the path of a folder ({e}).") from e
    if not text.strip():
        raise DataError("No folder was named; give the path of a folder of images.")
    return path


def images_in(source: Path) -> list[File]:
    """The image files at any depth, by their endings, in the order of their names; hidden ones are left out.

    DataError where there is no such folder, it cannot be read, or no image is in it.
    """
    if not os.path.isdir(source):
        if source.suffix.lower() == ".zip":
            raise DataError(f"{source} is a zip archive; unpack it first and give the folder.")
        if os.path.exists(source):
            raise DataError(f"{source} is a file; needed: the folder that holds the images.")
        raise DataError(f"There is no folder {source}; check its path.")
    files = sorted(_walk(source), key=lambda f: f.name)
    if not files:
        raise DataError(f"No image lies in {source}; needed: files ending in {', '.join(sorted(SUFFIXES))}.")
    return files


def _walk(source: Path) -> list[File]:
    found, seen = [], set()

    def refuse(e: OSError) -> None:
        raise DataError(f"{e.filename} cannot be read ({e.strerror}); change its permissions.") from e

    # Linked folders are followed, each folder once: links may run in circles.
    for folder, folders, names in os.walk(source, followlinks=True, onerror=refuse):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in names:
            path = Path(folder, name)
            if name.startswith(".") or path.suffix.lower() not in SUFFIXES or not path.is_file():
                continue
            stat = path.stat()
            found.append(File(path, path.relative_to(source).as_posix(), stat.st_size, stat.st_mtime_ns))
    return found


def side(files: Sequence[File]) -> int | None:
    """The common side of images that are all squares of one size; None for any others. Reads headers only."""
    found: int | None = None
    for f in files:
        try:
            with Image.open(f.path) as image:
                width, height = image.size
        except (OSError, ValueError, Image.DecompressionBombError):
            return None  # the reading says what is wrong with it
        if width != height or found not in (None, width):
            return None
        found = width
    return found


def listing_digest(files: Sequence[File]) -> str:
    """Changes when a file comes, goes, is renamed or written; takes no look inside."""
    h = hashlib.sha256()
    for f in files:
        h.update(os.fsencode(f.name) + f"\0{f.size}\0{f.mtime_ns}\0".encode())
    return h.hexdigest()


def register(name: str, source: Path) -> None:
    """Writes the name's card. DataError if the name means another folder already."""
    card = paths.dataset(name) / "card.json"
    if card.exists():
        taken = source_of(name)
        if taken != source:
            raise DataError(f"The name '{name}' is taken by {taken}; choose another name for {source}.")
        return
    card.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    store.replace_text(card, canonical({"name": name, "source": str(source), "added_at": now}))


def source_of(name: str) -> Path:
    """The folder registered under a name that has a card. DataError where the card is damaged."""
    card = paths.dataset(name) / "card.json"
    try:
        return Path(json.loads(card.read_text(encoding="utf-8"))["source"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise DataError(f"{card} is damaged ({type(e).__name__}); delete its folder and add the data set again.") from e


def registered() -> list[str]:
    """The names with a card, in order; those whose card is damaged are left out with a warning."""
    names = []
    for card in sorted(paths.datasets().glob("*/card.json")):
        try:
            source_of(card.parent.name)
        except StudioError as e:
            warnings.warn(str(e), stacklevel=2)
            continue
        names.append(card.parent.name)
    return names

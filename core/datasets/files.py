"""The image files of a data set, wherever they lie: in a folder or in a zip archive, which is never unpacked."""

import functools
import hashlib
import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from core.datasets.reading import LARGEST_FILE, SUFFIXES
from core.errors import DataError

UNPACKING = (zlib.error, lzma.LZMAError)


class File(NamedTuple):
    """One image file. place: the file, or the archive that holds it.  name: below the source, with "/" on every system.

    stamp: changes when the file is written: its time in ns, or its checksum in an archive.
    label: class.  split: "train", "val", "test" or "".  person: whom it shows; "" where nobody says.
    """

    place: str
    name: str
    size: int
    stamp: int
    label: str = "."
    split: str = ""
    person: str = ""

    @property
    def shown(self) -> str:
        """The name in characters that can be written anywhere: file names need not be valid text."""
        return os.fsencode(self.name).decode("utf-8", "replace")


def content(file: File) -> bytes | str:
    """The bytes of a file, or in a few words why they cannot be had."""
    if file.size > LARGEST_FILE:
        return f"larger than {LARGEST_FILE >> 20} MB"
    try:
        if not is_archive(file.place):
            with open(file.place, "rb") as stored:
                return stored.read()
        with _archive(file.place, os.stat(file.place).st_mtime_ns, os.getpid()).open(file.name) as member:
            return member.read(LARGEST_FILE)
    except OSError as e:
        return f"cannot be opened ({e.strerror or e})"
    # What zipfile and its unpackers raise for damaged members, for encrypted ones and for packings that they do not know.
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, ValueError, EOFError, struct.error, *UNPACKING) as e:
        return f"cannot be unpacked ({e})"


def is_archive(place: str) -> bool:
    return place.lower().endswith(".zip")


def listed(source: Path) -> list[File]:
    """The image files of a folder or archive at any depth, by their endings, in the order of their names; no hidden ones.

    DataError where there is nothing of that name, it cannot be read, or no image is in it.
    """
    if os.path.isdir(source):
        files = _walk(source)
    elif source.is_file() and is_archive(source.name):
        files = _members(source)
    elif os.path.exists(source):
        raise DataError(f"{source} is a file; needed: the folder that holds the images, or a .zip of it.")
    else:
        raise DataError(f"There is no folder {source}; check its path.")
    files.sort(key=lambda f: f.name)
    if not files:
        raise DataError(f"No image lies in {source}; needed: files ending in {', '.join(sorted(SUFFIXES))}.")
    return files


def side(found: Iterable[File]) -> int | None:
    """The common side of images that are all squares of one size; None for any others. Reads headers only."""
    common: int | None = None
    for f in found:
        try:
            with Image.open(f.place if not is_archive(f.place) else io.BytesIO(_bytes(f))) as image:
                width, height = image.size
        except (OSError, ValueError, Image.DecompressionBombError):
            return None  # the reading says what is wrong with it
        if width != height or common not in (None, width):
            return None
        common = width
    return common


def _bytes(file: File) -> bytes:
    data = content(file)
    if isinstance(data, str):
        raise OSError(data)
    return data


def listing_digest(files: Iterable[File]) -> str:
    """Changes when a file comes, goes, is renamed, written, or moved to another class or split; takes no look inside."""
    h = hashlib.sha256()
    for f in files:
        h.update(
            os.fsencode(f.name) + f"\0{f.size}\0{f.stamp}\0{f.label}\0{f.split}\0{f.person}\0".encode("utf-8", "surrogateescape")
        )
    return h.hexdigest()


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _walk(source: Path) -> list[File]:
    found: list[File] = []
    seen: set[str] = set()
    folders = [(os.fspath(source), "")]
    while folders:
        folder, below = folders.pop()
        real = os.path.realpath(folder)
        # Linked folders are followed, each folder once: links may run in circles.
        if real in seen:
            continue
        seen.add(real)
        try:
            with os.scandir(folder) as entries:
                shown = [e for e in entries if not e.name.startswith(".")]
        except OSError as e:
            raise DataError(f"{e.filename} cannot be read ({e.strerror}); change its permissions.") from e
        inner = []
        for one in shown:
            entry = _entry(one, below)
            if isinstance(entry, File):
                found.append(entry)
            elif entry:
                inner.append((one.path, entry))
        folders += sorted(inner, reverse=True)
    return found


def _entry(e: os.DirEntry[str], below: str) -> File | str:
    """An image file, the name of a folder, or "" for anything else."""
    name = below + e.name
    try:
        if e.is_dir():
            return f"{name}/"
        if _is_image(name) and e.is_file():
            stat = e.stat()
            return File(e.path, name, stat.st_size, stat.st_mtime_ns)
    except OSError:
        # Gone meanwhile, or a link that leads to itself: the reading says why.
        if _is_image(name):
            return File(e.path, name, -1, 0)
    return ""


def _members(source: Path) -> list[File]:
    """The archive's own table, which is all that is read here. DataError for a damaged one and for one that lies."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as e:
        raise DataError(f"{source} is not a readable zip archive ({e}); pack it again.") from e
    _check_apart(source, members)
    # macOS adds a hidden twin of each file.
    shown = (m for m in members if not any(part[:1] == "." or part == "__MACOSX" for part in m.filename.split("/")))
    images = (m for m in shown if _is_image(m.filename))
    return list(_unique(File(str(source), m.filename, m.file_size, m.CRC) for m in images))


def _check_apart(source: Path, members: list[zipfile.ZipInfo]) -> None:
    """Members that share bytes make a bomb of a small archive (CVE-2024-0450; Python refuses them since 3.11.8)."""
    end = 0
    for m in sorted(members, key=lambda m: m.header_offset):
        if m.header_offset < end:
            raise DataError(f"{source} holds members that overlap, as archives made to do harm do; pack its images again.")
        end = m.header_offset + 30 + m.compress_size


def _unique(files: Iterable[File]) -> Iterator[File]:
    """An archive may hold a name twice; its last one counts, as when it is unpacked."""
    return iter({f.name: f for f in files}.values())


@functools.lru_cache(maxsize=4)
def _archive(place: str, mtime_ns: int, process: int) -> zipfile.ZipFile:
    """Kept open: its table of 200,000 members takes seconds to read. process: a forked one would share the place in the file."""
    return zipfile.ZipFile(place)

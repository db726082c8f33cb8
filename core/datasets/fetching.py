"""Published data sets brought to this machine: fetched where missing, with resume, checked, unpacked. Whoever calls has asked."""

import contextlib
import os
import shutil
import socket
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from filelock import FileLock

from core.datasets import published
from core.datasets.published import Published, RemoteFile
from core.errors import DataError
from core.hub_client import bar, endpoint
from core.types import Progress, silent

_TRIES = 20
"""Times that a download whose line was cut goes on."""
_PATIENCE = (10, 60)  # seconds for a server to answer, and between two pieces
_TOLD_EVERY = 256
_HUB = ".hub"  # where the Hub's client keeps what it has of a file


class Refused(Exception):
    """A source does not give a file; in a few words, why not."""


def fetch(p: Published, root: Path, progress: Progress = silent) -> None:
    """Downloads what is missing below the root and unpacks the archive; what is there is left as it is.

    progress: bytes of a file, then images. DataError where no source gives a file (which says how to get it by hand), a file
    has another checksum, or the folder cannot be written. An interrupted download goes on where it was.
    """
    place = p.place(root)
    if not published.missing(p, root) and (place / p.images).is_dir():
        return  # a folder that others own need not take a lock
    with _alone(place):
        missing = published.missing(p, root)
        _check_room(p, place, missing)
        for file in p.files():
            if file.name in missing:
                _get(p, file, root, progress)
        _unpack(p, place, progress)
        if p.archive in missing:
            # Its images are all there; a person's own archive stays.
            (place / p.archive).unlink(missing_ok=True)


def unpack(p: Published, root: Path, progress: Progress = silent) -> None:
    """Unpacks the archive where one was put by hand and its folder is not there yet; uses no network.

    DataError where it has another checksum, or the folder cannot be written.
    """
    if (p.place(root) / p.archive).is_file():
        with _alone(p.place(root)):
            _unpack(p, p.place(root), progress)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Nobody else fetches into the folder meanwhile. DataError where it cannot be written."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with FileLock(place / ".fetching.lock"):
            yield
    except OSError as e:
        raise DataError(f"{place} cannot be written ({e.strerror or e}); make room there or take another folder.") from e


def _check_room(p: Published, place: Path, missing: list[str]) -> None:
    """The archive and its images lie side by side for a while."""
    needed = 2 * sum(size for name, size in p.bytes.items() if name in missing)
    free = shutil.disk_usage(place).free
    if free < needed:
        raise DataError(
            f"{place} has {free / 1e9:.1f} GB free; needed for {p.label}: about {needed / 1e9:.1f} GB; "
            "make room or take another folder."
        )


# -------------------------------------------------------------------------------------------------------- downloads


def _get(p: Published, file: RemoteFile, root: Path, progress: Progress) -> None:
    """The file from the first source that gives it with its checksum."""
    place, reasons = p.place(root), []
    sources: list[tuple[str, Callable[[], Path]]] = [
        ("Google Drive" if file.drive else p.page, lambda: _from_web(file, place, progress)),
        *((f"the Hub's {m}", lambda m=m: _from_hub(m, file, place, progress)) for m in p.mirrors),  # type: ignore[misc]
    ]
    for name, give in sources:
        try:
            got = give()
        except Refused as e:
            reasons.append(f"{name}: {e}")
            continue
        progress(0, 0, f"checking {file.name}")
        right = published.md5(got) == file.md5
        if right:
            os.replace(got, place / file.name)
        got.unlink(missing_ok=True)
        shutil.rmtree(place / _HUB, ignore_errors=True)
        if right:
            return
        reasons.append(f"{name}: other bytes than those of its checksum")
    raise DataError(f"{file.name} of {p.label} cannot be fetched ({'; '.join(reasons)}); {published.expected(p, root)}")


def _from_web(file: RemoteFile, place: Path, progress: Progress) -> Path:
    """From its address or from Google Drive, which has forms of its own to get through."""
    import gdown
    from gdown.exceptions import DownloadError, FileURLRetrievalError
    from requests import RequestException

    whole = place / f"{file.name}.part"
    where: dict[str, Any] = {"id": file.drive} if file.drive else {"url": file.url}

    def told(done: int, total: int | None) -> None:
        progress(done, total or file.bytes, f"fetching {file.name}")

    for left in reversed(range(_TRIES)):
        had = _partial(whole)
        try:
            gdown.download(
                output=str(whole), quiet=True, resume=True, use_cookies=False, progress=told, timeout=_PATIENCE, **where
            )
            return whole
        except (DownloadError, RequestException) as e:
            grown = _partial(whole) > had
            # A server that cannot go on in the middle, or whose file has changed.
            stuck = had and isinstance(e, DownloadError) and not isinstance(e, FileURLRetrievalError) and e.__cause__ is None
            if not left or not (grown or stuck):
                raise Refused(said(e)) from e
            if not grown:
                for part in _partials(whole):
                    part.unlink()
    raise AssertionError("the last try returns or raises")


def _partials(whole: Path) -> list[Path]:
    """What gdown has of a file that is not whole."""
    return list(whole.parent.glob(f"{whole.name}????????.part"))


def _partial(whole: Path) -> int:
    return sum(part.stat().st_size for part in _partials(whole))


def _from_hub(repo: str, file: RemoteFile, place: Path, progress: Progress) -> Path:
    from huggingface_hub import errors, get_hf_file_metadata, hf_hub_download, hf_hub_url

    try:
        # Once by ourselves: where nobody answers, the client tries again for 24 seconds.
        get_hf_file_metadata(hf_hub_url(repo, file.name, repo_type="dataset", endpoint=endpoint()), timeout=_PATIENCE[0])
        got = hf_hub_download(
            repo,
            file.name,
            repo_type="dataset",
            local_dir=place / _HUB,
            endpoint=endpoint(),
            tqdm_class=bar(f"fetching {file.name}", progress),
        )
    except (OSError, errors.HTTPError) as e:
        if isinstance(e, OSError) and e.errno and not isinstance(e, ConnectionError):
            raise  # the folder's
        raise Refused(said(e)) from e
    return Path(got)


def said(e: BaseException) -> str:
    """The first words of what a library says, on one line; in plain ones where not even its address is known."""
    if any(isinstance(x, socket.gaierror) for x in _behind(e)):
        return "it cannot be reached from here"
    return (" ".join(str(e.__cause__ or e).split()) or type(e).__name__)[:200].rstrip(". ")


def _behind(e: BaseException) -> Iterator[BaseException]:
    """The error and all that it came of: libraries wrap each other's."""
    seen: list[BaseException] = []
    rest: list[object] = [e]
    while rest:
        x = rest.pop()
        if isinstance(x, BaseException) and not any(x is s for s in seen):
            seen.append(x)
            yield x
            rest += [x.__cause__, x.__context__, getattr(x, "reason", None), *x.args]


# --------------------------------------------------------------------------------------------------------- archives


def _unpack(p: Published, place: Path, progress: Progress) -> None:
    """The folder of images appears when it is whole."""
    archive, images, beside = place / p.archive, place / p.images, place / f".{p.images}.part"
    if images.is_dir() or not archive.is_file():
        return
    progress(0, 0, f"checking {p.archive}")
    needed = next(f.md5 for f in p.files() if f.name == p.archive)
    found = published.md5(archive)
    if found != needed:
        raise DataError(f"{archive} has the md5 {found}; needed: {needed}; take it away and fetch it again.")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        extract(archive, beside, lambda done: progress(done, p.n, f"unpacking {p.archive}"))
        if not (beside / p.images).is_dir():
            raise DataError(f"{archive} holds no folder {p.images}; take it away and fetch it again.")
        os.replace(beside / p.images, images)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def extract(archive: Path, folder: Path, told: Callable[[int], None]) -> None:
    """Writes the files of a zip or tar archive below the folder; told: how many so far.

    DataError for a damaged archive, and for one with a link or with a name that leads out of the folder.
    """
    done = 0
    try:
        for name, data in _members(archive):
            target = folder / _inside(archive, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as f:
                shutil.copyfileobj(data, f, 1 << 20)
            done += 1
            if done % _TOLD_EVERY == 0:
                told(done)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, FileExistsError) as e:
        raise DataError(f"{archive} cannot be unpacked ({e}); take it away and fetch it again.") from e
    told(done)


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of the files in their order; folders are left out."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as z:
            for info in z.infolist():
                if not info.is_dir():
                    with z.open(info) as data:
                        yield info.filename, data
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            stream = tar.extractfile(member) if member.isfile() else None
            if stream is not None:
                yield member.name, stream
            elif not member.isdir():
                raise DataError(f"{archive} holds {member.name!r}, which is no plain file; nothing of it is used.")


def _inside(archive: Path, name: str) -> PurePosixPath:
    """A member's name, if it stays below the folder it is unpacked into, on every system."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or any(c in name for c in "\\:\0"):
        raise DataError(f"{archive} holds {name!r}, a name that leads out of its folder; nothing of it is used.")
    return path

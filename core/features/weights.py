"""Weight files: found, verified by size and sha256, read without unpickling, fetched only when asked.

A file is hashed before anything of it is read. What is read goes through torch's weights-only loader, whoever vouches for it.
"""

import contextlib
import hashlib
import http.client
import importlib.util
import io
import os
import re
import shutil
import urllib.parse
import urllib.request
import uuid
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import paths, store
from core.errors import ScoreError, StoreError
from core.features.table import Extractor, Weights
from core.types import Progress, silent

TIMEOUT = 30
"""Seconds without an answer after which a download is given up."""
PIECE = 1 << 20

# Files whose sha256 this process knows: (path, size, mtime in ns) -> sha256. 95 MB take a third of a second.
_hashed: dict[tuple[str, int, int], str] = {}


def find(e: Extractor, file: str = "", trust_sha256: str = "") -> tuple[Path, str]:
    """The extractor's weights file and its sha256, verified. `file`: another one, which its hash must vouch for.

    ScoreError where it is absent or is not what it should be: file, size, hash, the places searched, and what works without it.
    """
    assert e.weights is not None, e.name
    if file or trust_sha256:
        return _trusted(e, file, trust_sha256)
    places = list(_places(e.weights))
    for path in places:
        # Not Path.is_file: it raises where a folder on the way may not be looked into.
        if os.path.isfile(path):
            if wrong := _wrong(e.weights, path):
                without = "" if e.weights.package else "; --protocol lite0 works without it."
                said = f"{path} is not the weights file of {e.label} ({wrong}); take it away and run: {e.weights.get}"
                raise ScoreError(said + without)
            return path, e.weights.sha256
    if e.weights.package:
        raise ScoreError(f"The weights of {e.label} are not installed; run: {e.weights.get}")
    searched = ", ".join(dict.fromkeys(str(p.parent) for p in places))
    raise ScoreError(
        f"The weights of {e.label} are not here: {e.weights.names[0]} ({e.weights.size:,} bytes, sha256 {e.weights.sha256}); "
        f"searched: {searched}. Run {e.weights.get}, or put the file into {paths.weights()}; --protocol lite0 works without it."
    )


def state(e: Extractor) -> str:
    """ "present", or a sentence that says what is wrong with the extractor's weights."""
    if e.weights is None:
        return "present"
    try:
        find(e)
    except ScoreError as error:
        return str(error)
    return "present"


def read(e: Extractor) -> Mapping[str, Any]:
    """The tensors of a resolved extractor's file. ScoreError for what is no plain state dict of finite numbers."""
    import torch

    path = Path(e.where)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ScoreError(f"{path} cannot be read ({error.strerror}); put the weights of {e.label} there.") from error
    # What was verified is what is read, though the file may have changed since.
    if hashlib.sha256(raw).hexdigest() != e.weights_sha256:
        raise ScoreError(f"{path} has changed since it was verified; put the weights of {e.label} there and start again.")
    try:
        with warnings.catch_warnings():
            # Of a file that is something else, before it is refused.
            warnings.simplefilter("ignore")
            tensors = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no error of its own for bad bytes: whatever they make it raise says the same
        # Not its own words: they advise to switch the check off.
        foreign = re.search(r"GLOBAL ([\w.]+)", str(error))
        why = f"holds more than weights ({foreign[1]})" if foreign else "cannot be read as weights"
        raise ScoreError(f"{path} {why}; give the weights of {e.label}.") from error
    plain = isinstance(tensors, Mapping) and all(isinstance(k, str) and isinstance(t, torch.Tensor) for k, t in tensors.items())
    if not plain:
        raise ScoreError(f"{path} is no dictionary of weights; give the weights of {e.label}.")
    bad = next((k for k, t in tensors.items() if t.is_floating_point() and not torch.isfinite(t).all()), None)
    if bad:
        raise ScoreError(f"{path} has numbers in '{bad}' that are not finite; give the weights of {e.label}.")
    return dict(tensors)


def misfit(e: Extractor, error: RuntimeError) -> ScoreError:
    """What torch says of weights of another network, in one sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = lines[min(1, len(lines) - 1)].rstrip(". ") if lines else "no reason given"
    return ScoreError(f"{e.where} does not fit {e.label} ({why[:160]}); give its own weights.")


def add(e: Extractor, source: Path) -> Path:
    """Copies a verified weights file into the cache; where it lies then."""
    assert e.weights is not None, e.name
    if not os.path.isfile(source):
        raise ScoreError(f"There is no file {source}; give the path of {e.weights.names[0]}.")
    with _arriving(e.weights) as part:
        try:
            shutil.copyfile(source, part)
        except OSError as error:
            raise ScoreError(
                f"{source} cannot be copied to {part.parent} ({error.strerror}); make room or change who may."
            ) from error
        if wrong := _wrong(e.weights, part):
            raise ScoreError(f"{source} is not the weights file of {e.label} ({wrong}); it was not added.")
        return _settle(part, e.weights)


def get(e: Extractor, progress: Progress = silent) -> Path:
    """Downloads the weights into the cache, or finds them there; nothing stays of a download that fails or is not the file."""
    assert e.weights is not None, e.name
    w = e.weights
    if not w.url:
        raise ScoreError(f"The weights of {e.label} come with pip: {w.get}")
    with contextlib.suppress(ScoreError):
        return find(e)[0]
    elsewhere = "fetch it on a machine with network and run: python -m core weights add FILE"
    with _arriving(w) as part:
        try:
            _download(w, part, progress)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise ScoreError(f"{w.url} cannot be fetched ({reason}); {elsewhere}") from error
        if wrong := _wrong(w, part):
            raise ScoreError(f"{w.url} sent something else than the weights of {e.label} ({wrong}); {elsewhere}")
        _settle(part, w)
    # A wrong file that the variable names still stands before the one that came.
    return find(e)[0]


def _places(w: Weights) -> Iterator[Path]:
    """Where the file may lie, in order: the variable, the cache, the pip package, torch's own folder."""
    named = os.environ.get(w.variable) if w.variable else None
    if named:
        yield Path(named).expanduser()
    if w.package:
        spec = importlib.util.find_spec(w.package)
        yield from (Path(folder) / w.names[0] for folder in (spec.submodule_search_locations or () if spec else ()))
        return
    yield from (paths.weights() / name for name in w.names)
    home = os.environ.get("TORCH_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")
    yield from (Path(home).expanduser() / "hub" / "checkpoints" / name for name in w.names)


def _trusted(e: Extractor, file: str, sha256: str) -> tuple[Path, str]:
    """A file that a person names: the weights themselves, or others that their hash vouches for."""
    assert e.weights is not None
    path, wanted = Path(file).expanduser(), sha256.strip().lower() or e.weights.sha256
    if not file:
        raise ScoreError("--trust-sha256 names a hash and no file; give --extractor-weights FILE too.")
    if not os.path.isfile(path):
        raise ScoreError(f"There is no file {path}; give the path of weights for {e.label}.")
    found = _sha256(path)
    if found != wanted:
        what = f"--trust-sha256 is {wanted}" if sha256 else f"that of {e.label} is {wanted}"
        raise ScoreError(f"{path} has the sha256 {found}, {what}; give --trust-sha256 with the file's own if you trust it.")
    return path, found


def _wrong(w: Weights, path: Path) -> str:
    """What tells the file from the weights; "" for the weights. Size first: it costs nothing."""
    size = path.stat().st_size
    if size != w.size:
        return f"it has {size:,} bytes, needed: {w.size:,}"
    found = _sha256(path)
    return "" if found == w.sha256 else f"its sha256 is {found}, needed: {w.sha256}"


def _sha256(path: Path) -> str:
    stat = path.stat()
    mark = (str(path.resolve()), stat.st_size, stat.st_mtime_ns)
    if mark not in _hashed:
        try:
            _hashed[mark] = store.sha256(path)
        except OSError as error:
            raise ScoreError(f"{path} cannot be read ({error.strerror}); change who may read it.") from error
    return _hashed[mark]


@contextlib.contextmanager
def _arriving(w: Weights) -> Iterator[Path]:
    """A place beside the final one; whatever is left there at the end is removed."""
    try:
        paths.weights().mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise StoreError(f"{paths.weights()} cannot be made ({e.strerror}); move what is in its place.") from e
    part = paths.weights() / f".{w.names[0]}.{uuid.uuid4().hex[:8]}.part"
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _settle(part: Path, w: Weights) -> Path:
    store.fsync(part)
    target = paths.weights() / w.names[0]
    os.replace(part, target)
    return target


def _download(w: Weights, part: Path, progress: Progress) -> None:
    """Plain http is for this machine only."""
    address = urllib.parse.urlsplit(w.url)
    assert address.scheme == "https" or address.hostname in ("127.0.0.1", "localhost"), w.url
    with urllib.request.urlopen(w.url, timeout=TIMEOUT) as answer, part.open("wb") as file:
        done = 0
        # Never more than the file has: a server that goes on sending fills no disk.
        while done <= w.size and (piece := answer.read(PIECE)):
            file.write(piece)
            done += len(piece)
            progress(done, w.size, f"fetching {w.names[0]}")

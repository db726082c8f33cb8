"""Evaluations carried to another machine: one .zip of plain JSON and .npy vectors, nothing in it that could run.

manifest.json                 format, version, and the sha256 of every other member
evaluations.json              one object an evaluation; its scores name their Terms by hash
terms.json                    Terms by hash
influences/I-ROLE-SIDE.npy    (n,) float32 of the I-th evaluation, not compressed

A bundle comes from anywhere. Nothing is unpacked to disk, every size is bounded by the file's own, and what is not exactly as
`bundle` writes it is refused as a whole.
"""

import hashlib
import io
import json
import os
import re
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from core import store
from core.errors import ConfigError, ScoreError
from core.results import rows
from core.results.file import opened
from core.results.plain import ROLE, Newer, document, evaluation_of, need, terms_of
from core.types import Evaluation, Score, canonical, digest

FORMAT, VERSION = "fidelio results", 1
MANIFEST, EVALUATIONS, TERMS = "manifest.json", "evaluations.json", "terms.json"
VECTOR = re.compile(rf"influences/\d{{1,7}}-{ROLE}-(fake|real)\.npy")
MOST_JSON = 64 << 20  # bytes of one unpacked JSON member


def bundle(evaluations: Sequence[Evaluation], path: Path) -> None:
    """Writes recorded evaluations with their influences as one new .zip, whole or not at all; equal rows give equal bytes.

    A command or a folder's name in it may hold a path of this machine. ScoreError for nothing to write, ConfigError for a path
    that is taken or cannot be written.
    """
    if not evaluations:
        raise ScoreError("There is no evaluation to export; evaluate a model first, or ask for another data set or protocol.")
    if path.suffix.lower() != ".zip" or path.exists():
        raise ConfigError(f"{path} {'exists already' if path.exists() else 'is no .zip'}; give a new name that ends in .zip.")
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with zipfile.ZipFile(beside, "x") as z:
            sums = {name: _put(z, name, raw) for name, raw in _members(evaluations)}
            _put(z, MANIFEST, canonical({"format": FORMAT, "version": VERSION, "sha256": sums}).encode())
        store.fsync(beside)
        os.replace(beside, path)
    except OSError as e:
        raise ConfigError(f"{path} cannot be written ({e.strerror}); choose another place.") from e
    finally:
        beside.unlink(missing_ok=True)


def unbundle(path: Path) -> tuple[int, int]:
    """Adds the rows of a bundle in one transaction: (added, known already by their content). They keep their time, and name the
    file as their origin. ScoreError, with nothing added, for whatever is wrong with the file."""
    try:
        with zipfile.ZipFile(path) as z:
            _check_members(z, path.stat().st_size)
            return _add(z, origin=path.stem[:80])
    except OSError as e:
        raise ScoreError(f"{path} cannot be read ({e.strerror or e}); give a bundle made by `results export`.") from e
    except Newer as e:
        raise ScoreError(f"Nothing of {path} was imported: {e}; import it with the version that wrote it or a newer one.") from e
    # What zipfile, zlib and json raise for bytes of another kind, RuntimeError for encryption and endless nesting.
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, RuntimeError, ConfigError) as e:
        raise ScoreError(
            f"Nothing of {path} was imported: {str(e).rstrip('.')}; export the evaluations again and copy them."
        ) from e


# --------------------------------------------------------------------------------------------------------- writing


def _members(evaluations: Sequence[Evaluation]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of all members but the manifest; one evaluation's influences at a time are in memory."""
    terms = {s.terms.hash: asdict(s.terms) for e in evaluations for s in e.scores.values()}
    yield EVALUATIONS, canonical([document(e) for e in evaluations]).encode()
    yield TERMS, canonical(terms).encode()
    for i, e in enumerate(evaluations):
        with opened() as db:
            kept = rows.vectors(db, [e.id])
        for (_, role, side), values in sorted(kept.items()):
            raw = io.BytesIO()
            np.save(raw, values.astype("<f4"), allow_pickle=False)
            yield f"influences/{i}-{role}-{side}.npy", raw.getvalue()


def _put(z: zipfile.ZipFile, name: str, raw: bytes) -> str:
    if len(raw) > MOST_JSON:
        raise ScoreError("These are too many evaluations for one bundle; export each data set by itself.")
    packing = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
    z.writestr(zipfile.ZipInfo(name), raw, packing)
    return hashlib.sha256(raw).hexdigest()


# --------------------------------------------------------------------------------------------------------- reading


def _check_members(z: zipfile.ZipFile, size: int) -> None:
    """ValueError unless these are the members of a bundle, no larger unpacked than a file of `size` bytes can hold, unharmed."""
    found = {i.filename: i for i in z.infolist()}
    need(len(found) == len(z.infolist()), "a name stands in it twice")
    for name, info in found.items():
        known = name in (MANIFEST, EVALUATIONS, TERMS)
        need(known or VECTOR.fullmatch(name) is not None, f"it holds {name[:80]!r}, which no bundle does")
        # Others unpack by code that bundles do not need, and some of them allot memory by what the file claims.
        packed = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        need(packed, f"{name} is packed in a way that no bundle uses")
        fits = info.file_size <= MOST_JSON if known else info.compress_type == zipfile.ZIP_STORED
        need(fits, f"{name} is larger unpacked than any bundle's")
    need(sum(i.file_size for name, i in found.items() if VECTOR.fullmatch(name)) <= size, "its members are larger than itself")
    manifest = _json(z, MANIFEST, dict)
    need(manifest.get("format") == FORMAT, "it is no bundle of evaluations")
    version, sums = manifest.get("version"), manifest.get("sha256")
    need(version == VERSION, f"it is of format {str(version)[:40]}, known here: {VERSION}", Newer)
    need(isinstance(sums, dict) and sums.keys() == found.keys() - {MANIFEST}, "its members are not those of its manifest")
    for name, expected in sums.items():
        with z.open(name) as f:
            need(hashlib.file_digest(f, "sha256").hexdigest() == expected, f"{name} does not have its checksum")  # type: ignore[arg-type]


def _json(z: zipfile.ZipFile, name: str, kind: type) -> Any:
    def no_number(word: str) -> None:
        raise ValueError(f"{name} holds {word}")

    need(name in z.namelist(), f"{name} is missing")
    value = json.loads(z.read(name), parse_constant=no_number)
    need(type(value) is kind, f"{name} is not of its kind")
    return value


def _add(z: zipfile.ZipFile, origin: str) -> tuple[int, int]:
    terms = {h: terms_of(h, body) for h, body in _json(z, TERMS, dict).items()}
    found = [evaluation_of(d, terms) for d in _json(z, EVALUATIONS, list)]
    added, unused = 0, {name for name in z.namelist() if VECTOR.fullmatch(name)}
    with opened() as db:
        db.execute("BEGIN IMMEDIATE")
        known = {digest(document(e)) for e in rows.evaluations(db, None, None)}
        for i, e in enumerate(found):
            scores = {role: _with_vectors(z, f"influences/{i}-{role}", s, unused) for role, s in e.scores.items()}
            content = digest(document(e))
            if content not in known:
                rows.insert(db, replace(e, scores=scores, origin=origin))
                known.add(content)
                added += 1
        need(not unused, "it holds influences of no score")
        db.execute("COMMIT")
    return added, len(found) - added


def _with_vectors(z: zipfile.ZipFile, prefix: str, s: Score, unused: set[str]) -> Score:
    sides = {}
    for side, n in (("fake", s.terms.n_fake), ("real", s.terms.n_real)):
        name = f"{prefix}-{side}.npy"
        sides[f"influence_{side}"] = _vector(z.read(name), n, name) if name in unused else None
        unused.discard(name)
    return replace(s, **sides)  # type: ignore[arg-type]


def _vector(raw: bytes, n: int, name: str) -> np.ndarray:
    """(n,) float64 of an .npy file. Only its header is interpreted, so that no pickle can be."""
    stream = io.BytesIO(raw)
    need(np.lib.format.read_magic(stream) == (1, 0), f"{name} is of another format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    need(shape == (n,) and dtype == np.dtype("<f4"), f"{name} holds {dtype} {shape}, needed: float32 ({n},)")
    values = np.frombuffer(raw, "<f4", offset=stream.tell())
    need(len(values) == n and bool(np.isfinite(values).all()), f"{name} does not hold {n} finite numbers")
    return values.astype(np.float64)

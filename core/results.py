"""Evaluations for good: one SQLite file, append only. The only module that writes it.

Terms are kept once each, influences (float32, little-endian) in a table of their own: ten thousand scores are read without them.
"""

import contextlib
import functools
import json
import math
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core import configs, paths
from core.configs import SampleConfig
from core.errors import ScoreError, StoreError
from core.types import Evaluation, Score, Terms, canonical

TABLES = ("terms", "evaluations", "scores", "influences")

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE terms (hash TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT",
        """CREATE TABLE evaluations (
            id INTEGER PRIMARY KEY, created_at TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL, dataset TEXT NOT NULL,
            protocol TEXT NOT NULL, sample TEXT, fingerprint TEXT NOT NULL, seconds REAL NOT NULL, sampling_seconds REAL,
            network_evaluations INTEGER, versions TEXT NOT NULL, command TEXT NOT NULL) STRICT""",
        "CREATE INDEX evaluations_of ON evaluations (dataset, protocol)",
        """CREATE TABLE scores (
            evaluation INTEGER NOT NULL REFERENCES evaluations (id), role TEXT NOT NULL, value REAL NOT NULL, error REAL,
            band TEXT NOT NULL, terms TEXT NOT NULL REFERENCES terms (hash), PRIMARY KEY (evaluation, role)) STRICT""",
        """CREATE TABLE influences (
            evaluation INTEGER NOT NULL REFERENCES evaluations (id), role TEXT NOT NULL, side TEXT NOT NULL,
            n INTEGER NOT NULL, body BLOB NOT NULL CHECK (length(body) = 4 * n), PRIMARY KEY (evaluation, role, side)) STRICT""",
        *(
            f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT raise(ABORT, '{table} are append only'); END"
            for table in TABLES
            for verb in ("UPDATE", "DELETE")
        ),
    ),
)
"""Statements that lead from version i to i + 1 of the file (PRAGMA user_version)."""

BUSY_SECONDS = 30.0


def record(e: Evaluation) -> Evaluation:
    """The evaluation with its new id and its time (UTC, ISO 8601). ScoreError for a number that is not finite."""
    _check(e)
    e = replace(e, created_at=datetime.now(UTC).isoformat(timespec="seconds"))
    with _open() as db:
        db.execute("BEGIN IMMEDIATE")
        values = [getattr(e, c) for c in PLAIN]
        marks = ", ".join("?" * (len(PLAIN) + 2))
        row = db.execute(
            f"INSERT INTO evaluations ({', '.join(PLAIN)}, sample, versions) VALUES ({marks})",
            (*values, None if e.sample is None else canonical(configs.as_dict(e.sample)), canonical(dict(e.versions))),
        )
        assert row.lastrowid is not None
        e = replace(e, id=row.lastrowid)
        for role, score in e.scores.items():
            _insert(db, e.id, role, score)
        db.execute("COMMIT")
    return e


def read(dataset: str | None = None, protocol: str | None = None, influences: bool = False) -> list[Evaluation]:
    """Every evaluation, or those of a data set or protocol, oldest first; without influences unless they are asked for."""
    if not paths.results().is_file():
        return []
    chosen, values = _where({"dataset": dataset, "protocol": protocol})
    with _open() as db:
        rows = db.execute(
            f"SELECT id, {', '.join(PLAIN)}, sample, versions FROM evaluations{chosen} ORDER BY id", values
        ).fetchall()
        found: dict[int, dict[str, Score]] = {row[0]: {} for row in rows}
        query = "SELECT evaluation, role, value, error, band, hash, body FROM scores JOIN terms ON terms.hash = scores.terms"
        within = f" WHERE evaluation IN (SELECT id FROM evaluations{chosen})" if chosen else ""
        for number, role, value, error, band, _, body in db.execute(query + within + " ORDER BY scores.rowid", values):
            terms = _terms(body)
            if number in found:
                found[number][role] = Score(terms.metric, value, error, terms, band)
    evaluations = [_evaluation(row, found[row[0]]) for row in rows]
    return [with_influences(e) for e in evaluations] if influences else evaluations


def with_influences(e: Evaluation) -> Evaluation:
    """A recorded evaluation with what its scores were kept with, float64."""
    with _open() as db:
        query = "SELECT role, side, n, body FROM influences WHERE evaluation = ?"
        kept: dict[tuple[str, str], np.ndarray] = {}
        for role, side, n, body in db.execute(query, (e.id,)):
            values = np.frombuffer(body, "<f4").astype(np.float64)
            if len(values) != n or not np.isfinite(values).all():
                raise ScoreError(f"The kept influences of evaluation {e.id} are damaged; evaluate {e.subject} again.")
            kept[role, side] = values
    scores = {
        role: replace(s, influence_fake=kept.get((role, "fake")), influence_real=kept.get((role, "real")))
        for role, s in e.scores.items()
    }
    return replace(e, scores=scores)


# ------------------------------------------------------------------------------------------------------------ rows

PLAIN = (
    "created_at",
    "subject",
    "kind",
    "dataset",
    "protocol",
    "fingerprint",
    "seconds",
    "sampling_seconds",
    "network_evaluations",
    "command",
)
"""Columns that are fields of an Evaluation as they stand."""


def _evaluation(row: tuple[Any, ...], scores: dict[str, Score]) -> Evaluation:
    number, *plain, sample, versions = row
    return Evaluation(
        id=number,
        sample=None if sample is None else configs.from_dict(SampleConfig, json.loads(sample)),
        versions=json.loads(versions),
        scores=scores,
        **dict(zip(PLAIN, plain, strict=True)),
    )


def _insert(db: sqlite3.Connection, number: int, role: str, s: Score) -> None:
    db.execute("INSERT OR IGNORE INTO terms VALUES (?, ?)", (s.terms.hash, canonical(asdict(s.terms))))
    row = (number, role, s.value, s.error, s.band, s.terms.hash)
    db.execute("INSERT INTO scores (evaluation, role, value, error, band, terms) VALUES (?, ?, ?, ?, ?, ?)", row)
    for side, values in (("fake", s.influence_fake), ("real", s.influence_real)):
        if values is not None:
            body = np.asarray(values, "<f4").tobytes()
            db.execute("INSERT INTO influences VALUES (?, ?, ?, ?, ?)", (number, role, side, len(values), body))


@functools.lru_cache(maxsize=4096)
def _terms(body: str) -> Terms:
    """Equal Terms are one object, so that a thousand rows hash them once."""
    return Terms(**json.loads(body))


def _where(wanted: dict[str, str | None]) -> tuple[str, list[str]]:
    given = {k: v for k, v in wanted.items() if v is not None}
    return (" WHERE " + " AND ".join(f"{k} = ?" for k in given) if given else "", list(given.values()))


def _check(e: Evaluation) -> None:
    for role, s in e.scores.items():
        vectors = [v for v in (s.influence_fake, s.influence_real) if v is not None]
        numbers = [s.value] + ([] if s.error is None else [s.error])
        if not (all(map(math.isfinite, numbers)) and all(np.isfinite(v).all() for v in vectors)):
            raise ScoreError(f"{role} of {e.subject} is {s.value} ± {s.error}; only finite numbers are kept: evaluate it again.")
        lengths = [(s.influence_fake, s.terms.n_fake), (s.influence_real, s.terms.n_real)]
        assert all(v is None or v.shape == (n,) for v, n in lengths), f"{role} of {e.subject}: influences of another size"


# ------------------------------------------------------------------------------------------------------------ file


@contextlib.contextmanager
def _open() -> Iterator[sqlite3.Connection]:
    """A connection to the file at this version. StoreError where it cannot be read or written."""
    file = paths.results()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(file, timeout=BUSY_SECONDS, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            _migrate(db)
            yield db
    except (sqlite3.OperationalError, sqlite3.DatabaseError, OSError) as e:
        raise StoreError(f"{file} cannot be used ({e}); make room, restore the file, or move STUDIO_CACHE.") from e


def _migrate(db: sqlite3.Connection) -> None:
    """All missing versions in one transaction, or none."""
    known = len(MIGRATIONS)
    if _version(db) == known:
        return
    db.execute("BEGIN IMMEDIATE")
    # Read again: another process may have done it while this one waited.
    found = _version(db)
    if found > known:
        db.execute("ROLLBACK")
        raise StoreError(
            f"{paths.results()} was written by a newer version (format {found}, known: {known}); update, or move STUDIO_CACHE."
        )
    for statements in MIGRATIONS[found:]:
        for statement in statements:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {known}")
    db.execute("COMMIT")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])

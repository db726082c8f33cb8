"""The file itself: one SQLite database, append only, brought to this version when it is opened."""

import contextlib
import sqlite3
from collections.abc import Iterator

from core import paths
from core.errors import StoreError

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
    (
        "ALTER TABLE evaluations ADD COLUMN refused TEXT NOT NULL DEFAULT '{}'",
        "ALTER TABLE evaluations ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE scores ADD COLUMN low REAL",
        "ALTER TABLE scores ADD COLUMN high REAL CHECK ((low IS NULL) = (high IS NULL))",
    ),
)
"""Statements that lead from version i to i + 1 of the file (PRAGMA user_version)."""

BUSY_SECONDS = 30.0


@contextlib.contextmanager
def opened() -> Iterator[sqlite3.Connection]:
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

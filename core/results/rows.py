"""Evaluations as rows and back. Influences are float32, little-endian, in a table of their own."""

import functools
import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from core import configs, paths
from core.configs import SampleConfig
from core.errors import ConfigError, ScoreError, StoreError
from core.types import Evaluation, Score, Terms, canonical

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
    "origin",
)
"""Columns that are fields of an Evaluation as they stand."""

Vectors = Mapping[tuple[int, str, str], np.ndarray]
"""Influences by (evaluation, role, "fake" or "real"): float64."""


def insert(db: sqlite3.Connection, e: Evaluation) -> int:
    """The new row's id. ScoreError for a number that is not finite; the caller holds the transaction."""
    _check(e)
    row = {
        **{name: getattr(e, name) for name in PLAIN},
        "sample": None if e.sample is None else canonical(configs.as_dict(e.sample)),
        "versions": canonical(dict(e.versions)),
        "refused": canonical(dict(e.refused)),
    }
    number = _insert(db, "evaluations", row)
    for role, score in e.scores.items():
        _insert_score(db, number, role, score)
    return number


def evaluations(db: sqlite3.Connection, dataset: str | None, protocol: str | None) -> list[Evaluation]:
    """Without influences, oldest first. StoreError for a row that is not as it was written."""
    chosen, values = _where({"dataset": dataset, "protocol": protocol})
    names = ("id", *PLAIN, "sample", "versions", "refused")
    found = db.execute(f"SELECT {', '.join(names)} FROM evaluations{chosen} ORDER BY created_at, id", values).fetchall()
    scores: dict[int, dict[str, Score]] = {row[0]: {} for row in found}
    within = f" WHERE evaluation IN (SELECT id FROM evaluations{chosen})" if chosen else ""
    terms = dict(db.execute("SELECT hash, body FROM terms"))
    query = "SELECT evaluation, role, value, error, band, low, high, terms FROM scores"
    for number, role, value, error, band, low, high, hash_ in db.execute(f"{query}{within} ORDER BY rowid", values):
        # What another process wrote since the first query is left for the next reading.
        if number in scores:
            try:
                known = _terms(hash_, terms[hash_])
                if not math.isfinite(value):
                    raise ValueError(f"{role} is {value}")
            except (ValueError, TypeError, KeyError) as e:
                raise _damaged(number, e) from e
            scores[number][role] = Score(known.metric, value, error, known, band, interval=None if low is None else (low, high))
    return [_evaluation(dict(zip(names, row, strict=True)), scores[row[0]]) for row in found]


def vectors(db: sqlite3.Connection, numbers: Sequence[int], role: str | None = None) -> Vectors:
    """The influences of these evaluations, of all their scores or of one role, in one query."""
    query = "SELECT evaluation, role, side, n, body FROM influences WHERE evaluation IN (SELECT value FROM json_each(?))"
    chosen = "" if role is None else " AND role = ?"
    kept = {}
    for number, which, side, n, body in db.execute(query + chosen, (canonical(list(numbers)), *([role] if role else []))):
        values = np.frombuffer(body, "<f4").astype(np.float64)
        if len(values) != n or not np.isfinite(values).all():
            raise ScoreError(f"The kept influences of evaluation {number} are damaged; evaluate it again.")
        kept[number, which, side] = values
    return kept


def joined(e: Evaluation, kept: Vectors) -> Evaluation:
    """The evaluation with those of its influences that are among these."""
    scores = dict(e.scores)
    for role, s in e.scores.items():
        fake, real = kept.get((e.id, role, "fake")), kept.get((e.id, role, "real"))
        if fake is not None or real is not None:
            scores[role] = replace(s, influence_fake=fake, influence_real=real)
    return replace(e, scores=scores)


def _evaluation(row: dict[str, Any], scores: dict[str, Score]) -> Evaluation:
    try:
        if row["sample"] is not None:
            row["sample"] = configs.from_dict(SampleConfig, json.loads(row["sample"]))
        row |= {name: json.loads(row[name]) for name in ("versions", "refused")}
    except (ValueError, TypeError, AttributeError, ConfigError) as e:
        raise _damaged(row["id"], e) from e
    return Evaluation(scores=scores, **row)


def _insert(db: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> int:
    marks = ", ".join("?" * len(row))
    number = db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values())).lastrowid
    assert number is not None
    return number


def _insert_score(db: sqlite3.Connection, number: int, role: str, s: Score) -> None:
    db.execute("INSERT OR IGNORE INTO terms VALUES (?, ?)", (s.terms.hash, canonical(asdict(s.terms))))
    low, high = s.interval or (None, None)
    row = {"value": s.value, "error": s.error, "band": s.band, "terms": s.terms.hash, "low": low, "high": high}
    _insert(db, "scores", {"evaluation": number, "role": role, **row})
    for side, values in (("fake", s.influence_fake), ("real", s.influence_real)):
        if values is not None:
            body = np.asarray(values, "<f4").tobytes()
            _insert(db, "influences", {"evaluation": number, "role": role, "side": side, "n": len(values), "body": body})


def _check(e: Evaluation) -> None:
    """ScoreError unless every number is finite. The lengths of the influences are the caller's promise."""
    for role, s in e.scores.items():
        vectors = [v for v in (s.influence_fake, s.influence_real) if v is not None]
        numbers = [s.value, *([] if s.error is None else [s.error]), *(s.interval or ())]
        if not (all(map(math.isfinite, numbers)) and all(np.isfinite(v).all() for v in vectors)):
            raise ScoreError(f"{role} of {e.subject} is {s.value} ± {s.error}; only finite numbers are kept: evaluate it again.")
        lengths = [(s.influence_fake, s.terms.n_fake), (s.influence_real, s.terms.n_real)]
        assert all(v is None or v.shape == (n,) for v, n in lengths), f"{role} of {e.subject}: influences of another size"


@functools.lru_cache(maxsize=4096)
def _terms(hash_: str, body: str) -> Terms:
    """Equal Terms are one object, parsed and hashed once. ValueError where the body is not what was hashed."""
    terms = Terms(**json.loads(body))
    if terms.hash != hash_:
        raise ValueError("its Terms do not have their hash")
    return terms


def _where(wanted: dict[str, str | None]) -> tuple[str, list[str]]:
    given = {k: v for k, v in wanted.items() if v is not None}
    return (" WHERE " + " AND ".join(f"{k} = ?" for k in given) if given else "", list(given.values()))


def _damaged(number: int, why: Exception) -> StoreError:
    return StoreError(
        f"Evaluation {number} in {paths.results()} is damaged ({why}); restore the file from a copy, or move it away."
    )

import sqlite3
import threading
from dataclasses import asdict, replace

import numpy as np
import pytest

from core import paths, results
from core.configs import SampleConfig
from core.errors import ScoreError, StoreError
from core.results import file, rows
from core.types import Evaluation, canonical
from tests.core.toy_evaluations import draw, evaluation, real

FIRST_VERSION = (
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
        for table in ("terms", "evaluations", "scores", "influences")
        for verb in ("UPDATE", "DELETE")
    ),
)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDIO_CACHE", str(tmp_path_factory.mktemp("cache")))
        return evaluation("m", draw(40, 1, 1.3), real(50), matched=20)


def with_kid(e: Evaluation, **change: object) -> Evaluation:
    return replace(e, scores={**e.scores, "kid": replace(e.scores["kid"], **change)})  # type: ignore[arg-type]


def test_come_back_as_they_were_recorded(toy: Evaluation) -> None:
    kept = results.record(toy)
    assert kept.id == 1 and kept.created_at.endswith("+00:00")
    (found,) = results.read()
    for name in ("subject", "kind", "dataset", "protocol", "sample", "fingerprint", "versions", "command", "created_at", "id"):
        assert getattr(found, name) == getattr(kept, name), name
    assert (found.seconds, found.sampling_seconds, found.network_evaluations) == (1.5, 0.25, 50)
    assert isinstance(found.sample, SampleConfig)
    for role, s in toy.scores.items():
        assert (found.scores[role].value, found.scores[role].error, found.scores[role].band) == (s.value, s.error, s.band)
        assert found.scores[role].terms == s.terms and found.scores[role].terms.hash == s.terms.hash


def test_keep_influences_apart_until_they_are_asked_for(toy: Evaluation) -> None:
    results.record(toy)
    (found,) = results.read()
    assert all(s.influence_fake is None and s.influence_real is None for s in found.scores.values())
    (asked,) = results.read(influences=True)
    for full in (asked, results.with_influences(found)):
        for role, s in toy.scores.items():
            for side in ("influence_fake", "influence_real"):
                kept, was = getattr(full.scores[role], side), getattr(s, side)
                assert kept.dtype == np.float64 and np.allclose(kept, was, rtol=1e-6), (role, side)


def test_without_sample_or_error_stay_without(toy: Evaluation) -> None:
    bare = replace(toy, sample=None, sampling_seconds=None, network_evaluations=None)
    results.record(with_kid(bare, error=None, influence_fake=None, influence_real=None))
    (found,) = results.read(influences=True)
    assert found.sample is None and found.sampling_seconds is None and found.network_evaluations is None
    assert found.scores["kid"].error is None and found.scores["kid"].influence_fake is None
    assert found.scores["fd"].influence_fake is not None


def test_are_chosen_by_dataset_and_protocol_oldest_first(toy: Evaluation) -> None:
    for dataset, protocol in (("a", "p"), ("b", "p"), ("a", "q"), ("a", "p")):
        results.record(replace(toy, dataset=dataset, protocol=protocol))
    assert [e.id for e in results.read()] == [1, 2, 3, 4]
    assert [e.id for e in results.read("a")] == [1, 3, 4]
    assert [e.id for e in results.read("a", "p")] == [1, 4]
    assert [e.id for e in results.read(protocol="q")] == [3]
    assert results.read("a'; DROP TABLE scores; --") == []
    assert all(set(e.scores) == {"kid", "fd", "kid_matched"} for e in results.read("a"))


def test_an_empty_cache_has_none_and_reading_makes_no_file() -> None:
    assert results.read() == []
    assert not paths.results().exists()


def test_refusals_origin_and_intervals_come_back(toy: Evaluation) -> None:
    refused = {"fd": "FD needs at least 1280 reference images; there are 50: KID stands."}
    results.record(replace(with_kid(toy, interval=(-0.25, 0.5)), refused=refused, origin="lab-a"))
    (found,) = results.read()
    assert found.refused == refused and found.origin == "lab-a"
    assert found.scores["kid"].interval == (-0.25, 0.5) and found.scores["fd"].interval is None


def test_the_last_id_grows_with_every_row(toy: Evaluation) -> None:
    assert results.last_id() == 0 and not paths.results().exists()
    assert [results.record(toy).id, results.last_id()] == [1, 1]
    assert [results.record(toy).id, results.last_id()] == [2, 2]


def test_the_influences_of_one_role_come_for_many_at_once(toy: Evaluation) -> None:
    for seed in range(3):
        results.record(evaluation("m", draw(40, seed), real(50), matched=20))
    found = results.read()
    some = results.with_influences_of([found[2], found[0]], "kid")
    assert [e.id for e in some] == [3, 1]
    for e in some:
        full = results.with_influences(e)
        for side in ("influence_fake", "influence_real"):
            assert np.array_equal(getattr(e.scores["kid"], side), getattr(full.scores["kid"], side))
            assert getattr(e.scores["fd"], side) is None and getattr(e.scores["kid_matched"], side) is None
    assert not np.array_equal(some[0].scores["kid"].influence_fake, some[1].scores["kid"].influence_fake)  # type: ignore[arg-type]
    assert results.with_influences_of([], "kid") == []


@pytest.mark.parametrize(
    ("table", "change", "why"),
    [
        ("evaluations", "sample = '{'", "Expecting"),
        ("evaluations", 'sample = \'{"model": "m", "steps": -3}\'', "steps is -3"),
        ("evaluations", "versions = 'x'", "Expecting"),
        ("evaluations", "refused = '['", "Expecting"),
        ("terms", "body = replace(body, '\"n_fake\":40', '\"n_fake\":41')", "do not have their hash"),
        ("terms", "body = '{}'", "missing"),
        ("scores", "value = 9e999", "is inf"),
    ],
)
def test_a_damaged_row_is_one_sentence(toy: Evaluation, table: str, change: str, why: str) -> None:
    results.record(toy)
    with file.opened() as db:
        db.execute(f"DROP TRIGGER {table}_update")
        db.execute(f"UPDATE {table} SET {change}")
    with pytest.raises(
        StoreError, match=f"^Evaluation 1 in .*studio.sqlite is damaged \\(.*{why}.*\\); restore the file from a copy"
    ):
        results.read()


@pytest.mark.parametrize(
    "change",
    [
        {"value": np.nan},
        {"value": np.inf},
        {"error": np.nan},
        {"interval": (0.0, np.inf)},
        {"influence_fake": np.full(40, np.nan)},
    ],
)
def test_numbers_that_are_not_finite_are_refused(toy: Evaluation, change: dict[str, object]) -> None:
    with pytest.raises(ScoreError, match="only finite numbers are kept"):
        results.record(with_kid(toy, **change))
    assert results.read() == []


def test_a_failed_record_leaves_nothing_behind(toy: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = rows._insert_score

    def fails_late(db: sqlite3.Connection, number: int, role: str, s: object) -> None:
        insert(db, number, role, s)  # type: ignore[arg-type]
        if role == "fd":
            raise KeyboardInterrupt

    monkeypatch.setattr(rows, "_insert_score", fails_late)
    with pytest.raises(KeyboardInterrupt):
        results.record(toy)
    assert results.read() == []


@pytest.mark.parametrize("table", file.TABLES)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET rowid = rowid"])
def test_nothing_can_be_changed_or_deleted(toy: Evaluation, table: str, statement: str) -> None:
    results.record(toy)
    db = sqlite3.connect(paths.results())
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        db.execute(statement.format(table))
    db.close()


def test_the_file_keeps_the_safe_settings(toy: Evaluation) -> None:
    results.record(toy)
    with file.opened() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA user_version").fetchone() == (len(file.MIGRATIONS),)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_newer_file_is_refused_in_one_sentence(toy: Evaluation) -> None:
    results.record(toy)
    db = sqlite3.connect(paths.results())
    db.execute("PRAGMA user_version = 99")
    db.close()
    for act in (results.read, lambda: results.record(toy)):
        with pytest.raises(StoreError, match=r"newer version \(format 99, known: 2\); update"):
            act()


def test_what_is_no_database_is_told_in_one_sentence() -> None:
    paths.results().parent.mkdir(parents=True)
    paths.results().write_text("This is a text of some length, and no database at all." * 20)
    with pytest.raises(StoreError, match="studio.sqlite cannot be used"):
        results.read()


def test_a_file_of_the_first_version_is_read_on(toy: Evaluation) -> None:
    """Made by the first version's own statements, with a row as it wrote them."""
    terms = toy.scores["kid"].terms
    paths.results().parent.mkdir(parents=True)
    db = sqlite3.connect(paths.results(), isolation_level=None)
    for statement in FIRST_VERSION:
        db.execute(statement)
    db.execute("PRAGMA user_version = 1")
    db.execute("INSERT INTO terms VALUES (?, ?)", (terms.hash, canonical(asdict(terms))))
    row = (1, "2025-01-01T00:00:00+00:00", "m", "model", "d", "p", None, "f", 1.5, None, None, '{"numpy":"1"}', "command")
    db.execute(f"INSERT INTO evaluations VALUES ({', '.join('?' * len(row))})", row)
    db.execute("INSERT INTO scores VALUES (1, 'kid', 0.1, 0.01, 'small', ?)", (terms.hash,))
    db.execute("INSERT INTO influences VALUES (1, 'kid', 'fake', 2, ?)", (np.array([1, -1], "<f4").tobytes(),))
    db.close()
    (old,) = results.read(influences=True)
    assert (old.subject, old.versions, old.refused, old.origin) == ("m", {"numpy": "1"}, {}, "")
    s = old.scores["kid"]
    assert (s.value, s.error, s.band, s.interval, s.terms) == (0.1, 0.01, "small", None, terms)
    assert s.influence_fake is not None and s.influence_fake.tolist() == [1, -1]
    assert results.record(with_kid(toy, interval=(0.0, 1.0))).id == 2 and len(results.read()) == 2
    with file.opened() as db:
        assert db.execute("PRAGMA user_version").fetchone() == (len(file.MIGRATIONS),)


def test_the_first_version_stays_what_it_was() -> None:
    """Files of it are out there: its statements are never edited, only followed by others."""
    assert file.MIGRATIONS[0] == FIRST_VERSION


def test_migrations_happen_once_and_all_or_none(toy: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    results.record(toy)
    good = ("ALTER TABLE evaluations ADD COLUMN note TEXT NOT NULL DEFAULT ''",)
    first = file.MIGRATIONS
    monkeypatch.setattr(file, "MIGRATIONS", (*first, (*good, "CREATE NONSENSE")))
    with pytest.raises(StoreError):
        results.read()
    monkeypatch.setattr(file, "MIGRATIONS", (*first, good))
    assert len(results.read()) == len(results.read()) == 1
    with file.opened() as db:
        assert db.execute("SELECT note FROM evaluations").fetchall() == [("",)]


def test_many_processes_may_record_at_once(toy: Evaluation) -> None:
    """Threads with connections of their own lock each other out just as processes do."""
    threads = [threading.Thread(target=lambda: [results.record(toy) for _ in range(3)]) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    found = results.read(influences=True)
    assert [e.id for e in found] == list(range(1, 13))
    assert all(e.scores["kid"].influence_fake is not None for e in found)


def test_damaged_influences_are_not_served(toy: Evaluation) -> None:
    results.record(toy)
    db = sqlite3.connect(paths.results())
    db.execute("DROP TRIGGER influences_update")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE influences SET body = substr(body, 5)")
    db.execute("UPDATE influences SET body = CAST(? || substr(body, 5) AS BLOB)", (np.array([np.nan], "<f4").tobytes(),))
    db.commit()
    db.close()
    with pytest.raises(ScoreError, match="influences of evaluation 1 are damaged"):
        results.read(influences=True)


def test_of_ten_thousand_scores_each_terms_are_parsed_once_and_no_influence_is_read(
    toy: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    results.record(toy)
    with file.opened() as db:
        db.execute("BEGIN")
        columns = ", ".join((*rows.PLAIN, "sample", "versions"))
        many = "WITH RECURSIVE i(k) AS (SELECT 2 UNION ALL SELECT k + 1 FROM i WHERE k < 3334)"
        db.execute(f"{many} INSERT INTO evaluations (id, {columns}) SELECT k, {columns} FROM i, evaluations WHERE id = 1")
        copied = "role, value, error, band, terms"
        db.execute(f"{many} INSERT INTO scores (evaluation, {copied}) SELECT k, {copied} FROM i, scores WHERE evaluation = 1")
        db.execute(f"{many} INSERT INTO influences SELECT k, role, side, n, body FROM i, influences WHERE evaluation = 1")
        db.execute("COMMIT")
    monkeypatch.setattr(rows, "vectors", None)
    rows._terms.cache_clear()
    found = results.read()
    assert len(found) == 3334 and sum(len(e.scores) for e in found) == 10_002
    assert rows._terms.cache_info().misses == 3
    assert len({id(s.terms) for e in found for s in e.scores.values()}) == 3

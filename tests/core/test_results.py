import sqlite3
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from core import paths, results
from core.configs import SampleConfig
from core.errors import ScoreError, StoreError
from core.types import Evaluation
from tests.core.toy_evaluations import draw, evaluation, real


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


@pytest.mark.parametrize(
    "change", [{"value": np.nan}, {"value": np.inf}, {"error": np.nan}, {"influence_fake": np.full(40, np.nan)}]
)
def test_numbers_that_are_not_finite_are_refused(toy: Evaluation, change: dict[str, object]) -> None:
    with pytest.raises(ScoreError, match="only finite numbers are kept"):
        results.record(with_kid(toy, **change))
    assert results.read() == []


def test_a_failed_record_leaves_nothing_behind(toy: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = results._insert

    def fails_late(db: sqlite3.Connection, number: int, role: str, s: object) -> None:
        insert(db, number, role, s)  # type: ignore[arg-type]
        if role == "fd":
            raise KeyboardInterrupt

    monkeypatch.setattr(results, "_insert", fails_late)
    with pytest.raises(KeyboardInterrupt):
        results.record(toy)
    assert results.read() == []


@pytest.mark.parametrize("table", results.TABLES)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET rowid = rowid"])
def test_nothing_can_be_changed_or_deleted(toy: Evaluation, table: str, statement: str) -> None:
    results.record(toy)
    db = sqlite3.connect(paths.results())
    with pytest.raises(sqlite3.IntegrityError, match="append only"):
        db.execute(statement.format(table))
    db.close()


def test_the_file_keeps_the_safe_settings(toy: Evaluation) -> None:
    results.record(toy)
    with results._open() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.execute("PRAGMA user_version").fetchone() == (len(results.MIGRATIONS),)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_newer_file_is_refused_in_one_sentence(toy: Evaluation) -> None:
    results.record(toy)
    db = sqlite3.connect(paths.results())
    db.execute("PRAGMA user_version = 99")
    db.close()
    for act in (results.read, lambda: results.record(toy)):
        with pytest.raises(StoreError, match=r"newer version \(format 99, known: 1\); update"):
            act()


def test_what_is_no_database_is_told_in_one_sentence() -> None:
    paths.results().parent.mkdir(parents=True)
    paths.results().write_text("This is a text of some length, and no database at all." * 20)
    with pytest.raises(StoreError, match="studio.sqlite cannot be used"):
        results.read()


def test_migrations_happen_once_and_all_or_none(toy: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    results.record(toy)
    good = ("ALTER TABLE evaluations ADD COLUMN note TEXT NOT NULL DEFAULT ''",)
    first = results.MIGRATIONS
    monkeypatch.setattr(results, "MIGRATIONS", (*first, (*good, "CREATE NONSENSE")))
    with pytest.raises(StoreError):
        results.read()
    monkeypatch.setattr(results, "MIGRATIONS", (*first, good))
    assert len(results.read()) == len(results.read()) == 1
    with results._open() as db:
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


def test_ten_thousand_scores_are_read_quickly(toy: Evaluation) -> None:
    results.record(toy)
    with results._open() as db:
        db.execute("BEGIN")
        columns = ", ".join((*results.PLAIN, "sample", "versions"))
        many = "WITH RECURSIVE i(k) AS (SELECT 2 UNION ALL SELECT k + 1 FROM i WHERE k < 3334)"
        db.execute(f"{many} INSERT INTO evaluations (id, {columns}) SELECT k, {columns} FROM i, evaluations WHERE id = 1")
        copied = "role, value, error, band, terms"
        db.execute(f"{many} INSERT INTO scores (evaluation, {copied}) SELECT k, {copied} FROM i, scores WHERE evaluation = 1")
        db.execute(f"{many} INSERT INTO influences SELECT k, role, side, n, body FROM i, influences WHERE evaluation = 1")
        db.execute("COMMIT")
    started = time.perf_counter()
    found = results.read()
    hashes = {s.terms.hash for e in found for s in e.scores.values()}
    assert len(found) == 3334 and len(hashes) == 3
    assert time.perf_counter() - started < 2

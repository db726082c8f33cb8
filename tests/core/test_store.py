import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from core import paths, store
from core.errors import StoreError
from core.types import Arrays

RECIPE = {"of": "abc", "size": 32}
ARRAYS = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.array([1, 2], dtype=np.int64)}


class Counted:
    """Computes ARRAYS and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Arrays:
        self.calls += 1
        return ARRAYS


def entry(kind: str = "things") -> Path:
    return paths.store(kind) / store.key(kind, RECIPE)


def test_the_same_recipe_is_computed_once() -> None:
    compute = Counted()
    for _ in range(3):
        got = store.get_or_compute("things", RECIPE, compute)
    assert compute.calls == 1
    assert all(np.array_equal(got[k], ARRAYS[k]) and got[k].dtype == ARRAYS[k].dtype for k in ARRAYS)


def test_the_order_of_a_recipe_does_not_matter_and_its_content_does() -> None:
    assert store.key("k", {"a": 1, "b": 2}) == store.key("k", {"b": 2, "a": 1})
    assert len({store.key("k", {"a": 1}), store.key("k", {"a": 2}), store.key("j", {"a": 1})}) == 3


def test_what_is_served_cannot_be_written_to() -> None:
    got = store.get_or_compute("things", RECIPE, Counted())
    with pytest.raises(ValueError, match="read-only"):
        got["a"][0, 0] = 1


def test_nothing_is_served_before_it_is_computed() -> None:
    assert store.get("things", RECIPE) is None and not store.has("things", RECIPE)


@pytest.mark.parametrize("at", range(0, 176, 7))
def test_a_flipped_bit_anywhere_is_recomputed_with_a_warning(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Counted()
    store.get_or_compute("things", RECIPE, compute)
    file = entry() / "a.npy"
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(bytes(content))
    monkeypatch.setattr(store, "_checked", set())
    with pytest.warns(UserWarning, match="damaged cache entry"):
        got = store.get_or_compute("things", RECIPE, compute)
    assert compute.calls == 2 and np.array_equal(got["a"], ARRAYS["a"])
    assert len(list(paths.damaged().iterdir())) == 1


@pytest.mark.parametrize("damage", ["truncate", "remove", "foreign", "no entry", "torn entry"])
def test_a_damaged_entry_is_set_aside_and_made_again(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compute = Counted()
    store.get_or_compute("things", RECIPE, compute)
    file, card = entry() / "a.npy", entry() / "entry.json"
    {
        "truncate": lambda: file.write_bytes(file.read_bytes()[:-1]),
        "remove": file.unlink,
        "foreign": lambda: file.write_text("hello"),
        "no entry": card.unlink,
        "torn entry": lambda: card.write_text(card.read_text()[:20]),
    }[damage]()
    monkeypatch.setattr(store, "_checked", set())
    with pytest.warns(UserWarning, match="damaged cache entry"):
        got = store.get_or_compute("things", RECIPE, compute)
    assert compute.calls == 2 and np.array_equal(got["a"], ARRAYS["a"])


def test_an_interrupted_computation_leaves_nothing() -> None:
    def broken() -> Arrays:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.get_or_compute("things", RECIPE, broken)
    assert store.get("things", RECIPE) is None
    assert [p for p in paths.store("things").iterdir() if p.suffix != ".lock"] == []


def test_an_interrupted_write_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        store.get_or_compute("things", RECIPE, Counted())
    assert [p for p in paths.store("things").iterdir() if p.suffix != ".lock"] == []


def in_the_way(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("no folder")
    return path


@pytest.mark.parametrize("name", ["store", "store/things"])
def test_a_file_where_a_folder_belongs_is_one_sentence(name: str) -> None:
    in_the_way(paths.cache() / name)
    with pytest.raises(StoreError, match=r"cannot be written \(.*store/things\); make room, take away"):
        store.get_or_compute("things", RECIPE, Counted())
    with pytest.raises(StoreError, match=r"cannot be written \(.*store/things\)"), store.lock("things", RECIPE):
        pytest.fail("it was locked")


def test_a_lock_or_an_entry_that_something_else_stands_for_is_one_sentence() -> None:
    in_the_way(entry())
    with pytest.raises(StoreError, match="cannot be written"):
        store.get_or_compute("things", RECIPE, Counted())
    (entry().parent / f"{entry().name}.lock").unlink()
    (entry().parent / f"{entry().name}.lock").mkdir()
    with pytest.raises(StoreError, match=r"cannot be written \(.*\.lock\)"), store.lock("things", RECIPE):
        pytest.fail("it was locked")


def test_a_damaged_entry_that_cannot_be_set_aside_is_one_sentence() -> None:
    store.get_or_compute("things", RECIPE, Counted())
    (entry() / "entry.json").write_text("torn")
    in_the_way(paths.damaged())
    with pytest.raises(StoreError, match=r"cannot be written \(.*store/damaged\)"):
        store.get("things", RECIPE)


@pytest.mark.parametrize("kind", [PermissionError, NotADirectoryError, FileExistsError])
def test_what_the_computing_meets_elsewhere_is_no_error_of_the_cache(kind: type[OSError], tmp_path: Path) -> None:
    error = kind({PermissionError: 13, NotADirectoryError: 20, FileExistsError: 17}[kind], "no", str(tmp_path / "photo.png"))

    def broken() -> Arrays:
        raise error

    with pytest.raises(kind) as caught:
        store.get_or_compute("things", RECIPE, broken)
    assert caught.value is error and not list(paths.store("things").glob(".*"))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied", "scratch")])
def test_what_the_computing_cannot_write_into_the_cache_is(error: OSError) -> None:
    def full() -> Arrays:
        if error.filename:
            error.filename = str(paths.cache() / error.filename)
        raise error

    with pytest.raises(StoreError, match="No space left|Permission denied: .*scratch"):
        store.get_or_compute("things", RECIPE, full)


def test_a_lock_is_free_again_after_an_error() -> None:
    with pytest.raises(KeyError), store.lock("things", RECIPE):
        raise KeyError
    held = threading.Event()

    def take() -> None:
        with store.lock("things", RECIPE):
            held.set()

    threading.Thread(target=take, daemon=True).start()
    assert held.wait(10)


def test_two_threads_do_the_work_once() -> None:
    compute = Counted()
    threads = [threading.Thread(target=store.get_or_compute, args=("things", RECIPE, compute)) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert compute.calls == 1


def test_two_processes_do_the_work_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"""
import time
import numpy as np
from core import store
def compute():
    with open({str(log)!r}, "a") as f:
        f.write("x")
    time.sleep(0.3)
    return {{"a": np.zeros(3)}}
store.get_or_compute("things", {json.dumps(RECIPE)}, compute)
"""
    running = [subprocess.Popen([sys.executable, "-c", code], cwd=paths.PROJECT) for _ in range(3)]
    assert [p.wait(60) for p in running] == [0, 0, 0]
    assert log.read_text() == "x"


def test_text_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    store.replace_text(file, "old")
    store.replace_text(file, "new")
    assert file.read_text() == "new" and list(tmp_path.iterdir()) == [file]

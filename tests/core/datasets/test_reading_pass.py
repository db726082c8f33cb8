"""One pass over many files: in processes, in order, and going on where it was stopped."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.datasets import files, reading, reading_pass
from core.datasets.reading_pass import How, Pass
from core.types import silent
from tests.core.datasets.files import photos


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[files.File]:
    """23 pictures and one file that is none, read in parts of 5."""
    monkeypatch.setattr(reading_pass, "PART", 5)
    (photos(tmp_path / "wood", 23) / "ash" / "bad.png").write_bytes(b"")
    return files.listed(tmp_path / "wood")


def images(seen: Pass) -> np.ndarray:
    return np.concatenate(list(reading_pass.images_of(seen, np.arange(len(seen)), 8, 4)))


def one_by_one(found: Sequence[files.File]) -> np.ndarray:
    read = [reading.read(Path(f.place), 8) for f in found]
    return np.stack([r.pixels for r in read if not isinstance(r, str)])


def test_a_pass_gives_what_reading_one_by_one_gives(found: list[files.File], tmp_path: Path) -> None:
    seen = reading_pass.read_all(found, How(8), tmp_path, silent)
    assert np.array_equal(images(seen), one_by_one(found)) and len(seen) == 23
    assert [found[p].name for p in seen.places] == [f.name for f in found if f.name != "ash/bad.png"]
    assert seen.skipped == [("ash/bad.png", "empty file")] and set(map(tuple, seen.sizes.tolist())) == {(9, 12)}


def test_processes_give_the_same_as_threads(found: list[files.File], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "threads").mkdir()
    (tmp_path / "processes").mkdir()
    threads = reading_pass.read_all(found, How(8), tmp_path / "threads", silent)
    monkeypatch.setattr(reading_pass, "FEW", 1)
    processes = reading_pass.read_all(found, How(8), tmp_path / "processes", silent)
    assert threads.pixels.read_bytes() == processes.pixels.read_bytes() and threads.skipped == processes.skipped
    assert all(np.array_equal(getattr(threads, k), getattr(processes, k)) for k in ("places", "sha256", "sizes"))


@pytest.mark.parametrize("harm", ["none", "half a line", "half an image", "a flipped bit", "no pixels"])
def test_a_stopped_pass_goes_on_with_what_is_whole(
    found: list[files.File], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    class Stopped(Exception):
        pass

    def stop(done: int, total: int, note: str) -> None:
        if done >= 15:
            raise Stopped

    with pytest.raises(Stopped):
        reading_pass.read_all(found, How(8), tmp_path, stop)
    journal, pixels = tmp_path / "journal.jsonl", tmp_path / "pixels.u8"
    if harm == "half a line":
        journal.write_bytes(journal.read_bytes()[:-20])
    elif harm == "half an image":
        pixels.write_bytes(pixels.read_bytes()[:-100])
    elif harm == "a flipped bit":
        data = bytearray(pixels.read_bytes())
        data[0] ^= 1
        pixels.write_bytes(data)
    elif harm == "no pixels":
        pixels.unlink()
    opened: list[str] = []
    plain = files.content
    monkeypatch.setattr(reading_pass.files, "content", lambda f: opened.append(f.name) or plain(f))
    seen = reading_pass.read_all(found, How(8), tmp_path, silent)
    monkeypatch.undo()
    assert np.array_equal(images(seen), one_by_one(found))
    assert len(opened) == {"none": 9, "half a line": 14, "half an image": 14}.get(harm, 24)

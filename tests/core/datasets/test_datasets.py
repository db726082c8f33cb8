"""The road from a folder of photos to a split, and the procedural sets beside it."""

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import datasets, paths
from core.configs import AddConfig, PrepareConfig
from core.datasets import files, procedural, reading_pass
from core.errors import ConfigError, DataError
from core.types import ImageSet
from tests.core.datasets.files import colours, encoded, photos, png

SPLITS = ("train", "val", "test")


@pytest.fixture
def wood(tmp_path: Path) -> Path:
    """20 photos in two class folders, registered as "wood"."""
    folder = photos(tmp_path / "wood")
    datasets.add(AddConfig(str(folder), name="wood"))
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are opened, in order."""
    opened: list[Path] = []
    plain = files.content

    def noted(file: files.File) -> bytes | str:
        opened.append(Path(file.place))
        return plain(file)

    monkeypatch.setattr(reading_pass.files, "content", noted)
    return opened


def pixels(images: ImageSet) -> set[bytes]:
    return {image.tobytes() for image in images.images}


def fingerprints(name: str) -> list[str]:
    return [datasets.load(name, s, size=8).fingerprint for s in SPLITS]


def ready(name: str) -> None:
    datasets.prepare(PrepareConfig(name, size=8))


# ------------------------------------------------------------------------------------------------------------- add


def test_adding_needs_a_folder_with_images(tmp_path: Path) -> None:
    (tmp_path / "empty" / ".hidden").mkdir(parents=True)
    (tmp_path / "empty" / "notes.txt").write_text("no image")
    (tmp_path / "empty" / ".hidden" / "x.png").write_bytes(png(0))
    for source, sentence in (
        (tmp_path / "nowhere", "There is no folder"),
        (tmp_path / "empty", "No image lies in"),
        (tmp_path / "empty" / "notes.txt", "is a file; needed: the folder"),
        (tmp_path / "photos.zip", "There is no folder"),
        ("", "No folder was named"),
    ):
        with pytest.raises(DataError, match=sentence):
            datasets.add(AddConfig(str(source), name="some"))
    assert [c.name for c in datasets.cards()] == ["petals", "faces"] and not paths.dataset("some").exists()


def test_a_name_means_one_folder(tmp_path: Path, wood: Path) -> None:
    other = photos(tmp_path / "other", 6)
    with pytest.raises(DataError, match="'wood' is taken by"):
        datasets.add(AddConfig(str(other), name="wood"))
    with pytest.raises(DataError, match="built-in"):
        datasets.add(AddConfig(str(other), name="Petals"))
    with pytest.raises(ConfigError, match="cannot be a data set name"):
        datasets.add(AddConfig(str(other), name="../up"))
    assert datasets.add(AddConfig(str(wood / "ash" / ".."), name="wood")).source == str(wood)


def test_a_name_that_nothing_has_is_answered_with_the_known_ones(wood: Path) -> None:
    for ask in (datasets.card, ready, datasets.show, lambda name: datasets.load(name, "train")):
        with pytest.raises(DataError, match="no data set named 'woood'; known: faces, petals, wood"):
            ask("woood")
    with pytest.raises(DataError, match="no split named 'all'; known: test, train, val"):
        datasets.load("wood", "all")
    with pytest.raises(ConfigError, match="size is 4000"):
        datasets.card("wood", 4000)


def test_a_damaged_card_is_left_out_with_a_warning_and_named_when_asked_for(wood: Path) -> None:
    (paths.dataset("wood") / "card.json").write_text("{")
    assert [c.name for c in datasets.cards()] == ["petals", "faces"]
    assert len(datasets.damaged()) == 1 and "card.json is damaged" in datasets.damaged()[0]
    with pytest.raises(DataError, match="card.json is damaged"):
        datasets.card("wood")


# --------------------------------------------------------------------------------------------------------- prepare


def test_a_folder_becomes_three_splits_with_labels(wood: Path) -> None:
    before = datasets.card("wood", 8)
    told: list[tuple[int, int]] = []
    card = datasets.prepare(PrepareConfig("wood", size=8), lambda done, total, note: told.append((done, total)))
    assert (before.prepared, before.n, card.prepared, card.n) == (False, 0, True, 20)
    assert list(card.splits.items()) == [("train", 16), ("val", 2), ("test", 2)] and card.classes == ("ash", "oak")
    assert told[-1] == (20, 20)
    sets = [datasets.load("wood", s, size=8) for s in SPLITS]
    assert all(s.images.shape[1:] == (8, 8, 3) and s.labels is not None and s.labels.dtype == np.int64 for s in sets)
    assert len(set.union(*map(pixels, sets))) == 20
    assert isinstance(sets[0].images, np.memmap) and not sets[0].images.flags.writeable


def test_labels_follow_their_images(tmp_path: Path) -> None:
    for name, colour in (("a red", (200, 0, 0)), ("b blau", (0, 0, 200)), ("c grün", (0, 200, 0))):
        deep = tmp_path / "tones" / name / "deep" / "er"
        deep.mkdir(parents=True)
        for i in range(8):
            tone = tuple(min(255, c + i) for c in colour)
            (deep / f"Bild {i} ä.PNG").write_bytes(encoded(Image.new("RGB", (9, 9), tone), "PNG"))
    datasets.add(AddConfig(str(tmp_path / "tones"), name="tones"))
    for split in SPLITS:
        images = datasets.load("tones", split, size=8)
        strongest = images.images.mean(axis=(1, 2)).argmax(axis=1)
        assert images.labels is not None and np.array_equal(np.array([0, 2, 1])[images.labels], strongest)
    assert datasets.card("tones", 8).classes == ("a red", "b blau", "c grün")


def test_images_that_lie_in_no_folder_have_no_labels(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    for i in range(10):
        (tmp_path / "flat" / f"{i}.png").write_bytes(png(i))
    datasets.add(AddConfig(str(tmp_path / "flat"), name="flat"))
    assert datasets.load("flat", "train", size=8).labels is None and datasets.card("flat", 8).classes == ()


def test_preparing_twice_reads_nothing_twice(wood: Path, read: list[Path]) -> None:
    ready("wood")
    assert len(read) == len(set(read)) == 20
    ready("wood")
    datasets.load("wood", "train", size=8)
    assert len(read) == 20
    datasets.prepare(PrepareConfig("wood", size=9))
    assert len(read) == 40


def test_two_at_once_do_the_work_once(wood: Path, read: list[Path]) -> None:
    both = [threading.Thread(target=ready, args=("wood",)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(read) == 20 and datasets.card("wood", 8).prepared


def test_renaming_and_moving_photos_changes_no_split(tmp_path: Path, wood: Path) -> None:
    ready("wood")
    before, recipe = fingerprints("wood"), datasets.card("wood", 8).recipe
    for i, file in enumerate(sorted(wood.glob("*/*.png"))):
        (tmp_path / "moved" / str(i % 3)).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "moved" / str(i % 3) / f"{99 - i}.PNG")
    datasets.add(AddConfig(str(tmp_path / "moved"), name="moved"))
    assert fingerprints("moved") == before and datasets.card("moved", 8).recipe == recipe
    assert str(tmp_path) not in json.dumps(recipe)


def test_copies_lie_in_one_split_and_are_counted(tmp_path: Path, wood: Path) -> None:
    for i, file in enumerate(sorted(wood.glob("ash/*.png"))[:5]):
        shutil.copy(file, wood / ("oak" if i < 2 else "ash") / f"copy {i}.png")
    ready("wood")
    parts = [pixels(datasets.load("wood", s, size=8)) for s in SPLITS]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 20
    shown = datasets.show("wood", 8)
    assert (shown["n"], shown["duplicates"], shown["duplicates_across_classes"]) == (25, 5, 2)


def test_damaged_files_are_listed_with_their_reason_and_skipped(wood: Path) -> None:
    jpeg = encoded(Image.fromarray(colours(50, 64, 64)), "JPEG")
    (wood / "ash" / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (wood / "ash" / "diary.png").write_text("dear diary")
    (wood / "oak" / "nothing.webp").write_bytes(b"")
    (wood / "oak" / "list.txt").write_text("no image, and nobody says so")
    (wood / ".DS_Store").write_bytes(b"x")
    ready("wood")
    reasons = dict(datasets.card("wood", 8).skipped)
    assert list(reasons) == ["ash/cut.jpg", "ash/diary.png", "oak/nothing.webp"]
    assert reasons["ash/cut.jpg"].startswith("damaged")
    assert reasons["ash/diary.png"].startswith("not a PNG") and reasons["oak/nothing.webp"] == "empty file"
    assert datasets.card("wood", 8).n == 20


def test_pillows_warnings_do_not_stop_the_work(wood: Path) -> None:
    palette = Image.new("P", (9, 9))
    palette.putpalette([1, 2, 3, 4, 5, 6])
    (wood / "ash" / "half.png").write_bytes(encoded(palette, "PNG", transparency=b"\x80\xff"))
    (wood / "ash" / "bomb.png").write_bytes(encoded(Image.new("1", (9600, 9600)), "PNG"))
    ready("wood")
    card = datasets.card("wood", 8)
    assert card.n == 21 and card.skipped == (("ash/bomb.png", "9600 x 9600 pixels; at most 4096 a side are read"),)


def test_nothing_readable_is_one_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    for i in range(3):
        (tmp_path / "bad" / f"{i}.jpg").write_text("no")
    datasets.add(AddConfig(str(tmp_path / "bad"), name="bad"))
    with pytest.raises(DataError, match="None of the 3 image files in .* can be read; the first is 0.jpg: not a PNG"):
        ready("bad")
    assert [p.suffix for p in paths.store("datasets").iterdir()] == [".lock"]
    assert not datasets.card("bad", 8).prepared


def test_too_few_photos_for_three_splits_are_refused(tmp_path: Path) -> None:
    datasets.add(AddConfig(str(photos(tmp_path / "few", 5)), name="few"))
    with pytest.raises(DataError, match="has 5 readable images, 5 of them different; needed: at least 6"):
        ready("few")


def test_linked_folders_are_read_once_even_in_circles(wood: Path, tmp_path: Path) -> None:
    try:
        (wood / "elm").symlink_to(photos(tmp_path / "far", 4, ("x",)) / "x", target_is_directory=True)
        (wood / "oak" / "again").symlink_to(wood, target_is_directory=True)
    except OSError:
        pytest.skip("links are not allowed here")
    ready("wood")
    assert datasets.card("wood", 8).n == 24 and datasets.card("wood", 8).classes == ("ash", "elm", "oak")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
def test_file_names_that_are_no_text_can_be_read_and_reported(wood: Path) -> None:
    ash = os.fsencode(wood / "ash")
    Path(os.fsdecode(ash + b"/\xff good.png")).write_bytes(png(77))
    Path(os.fsdecode(ash + b"/\xff bad.png")).write_bytes(b"")
    ready("wood")
    card = datasets.card("wood", 8)
    assert card.n == 21 and card.skipped == (("ash/\ufffd bad.png", "empty file"),)


# -------------------------------------------------------------------------------------- later: changes and losses


def test_a_changed_folder_is_prepared_again_when_asked(wood: Path) -> None:
    ready("wood")
    before = fingerprints("wood")
    (wood / "ash" / "new.png").write_bytes(png(99))
    assert fingerprints("wood") == before  # what was prepared stands until it is prepared again
    ready("wood")
    assert datasets.card("wood", 8).n == 21 and fingerprints("wood") != before


def test_a_deleted_store_is_filled_again_with_the_same_images(wood: Path, cache: Path) -> None:
    ready("wood")
    before, recipe = fingerprints("wood"), datasets.card("wood", 8).recipe
    shutil.rmtree(cache / "store")
    card = datasets.card("wood", 8)
    assert not card.prepared and card.n == 20 and card.recipe == recipe
    assert fingerprints("wood") == before and datasets.card("wood", 8).prepared


def test_a_deleted_store_of_a_changed_or_missing_folder_is_said(wood: Path, cache: Path) -> None:
    ready("wood")
    shutil.rmtree(cache / "store")
    (wood / "ash" / "new.png").write_bytes(png(99))
    with pytest.raises(
        DataError, match="have changed since 'wood' was prepared; run: python -m core datasets prepare wood --size 8"
    ):
        datasets.load("wood", "train", size=8)
    shutil.rmtree(wood)
    with pytest.raises(DataError, match="There is no folder"):
        datasets.load("wood", "train", size=8)


def test_a_prepared_set_outlives_its_photos(wood: Path) -> None:
    ready("wood")
    before = fingerprints("wood")
    shutil.rmtree(wood)
    assert fingerprints("wood") == before and datasets.show("wood", 8)["n"] == 20


def test_a_lost_record_is_written_again_without_reading_photos(wood: Path, read: list[Path]) -> None:
    ready("wood")
    before = datasets.card("wood", 8)
    (paths.dataset("wood") / "prepared-8.json").write_text("")
    assert not datasets.card("wood", 8).prepared
    ready("wood")
    assert datasets.card("wood", 8) == before and len(read) == 20


def test_a_damaged_array_is_never_served(wood: Path) -> None:
    ready("wood")
    before = fingerprints("wood")
    file = next(paths.store("datasets").glob("*/images_train.npy"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.warns(UserWarning, match="damaged cache entry"):
        assert fingerprints("wood") == before


# ------------------------------------------------------------------------------------------------- show, folders


def test_show_tells_sizes_counts_and_skipped_files_as_plain_data(wood: Path) -> None:
    (wood / "ash" / "tall.png").write_bytes(encoded(Image.fromarray(colours(60, 40, 10)), "PNG"))
    (wood / "ash" / "bad.png").write_bytes(b"")
    shown = json.loads(json.dumps(datasets.show("wood", 8)))
    assert shown["original_size"] == {
        "height": {"min": 9, "median": 9, "max": 40},
        "width": {"min": 10, "median": 12, "max": 12},
    }
    assert shown["n"] == 21 == sum(shown["splits"].values())
    assert {c: sum(counts.values()) for c, counts in shown["classes"].items()} == {"ash": 11, "oak": 10}
    assert shown["skipped"] == [{"file": "ash/bad.png", "reason": "empty file"}] and shown["seconds"] >= 0


def test_a_folder_is_read_as_it_is_in_the_order_of_its_names(tmp_path: Path, read: list[Path]) -> None:
    for i in range(12):
        (tmp_path / "drawn").mkdir(exist_ok=True)
        (tmp_path / "drawn" / f"{i:03}.png").write_bytes(encoded(Image.new("RGB", (8, 8), (i, 0, 0)), "PNG"))
    images = datasets.read_folder(tmp_path / "drawn", size=8)
    assert images.images[:, 0, 0, 0].tolist() == list(range(12))
    assert (images.name, images.split, images.origin, images.labels) == ("drawn", "all", "folder", None)
    assert np.array_equal(datasets.read_folder(str(tmp_path / "drawn"), size=8).images, images.images) and len(read) == 12


def test_a_folder_of_generated_images_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        datasets.read_folder(tmp_path / "nowhere")
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match="None of the 1 image files"):
        datasets.read_folder(tmp_path)


def test_a_folder_with_one_unreadable_file_is_refused_not_scored_on_the_rest(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(encoded(Image.new("RGB", (8, 8), (i, 0, 0)), "PNG") if i else b"")
    with pytest.raises(DataError, match="1 of the 3 images .* the first being 0.png"):
        datasets.read_folder(tmp_path)


def test_a_damaged_record_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.png").write_bytes(encoded(Image.new("RGB", (8, 8)), "PNG"))
    datasets.add(AddConfig(str(tmp_path / "p"), name="p"))
    for content in ('{"key": {}, "facts": {}}', '{"key": {"a": 1}, "facts": [1]}', "[]"):
        (paths.dataset("p") / "prepared-32.json").write_text(content)
        assert not datasets.card("p").prepared and [c.name for c in datasets.cards()] == ["petals", "faces", "p"]


def test_two_folders_that_look_alike_from_outside_are_told_apart(tmp_path: Path) -> None:
    for name, level in (("one", 10), ("two", 20)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.bmp").write_bytes(encoded(Image.new("RGB", (8, 8), (level, 0, 0)), "BMP"))
        os.utime(tmp_path / name / "0.bmp", (0, 0))
    assert [int(datasets.read_folder(tmp_path / n, size=8).images[0, 0, 0, 0]) for n in ("one", "two")] == [10, 20]


# ------------------------------------------------------------------------------------------------------ procedural


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(procedural, "SIZES", {"train": 40, "val": 5, "test": 5})


def test_petals_are_prepared_once_and_divided_in_their_order(few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    p = datasets.DATASETS["petals"]
    assert not datasets.card("petals", 8).prepared
    told: list[tuple[int, int]] = []
    card = datasets.prepare(PrepareConfig("petals", size=8), lambda done, total, note: told.append((done, total)))
    assert card.prepared and card.n == 50 and "procedural" in card.label and card.source == "procedural" and told[-1] == (50, 50)
    images, labels = p.draw(0, np.arange(50), 8)

    def again(seed: int, indices: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("drawn twice")

    monkeypatch.setitem(datasets.DATASETS, "petals", replace(p, draw=again))
    train, test = datasets.load("petals", "train", size=8), datasets.load("petals", "test", size=8)
    assert np.array_equal(train.images, images[:40]) and np.array_equal(test.images, images[45:])
    assert train.labels is not None and np.array_equal(train.labels, labels[:40])
    shown = datasets.show("petals", 8)
    assert sum(sum(c.values()) for c in shown["classes"].values()) == 50 and shown["duplicates"] == 0


def test_fresh_petals_follow_those_of_the_splits_and_more_extend_them(few: None) -> None:
    some = datasets.heldout("petals", 3, size=8)
    images, labels = datasets.DATASETS["petals"].draw(0, np.arange(50, 350), 8)
    assert np.array_equal(some.images, images[:3]) and some.labels is not None and np.array_equal(some.labels, labels[:3])
    assert np.array_equal(datasets.heldout("petals", 300, size=8).images, images)


def test_a_folders_heldout_images_are_its_whole_test_split(wood: Path) -> None:
    assert datasets.heldout("wood", 1, size=8).fingerprint == datasets.load("wood", "test", size=8).fingerprint


def test_the_usual_sizes_of_petals() -> None:
    card = datasets.card("petals")
    assert (card.n, dict(card.splits)) == (8000, {"train": 6400, "val": 800, "test": 800}) and len(card.classes) == 6


def test_data_sets_need_no_torch() -> None:
    heavy = "('torch', 'torchvision', 'lightning', 'diffusers')"
    code = f"import sys, core.datasets, core.pixels; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=paths.PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Where a data set's files may come from, and which of them it takes into which split."""

import csv
import os
import shutil
import struct
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import datasets, paths
from core.configs import AddConfig, PrepareConfig
from core.datasets import files, streams
from core.errors import ConfigError, DataError
from core.types import digest
from tests.core.datasets.files import colours, encoded, photos, png

SPLITS = ("train", "val", "test")


def ready(source: Path, name: str, **knobs: object) -> datasets.DatasetCard:
    datasets.add(AddConfig(str(source), name, **knobs))  # type: ignore[arg-type]
    return datasets.prepare(PrepareConfig(name, size=8))


def zipped(folder: Path, archive: Path, under: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as z:
        for file in sorted(folder.rglob("*.*")):
            z.write(file, under + file.relative_to(folder).as_posix())
    return archive


def names(name: str, split: str) -> set[str]:
    known = datasets.of_files(name, split, size=8)
    assert known is not None
    return {n.decode() for n in known.names}


# ------------------------------------------------------------------------------------------------------------- zip


def test_an_archive_is_read_as_the_folder_in_it_would_be(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood")
    folder, archive = ready(wood, "folder"), ready(zipped(wood, tmp_path / "wood.zip", "wood/"), "archive")
    assert (archive.n, archive.classes, dict(archive.splits)) == (20, ("ash", "oak"), dict(folder.splits))
    assert archive.recipe == folder.recipe
    for split in SPLITS:
        a, b = (datasets.load(name, split, size=8) for name in ("archive", "folder"))
        assert a.fingerprint == b.fingerprint and np.array_equal(a.labels, b.labels)
    file, data = datasets.original("archive", "train", 0, size=8)
    assert (tmp_path / file).read_bytes() == data
    assert not list(paths.cache().rglob("*.png"))


def test_a_generated_set_may_be_an_archive(tmp_path: Path) -> None:
    archive = zipped(photos(tmp_path / "drawn", 6), tmp_path / "drawn.zip")
    assert len(datasets.read_folder(archive, size=8)) == datasets.folder_count(archive) == 6
    assert datasets.folder_side(archive, 64) is None


def test_what_macos_and_a_stranger_put_into_archives_is_left_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as z:
        for i in range(8):
            z.writestr(f"a/{i}.png", png(i))
            z.writestr(f"__MACOSX/a/._{i}.png", b"x")
        z.writestr("../outside.png", png(20))
        z.writestr("/etc/absolute.png", png(21))
        z.writestr("a/folder.png/", b"")
    assert ready(tmp_path / "odd.zip", "odd").n == 9
    assert "/etc/absolute.png" in set.union(*(names("odd", s) for s in SPLITS))
    assert not (tmp_path / "outside.png").exists()


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_whose_packing_is_damaged_are_skipped(packing: int, tmp_path: Path) -> None:
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w", packing) as z:
        for i in range(12):
            z.writestr(f"{i:02}.png", png(i))
    data = bytearray(archive.read_bytes())
    with zipfile.ZipFile(archive) as z:
        infos = z.infolist()
    for k, info in enumerate(infos[:4]):
        begin = info.header_offset + 30 + len(info.filename)
        # Its beginning, its middle, all of it, and its own header.
        spoilt = (slice(begin, begin + 9), slice(begin + 20, begin + 30), slice(begin, begin + info.compress_size))
        where = spoilt[k] if k < 3 else slice(info.header_offset, info.header_offset + 4)
        data[where] = bytes([0xFF]) * (where.stop - where.start)
    archive.write_bytes(data)
    card = ready(archive, "packed")
    assert card.n == 8 and {file for file, _ in card.skipped} == {"00.png", "01.png", "02.png", "03.png"}
    assert all(reason for _, reason in card.skipped)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_an_archive_that_was_read_before_is_read_rightly_by_forked_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.datasets.reading_pass.FEW", 10)
    archive = zipped(photos(tmp_path / "wood", 400), tmp_path / "wood.zip")
    assert datasets.folder_side(archive, 64) is None
    assert len(datasets.read_folder(archive, size=8)) == 400


def test_a_link_that_leads_to_itself_is_skipped_and_stops_nothing(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood", 8)
    for name in ("self.jpg", "folder"):
        try:
            (wood / name).symlink_to(name)
        except OSError:
            pytest.skip("links are not allowed here")
    card = ready(wood, "wood")
    assert card.n == 8 and [file for file, _ in card.skipped] == ["self.jpg"] and "cannot be opened" in card.skipped[0][1]


def test_a_split_without_training_images_is_told(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood", 8)
    names_ = sorted(p.relative_to(wood).as_posix() for p in wood.rglob("*.png"))
    lists = tmp_path / "s.csv"
    lists.write_text("file,split\n" + "".join(f"{n},{'val' if i % 2 else 'test'}\n" for i, n in enumerate(names_)))
    with pytest.raises(DataError, match="has no readable image in its training split; needed: at least one in train"):
        ready(wood, "wood", split_file=str(lists))


def test_a_number_of_images_without_a_subset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="n is 100 and all images are asked for; choose --subset first or random"):
        datasets.add(AddConfig(str(photos(tmp_path / "wood", 8)), "wood", n=100))


def test_what_was_left_half_made_of_a_changed_folder_is_taken_away_later(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood", 8)
    ready(wood, "wood")
    source = digest("wood 8")[:16]
    old, other = (paths.store("datasets") / f".scratch-{name}-key" for name in (source, "other"))
    for folder in (old, other):
        folder.mkdir()
        (folder / "pixels.u8").write_bytes(b"x")
    new = paths.store("datasets") / f".scratch-{source}-new"
    new.mkdir()
    (new / "pixels.u8").write_bytes(b"x")
    hours_ago = time.time() - 2 * streams.STALE
    for file in (old / "pixels.u8", old, other / "pixels.u8", other):
        os.utime(file, (hours_ago, hours_ago))
    next(wood.rglob("*.png")).unlink()
    ready(wood, "wood")
    assert not old.exists() and new.exists() and other.exists()


def test_damaged_and_locked_members_are_skipped_with_their_reason(tmp_path: Path) -> None:
    archive = zipped(photos(tmp_path / "wood", 8), tmp_path / "wood.zip")
    data = bytearray(archive.read_bytes())
    data[data.index(b"IDAT")] ^= 1  # its checksum in the archive no longer fits
    # An encrypted member: the flag in its own header and in the archive's table.
    at = data.rindex(b"PK\x03\x04"), data.rindex(b"PK\x01\x02")
    data[at[0] + 6] |= 1
    data[at[1] + 8] |= 1
    archive.write_bytes(data)
    card = ready(archive, "wood")
    assert card.n == 6 and len(card.skipped) == 2
    assert any("CRC" in r for _, r in card.skipped) and any("encrypted" in r for _, r in card.skipped)


def test_archives_that_are_none_or_lie_are_refused(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"PK no")
    with pytest.raises(DataError, match="not a readable zip archive"):
        datasets.add(AddConfig(str(tmp_path / "no.zip"), "no"))
    archive = zipped(photos(tmp_path / "wood", 8), tmp_path / "wood.zip")
    data = bytearray(archive.read_bytes())
    # The second entry of the table points at the first one's bytes.
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    struct.pack_into("<I", data, second + 42, 0)
    archive.write_bytes(data)
    with pytest.raises(DataError, match="overlap"):
        datasets.add(AddConfig(str(archive), "wood"))


def test_a_member_larger_than_it_says_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "big.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("a.png", bytes(10_000))
    monkeypatch.setattr(files, "LARGEST_FILE", 1000)
    assert files.content(files.listed(tmp_path / "big.zip")[0]) == "larger than 0 MB"
    assert files.content(files.File(str(tmp_path / "big.zip"), "a.png", 10, 0)) == bytes(1000)


# ---------------------------------------------------------------------------------------------------------- splits


def divided(folder: Path) -> Path:
    """train/CLASS, valid/CLASS, test/CLASS with 8, 3 and 4 pictures."""
    i = 0
    for split, n in (("train", 8), ("valid", 3), ("test", 4)):
        for k in range(n):
            place = folder / split / ("ash", "oak")[k % 2]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{i}.png").write_bytes(png(i))
            i += 1
    return folder


def test_a_folders_own_split_is_kept_unless_another_is_asked_for(tmp_path: Path) -> None:
    own = ready(divided(tmp_path / "own"), "own")
    assert dict(own.splits) == {"train": 8, "val": 3, "test": 4} and own.classes == ("ash", "oak")
    assert all(n.startswith("valid/") for n in names("own", "val"))
    again = ready(tmp_path / "own", "again", split="random")
    assert dict(again.splits) == {"train": 12, "val": 1, "test": 2} and again.classes == ("ash", "oak")
    assert again.recipe["split"] == 42 and again.recipe != own.recipe


def test_a_split_that_is_missing_is_drawn_from_training(tmp_path: Path) -> None:
    shutil.rmtree(divided(tmp_path / "own") / "valid")
    card = ready(tmp_path / "own", "own")
    assert dict(card.splits) == {"train": 7, "val": 1, "test": 4}
    assert all(n.startswith("train/") for n in names("own", "val"))


def test_an_own_split_that_is_not_there_is_said(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood")
    with pytest.raises(DataError, match="has no split of its own; needed: folders train, val and test"):
        datasets.add(AddConfig(str(wood), "wood", split="own"))
    with pytest.raises(DataError, match="does not say who is on its images"):
        datasets.add(AddConfig(str(wood), "wood", split="identity"))
    assert not paths.dataset("wood").exists()


@pytest.mark.parametrize("kind", ["csv", "texts"])
def test_lists_of_files_make_the_splits(tmp_path: Path, kind: str) -> None:
    wood = photos(tmp_path / "wood")
    all_names = sorted(p.relative_to(wood).as_posix() for p in wood.rglob("*.png"))
    parts = {"train": all_names[:10], "val": all_names[10:14], "test": all_names[14:19]}
    lists = tmp_path / "lists"
    lists.mkdir()
    if kind == "csv":
        lists = lists / "splits.csv"
        with lists.open("w", newline="") as f:
            csv.writer(f).writerows([("file", "split"), *((n, s) for s, part in parts.items() for n in part)])
    else:
        for s, part in parts.items():
            (lists / f"{s}.txt").write_text("\n".join(part) + "\n\n")
    card = ready(wood, "wood", split_file=str(lists))
    assert card.n == 19 and all(names("wood", s) == set(parts[s]) for s in SPLITS)


def test_lists_that_cannot_be_right_are_one_sentence(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood")
    for text, sentence in (
        ("file,split\nash/000.png,train\nash/999.png,test\n", "names 1 files that .* does not have, the first being ash/999.png"),
        ("file,split\nash/000.png,holdout\n", "into a split 'holdout'; known: train, val, test"),
        ("file,split\nash/000.png,train\nash/000.png,test\n", "into two splits"),
        ("name,part\na,b\n", "its columns are name, part; needed: file and split"),
        ("", "its columns are none"),
    ):
        (tmp_path / "s.csv").write_text(text)
        with pytest.raises(DataError, match=sentence):
            datasets.add(AddConfig(str(wood), "wood", split_file=str(tmp_path / "s.csv")))
    with pytest.raises(DataError, match="nowhere cannot be read as a list of splits .there is nothing of that name"):
        datasets.add(AddConfig(str(wood), "wood", split_file=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="names no file"):
        datasets.add(AddConfig(str(wood), "wood", split_file=str(tmp_path / "empty")))
    (tmp_path / "ragged.csv").write_text("split,file\ntrain,a.png\nval\n")
    with pytest.raises(DataError, match="row 3 lacks its file or its split"):
        datasets.add(AddConfig(str(wood), "wood", split_file=str(tmp_path / "ragged.csv")))


# ------------------------------------------------------------------------------------- subsets, crops, other knobs


def test_a_subset_is_the_first_files_or_a_seeded_draw(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood")
    chosen = {}
    for name, knobs in {
        "first": {"subset": "first"},
        "random": {"subset": "random"},
        "again": {"subset": "random"},
        "other": {"subset": "random", "seed": 7},
    }.items():
        assert ready(wood, name, n=10, **knobs).n == 10
        chosen[name] = set.union(*(names(name, s) for s in SPLITS))
    assert chosen["first"] == set(sorted(p.relative_to(wood).as_posix() for p in wood.rglob("*.png"))[:10])
    assert chosen["random"] == chosen["again"] != chosen["other"]
    with pytest.raises(DataError, match="has 20 images, 21 were asked for"):
        datasets.add(AddConfig(str(wood), "more", subset="first", n=21))


def test_crop_and_filter_shape_the_pixels_and_stand_in_the_recipe(tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir()
    for i in range(8):
        (wide / f"{i}.png").write_bytes(encoded(Image.fromarray(colours(i, 20, 40)), "PNG"))
    made = {
        name: ready(wide, name, **knobs)
        for name, knobs in {"plain": {}, "squeezed": {"crop": "squeeze"}, "soft": {"resize": "lanczos"}}.items()
    }
    assert len({card.recipe["content"] for card in made.values()}) == 1
    assert len({str(card.recipe) for card in made.values()}) == 3
    prints = {name: datasets.load(name, "train", size=8).fingerprint for name in made}
    assert len(set(prints.values())) == 3
    file, data = datasets.original("squeezed", "train", 0, size=8)
    with Image.open(wide / file) as image:
        expected = np.asarray(image.resize((8, 8), Image.Resampling.BOX))
    assert np.array_equal(datasets.load("squeezed", "train", size=8).images[0], expected) and data == (wide / file).read_bytes()


def test_a_name_stands_for_its_knobs_too(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood")
    ready(wood, "wood")
    with pytest.raises(DataError, match="is taken by .* with other settings"):
        datasets.add(AddConfig(str(wood), "wood", crop="squeeze"))
    assert datasets.add(AddConfig(str(wood), "wood", prepare=True)).n == 0  # another size; the same data set


def test_a_photo_that_is_gone_is_said_and_its_image_stays(tmp_path: Path) -> None:
    wood = photos(tmp_path / "wood")
    ready(wood, "wood")
    shutil.rmtree(wood)
    with pytest.raises(DataError, match="cannot be opened .*; its prepared image is all that is left of it here"):
        datasets.original("wood", "train", 0, size=8)
    with pytest.raises(DataError, match="are drawn by the studio; no file lies behind them"):
        datasets.original("petals", "train", 0, size=8)

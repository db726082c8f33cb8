import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from scipy.io import loadmat
from torchvision.datasets import CelebA, Flowers102

from core.datasets import published
from core.datasets.published import PUBLISHED
from core.errors import DataError
from tests.core.datasets import layouts

FLOWERS, CELEBA = PUBLISHED["flowers102"], PUBLISHED["celeba"]
MADE = {"flowers102": layouts.flowers, "celeba": layouts.celeba}
BOTH = pytest.mark.parametrize("name", sorted(PUBLISHED))


def placed(name: str, root: Path, monkeypatch: pytest.MonkeyPatch, *, unpacked: bool = True) -> Path:
    made = MADE[name]()
    layouts.known(monkeypatch, made)
    return layouts.put(name, root, made, unpacked=unpacked)


def refused(name: str, root: Path) -> str:
    with pytest.raises(DataError) as error:
        published.entries(PUBLISHED[name], root)
    said = str(error.value)
    assert "\n" not in said
    return said


# --------------------------------------------------------------------------------------------------------- the index


def test_flowers_are_the_three_official_splits_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = placed("flowers102", tmp_path, monkeypatch)
    folder, entries = published.entries(FLOWERS, tmp_path)
    assert folder == place / "jpg"
    assert [e.name for e in entries] == sorted(p.name for p in folder.iterdir())
    ids = loadmat(place / "setid.mat", squeeze_me=True)
    for split, key in (("train", "trnid"), ("val", "valid"), ("test", "tstid")):
        assert [e.name for e in entries if e.split == split] == [f"image_{i:05}.jpg" for i in sorted(ids[key])]


def test_flowers_have_the_names_of_their_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed("flowers102", tmp_path, monkeypatch)
    entries = published.entries(FLOWERS, tmp_path)[1]
    # The file counts classes from 1 and images from 1: image 1 has label 2.
    assert entries[0] == published.Entry("image_00001.jpg", "hard-leaved pocket orchid", entries[0].split)
    assert [e.label for e in entries] == [Flowers102.classes[i % 7] for i in range(1, 41)]


def test_celeba_has_its_partition_and_its_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = placed("celeba", tmp_path, monkeypatch)
    folder, entries = published.entries(CELEBA, tmp_path)
    assert folder == place / "img_align_celeba"
    people = dict(line.split() for line in (place / "identity_CelebA.txt").read_text().splitlines())
    parts = dict(line.split() for line in (place / "list_eval_partition.txt").read_text().splitlines())
    words = {"0": "train", "1": "val", "2": "test"}
    assert entries == [published.Entry(n, "", words[parts[n]], people[n]) for n in sorted(p.name for p in folder.iterdir())]
    assert {e.split for e in entries} == {"train", "val", "test"} and len({e.person for e in entries}) == 9


def test_celebas_splits_are_those_that_torchvision_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed("celeba", tmp_path, monkeypatch)
    entries = published.entries(CELEBA, tmp_path)[1]
    for ours, theirs in (("train", "train"), ("val", "valid"), ("test", "test")):
        data = CelebA(str(tmp_path), split=theirs, target_type="identity")
        people = [str(int(p)) for p in data.identity[:, 0]]
        assert [(e.name, e.person) for e in entries if e.split == ours] == list(zip(data.filename, people, strict=True))


@BOTH
def test_a_folder_unpacked_into_one_of_its_name_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    p, place = PUBLISHED[name], placed(name, tmp_path, monkeypatch)
    shutil.move(place / p.images, tmp_path / "images")
    (place / p.images).mkdir()
    shutil.move(tmp_path / "images", place / p.images / p.images)
    folder, entries = published.entries(p, tmp_path)
    assert folder == place / p.images / p.images and (folder / entries[0].name).is_file()
    assert published.images(p, tmp_path, entries[-1].name) == folder


# ----------------------------------------------------------------------------------------------------- what is there


@BOTH
def test_nothing_is_missing_where_all_files_lie(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    p, place = PUBLISHED[name], placed(name, tmp_path, monkeypatch)
    assert published.missing(p, tmp_path) == []
    for other in p.others:
        (place / other).unlink()
    assert published.missing(p, tmp_path) == list(p.others)
    shutil.rmtree(place)
    assert published.missing(p, tmp_path) == [p.archive, *p.others]


@BOTH
def test_an_archive_that_is_not_unpacked_is_there_and_said_to_be_packed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(name, tmp_path, monkeypatch, unpacked=False)
    assert published.missing(PUBLISHED[name], tmp_path) == []
    assert f"({PUBLISHED[name].archive} is not unpacked yet)" in refused(name, tmp_path)


@BOTH
def test_the_sentence_names_every_file_its_checksum_and_its_folder(name: str, tmp_path: Path) -> None:
    p = PUBLISHED[name]
    said = published.expected(p, tmp_path)
    assert all(f"{f.name} ({f.bytes:,} bytes)" in said for f in p.files())
    assert f"{p.n:,} images" in said and str(p.place(tmp_path)) in said and p.page in said
    assert "\n" not in said and said.endswith(".")


def test_sizes_stand_in_the_sentence(tmp_path: Path) -> None:
    said = published.expected(FLOWERS, tmp_path)
    for size in ("344,862,509 bytes", "502 bytes", "14,989 bytes"):
        assert size in said
    said = published.expected(CELEBA, tmp_path)
    assert "img_align_celeba.zip (1,443,490,838 bytes)" in said
    assert "list_attr_celeba.txt (26,721,026 bytes)" in said and "hub:flwrlabs/celeba" in said


def test_addresses_are_torchvisions() -> None:
    assert [f.url for f in FLOWERS.files()] == [Flowers102._download_url_prefix + f.name for f in FLOWERS.files()]
    assert [(f.drive, f.md5, f.name) for f in CELEBA.files()] == CelebA.file_list
    assert all(f.drive == "" for f in FLOWERS.files()) and all(f.url == "" for f in CELEBA.files())


@BOTH
def test_missing_files_are_one_sentence_that_says_what_belongs_where(name: str, tmp_path: Path) -> None:
    p = PUBLISHED[name]
    said = refused(name, tmp_path)
    assert said.startswith(f"{p.label} is not whole (missing in {p.place(tmp_path)}: {p.archive}, {p.others[0]}")
    assert said.endswith(published.expected(p, tmp_path))


@BOTH
def test_a_file_with_another_checksum_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    p, place = PUBLISHED[name], placed(name, tmp_path, monkeypatch)
    with (place / p.others[-1]).open("ab") as f:
        f.write(b"\n")
    assert f"(with another checksum: {p.others[-1]})" in refused(name, tmp_path)


def test_what_a_page_asks_needs_no_torch(tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from core.datasets import published
p = published.PUBLISHED["celeba"]
assert len(published.missing(p, Path({str(tmp_path)!r}))) == 6 and p.licence
print([m for m in ("torch", "torchvision", "datasets") if m in sys.modules])
"""
    root = Path(published.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=False)
    assert done.stdout.strip() == "[]", done.stderr[-1000:]

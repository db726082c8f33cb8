import io
import shutil
import socket
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import gdown  # noqa: F401  the module is patched
import pytest
from huggingface_hub import constants
from torchvision.datasets import CelebA, Flowers102

from core.datasets import fetching, published
from core.datasets.published import PUBLISHED
from core.errors import DataError
from tests.core.datasets import layouts, servers
from tests.core.datasets.servers import Server

FLOWERS, CELEBA = PUBLISHED["flowers102"], PUBLISHED["celeba"]
MADE = {"flowers102": layouts.flowers, "celeba": layouts.celeba}
BOTH = pytest.mark.parametrize("name", sorted(PUBLISHED))
ARCHIVE = "/vgg/102flowers.tgz"
PIECE = 256  # bytes; gdown loses a piece that is cut
HALF = len(layouts.flowers()["102flowers.tgz"]) // 2 // PIECE * PIECE


@pytest.fixture(autouse=True)
def nothing_but_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # "discard": nobody listens there
    servers.only_here(monkeypatch, None)


@pytest.fixture
def oxford(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = layouts.flowers()
    layouts.known(monkeypatch, made)
    with servers.serving(Server({f"/vgg/{name}": data for name, data in made.items()})) as server:
        monkeypatch.setattr(Flowers102, "_download_url_prefix", f"{server.url}/vgg/")
        monkeypatch.setattr(sys.modules["gdown.download"], "CHUNK_SIZE", PIECE)
        yield server


@pytest.fixture
def drive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Google Drive has all of CelebA's files, by their ids."""
    made = layouts.celeba()
    layouts.known(monkeypatch, made)
    with servers.serving(Server({i: made[name] for i, _, name in CelebA.file_list})) as server:
        servers.only_here(monkeypatch, server)
        yield server


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The Hub has them too."""
    with servers.serving(Server(layouts.celeba(), repository=CELEBA.mirrors[0])) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.name != ".fetching.lock"}


def refused(name: str, root: Path) -> str:
    with pytest.raises(DataError) as error:
        fetching.fetch(PUBLISHED[name], root)
    assert "\n" not in str(error.value)
    return str(error.value)


# --------------------------------------------------------------------------------------------------- plain addresses


def test_flowers_are_fetched_unpacked_and_read(oxford: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    fetching.fetch(FLOWERS, tmp_path, lambda *event: told.append(event))
    folder, entries = published.entries(FLOWERS, tmp_path)
    assert names(folder.parent) == {"jpg", "imagelabels.mat", "setid.mat"}
    assert [(folder / e.name).read_bytes() for e in entries] == [layouts.jpeg(i) for i in range(1, 41)]
    size = len(oxford.files[ARCHIVE])
    assert (size, size, "fetching 102flowers.tgz") in told
    assert told[-1] == (40, FLOWERS.n, "unpacking 102flowers.tgz")


def test_what_is_there_is_not_asked_for_again(oxford: Server, tmp_path: Path) -> None:
    fetching.fetch(FLOWERS, tmp_path)
    oxford.asked.clear()
    fetching.fetch(FLOWERS, tmp_path)
    (tmp_path / "flowers-102" / "setid.mat").unlink()
    assert oxford.asked == []
    fetching.fetch(FLOWERS, tmp_path)
    assert {path for _, path, _ in oxford.asked} == {"/vgg/setid.mat"}


def test_a_line_that_is_cut_is_taken_up_where_it_was(oxford: Server, tmp_path: Path) -> None:
    # gdown asks for the whole each time before it asks for the rest.
    oxford.cut[ARCHIVE] = [HALF, 10**9, 3 * PIECE]
    fetching.fetch(FLOWERS, tmp_path)
    assert oxford.got(ARCHIVE) == ["", "", f"bytes={HALF}-", "", f"bytes={HALF + 3 * PIECE}-"]
    assert len(published.entries(FLOWERS, tmp_path)[1]) == 40


def test_a_fetching_that_was_stopped_goes_on_with_what_it_had(oxford: Server, tmp_path: Path) -> None:
    def stop(done: int, total: int, note: str) -> None:
        if done >= HALF:
            raise KeyboardInterrupt

    oxford.cut[ARCHIVE] = [HALF]
    with pytest.raises(KeyboardInterrupt):
        fetching.fetch(FLOWERS, tmp_path, stop)
    assert published.missing(FLOWERS, tmp_path) == ["102flowers.tgz", *FLOWERS.others]
    oxford.asked.clear()
    fetching.fetch(FLOWERS, tmp_path)
    assert oxford.got(ARCHIVE) == ["", f"bytes={HALF}-"]
    assert len(published.entries(FLOWERS, tmp_path)[1]) == 40


def test_a_server_that_gives_no_parts_is_asked_from_the_start(oxford: Server, tmp_path: Path) -> None:
    oxford.cut[ARCHIVE] = [HALF]
    oxford.ranges = False
    fetching.fetch(FLOWERS, tmp_path)
    assert oxford.got(ARCHIVE) == ["", "", f"bytes={HALF}-", ""]
    assert names(tmp_path / "flowers-102") == {"jpg", "imagelabels.mat", "setid.mat"}


def test_a_server_that_always_hangs_up_is_given_up(oxford: Server, tmp_path: Path) -> None:
    oxford.cut[ARCHIVE] = [1] * 1000
    assert "102flowers.tgz of Flowers102 cannot be fetched" in refused("flowers102", tmp_path)


def test_a_file_that_changed_between_two_halves_is_fetched_whole(oxford: Server, tmp_path: Path) -> None:
    place = tmp_path / "flowers-102"
    place.mkdir()
    (place / "102flowers.tgz.part01234567.part").write_bytes(b"x" * 10**7)  # longer than the file
    fetching.fetch(FLOWERS, tmp_path)
    assert names(place) == {"jpg", "imagelabels.mat", "setid.mat"}


def test_other_bytes_than_those_of_the_checksum_are_not_kept(oxford: Server, tmp_path: Path) -> None:
    oxford.files[ARCHIVE] = layouts.tgz({"jpg/image_00001.jpg": b"something else"})
    said = refused("flowers102", tmp_path)
    assert said.startswith("102flowers.tgz of Flowers102 cannot be fetched (https://www.robots.ox.ac.uk")
    assert "other bytes than those of its checksum" in said and said.endswith(published.expected(FLOWERS, tmp_path))
    assert names(tmp_path / "flowers-102") == set()


def test_a_file_that_is_gone_from_its_address_is_one_sentence(oxford: Server, tmp_path: Path) -> None:
    del oxford.files["/vgg/setid.mat"]
    assert "setid.mat of Flowers102 cannot be fetched" in (said := refused("flowers102", tmp_path)) and "404" in said


@BOTH
def test_without_network_one_sentence_comes_at_once(name: str, tmp_path: Path) -> None:
    started = time.monotonic()
    said = refused(name, tmp_path)
    assert time.monotonic() - started < 5
    p = PUBLISHED[name]
    assert said.startswith(f"{p.archive} of {p.label} cannot be fetched (") and "no network" in said
    assert said.endswith(published.expected(p, tmp_path))


# ---------------------------------------------------------------------------------------------- Google Drive, the Hub


def test_celeba_comes_from_google_drive_through_its_form(drive: Server, tmp_path: Path) -> None:
    fetching.fetch(CELEBA, tmp_path)
    folder, entries = published.entries(CELEBA, tmp_path)
    assert names(folder.parent) == {"img_align_celeba", *CELEBA.others}
    assert [(folder / e.name).read_bytes() for e in entries] == [layouts.jpeg(i) for i in range(24)]


def test_a_file_whose_quota_is_used_up_comes_from_the_mirror_on_the_hub(drive: Server, mirror: Server, tmp_path: Path) -> None:
    drive.quota = {CELEBA.files()[0].drive}
    told: list[tuple[int, int, str]] = []
    fetching.fetch(CELEBA, tmp_path, lambda *event: told.append(event))
    folder, entries = published.entries(CELEBA, tmp_path)
    assert len(entries) == 24 and names(folder.parent) == {"img_align_celeba", *CELEBA.others}
    asked = {path.rsplit("/", 1)[-1] for method, path, _ in mirror.asked if method == "GET" and "/resolve/" in path}
    assert asked == {"img_align_celeba.zip"}
    size = len(mirror.files["img_align_celeba.zip"])
    assert (size, size, "fetching img_align_celeba.zip") in told


def test_other_bytes_from_google_drive_send_to_the_mirror(drive: Server, mirror: Server, tmp_path: Path) -> None:
    drive.files[CELEBA.files()[0].drive] = b"<html>sign in</html>"
    fetching.fetch(CELEBA, tmp_path)
    assert len(published.entries(CELEBA, tmp_path)[1]) == 24


def test_a_mirror_that_holds_something_else_is_not_believed(drive: Server, mirror: Server, tmp_path: Path) -> None:
    drive.quota = {CELEBA.files()[0].drive}
    mirror.files["img_align_celeba.zip"] = layouts.zipped({"img_align_celeba/000001.jpg": b"something else"})
    said = refused("celeba", tmp_path)
    assert "(Google Drive: Failed to retrieve file url: Too many users have viewed" in said
    assert "; the Hub's Yuehao/celeba: other bytes than those of its checksum);" in said
    assert said.endswith(published.expected(CELEBA, tmp_path)) and "hub:flwrlabs/celeba" in said
    assert not list((tmp_path / "celeba").rglob("*.zip*"))


def test_where_drive_and_mirror_both_refuse_both_reasons_are_said(drive: Server, tmp_path: Path) -> None:
    drive.quota = {CELEBA.files()[0].drive}
    started = time.monotonic()
    said = refused("celeba", tmp_path)
    assert "Too many users" in said and "Connection refused" in said
    assert time.monotonic() - started < 5


def test_the_hubs_client_in_its_offline_mode_is_a_reason_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "offline mode is enabled" in refused("celeba", tmp_path)


# ------------------------------------------------------------------------------------------------------------ by hand


@BOTH
def test_an_archive_put_by_hand_is_unpacked_and_stays(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    p, made = PUBLISHED[name], MADE[name]()
    layouts.known(monkeypatch, made)
    place = layouts.put(name, tmp_path, made, unpacked=False)
    fetching.fetch(p, tmp_path)  # no network: nothing is missing
    assert names(place) == {p.images, p.archive, *p.others}
    assert len(published.entries(p, tmp_path)[1]) == len(list((place / p.images).iterdir()))


def test_unpacking_alone_asks_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = layouts.flowers()
    layouts.known(monkeypatch, made)
    place = layouts.put("flowers102", tmp_path, {"102flowers.tgz": made["102flowers.tgz"]}, unpacked=False)
    fetching.unpack(FLOWERS, tmp_path)
    assert len(list((place / "jpg").iterdir())) == 40
    assert published.missing(FLOWERS, tmp_path) == list(FLOWERS.others)


def test_images_put_by_hand_are_left_alone_and_the_rest_is_fetched(drive: Server, tmp_path: Path) -> None:
    images = tmp_path / "celeba" / "img_align_celeba"
    images.mkdir(parents=True)
    (images / "000001.jpg").write_bytes(b"mine")
    fetching.fetch(CELEBA, tmp_path)
    assert (images / "000001.jpg").read_bytes() == b"mine" and names(images) == {"000001.jpg"}
    assert published.missing(CELEBA, tmp_path) == []


def test_a_folder_that_only_others_may_write_is_no_hindrance_where_all_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = layouts.put("flowers102", tmp_path, layouts.flowers())
    before = names(tmp_path / "flowers-102")
    fetching.fetch(FLOWERS, tmp_path)
    assert {p.name for p in place.iterdir()} == before


def test_another_archive_under_the_name_is_refused_and_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = layouts.celeba() | {"img_align_celeba.zip": layouts.zipped({"img_align_celeba/000001.jpg": b"x"})}
    layouts.known(monkeypatch, layouts.celeba())
    place = layouts.put("celeba", tmp_path, made, unpacked=False)
    assert "img_align_celeba.zip has the md5 " in refused("celeba", tmp_path)
    assert names(place) == {"img_align_celeba.zip", *CELEBA.others}


@pytest.mark.parametrize("name", ["flowers102", "celeba"])
def test_an_archive_without_the_folder_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    p = PUBLISHED[name]
    packed = layouts.zipped if p.archive.endswith(".zip") else layouts.tgz
    made = MADE[name]() | {p.archive: packed({"photos/1.jpg": b"x"})}
    layouts.known(monkeypatch, made)
    place = layouts.put(name, tmp_path, made, unpacked=False)
    assert f"holds no folder {p.images};" in refused(name, tmp_path)
    assert names(place) == {p.archive, *p.others}


# ------------------------------------------------------------------------------------------------------------ the disk


def test_a_disk_that_is_too_full_is_said_before_anything_is_fetched(
    oxford: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 6 * 10**8))  # type: ignore[attr-defined]
    assert "has 0.6 GB free; needed for Flowers102: about 0.7 GB; make room" in refused("flowers102", tmp_path)
    assert oxford.asked == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "celeba").write_bytes(b"a file")
    assert f"{tmp_path / 'celeba'} cannot be written (File exists)" in refused("celeba", tmp_path)


# ---------------------------------------------------------------------------------------------------------- archives


def link(kind: bytes, name: str, target: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        tar.addfile(info)
    return out.getvalue()


BAD = {
    "tar-up": ("a.tgz", layouts.tgz({"../out.jpg": b"x"})),
    "tar-up-later": ("a.tgz", layouts.tgz({"jpg/1.jpg": b"x", "jpg/../../out.jpg": b"x"})),
    "tar-root": ("a.tgz", layouts.tgz({"/tmp/out.jpg": b"x"})),
    "tar-windows": ("a.tgz", layouts.tgz({"..\\out.jpg": b"x"})),
    "tar-drive": ("a.tgz", layouts.tgz({"C:/out.jpg": b"x"})),
    "tar-symlink": ("a.tgz", link(tarfile.SYMTYPE, "jpg", "/tmp")),
    "tar-hardlink": ("a.tgz", link(tarfile.LNKTYPE, "jpg/1.jpg", "/etc/hostname")),
    "tar-device": ("a.tgz", link(tarfile.CHRTYPE, "jpg/1.jpg", "")),
    "zip-up": ("a.zip", layouts.zipped({"../out.jpg": b"x"})),
    "zip-root": ("a.zip", layouts.zipped({"/tmp/out.jpg": b"x"})),
    "zip-drive": ("a.zip", layouts.zipped({"C:out.jpg": b"x"})),
    "tar-damaged": ("a.tgz", layouts.tgz({"jpg/1.jpg": bytes(range(256)) * 40})[:-60]),
    "tar-none": ("a.tgz", b"no archive"),
    "zip-damaged": ("a.zip", layouts.zipped({"jpg/1.jpg": b"abcdefgh"}).replace(b"abcdefgh", b"abcdefgX")),
    "zip-none": ("a.zip", b"no archive"),
    "tar-over-itself": ("a.tgz", layouts.tgz({"jpg/1.jpg": b"x", "jpg/./1.jpg": b"y"})),
}


@pytest.mark.parametrize("kind", BAD)
def test_an_archive_made_to_do_harm_or_damaged_writes_nothing_outside(kind: str, tmp_path: Path) -> None:
    name, data = BAD[kind]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match="leads out of its folder|no plain file|cannot be unpacked"):
        fetching.extract(tmp_path / name, tmp_path / "in" / "here", lambda done: None)
    outside = [p for p in tmp_path.rglob("*") if p.is_file() and (tmp_path / "in" / "here") not in p.parents]
    assert outside == [tmp_path / name] and not list(tmp_path.rglob("out.jpg"))
    assert not any(p.is_symlink() for p in tmp_path.rglob("*"))


@pytest.mark.parametrize("name", ["a.zip", "a.tgz"])
def test_a_good_archive_is_unpacked_as_it_is(name: str, tmp_path: Path) -> None:
    members = {"jpg/1.jpg": b"one", "jpg/deep/2.jpg": b"two", "notes.txt": b"three"}
    (tmp_path / name).write_bytes((layouts.zipped if name == "a.zip" else layouts.tgz)(members))
    told: list[int] = []
    fetching.extract(tmp_path / name, tmp_path / "here", told.append)
    assert {p.relative_to(tmp_path / "here").as_posix(): p.read_bytes() for p in (tmp_path / "here").rglob("*.*")} == members
    assert told == [3]


def test_an_interrupted_unpacking_leaves_no_half_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = layouts.flowers()
    layouts.known(monkeypatch, made)
    place = layouts.put("flowers102", tmp_path, made, unpacked=False)
    (place / ".jpg.part" / "jpg").mkdir(parents=True)
    (place / ".jpg.part" / "jpg" / "image_00001.jpg").write_bytes(b"of a killed process")

    def stop(done: int, total: int, note: str) -> None:
        if note.startswith("unpacking"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetching.fetch(FLOWERS, tmp_path, stop)
    assert names(place) == {"102flowers.tgz", "imagelabels.mat", "setid.mat"}
    fetching.fetch(FLOWERS, tmp_path)
    assert (place / "jpg" / "image_00001.jpg").read_bytes() == layouts.jpeg(1)


def test_zip_members_keep_their_checksums(tmp_path: Path) -> None:
    """What the test of damaged zips relies on: zipfile notices one wrong byte."""
    with zipfile.ZipFile(io.BytesIO(BAD["zip-damaged"][1])) as z:
        assert z.testzip() == "jpg/1.jpg"


def test_where_an_address_is_not_known_the_reason_is_plain() -> None:
    """As requests wraps urllib3, which wraps the system."""
    try:
        try:
            raise socket.gaierror(-2, "Name or service not known")
        except socket.gaierror as e:
            raise RuntimeError("HTTPSConnectionPool(host='x', port=443)") from e
    except RuntimeError as e:
        wrapped = OSError(e)
    assert fetching.said(wrapped) == fetching.said(socket.gaierror(-2, "?")) == "it cannot be reached from here"
    assert fetching.said(ConnectionRefusedError(111, "Connection refused")) == "[Errno 111] Connection refused"

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
from huggingface_hub import constants
from PIL import Image

from core import paths
from core.configs import AddConfig
from core.datasets import hub, hub_rows
from core.datasets.hub import HubSource
from core.datasets.published import Entry
from core.errors import DataError
from tests.core.datasets import files, servers
from tests.core.datasets.servers import Server

PHOTOS = HubSource("some/photos")
CLASSES = datasets.ClassLabel(names=["ash", "oak"])


def parquet(images: list[Any], group: int = 5, **columns: tuple[list[Any], Any]) -> bytes:
    """A Hub's file of rows: images as bytes or None, columns as (values, feature)."""
    rows = {"image": [i if i is None or isinstance(i, dict) else {"bytes": i, "path": None} for i in images]}
    features = {"image": datasets.Image(), **{name: feature for name, (_, feature) in columns.items()}}
    made = datasets.Dataset.from_dict(rows | {n: v for n, (v, _) in columns.items()}, features=datasets.Features(features))
    out = io.BytesIO()
    made.to_parquet(out, batch_size=group)
    return out.getvalue()


def labelled(first: int, n: int) -> bytes:
    numbers = range(first, first + n)
    return parquet([files.png(i) for i in numbers], label=([i % 2 for i in numbers], CLASSES))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A Hub with two shards of training images, 20 and 12, and 8 validation images."""
    made = {
        "data/train-00000-of-00002.parquet": labelled(0, 20),
        "data/train-00001-of-00002.parquet": labelled(20, 12),
        "data/validation-00000-of-00001.parquet": labelled(32, 8),
    }
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "huggingface"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "STREAMING_READ_RETRY_INTERVAL", 0)
    with servers.serving(Server(made, repository=PHOTOS.repo, card={"license": "cc-by-4.0"})) as server:
        asks(server.url, monkeypatch)
        yield server


def asks(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was imported before, the Hub is the one at this address."""
    monkeypatch.setenv("HF_ENDPOINT", url)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", url)


def read(folder: Path, entries: list[Entry]) -> list[bytes]:
    return [(folder / e.name).read_bytes() for e in entries]


def refused(s: HubSource, folder: Path) -> str:
    with pytest.raises(DataError) as error:
        hub.fetch(s, folder)
    assert "\n" not in str(error.value)
    return str(error.value)


# --------------------------------------------------------------------------------------------------- what is fetched


def test_the_encoded_bytes_are_kept_with_label_and_split(there: Server, tmp_path: Path) -> None:
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    assert read(tmp_path / "a", entries) == [files.png(i) for i in range(40)]
    assert [e.label for e in entries] == ["ash", "oak"] * 20
    assert [e.split for e in entries] == ["train"] * 32 + ["val"] * 8
    assert entries[33] == Entry("validation/oak/000000033.png", "oak", "val", "")


def test_the_commit_and_the_licence_are_kept(there: Server, tmp_path: Path) -> None:
    hub.fetch(PHOTOS, tmp_path / "a")
    mark = hub.read_mark(tmp_path / "a")
    assert mark is not None and (mark.commit, mark.licence, mark.images, mark.whole) == (servers.COMMIT, "cc-by-4.0", 40, True)


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ({}, "not stated on the Hub"),
        ({"license": ["mit", "cc0-1.0"]}, "mit, cc0-1.0"),
        ({"license": "other", "license_name": "celeba-dataset-release-agreement"}, "celeba-dataset-release-agreement"),
    ],
)
def test_a_licence_is_read_however_the_card_says_it(card: dict[str, Any], licence: str, there: Server, tmp_path: Path) -> None:
    there.card = card
    hub.fetch(replace(PHOTOS, n=1), tmp_path / "a")
    mark = hub.read_mark(tmp_path / "a")
    assert mark is not None and mark.licence == licence


def test_progress_counts_images(there: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    hub.fetch(replace(PHOTOS, n=38), tmp_path / "a", lambda *event: told.append(event))
    assert told == [(0, 0, "asking the Hub for some/photos"), *((k, 38, "fetching some/photos") for k in (32, 38))]


def test_kinds_of_files_are_told_by_their_bytes(there: Server, tmp_path: Path) -> None:
    picture = Image.fromarray(files.colours(0))
    kinds = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif"}
    there.files = {"train.parquet": parquet([*(files.encoded(picture, kind) for kind in kinds), b"no image"])}
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    assert [Path(e.name).suffix for e in entries] == [*kinds.values(), ".bin"]


def test_persons_are_read_where_a_column_says_who_it_is(there: Server, tmp_path: Path) -> None:
    column = ([7, 7, None], datasets.Value("int64"))
    there.files = {"train.parquet": parquet([files.png(i) for i in range(3)], celeb_id=column)}
    assert [e.person for e in hub.fetch(PHOTOS, tmp_path / "a")] == ["7", "7", ""]


def test_columns_can_be_chosen(there: Server, tmp_path: Path) -> None:
    second = ([{"bytes": files.png(9), "path": None}] * 2, datasets.Image())
    words = (["red", None], datasets.Value("string"))
    there.files = {"train.parquet": parquet([files.png(0)] * 2, label=([0, 1], CLASSES), close_up=second, colour=words)}
    chosen = hub.fetch(replace(PHOTOS, image_column="close_up", label_column="colour"), tmp_path / "a")
    assert read(tmp_path / "a", chosen) == [files.png(9)] * 2 and [e.label for e in chosen] == ["red", ""]
    first = hub.fetch(PHOTOS, tmp_path / "b")
    assert read(tmp_path / "b", first) == [files.png(0)] * 2 and [e.label for e in first] == ["ash", "oak"]


def test_a_label_that_is_not_told_is_none(there: Server, tmp_path: Path) -> None:
    there.files = {"test.parquet": parquet([files.png(0), files.png(1)], label=([-1, 1], CLASSES))}
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    assert [(e.label, e.split) for e in entries] == [("", "test"), ("oak", "test")]


def test_a_row_without_an_image_has_no_entry(there: Server, tmp_path: Path) -> None:
    there.files = {"train.parquet": parquet([files.png(0), None, files.png(2)])}
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    assert read(tmp_path / "a", entries) == [files.png(0), files.png(2)]
    assert [e.name for e in entries] == [f"train/{Path(entries[0].name).parts[1]}/00000000{k}.png" for k in (0, 2)]


def test_image_files_in_folders_of_classes_are_fetched_too(there: Server, tmp_path: Path) -> None:
    there.files = {f"{kind}/{i}.png": files.png(10 * k + i) for k, kind in enumerate(("ash", "oak")) for i in range(3)}
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    assert read(tmp_path / "a", entries) == [files.png(10 * k + i) for k in range(2) for i in range(3)]
    assert [e.label for e in entries] == ["ash"] * 3 + ["oak"] * 3


# -------------------------------------------------------------------------------------------------- going on, being done


def test_a_finished_one_needs_no_network(there: Server, tmp_path: Path) -> None:
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    there.asked.clear()
    assert hub.fetch(PHOTOS, tmp_path / "a") == entries
    assert hub.fetch(replace(PHOTOS, n=7), tmp_path / "a") == entries[:7]
    assert there.asked == []


def test_more_of_it_goes_on_where_less_of_it_ended(there: Server, tmp_path: Path) -> None:
    assert len(hub.fetch(replace(PHOTOS, n=23), tmp_path / "a")) == 23
    there.asked.clear()
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    assert entries == hub.fetch(PHOTOS, tmp_path / "b")
    assert read(tmp_path / "a", entries) == [files.png(i) for i in range(40)]


@pytest.mark.parametrize("stopped_at", [0, 3, 8, 22, 32, 39])
def test_an_interrupted_fetching_goes_on_and_ends_like_one_that_was_not(
    stopped_at: int, there: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_LOT", 4)
    real = hub._kept

    def stop(place: Path, number: int, split: str, row: hub_rows.Row) -> Entry:
        if number == stopped_at:
            raise KeyboardInterrupt
        return real(place, number, split, row)

    with monkeypatch.context() as then:
        then.setattr(hub, "_kept", stop)
        with pytest.raises(KeyboardInterrupt):
            hub.fetch(PHOTOS, tmp_path / "a")
    mark = hub.read_mark(tmp_path / "a")
    assert (mark.images if mark else 0) == stopped_at // 4 * 4
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    assert entries == hub.fetch(PHOTOS, tmp_path / "b")
    assert read(tmp_path / "a", entries) == [files.png(i) for i in range(40)]
    index = (tmp_path / "a" / "index.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in index] == [e.name for e in entries]


def test_rows_that_were_cut_off_in_the_index_are_fetched_again(
    there: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a process leaves them that is killed between writing lines and saying how far it is."""
    hub.fetch(replace(PHOTOS, n=7), tmp_path / "a")
    with (tmp_path / "a" / "index.jsonl").open("ab") as f:
        f.write(b'{"label":"oak","name":"train/oak/0000')
    assert read(tmp_path / "a", hub.fetch(PHOTOS, tmp_path / "a")) == [files.png(i) for i in range(40)]


def test_a_shard_that_is_done_is_not_fetched_again(there: Server, tmp_path: Path) -> None:
    hub.fetch(replace(PHOTOS, n=33), tmp_path / "a")
    there.asked.clear()
    hub.fetch(PHOTOS, tmp_path / "a")
    asked = {path.rsplit("/", 1)[-1] for method, path, _ in there.asked if method == "GET" and path.endswith(".parquet")}
    # The first one is asked for its schema, which stands at its end.
    assert "train-00001-of-00002.parquet" not in asked and "validation-00000-of-00001.parquet" in asked


def test_a_shard_that_the_hub_does_not_give_is_one_sentence_and_can_be_gone_on_with(
    there: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_LOT", 4)
    second = "data/train-00001-of-00002.parquet"
    kept = there.files[second]

    def lose(done: int, total: int, note: str) -> None:
        if done == 4:
            there.files.pop(second, None)

    with pytest.raises(DataError, match=r"some/photos cannot be fetched from the Hub \(.*; check its name") as error:
        hub.fetch(PHOTOS, tmp_path / "a", lose)
    assert "\n" not in str(error.value)
    there.files[second] = kept
    assert read(tmp_path / "a", hub.fetch(PHOTOS, tmp_path / "a")) == [files.png(i) for i in range(40)]


def test_a_damaged_record_begins_anew(there: Server, tmp_path: Path) -> None:
    entries = hub.fetch(PHOTOS, tmp_path / "a")
    for damage in ("{", "[]", json.dumps({"rows": 3})):
        (tmp_path / "a" / "fetched.json").write_text(damage)
        assert hub.read_mark(tmp_path / "a") is None
        assert hub.fetch(PHOTOS, tmp_path / "a") == entries
    (tmp_path / "a" / "index.jsonl").write_bytes(b"")
    assert hub.fetch(PHOTOS, tmp_path / "a") == entries


def test_the_mark_of_another_version_of_the_library_begins_anew(
    there: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        then.setattr(datasets, "__version__", "5.0.0")
        hub.fetch(replace(PHOTOS, n=7), tmp_path / "a")
    record = tmp_path / "a" / "fetched.json"
    record.write_text(record.read_text().replace('"state":{', '"state":{"of old":1,'))
    assert read(tmp_path / "a", hub.fetch(PHOTOS, tmp_path / "a")) == [files.png(i) for i in range(40)]


def test_a_folder_with_another_data_set_is_left_alone(there: Server, tmp_path: Path) -> None:
    hub.fetch(PHOTOS, tmp_path / "a")
    assert "holds some/photos fetched with other settings" in refused(HubSource("other/photos"), tmp_path / "a")


# ------------------------------------------------------------------------------------------------ what may not be fetched


@pytest.mark.parametrize(
    "label", ["../../evil", "/tmp/evil", "..", "a\\..\\..\\b", "con", "x" * 300, "naïve rosé", "a\nb", "C:evil", ""]
)
def test_a_label_never_leads_out_of_the_folder_and_stays_as_it_is_in_the_index(label: str, there: Server, tmp_path: Path) -> None:
    there.files = {"train.parquet": parquet([files.png(0)], word=([label], datasets.Value("string")))}
    (entry,) = hub.fetch(replace(PHOTOS, label_column="word"), tmp_path / "in" / "a")
    assert entry.label == label
    folder = tmp_path / "in" / "a"
    assert (folder / entry.name).resolve().is_relative_to(folder) and (folder / entry.name).read_bytes() == files.png(0)
    assert len(entry.name.split("/")) == 3 and entry.name.isascii()
    assert [p for p in tmp_path.rglob("*.png") if folder not in p.parents] == []


@pytest.mark.parametrize(
    "path",
    [
        "{secret}",
        "file://{secret}",
        "{secret}::hf://datasets/some/photos/a.png",
        "file://{secret}::hf://datasets/some/photos/a.zip",
        "http://127.0.0.1:9/a.png",
        "zip://a.png::{secret}",
    ],
)
def test_a_row_that_names_a_file_of_this_machine_is_refused(path: str, there: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"mine")
    there.files = {"train.parquet": parquet([{"bytes": None, "path": path.format(secret=secret)}])}
    assert "which is not on the Hub" in refused(PHOTOS, tmp_path / "a")
    assert not any(p.is_file() and p.read_bytes() == b"mine" for p in (tmp_path / "a").rglob("*"))


def test_a_data_set_with_code_of_its_own_is_refused(there: Server, tmp_path: Path) -> None:
    there.files = {"photos.py": f"open({str(tmp_path / 'touched')!r}, 'w')".encode()}
    assert "cannot be fetched from the Hub (" in refused(PHOTOS, tmp_path / "a")
    assert not (tmp_path / "touched").exists()


# ----------------------------------------------------------------------------------------------------------- refusals


def test_columns_that_are_not_there_are_refused_with_those_that_are(there: Server, tmp_path: Path) -> None:
    said = refused(replace(PHOTOS, image_column="photo"), tmp_path / "a")
    assert said == "some/photos has no column 'photo' with an image a row; its columns: image, label."
    said = refused(replace(PHOTOS, label_column="image"), tmp_path / "b")
    assert said == "some/photos has no column 'image' with one label a row; its columns: image, label."


def test_a_data_set_without_images_is_refused(there: Server, tmp_path: Path) -> None:
    there.files = {"train.csv": b"text,label\nhello,1\n"}
    said = refused(PHOTOS, tmp_path / "a")
    assert said.startswith("some/photos has no column of images; its columns: ")


def test_an_unknown_configuration_is_refused_with_the_known_ones(there: Server, tmp_path: Path) -> None:
    assert "large" in (said := refused(replace(PHOTOS, config="large"), tmp_path / "a")) and "default" in said


def test_a_revision_that_is_not_there_is_refused(there: Server, tmp_path: Path) -> None:
    assert "cannot be fetched from the Hub (" in refused(replace(PHOTOS, revision="v9"), tmp_path / "a")


def test_without_network_one_sentence_comes_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks("http://127.0.0.1:9", monkeypatch)  # "discard": nobody listens there
    started = time.monotonic()
    said = refused(PHOTOS, tmp_path / "a")
    assert "refused" in said and "check its name, its config and the network" in said
    assert time.monotonic() - started < 5


def test_the_offline_mode_of_the_hubs_client_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "offline mode is enabled" in refused(PHOTOS, tmp_path / "a")


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a file")
    assert f"{tmp_path / 'a'} cannot be written (File exists)" in refused(PHOTOS, tmp_path / "a")


# ------------------------------------------------------------------------------------------------- as a registered set


def test_a_registered_one_is_listed_once_it_was_fetched(there: Server) -> None:
    c = AddConfig("hub:some/photos", "mine", subset="first", n=9)
    s = hub.source(c)
    with pytest.raises(DataError, match="has not been fetched from the Hub yet; .*downloads"):
        hub.entries(c)
    fetched = hub.fetch(s, hub.folder(s))
    assert hub.entries(c) == (hub.folder(s), fetched) and len(fetched) == 9
    with pytest.raises(DataError, match="stopped after 9 images; fetch it again"):
        hub.entries(replace(c, subset="all"))


def test_other_settings_have_another_folder_and_another_n_the_same() -> None:
    def place(**knobs: Any) -> Path:
        return hub.folder(hub.source(AddConfig("hub:some/photos", "mine", **knobs)))

    assert place() == place(subset="first", n=7) and place().parent == paths.downloads() / "hub"
    assert len({place(), place(config="large"), place(revision="v2"), place(label_column="word")}) == 4


@pytest.mark.parametrize(
    "name", ["", "../photos", "a/b/c", "some/../photos", "https://huggingface.co/some/photos", "some photos"]
)
def test_a_name_that_the_hub_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="cannot be a data set on the Hub; needed: hub:OWNER/NAME"):
        hub.source(AddConfig(f"hub:{name}", "mine"))

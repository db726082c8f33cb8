"""What is the same for every kind of file: names, and that what is refused leaves nothing and has run nothing."""

import pickle
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core import importers, models, paths
from core.configs import ImportConfig
from core.errors import ConfigError, DataError, ModelError, StudioError
from core.importers import reading
from tests.core.importers import foreign


def load(path: Path | str, **knobs: str) -> importers.ModelCard:
    return importers.load(ImportConfig(str(path), **knobs))


def refused(path: Path | str, said: str) -> None:
    """In one sentence; nothing is published and nothing half-written stays."""
    with pytest.raises(StudioError, match=said) as error:
        load(path)
    assert "\n" not in str(error.value)
    assert not paths.models().exists() or list(paths.models().iterdir()) == []


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go; a test's import has to leave it empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


# ------------------------------------------------------------------------------------------------------------ names


def test_a_name_is_taken_as_it_is_given(tmp_path: Path) -> None:
    assert load(foreign.study(tmp_path / "a.ckpt"), name="Mine_1.0").id == "Mine_1.0"


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("virágok – 2024 (végső).ckpt", "vir-gok-2024-v-gs"),
        ("noise.ckpt", "noise-2"),
        ("con.ckpt", "con-2"),
        (f"{'a' * 200}.ckpt", "a" * 70),
        ("@@@.ckpt", "imported"),
        ("v1.2.ckpt", "v1-2"),
        ("con.v1.ckpt", "con-v1"),
    ],
)
def test_without_a_name_the_files_own_is_made_fit(file: str, expected: str, tmp_path: Path) -> None:
    assert load(foreign.study(tmp_path / file)).id == expected


def test_the_same_file_twice_is_two_models(tmp_path: Path) -> None:
    file = foreign.study(tmp_path / "a.ckpt")
    assert [load(file).id for _ in range(3)] == ["a", "a-2", "a-3"]


def test_a_name_that_is_taken_or_reserved_is_refused_before_the_file_is_looked_at(tmp_path: Path) -> None:
    load(foreign.study(tmp_path / "a.ckpt"))
    for name, said in (("a", "'a' already"), ("copycat", "are for built-in ones"), ("x@y", "are for built-in ones")):
        with pytest.raises(ModelError, match=said):
            load(tmp_path / "no such file", name=name)
    with pytest.raises(ConfigError, match="cannot be a model name"):
        load(tmp_path / "no such file", name="../x")


def test_an_unknown_data_set_is_refused_before_the_file_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        load(tmp_path / "no such file", dataset="nowhere")


def test_the_data_set_that_is_named_stands_on_the_card(tmp_path: Path) -> None:
    card = load(foreign.study(tmp_path / "a.ckpt"), dataset="petals")
    assert (card.dataset, models.training_config(card).dataset) == ("petals", "petals")


def test_progress_says_what_is_done(tmp_path: Path) -> None:
    notes: list[str] = []
    importers.load(ImportConfig(str(foreign.study(tmp_path / "a.ckpt"))), lambda done, total, note: notes.append(note))
    assert notes == ["reading a.ckpt", "publishing a"]


def test_nothing_temporary_stays(tmp_path: Path, temporary: Path) -> None:
    load(foreign.study(tmp_path / "a.ckpt"))
    assert list(temporary.iterdir()) == []


# ------------------------------------------------------------------------------------------------- code in a pickle


def as_lightning(tmp_path: Path, held: object) -> Path:
    return foreign.study(tmp_path / "a.ckpt", hyper_parameters=held)


def as_old_pickle(tmp_path: Path, held: object) -> Path:
    """Before torch 1.6: no zip archive."""
    torch.save({"state_dict": held}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    return tmp_path / "a.pt"


def as_diffusers(tmp_path: Path, held: object) -> Path:
    folder = foreign.flat(tmp_path / "a", foreign.unet())
    torch.save({"conv_in.weight": held}, folder / "diffusion_pytorch_model.bin")
    return folder


FORMS = [as_lightning, as_old_pickle, as_diffusers]


@pytest.mark.parametrize("form", FORMS)
def test_code_in_a_pickle_is_refused_and_does_not_run(form: Callable[[Path, object], Path], tmp_path: Path) -> None:
    refused(
        form(tmp_path, foreign.Bomb(tmp_path / "touched")), "holds more than weights .*which could run code; nothing of it was"
    )
    assert not (tmp_path / "touched").exists()


def test_a_pickle_that_torch_did_not_write_is_refused_and_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(foreign.Bomb(tmp_path / "touched")))
    refused(tmp_path / "a.pth", "is damaged or was not written by torch.save")
    assert not (tmp_path / "touched").exists()


def test_the_code_would_have_run_without_the_guard(tmp_path: Path) -> None:
    torch.load(as_lightning(tmp_path, foreign.Bomb(tmp_path / "touched")), weights_only=False)
    assert (tmp_path / "touched").exists()


@pytest.mark.parametrize("form", FORMS)
def test_an_unknown_class_is_refused(form: Callable[[Path, object], Path], tmp_path: Path) -> None:
    refused(form(tmp_path, foreign.Unknown()), r"holds more than weights \(tests.core.importers.foreign.Unknown\)")


# ---------------------------------------------------------------------------------------------------- damaged files


def whole(tmp_path: Path, kind: str) -> tuple[Path, Path]:
    """What is imported, and the file of it that holds the weights."""
    if kind in ("ckpt", "old"):
        foreign.study(tmp_path / "a.ckpt")
        if kind == "old":
            torch.save(foreign.vae_state(), tmp_path / "a.ckpt", _use_new_zipfile_serialization=False)
        return (tmp_path / "a.ckpt",) * 2
    if kind == "safetensors":
        return (foreign.safetensors(tmp_path / "a.safetensors", foreign.vae_state()),) * 2
    folder = foreign.flat(tmp_path / "a", foreign.unet())
    if kind == "nested":
        folder = foreign.nested(tmp_path / "b", foreign.unet())
        return folder, folder / "unet" / "diffusion_pytorch_model.safetensors"
    return folder, folder / "diffusion_pytorch_model.bin"


KINDS = ("ckpt", "old", "safetensors", "nested", "flat")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.0005, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(kind: str, share: float, tmp_path: Path) -> None:
    source, file = whole(tmp_path, kind)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    refused(source, "is damaged or|is empty")


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_is_refused(kind: str, tmp_path: Path) -> None:
    source, file = whole(tmp_path, kind)
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 143000000\n")
    refused(source, "is damaged or")


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_in_the_place_of_the_file_is_refused(kind: str, tmp_path: Path) -> None:
    source, file = whole(tmp_path, kind)
    file.unlink()
    file.mkdir()
    refused(source, "holds no model|has no weights")


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("ckpt", "safetensors"):
        source, file = whole(tmp_path, kind)
        with monkeypatch.context() as m:
            m.setattr(reading, "LIMIT", file.stat().st_size - 1)
            refused(source, "holds 0.0 GB; a model for small images has at most")


def test_a_small_archive_that_unpacks_to_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMIT", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("archive/data/0", bytes(2 << 20))
    assert (tmp_path / "a.ckpt").stat().st_size < 10_000
    refused(tmp_path / "a.ckpt", "a model for small images has at most")


# -------------------------------------------------------------------------------------------------- no model at all


def test_what_is_no_model_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    refused(tmp_path / "nothing.ckpt", "There is no file or folder .*nothing.ckpt; give a .ckpt")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "empty holds no model; needed: a .ckpt")
    (tmp_path / "a.txt").write_text("hello")
    refused(tmp_path / "a.txt", "is no kind of file that holds a model; needed")
    shutil.make_archive(str(tmp_path / "b"), "zip", foreign.nested(tmp_path / "c", foreign.unet()))
    refused(tmp_path / "b.zip", "is an archive; unpack it and import the folder")


def test_a_number_in_a_pickle_is_no_model(tmp_path: Path) -> None:
    for value in (7, [1, 2], {}, {"state_dict": {}}, {"state_dict": {1: torch.zeros(1)}}, {"a": "b"}):
        torch.save(value, tmp_path / "a.ckpt")
        refused(tmp_path / "a.ckpt", "holds no dictionary of weights")


def test_a_home_that_nobody_has_is_no_path() -> None:
    refused("~no-such-person/a.ckpt", "There is no file or folder")


def test_a_loop_of_links_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.ckpt").symlink_to(tmp_path / "b.ckpt")
    (tmp_path / "b.ckpt").symlink_to(tmp_path / "a.ckpt")
    refused(tmp_path / "a.ckpt", "There is no file or folder")


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    file = foreign.study(tmp_path / "a.ckpt")
    monkeypatch.setattr(shutil, "copyfile", full)
    refused(file, "cannot be written .No space left on device.")

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, UNet2DModel
from huggingface_hub import constants
from safetensors.torch import load_file

from core import importers, models, paths
from core.configs import ImportConfig
from core.errors import ModelError
from core.importers import hub
from tests.core.importers import foreign, loopback

NAME = "google/ddpm-cifar10-32"
REVISION = hub.KNOWN[NAME].revision


def load(**knobs: str) -> importers.ModelCard:
    return importers.load(ImportConfig(f"hub:{NAME}", **knobs))


def drawn(network: UNet2DModel) -> tuple[float, ...]:
    """The pixels that the Hub's model is known by, by a loop of our own over diffusers' scheduler."""
    scheduler = DDIMScheduler()
    scheduler.set_timesteps(50)
    x = torch.randn((1, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    for t in scheduler.timesteps:
        with torch.no_grad():
            x = scheduler.step(network(x, t).sample, t, x, eta=0.0).prev_sample
    return tuple(float(v) for v in (x / 2 + 0.5).clamp(0, 1)[0, -1, -3:, -3:].ravel())


def place(folder: Path) -> Path:
    """The model's files, put by hand where the Hub's client looks for them below a cache folder."""
    snapshot = folder / "models--google--ddpm-cifar10-32" / "snapshots" / REVISION
    return foreign.flat(snapshot, foreign.unet())


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cache of the person who runs the tests, and no Hub but those that a test has."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "huggingface"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    tiny = replace(hub.KNOWN[NAME], pixels=drawn(foreign.unet()))
    monkeypatch.setattr(hub, "KNOWN", {NAME: tiny})


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[loopback.Hub]:
    files = {f.name: f.read_bytes() for f in foreign.flat(tmp_path / "there", foreign.unet()).iterdir()}
    with loopback.serving(loopback.Hub(NAME, REVISION, files)) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


# --------------------------------------------------------------------------------------------------------- fetching


def test_the_model_is_fetched_at_its_revision_checked_and_published(server: loopback.Hub) -> None:
    card = load()
    assert (card.id, card.origin, card.family, card.size) == ("ddpm-cifar10-32", f"hub:{NAME}@{REVISION}", "ddpm", 8)
    assert card.command == f"python -m core models import hub:{NAME}"
    state = foreign.unet().state_dict()
    kept = load_file(models.weights_file(card))
    assert kept.keys() == state.keys() and all(torch.equal(kept[k], t) for k, t in state.items())
    assert ("GET", "diffusion_pytorch_model.bin") in server.asked


def test_what_a_person_should_know_stands_in_the_note(server: loopback.Hub) -> None:
    note = load().note
    assert "apache-2.0" in note and "not the averaged ones" in note and "3.17" in note


def test_safetensors_are_fetched_where_the_hub_has_them(server: loopback.Hub, tmp_path: Path) -> None:
    file = foreign.safetensors(tmp_path / "a.safetensors", foreign.unet().state_dict())
    server.files["diffusion_pytorch_model.safetensors"] = file.read_bytes()
    load()
    assert ("GET", "diffusion_pytorch_model.bin") not in server.asked


def test_what_was_fetched_lies_in_the_studios_cache_and_is_not_fetched_again(server: loopback.Hub, tmp_path: Path) -> None:
    load()
    assert not (tmp_path / "huggingface").exists()
    server.asked.clear()
    assert load().id == "ddpm-cifar10-32-2"
    assert server.asked == []


def test_progress_counts_the_bytes(server: loopback.Hub) -> None:
    told: list[tuple[int, int, str]] = []
    importers.load(ImportConfig(f"hub:{NAME}"), lambda *event: told.append(event))
    size = len(server.files["diffusion_pytorch_model.bin"])
    assert (size, size, "fetching diffusion_pytorch_model.bin") in told
    assert [note for _, _, note in told][-2:] == [f"checking what {NAME} draws", "publishing ddpm-cifar10-32"]


@pytest.mark.parametrize("missing", ["config.json", "scheduler_config.json", "diffusion_pytorch_model.bin"])
def test_a_file_that_the_hub_does_not_have_is_one_sentence(missing: str, server: loopback.Hub) -> None:
    del server.files[missing]
    refused("google/ddpm-cifar10-32 cannot be fetched .*404.*; on a machine with network get config.json")


def test_a_hub_that_does_not_answer_is_one_sentence_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # "discard": nobody listens there
    started = time.monotonic()
    refused("cannot be fetched .*refused.*; on a machine with network get config.json")
    assert time.monotonic() - started < 5


def test_an_interrupted_download_leaves_no_model_and_can_be_repeated(server: loopback.Hub) -> None:
    server.broken.add("diffusion_pytorch_model.bin")
    refused("cannot be fetched .*503")
    server.broken.clear()
    assert load().id == "ddpm-cifar10-32"


def test_other_weights_under_the_same_name_are_refused(server: loopback.Hub, tmp_path: Path) -> None:
    other = foreign.flat(tmp_path / "other", foreign.unet(seed=1))
    server.files["diffusion_pytorch_model.bin"] = (other / "diffusion_pytorch_model.bin").read_bytes()
    refused("is not google/ddpm-cifar10-32: an image that it draws is off by up to .*; take the folder away")


def test_another_noise_under_the_same_name_is_refused(server: loopback.Hub, tmp_path: Path) -> None:
    other = foreign.flat(tmp_path / "other", foreign.unet(), beta_end=0.05)
    server.files["scheduler_config.json"] = (other / "scheduler_config.json").read_bytes()
    refused("is not google/ddpm-cifar10-32")


def test_code_in_the_hubs_pickle_is_refused_and_does_not_run(server: loopback.Hub, tmp_path: Path) -> None:
    torch.save({"conv_in.weight": foreign.Bomb(tmp_path / "touched")}, tmp_path / "bomb.bin")
    server.files["diffusion_pytorch_model.bin"] = (tmp_path / "bomb.bin").read_bytes()
    refused("holds more than weights")
    assert not (tmp_path / "touched").exists()


def refused(said: str) -> None:
    with pytest.raises(ModelError, match=said) as error:
        load()
    assert "\n" not in str(error.value)
    assert models.cards() == [] and not list(paths.models().glob("*"))


# ---------------------------------------------------------------------------------------------------------- offline


@pytest.mark.usefixtures("offline")
def test_offline_without_the_files_one_sentence_says_where_to_put_them() -> None:
    folder = paths.store("hub") / "models--google--ddpm-cifar10-32" / "snapshots" / REVISION
    refused("HF_HUB_OFFLINE is set.; on a machine with network get config.json, scheduler_config.json and diff")
    refused(f"/tree/{REVISION}, put them into {folder} and import again")


@pytest.mark.usefixtures("offline")
def test_files_put_by_hand_where_the_sentence_says_are_found() -> None:
    place(paths.store("hub"))
    assert load().origin == f"hub:{NAME}@{REVISION}"


@pytest.mark.usefixtures("offline")
def test_a_snapshot_in_the_hubs_own_cache_is_found_as_its_client_left_it(tmp_path: Path) -> None:
    snapshot = place(tmp_path / "huggingface")
    blobs = snapshot.parents[1] / "blobs"
    blobs.mkdir()
    for k, file in enumerate(sorted(snapshot.iterdir())):
        file.rename(blobs / f"{k:040}")
        file.symlink_to(f"../../blobs/{k:040}")
    assert load().id == "ddpm-cifar10-32"


@pytest.mark.usefixtures("offline")
def test_such_a_snapshot_is_imported_as_a_folder_too(tmp_path: Path) -> None:
    snapshot = place(tmp_path / "huggingface")
    weights = snapshot / "diffusion_pytorch_model.bin"
    (snapshot.parents[1] / "blobs").mkdir()
    weights.rename(snapshot.parents[1] / "blobs" / "0123")
    weights.symlink_to("../../blobs/0123")
    assert importers.load(ImportConfig(str(snapshot), name="mine")).origin == f"file:{REVISION}"


@pytest.mark.usefixtures("offline")
def test_a_snapshot_that_lacks_a_file_is_not_taken_for_whole(tmp_path: Path) -> None:
    (place(tmp_path / "huggingface") / "diffusion_pytorch_model.bin").unlink()
    refused("cannot be fetched")


# ------------------------------------------------------------------------------------------------------------ names


def test_an_unknown_model_of_the_hub_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ModelError, match="no model on the Hub named 'some/body'; known: google/ddpm-cifar10-32; download any other"
    ):
        importers.load(ImportConfig("hub:some/body"))


def test_a_name_that_is_taken_is_refused_before_anything_is_fetched(server: loopback.Hub) -> None:
    load()
    server.asked.clear()
    with pytest.raises(ModelError, match="'ddpm-cifar10-32' already"):
        load(name="ddpm-cifar10-32")
    assert server.asked == []


def test_the_pixels_are_those_of_an_image_from_seed_0(tmp_path: Path) -> None:
    found = importers.diffusers_folder.read(foreign.flat(tmp_path / "a", foreign.unet(seed=4)))
    assert np.allclose(hub.pixels(found), drawn(foreign.unet(seed=4)), atol=1e-5)
    assert np.ptp(hub.pixels(found)) > 2 * hub.TOLERANCE

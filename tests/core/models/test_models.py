import dataclasses
import json
import os
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core import datasets, models, paths
from core.errors import ConfigError, DataError, ModelError
from core.types import DatasetCard
from tests.core.tiny_models import DDPM, VAE, card, publish, weights


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-3] ^= 1
    file.write_bytes(data)


# ------------------------------------------------------------------------------------------------------ publishing


def test_a_published_model_is_listed_and_read_back_as_it_was(tmp_path: Path) -> None:
    published = publish(DDPM, tmp_path, "ema", "raw", model_id="mine")
    assert models.card("mine") == published
    assert models.cards() == [published]
    assert sorted(published.sha256) == ["ema.safetensors", "raw.safetensors"]
    assert published.created_at and published.id == "mine"
    assert models.training_config(published) == DDPM


def test_a_network_holds_the_published_weights_in_eval_mode(tmp_path: Path) -> None:
    published = publish(DDPM, tmp_path, "ema", "raw")
    for name in ("ema", "raw"):
        network = models.network(published, name)
        expected = load_file(tmp_path / f"{name}.safetensors")
        assert not network.training
        assert network.state_dict().keys() == expected.keys()
        assert all(torch.equal(t, expected[k]) for k, t in network.state_dict().items())


def test_loading_draws_no_random_number(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path)
    before = torch.random.get_rng_state()
    models.network(published)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_both_names_mean_the_one_set_of_a_model_without_raw_weights(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path)
    assert models.weights_file(published, "raw") == models.weights_file(published) == paths.model(published.id) / models.EMA


def test_unnamed_models_are_numbered(tmp_path: Path) -> None:
    ids = [publish(c, tmp_path / str(k)).id for k, c in enumerate((VAE, DDPM, VAE))]
    assert ids == ["vae-d-1", "ddpm-d-1", "vae-d-2"]


def test_a_name_that_is_taken_is_refused_and_the_model_stays(tmp_path: Path) -> None:
    first = publish(VAE, tmp_path / "a", model_id="mine")
    with pytest.raises(ModelError, match="a model 'mine' already, and models are never overwritten"):
        publish(VAE, tmp_path / "b", model_id="mine", seed=1)
    assert models.cards() == [first]
    models.network(first)


def test_models_published_at_once_get_names_of_their_own(tmp_path: Path) -> None:
    folder, published, start = weights(VAE, tmp_path), [], threading.Barrier(4)

    def one() -> None:
        start.wait()
        published.append(models.publish(card(VAE), folder).id)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(published) == ["vae-d-1", "vae-d-2", "vae-d-3", "vae-d-4"]
    assert len(models.cards()) == 4


def test_the_same_name_published_at_once_is_given_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one comes between the check of the name and the rename."""
    rename = os.rename

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "rename", rename)
        publish(VAE, tmp_path / "other", model_id="mine", seed=1)
        rename(source, target)

    monkeypatch.setattr(os, "rename", late)
    with pytest.raises(ModelError, match="'mine' already"):
        publish(VAE, tmp_path / "mine", model_id="mine")
    assert len(list(paths.models().iterdir())) == 1


def test_an_interrupted_publication_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(VAE, tmp_path)
    assert models.cards() == [] and list(paths.models().iterdir()) == []


def test_a_half_written_folder_is_not_listed(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path)
    paths.model(published.id).rename(paths.models() / f".{published.id}.0123abcd.part")
    assert models.cards() == []


@pytest.mark.parametrize("name", ["noise", "gaussian-pca", "copycat", "gaussian-pca@d", "a@b"])
def test_names_of_built_in_models_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="are for built-in ones"):
        publish(VAE, tmp_path, model_id=name)


@pytest.mark.parametrize("name", ["../mine", "mine:64", "noise:64", "copycat@d:64"])
def test_a_name_that_cannot_be_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be a model name"):
        publish(VAE, tmp_path, model_id=name)


@pytest.mark.parametrize("spoil", ["missing", "extra", "shape", "dtype", "nothing", "garbage"])
def test_weights_that_do_not_fit_are_not_published(spoil: str, tmp_path: Path) -> None:
    file = weights(VAE, tmp_path) / models.EMA
    tensors = load_file(file)
    said = "does not fit the model's config: "
    if spoil == "missing":
        del tensors["mu.bias"]
        said += "1 weights are missing and 0 are unknown, such as 'mu.bias'"
    elif spoil == "extra":
        tensors["more"] = torch.zeros(1)
        said += "0 weights are missing and 1 are unknown, such as 'more'"
    elif spoil == "shape":
        tensors["mu.bias"] = torch.zeros(4)
        said += r"'mu.bias' is \(4,\) torch.float32, needed: \(3,\) torch.float32"
    elif spoil == "dtype":
        tensors["mu.bias"] = torch.zeros(3, dtype=torch.float16)
        said += r"'mu.bias' is \(3,\) torch.float16, needed"
    save_file(tensors, file)
    if spoil == "nothing":
        file.unlink()
        said = "has no ema.safetensors"
    elif spoil == "garbage":
        file.write_bytes(b"no tensors at all")
        said = "is not a safetensors file"
    with pytest.raises(ModelError, match=said):
        models.publish(card(VAE), tmp_path)
    assert models.cards() == []


# --------------------------------------------------------------------------------------------------------- damages


def test_a_flipped_bit_in_the_weights_is_refused(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path)
    models.network(published)
    flip_a_bit(models.weights_file(published))
    with pytest.raises(ModelError, match="is damaged: its sha256 is not the one on the card; train or import the model again"):
        models.network(published)


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path)
    models.weights_file(published).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        models.network(published)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 1}', "format 2", "no id", "unknown family", "no weights", "bad knob"])
def test_a_damaged_card_is_left_out_and_told_of(text: str, tmp_path: Path) -> None:
    kept, spoilt = publish(VAE, tmp_path / "a"), publish(VAE, tmp_path / "b")
    assert models.damaged() == []
    file = paths.model(spoilt.id) / "card.json"
    values = json.loads(file.read_text())
    changes = {
        "format 2": {"format": 2},
        "no id": {"id": 3},
        "unknown family": {"family": "gan"},
        "no weights": {"sha256": {}},
        "bad knob": {"config": {**values["config"], "latent": -1}},
    }
    file.write_text(json.dumps(values | changes[text]) if text in changes else text)
    assert models.cards() == [kept]
    (said,) = models.damaged()
    assert said.startswith("The card of model 'vae-d-2' is damaged (") and said.endswith("delete the model and train it again.")
    with pytest.raises(ModelError, match="The card of model 'vae-d-2' is damaged"):
        models.card("vae-d-2")


def test_models_are_listed_newest_first(tmp_path: Path) -> None:
    times = ["2024-05-01T00:00:00+00:00", "2025-01-01T00:00:00+00:00", "2024-12-01T00:00:00+00:00"]
    for k, time in enumerate(times):
        models.publish(dataclasses.replace(card(VAE), created_at=time), weights(VAE, tmp_path / str(k)))
    assert [c.created_at for c in models.cards()] == sorted(times, reverse=True)


# -------------------------------------------------------------------------------------------------------- built in


def test_noise_is_built_in() -> None:
    noise = models.card("noise")
    assert (noise.family, noise.dataset, noise.size, noise.origin) == ("noise", "", 32, "builtin:")
    with pytest.raises(ModelError, match="noise is built in and has no weights"):
        models.network(noise)


@pytest.fixture
def petals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes at which the data set was asked for; none is prepared."""
    asked: list[int] = []

    def known(name: str, size: int = 32) -> DatasetCard:
        asked.append(size)
        if name != "petals":
            raise DataError(f"There is no data set named '{name}'; known: petals.")
        return DatasetCard("petals", "Petals", "procedural", "", size, {})

    monkeypatch.setattr(datasets, "card", known)
    return asked


@pytest.mark.parametrize(("name", "family"), [("gaussian-pca", "gaussian_pca"), ("copycat", "copycat")])
def test_a_model_fitted_to_a_data_set_names_it(name: str, family: str, petals: list[int]) -> None:
    found = models.card(f"{name}@petals")
    assert (found.id, found.family, found.dataset, found.size) == (f"{name}@petals", family, "petals", 32)
    for missing in (name, f"{name}@", f"{name}:64", f"{name}@:64"):
        with pytest.raises(ModelError, match=f"'{missing}' needs a data set to draw from: write {name}@NAME, such as"):
            models.card(missing)
    with pytest.raises(DataError, match="no data set named 'x'"):
        models.card(f"{name}@x:64")


def test_noise_takes_no_data_set() -> None:
    with pytest.raises(ModelError, match="'noise@petals:64' names a data set, and noise is drawn from none: write noise"):
        models.card("noise@petals:64")


@pytest.mark.parametrize("model", ["noise:64", "gaussian-pca@petals:64", "copycat@petals:64"])
def test_built_in_models_draw_at_the_size_behind_the_colon(model: str, petals: list[int]) -> None:
    found = models.card(model)
    assert (found.id, found.size, found.origin) == (model, 64, "builtin:")
    assert set(petals) <= {64}


@pytest.mark.parametrize(("model", "short"), [("noise:32", "noise"), ("copycat@petals:32", "copycat@petals")])
def test_a_built_in_model_has_one_id(model: str, short: str, petals: list[int]) -> None:
    assert models.card(model) == models.card(short) and models.card(model).id == short


@pytest.mark.parametrize("size", ["7", "257", "0", "-64", "064", "6.4e1", "64 ", "", "large", "64:64", "٦٤", "99999"])
def test_sizes_that_no_image_can_have_are_refused(size: str) -> None:
    with pytest.raises(ModelError, match=f"The size of 'noise:{size}' is '{size}'; needed: 8 to 256 pixels, such as noise:64."):
        models.card(f"noise:{size}")
    assert models.card("noise:8").size == 8 and models.card("noise:256").size == 256


@pytest.mark.parametrize("name", models.BUILTIN)
@pytest.mark.parametrize("size", [8, 32, 64, 256])
def test_the_id_of_a_built_in_model_is_read_as_it_was_made(name: str, size: int, petals: list[int]) -> None:
    model = models.builtin(name, "petals", size)
    found = models.card(model)
    assert (found.id, found.family, found.size) == (model, models.BUILTIN[name], size)
    assert found.dataset == ("" if name == "noise" else "petals")


def test_built_in_ids_are_short() -> None:
    assert models.builtin("noise", "petals") == models.builtin("noise", "") == "noise"
    assert models.builtin("copycat", "petals") == "copycat@petals"
    assert models.builtin("gaussian-pca", "a@b", 64) == "gaussian-pca@a@b:64"


def test_only_built_in_models_take_a_size(tmp_path: Path) -> None:
    published = publish(VAE, tmp_path)
    with pytest.raises(
        ModelError, match=f"no model named '{published.id}:64': only the built-in ones .noise, gaussian-pca@DATASET"
    ):
        models.card(f"{published.id}:64")


@pytest.mark.parametrize("name", ["vae-e-1", "x", "noisy", "copycats"])
def test_an_unknown_model_is_refused_with_the_known_ones(name: str, tmp_path: Path) -> None:
    publish(VAE, tmp_path)
    known = "copycat@DATASET, gaussian-pca@DATASET, noise, vae-d-1."
    with pytest.raises(ModelError, match=f"no model named '{name}'; known: {known}"):
        models.card(name)


@pytest.mark.parametrize("name", ["../../etc", "", ".vae.part", "con"])
def test_a_name_that_no_model_can_have_is_a_models_error(name: str) -> None:
    with pytest.raises(ModelError, match="cannot be a model name"):
        models.card(name)

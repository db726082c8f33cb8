import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from core import importers, models, paths
from core.configs import ImportConfig
from core.errors import ModelError
from tests.core import tiny_models
from tests.core.importers import foreign


def load(path: Path, **knobs: str) -> importers.ModelCard:
    return importers.load(ImportConfig(str(path), **knobs))


@pytest.fixture
def carried(tmp_path: Path) -> Path:
    """The folder of a model of another studio, which is not here."""
    card = tiny_models.publish(tiny_models.DDPM, tmp_path / "weights", "ema", "raw", model_id="theirs")
    return Path(shutil.move(paths.model(card.id), tmp_path / "carried"))


# ------------------------------------------------------------------------------------------ a model of another studio


@pytest.mark.parametrize("what", ["", "ema.safetensors", "raw.safetensors"], ids=["folder", "ema", "raw"])
def test_a_model_of_another_studio_comes_with_its_card_and_both_weights(what: str, carried: Path) -> None:
    card = load(carried / what)
    assert (card.id, card.origin, card.dataset, card.experiment) == ("theirs", f"file:{what or 'carried'}", "d", "e")
    assert models.training_config(card) == tiny_models.DDPM
    for name in ("ema", "raw"):
        kept, came = load_file(models.weights_file(card, name)), load_file(carried / f"{name}.safetensors")
        assert kept.keys() == came.keys() and all(torch.equal(kept[k], came[k]) for k in kept)


def test_what_it_was_there_stands_in_the_note(carried: Path) -> None:
    foreign.edit(carried / "card.json", base="older")
    card = load(carried, name="mine")
    assert card.note == "in the studio it came from: theirs, job:1, fine-tuned from older"
    assert (card.base, card.former) == ("", ())


def test_the_mark_of_the_old_noise_scale_is_carried_on(tmp_path: Path) -> None:
    first = load(foreign.study(tmp_path / "a.ckpt"))
    again = load(paths.model(first.id))
    assert (first.id, again.id) == ("a", "a-2")
    assert again.config["posterior"] == "legacy" and again.note.startswith(first.note)


def test_weights_that_are_not_those_of_the_card_are_refused(carried: Path) -> None:
    weights = load_file(carried / "raw.safetensors")
    foreign.safetensors(carried / "raw.safetensors", {k: t + 1 for k, t in weights.items()})
    with pytest.raises(ModelError, match="raw.safetensors is damaged: its sha256 is not the one on its card"):
        load(carried)
    assert models.cards() == []


def test_a_folder_that_lacks_weights_of_its_card_is_refused(carried: Path) -> None:
    (carried / "raw.safetensors").unlink()
    with pytest.raises(ModelError, match="lacks raw.safetensors, which its card names"):
        load(carried)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "its format is not 1"),
        ({"format": None}, "its format is not 1"),
        ({"family": "noise"}, "its family 'noise' is not one that is trained"),
        ({"family": "gan"}, "its family 'gan' is not one that is trained"),
        ({"sha256": {}}, "it names no ema.safetensors"),
        ({"sha256": {"ema.safetensors": "0", "../../x": "0"}}, "it names no ema.safetensors"),
        ({"sha256": {"ema.safetensors": 1}}, "its sha256 is"),
        ({"size": 16}, "its two sizes differ"),
        ({"size": "8"}, "its size is '8'"),
        ({"id": None}, "missing 1 required"),
        ({"note": ["x"]}, "its note is"),
        ({"former": [1]}, "its former is"),
        ({"metrics": {"val_loss": "low"}}, "its metrics is"),
        ({"config": {"size": 8}}, "missing 1 required"),
        ({"config": {"dataset": "d", "size": 8, "latent": -3, "channels": 4}}, "channels is 4"),
    ],
)
def test_a_card_that_is_none_is_refused(changes: dict[str, Any], said: str, carried: Path) -> None:
    foreign.edit(carried / "card.json", **changes)
    with pytest.raises(ModelError, match=f"card.json is no card of a trained model .*{said}"):
        load(carried)


def test_a_hostile_name_on_a_card_becomes_a_plain_one(carried: Path) -> None:
    foreign.edit(carried / "card.json", id="../../etc/passwd")
    assert load(carried).id == "etc-passwd"


# --------------------------------------------------------------------------------------------------- bare safetensors


def test_the_studys_weights_without_a_card_are_told_by_their_shapes(tmp_path: Path) -> None:
    card = load(foreign.safetensors(tmp_path / "My VAE (1).safetensors", foreign.vae_state(16, 5)))
    knobs = models.training_config(card)
    assert (card.id, card.family, card.size, knobs.latent) == ("My-VAE-1", "vae", 16, 5)
    assert card.config["posterior"] == "unknown"


def test_other_weights_are_refused_with_what_they_are_and_what_is_needed(tmp_path: Path) -> None:
    file = foreign.safetensors(tmp_path / "a.safetensors", {"layer.weight": torch.zeros(2), "layer.bias": torch.zeros(2)})
    with pytest.raises(ModelError, match=r"holds 2 weights \('layer.bias', 'layer.weight'\); needed: .*enc.0.*dec.5"):
        load(file)


def test_a_networks_weights_alone_are_told_to_come_with_their_folder(tmp_path: Path) -> None:
    folder = foreign.nested(tmp_path / "a", foreign.unet())
    with pytest.raises(ModelError, match="import the diffusers folder that it lies in"):
        load(folder / "unet" / "diffusion_pytorch_model.safetensors")


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    state = {**foreign.vae_state(), "enc.2.weight": torch.zeros(32, 32, 3, 3)}
    with pytest.raises(ModelError, match=r"'enc.2.weight' in .* has the shape \(32, 32, 3, 3\), needed: \(32, 32, 4, 4\)"):
        load(foreign.safetensors(tmp_path / "a.safetensors", state))
    assert models.cards() == []


def test_a_file_without_a_weight_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no weights; needed"):
        load(foreign.safetensors(tmp_path / "a.safetensors", {}))

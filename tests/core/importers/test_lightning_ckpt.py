from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core import generate, importers, models, paths
from core.configs import ImportConfig, SampleConfig
from core.errors import ModelError
from core.families.vae import ConvVAE
from tests.core.importers import foreign


def load(path: Path, **knobs: str) -> importers.ModelCard:
    return importers.load(ImportConfig(str(path), **knobs))


def test_the_studys_checkpoint_becomes_a_model_with_its_very_weights(tmp_path: Path) -> None:
    card = load(foreign.study(tmp_path / "vae-flowers.ckpt", size=8, latent=3))
    assert (card.id, card.family, card.size) == ("vae-flowers", "vae", 8)
    knobs = models.training_config(card)
    assert (knobs.size, knobs.latent, knobs.learning_rate) == (8, 3, 0.001)
    published = load_file(models.weights_file(card))
    assert all(torch.equal(published[k], t) for k, t in foreign.vae_state(8, 3).items())
    assert models.cards() == [card]


def test_it_is_marked_as_trained_with_the_old_noise_scale(tmp_path: Path) -> None:
    card = load(foreign.study(tmp_path / "a.ckpt"))
    assert card.note.startswith("trained with the old noise scale")
    assert card.config["posterior"] == "legacy"
    assert card.metrics == {"steps": 1224}


def test_a_card_says_nothing_of_the_training_that_the_checkpoint_did_not_say(tmp_path: Path) -> None:
    card = load(foreign.study(tmp_path / "a.ckpt"))
    assert card.config.keys() == {"dataset", "size", "latent", "learning_rate", "posterior"}
    assert (card.experiment, card.base, card.command) == ("", "", "")


def test_no_path_of_any_machine_is_kept(tmp_path: Path) -> None:
    card = load(foreign.study(tmp_path / "a.ckpt"))
    assert card.origin == "file:a.ckpt"
    kept = b"".join(f.read_bytes() for f in paths.model(card.id).iterdir())
    assert b"somebody" not in kept and str(tmp_path).encode() not in kept


def test_the_imported_model_draws_what_the_studys_decoder_draws(tmp_path: Path) -> None:
    card = load(foreign.study(tmp_path / "a.ckpt"))
    drawn = generate.images(SampleConfig(card.id, n=2, seed=5))
    vae = ConvVAE(8, 3)
    vae.load_state_dict(foreign.vae_state(8, 3))
    codes = [torch.randn(3, generator=torch.Generator().manual_seed(generate.image_seed(5, i))) for i in range(2)]
    with torch.no_grad():
        expected = vae.decode(torch.stack(codes)).permute(0, 2, 3, 1).numpy()
    assert abs(drawn.images / 127.5 - 1 - expected).max() < 1 / 127


def test_the_studys_true_size_and_another_latent_are_imported(tmp_path: Path) -> None:
    assert load(foreign.study(tmp_path / "a.ckpt", size=32, latent=2)).size == 32
    assert models.training_config(load(foreign.study(tmp_path / "b.ckpt", size=32, latent=64))).latent == 64


def test_weights_without_a_word_on_their_training_are_not_called_the_studys(tmp_path: Path) -> None:
    torch.save(foreign.vae_state(), tmp_path / "bare.pt")
    torch.save({"state_dict": foreign.vae_state()}, tmp_path / "wrapped.ckpt")
    for name in ("bare.pt", "wrapped.ckpt"):
        card = load(tmp_path / name)
        assert card.config["posterior"] == "unknown"
        assert "old noise scale" not in card.note


def test_a_checkpoint_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    hyper = {"input_shape": (3, 32, 32), "latent_size": 3, "optimizer_name": "adamw", "learning_rate": 0.001}
    with pytest.raises(ModelError, match=r"says input_shape \(3, 32, 32\) and latent_size 3, its weights \(3, 8, 8\) and 3"):
        load(foreign.study(tmp_path / "a.ckpt", size=8, hyper_parameters=hyper))


@pytest.mark.parametrize("shape", [(3, torch.zeros(2), 8), "3x8x8", None])
def test_strange_settings_are_not_the_studys(shape: object, tmp_path: Path) -> None:
    hyper = {"input_shape": shape, "latent_size": 3, "learning_rate": 0.001}
    assert load(foreign.study(tmp_path / "a.ckpt", hyper_parameters=hyper)).config["posterior"] == "unknown"


@pytest.mark.parametrize("family", ["vae", "ddpm"])
def test_a_checkpoint_of_our_own_trainers_is_told_to_be_resumed(family: str, tmp_path: Path) -> None:
    file = tmp_path / "jobs" / "20260101-train-1" / "checkpoints" / "seed-0" / "best.ckpt"
    file.parent.mkdir(parents=True)
    state = foreign.vae_state() if family == "vae" else foreign.unet().state_dict()
    torch.save({"state_dict": {f"network.{k}": t for k, t in state.items()}, "pytorch-lightning_version": "2.6"}, file)
    with pytest.raises(ModelError, match=f"python -m trainers {family} --resume=20260101-train-1"):
        load(file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mu.weight": torch.zeros(3, 100)}, r"'mu.weight' in .* \(3, 100\), needed"),
        ({"mu.weight": torch.zeros(600, 128)}, r"\(600, 128\), needed: \(1 to 512"),
        ({"mu.weight": torch.zeros(128)}, r"\(128,\), needed"),
        ({"mu.weight": torch.zeros(0, 128)}, r"\(0, 128\), needed"),
        ({"dec.3.weight": torch.zeros(32, 16, 4, 4)}, r"'dec.3.weight' in .* \(32, 16, 4, 4\), needed: \(32, 32, 4, 4\)"),
        ({"dec.5.bias": torch.tensor([0.0, float("nan"), 0.0])}, "'dec.5.bias' in .* are not finite"),
        ({"dec.5.bias": torch.zeros(3, dtype=torch.int64)}, "'dec.5.bias' in .* no plain floating-point numbers"),
        ({"dec.5.bias": torch.zeros(3).to_sparse()}, "'dec.5.bias' in .* no plain floating-point numbers"),
        ({"dec.7.bias": torch.zeros(3)}, "15 weights .*; needed: the weights of the study's VAE"),
        ({"dec.5.bias": None}, "no dictionary of weights"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: dict[str, torch.Tensor], said: str, tmp_path: Path) -> None:
    file = foreign.study(tmp_path / "a.ckpt", state_dict={**foreign.vae_state(), **change})
    with pytest.raises(ModelError, match=said):
        load(file)
    assert models.cards() == []


def test_half_precision_becomes_single(tmp_path: Path) -> None:
    state = {k: t.half() for k, t in foreign.vae_state().items()}
    card = load(foreign.study(tmp_path / "a.ckpt", state_dict=state))
    published = load_file(models.weights_file(card))
    assert all(published[k].dtype == torch.float32 and torch.equal(published[k], t.float()) for k, t in state.items())


def test_weights_that_share_memory_become_their_own(tmp_path: Path) -> None:
    state = foreign.vae_state()
    state["log_var.weight"] = state["mu.weight"]
    card = load(foreign.study(tmp_path / "a.ckpt", state_dict=state))
    assert torch.equal(load_file(models.weights_file(card))["log_var.weight"], state["mu.weight"])

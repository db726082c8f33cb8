import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, PNDMScheduler
from safetensors.torch import load_file

from core import generate, importers, models
from core.configs import ImportConfig, SampleConfig
from core.errors import ModelError, StudioError
from core.families import ddpm
from tests.core.importers import foreign


def load(path: Path, **knobs: str) -> importers.ModelCard:
    return importers.load(ImportConfig(str(path), **knobs))


def published(card: importers.ModelCard) -> dict[str, torch.Tensor]:
    return load_file(models.weights_file(card))


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
def test_a_nested_folder_becomes_a_model_with_its_very_weights(safe: bool, tmp_path: Path) -> None:
    network = foreign.unet()
    card = load(foreign.nested(tmp_path / "my-pipeline", network, safe=safe))
    assert (card.id, card.family, card.size, card.origin) == ("my-pipeline", "ddpm", 8, "file:my-pipeline")
    assert same(published(card), network.state_dict())


def test_a_flat_folder_with_the_old_names_of_weights_is_the_same_model(tmp_path: Path) -> None:
    network = foreign.unet()
    card = load(foreign.flat(tmp_path / "flat", network))
    assert same(published(card), network.state_dict())


def test_safetensors_are_taken_before_a_pickle(tmp_path: Path) -> None:
    folder = foreign.flat(tmp_path / "both", foreign.unet(seed=1))
    foreign.safetensors(folder / "diffusion_pytorch_model.safetensors", foreign.unet(seed=2).state_dict())
    assert same(published(load(folder)), foreign.unet(seed=2).state_dict())


def test_the_loaded_network_computes_what_the_foreign_one_did(tmp_path: Path) -> None:
    network = foreign.unet({**foreign.TINY, "freq_shift": 1, "flip_sin_to_cos": False, "downsample_padding": 0, "norm_eps": 1e-3})
    card = load(foreign.flat(tmp_path / "a", network))
    x, t = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor(321)
    with torch.no_grad():
        assert torch.equal(models.network(card)(x, t).sample, network(x, t).sample)


def test_the_imported_model_draws_what_diffusers_draws_from_it(tmp_path: Path) -> None:
    network = foreign.unet()
    card = load(foreign.flat(tmp_path / "a", network))
    drawn = generate.images(SampleConfig(card.id, n=1, seed=3, steps=10)).images[0]
    scheduler = DDIMScheduler()
    scheduler.set_timesteps(10)
    x = torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(generate.image_seed(3, 0)))[None]
    for t in scheduler.timesteps:
        with torch.no_grad():
            x = scheduler.step(network(x, t).sample, t, x, use_clipped_model_output=True).prev_sample
    expected = ((x[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().numpy()
    assert np.abs(drawn - expected).max() <= 1


@pytest.mark.parametrize(
    "scheduler",
    [
        DDPMScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction"),
        DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        PNDMScheduler(beta_end=0.01),
        DDPMScheduler(trained_betas=[float(b) for b in np.linspace(1e-4, 0.03, 1000)]),
    ],
    ids=["cosine-v", "scaled-linear", "pndm", "own-betas"],
)
def test_the_noise_of_the_training_is_kept(scheduler: Any, tmp_path: Path) -> None:
    card = load(foreign.nested(tmp_path / "a", foreign.unet(), scheduler))
    kept = ddpm.noise_scheduler(models.training_config(card))
    assert torch.equal(kept.alphas_cumprod, scheduler.alphas_cumprod)
    assert kept.config.prediction_type == card.config["prediction"] == scheduler.config.prediction_type


def test_the_card_says_the_shape_and_the_settings_of_the_network(tmp_path: Path) -> None:
    card = load(foreign.nested(tmp_path / "a", foreign.unet({**foreign.TINY, "dropout": 0.1})), dataset="petals")
    knobs = models.training_config(card)
    assert (knobs.channels, knobs.layers, knobs.dropout, knobs.prediction, knobs.schedule) == (
        "16-16",
        1,
        0.1,
        "epsilon",
        "linear",
    )
    assert (card.dataset, knobs.dataset) == ("petals", "petals")
    imported = json.loads(knobs.imported)
    assert imported["unet"]["norm_num_groups"] == 8
    assert imported["scheduler"] == {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}


@pytest.mark.parametrize("kind", ["ResnetDownsampleBlock2D", "AttnDownBlock2D"])
def test_every_kind_of_block_that_is_let_in_can_be_loaded(kind: str, tmp_path: Path) -> None:
    up = {"ResnetDownsampleBlock2D": "ResnetUpsampleBlock2D"}.get(kind, "AttnUpBlock2D")
    settings = {**foreign.TINY, "down_block_types": (kind, "DownBlock2D"), "up_block_types": ("UpBlock2D", up)}
    card = load(foreign.nested(tmp_path / "a", foreign.unet(settings)))
    assert same(models.network(card).state_dict(), foreign.unet(settings).state_dict())


# --------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"_class_name": "UNet2DConditionModel"}, "UNet2DConditionModel, needed: a UNet2DModel"),
        ({"_class_name": "Two\nlines"}, "it is a Two lines, needed"),
        ({"_class_name": None}, "network of no stated class"),
        ({"sample_size": [8, 16]}, r"sample_size is \[8, 16\], needed: squares"),
        ({"sample_size": 512}, "sample_size is 512"),
        ({"sample_size": None}, "sample_size is None"),
        ({"sample_size": 9}, "cannot be built|cannot be imported"),
        ({"in_channels": 1, "out_channels": 1}, "1 channels of 1, needed: RGB"),
        ({"out_channels": 6}, "6 channels of 3"),
        ({"num_class_embeds": 10}, "needed: an unconditional one"),
        ({"class_embed_type": "timestep"}, "needed: an unconditional one"),
        ({"time_embedding_type": "fourier"}, "time_embedding_type is fourier"),
        ({"block_out_channels": [16, -16]}, "block_out_channels are"),
        ({"block_out_channels": 16}, "block_out_channels are"),
        ({"block_out_channels": [16, 17]}, "cannot be built"),
        ({"block_out_channels": [16, 16, 16]}, "down_block_types are"),
        ({"layers_per_block": 10**9}, "layers_per_block is 1000000000"),
        ({"down_block_types": ["DownBlock2D", "SkipDownBlock2D"]}, "down_block_types are .*SkipDownBlock2D"),
        ({"act_fn": "no such"}, "cannot be built"),
        ({"norm_num_groups": "many"}, "cannot be built"),
        ({"from_the_future": 1}, "setting 'from_the_future' is not known"),
        ({"dropout": 2.0}, "cannot be built"),
        ({"dropout": 0.95}, "dropout is 0.95; needed: 0.0 to 0.9"),
    ],
)
def test_a_network_that_cannot_be_drawn_from_is_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    folder = foreign.flat(tmp_path / "a", foreign.unet())
    foreign.edit(folder / "config.json", **changes)
    with pytest.raises(StudioError, match=said) as refused:
        load(folder)
    assert "\n" not in str(refused.value)
    assert models.cards() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_train_timesteps": 4000}, "num_train_timesteps is 4000, needed: 1000"),
        ({"prediction_type": "sample"}, "prediction_type is sample, needed: epsilon or v_prediction"),
        ({"beta_schedule": "sigmoid"}, "beta_schedule is sigmoid"),
        ({"beta_schedule": None}, "beta_schedule is None"),
        ({"beta_start": None}, "beta_start and beta_end are None"),
        ({"beta_end": 1.5}, "beta_start and beta_end are 0.0001 and 1.5"),
        ({"trained_betas": [0.1, 0.2]}, "trained_betas are not 1000 numbers"),
        ({"rescale_betas_zero_snr": True}, "rescale_betas_zero_snr is set"),
    ],
)
def test_a_noise_that_the_samplers_do_not_have_is_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    folder = foreign.flat(tmp_path / "a", foreign.unet())
    foreign.edit(folder / "scheduler_config.json", **changes)
    with pytest.raises(ModelError, match=said):
        load(folder)


def test_without_its_scheduler_a_network_is_refused(tmp_path: Path) -> None:
    folder = foreign.nested(tmp_path / "a", foreign.unet())
    with pytest.raises(ModelError, match="has no scheduler_config.json, so which noise"):
        load(folder / "unet")
    (folder / "scheduler" / "scheduler_config.json").unlink()
    with pytest.raises(ModelError, match="has no scheduler/scheduler_config.json, so which noise"):
        load(folder)


def test_a_bare_network_with_its_scheduler_beside_it_is_imported(tmp_path: Path) -> None:
    foreign.unet().save_pretrained(tmp_path / "bare")
    DDPMScheduler().save_pretrained(tmp_path / "bare")
    assert same(published(load(tmp_path / "bare")), foreign.unet().state_dict())


def test_a_pipeline_whose_network_draws_codes_of_an_autoencoder_is_refused(tmp_path: Path) -> None:
    folder = foreign.nested(tmp_path / "a", foreign.unet())
    foreign.edit(folder / "model_index.json", vqvae=["diffusers", "VQModel"])
    with pytest.raises(ModelError, match=r"more parts \(vqvae\)"):
        load(folder)


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "extra"])
def test_missing_or_extra_weights_are_an_error_and_never_random(missing: bool, tmp_path: Path) -> None:
    folder, state = foreign.flat(tmp_path / "a", foreign.unet()), foreign.unet().state_dict()
    if missing:
        del state["conv_in.bias"]
    else:
        state["conv_in.more"] = torch.zeros(1)
    torch.save(state, folder / "diffusion_pytorch_model.bin")
    said = "lacks 1 weight .'conv_in.bias'." if missing else "has 1 weight .'conv_in.more'. too many"
    with pytest.raises(ModelError, match=said):
        load(folder)
    assert models.cards() == []


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    folder, state = foreign.nested(tmp_path / "a", foreign.unet()), foreign.unet().state_dict()
    state["conv_out.weight"] = torch.zeros(3, 8, 3, 3)
    foreign.safetensors(folder / "unet" / "diffusion_pytorch_model.safetensors", state)
    with pytest.raises(ModelError, match=r"'conv_out.weight' in .* \(3, 8, 3, 3\), needed: \(3, 16, 3, 3\)"):
        load(folder)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    folder = foreign.nested(tmp_path / "a", foreign.unet())
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(ModelError, match="unet has no weights; needed beside its config.json"):
        load(folder)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": NaN}', "[" * 100_000, '{"a": "' + "b" * (1 << 20) + '"}'])
def test_settings_that_are_no_json_object_are_refused(text: str, tmp_path: Path) -> None:
    folder = foreign.flat(tmp_path / "a", foreign.unet())
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match="config.json is no JSON object"):
        load(folder)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    folder = foreign.flat(tmp_path / "a", foreign.unet())
    weights = folder / "diffusion_pytorch_model.bin"
    weights.rename(tmp_path / "elsewhere.bin")
    weights.symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(ModelError, match="diffusion_pytorch_model.bin is a link that leads out of the folder"):
        load(folder)


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    folder = tmp_path / "loop"
    folder.mkdir()
    (folder / "unet").symlink_to(folder)
    (folder / "config.json").symlink_to(folder / "config.json")
    with pytest.raises(ModelError, match="holds no model"):
        load(folder)


# ------------------------------------------------------------------------------------------------- the real network


@pytest.mark.slow
def test_a_network_of_googles_size_is_imported_and_draws(tmp_path: Path) -> None:
    network = foreign.unet(foreign.GOOGLE)
    card = load(foreign.flat(tmp_path / "ddpm-cifar10-32", network))
    loaded = models.network(card)
    assert sum(p.numel() for p in loaded.parameters()) == 35_746_307
    assert same(loaded.state_dict(), network.state_dict())
    drawn = generate.recorded(SampleConfig(card.id, n=1, steps=2))["x"][-1]
    assert drawn.shape == (1, 32, 32, 3) and drawn.std() > 1

"""Fine-tuning: what a training takes from the model that it starts from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from core import configs, datasets, generate, models
from core.configs import AddConfig, DDPMConfig, SampleConfig
from core.errors import ConfigError, ModelError
from core.types import ModelCard, canonical
from tests.trainers import tiny
from trainers import bases, run
from trainers.publishing import experiment


@pytest.fixture
def photos(tmp_path: Path) -> str:
    source = tmp_path / "photos"
    source.mkdir()
    for i, image in enumerate(tiny.images(60).images):
        Image.fromarray(image).save(source / f"{i}.png")
    return datasets.add(AddConfig(str(source), name="d")).name


def trained(c: run.Trainable, folder: Path) -> ModelCard:
    card = run.train(c, folder, tiny.listener()[1])
    assert card is not None
    return card


@pytest.mark.parametrize(
    "c",
    [replace(tiny.VAE, latent=5), replace(tiny.DDPM, channels="16-32", prediction="epsilon", schedule="squaredcos_cap_v2")],
    ids=["vae", "ddpm"],
)
def test_fine_tuning_takes_architecture_and_weights_of_its_base(c: run.Trainable, photos: str, tmp_path: Path) -> None:
    base = trained(c, tmp_path / "base")
    tuned = replace(type(c)(dataset="d", size=8), base=base.id, learning_rate=1e-8, weight_decay=0.0)
    tuned = replace(tuned, epochs=1) if c.VERB[1] == "vae" else replace(tuned, steps=1, warmup=0)
    card = trained(tuned, tmp_path / "tuned")
    assert card.base == base.id and models.training_config(card) == replace(tuned, **bases_architecture(c))
    before, after = models.network(base).state_dict(), models.network(card).state_dict()
    # A step of 1e-8: as good as the base's own weights, and not those that chance would have begun with.
    assert all(torch.allclose(before[k], after[k], atol=1e-6) for k in before)
    assert card.experiment != base.experiment


def bases_architecture(c: run.Trainable) -> dict[str, Any]:
    names = ("size", "latent") if c.VERB[1] == "vae" else ("size", "channels", "layers", "prediction", "schedule", "imported")
    return {k: getattr(c, k) for k in names}


def test_another_architecture_than_the_bases_is_refused(photos: str, tmp_path: Path) -> None:
    base = trained(replace(tiny.VAE, latent=5), tmp_path / "base")
    with pytest.raises(ConfigError, match=r"latent is 7; .* has 5 and fine-tuning keeps it: leave latent out"):
        bases.based(replace(tiny.VAE, latent=7, base=base.id))
    with pytest.raises(ModelError, match="is a model of the family 'vae', not 'ddpm': train it with `vae`"):
        bases.based(replace(tiny.DDPM, base=base.id))
    with pytest.raises(ModelError, match="family 'noise', not 'ddpm': choose a trained model"):
        bases.based(replace(tiny.DDPM, base="noise"))
    with pytest.raises(ModelError, match="no model named 'x'"):
        run.check(replace(tiny.DDPM, base="x"))


def test_the_bases_data_set_may_be_another_but_its_size_is_kept(photos: str, tmp_path: Path) -> None:
    base = trained(tiny.VAE, tmp_path / "base")
    with pytest.raises(ConfigError, match="size is 16; .* has 8"):
        bases.based(replace(tiny.VAE, size=16, base=base.id))
    assert bases.based(configs.from_dict(type(tiny.VAE), {"dataset": "e", "base": base.id})).size == 8


def imported(folder: Path) -> ModelCard:
    """A published diffusers U-Net of another build than the compact ones, with random weights."""
    from diffusers.models.unets.unet_2d import UNet2DModel
    from safetensors.torch import save_file

    torch.manual_seed(1)
    unet = UNet2DModel(
        sample_size=8,
        block_out_channels=(16, 16),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=4,
        act_fn="gelu",
    )
    folder.mkdir()
    save_file(unet.state_dict(), folder / "ema.safetensors")
    betas = {"num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02, "beta_schedule": "linear"}
    own = canonical({"unet": {k: v for k, v in unet.config.items() if not k.startswith("_")}, "scheduler": betas})
    c = DDPMConfig(dataset="", size=8, channels="16-16", prediction="epsilon", imported=own)
    card = ModelCard("theirs", "ddpm", "", 8, configs.as_dict(c), 0, "", "file:theirs", "", {}, "")
    return models.publish(card, folder)


def test_an_imported_network_is_tuned_and_draws(photos: str, tmp_path: Path) -> None:
    base = imported(tmp_path / "theirs")
    card = trained(DDPMConfig(dataset="d", size=8, base=base.id, steps=2, batch=8, warmup=0), tmp_path / "tuned")
    assert card.command == "python -m trainers ddpm --dataset=d --size=8 --from=theirs --steps=2 --warmup=0 --batch=8"
    assert card.base == "theirs" and models.training_config(card).prediction == "epsilon"
    assert type(models.network(card).mid_block.resnets[0].nonlinearity).__name__ == "GELU"
    drawn = generate.images(SampleConfig(card.id, n=2, sampler="ddim", steps=5)).images
    assert drawn.shape == (2, 8, 8, 3) and np.unique(drawn).size > 2


def test_trainings_that_differ_in_circumstances_only_are_one_experiment() -> None:
    facts = {experiment(c) for c in (tiny.DDPM, replace(tiny.DDPM, seed=4, name="x", devices=2, resume="y", wandb="off"))}
    assert len(facts) == 1 and experiment(replace(tiny.DDPM, base="x")) not in facts

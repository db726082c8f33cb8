"""Checkpoints as other programs write them, tiny and untrained, made for each test."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler, UNet2DModel
from safetensors.torch import save_file

from core.families.vae import ConvVAE

MACHINE = "D:\\somebody\\models\\vae-flowers.ckpt"

TINY = {
    "sample_size": 8,
    "block_out_channels": (16, 16),
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
    "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 1,
    "norm_num_groups": 8,
    "attention_head_dim": 8,
}
GOOGLE = {
    "sample_size": 32,
    "layers_per_block": 2,
    "block_out_channels": (128, 256, 256, 256),
    "down_block_types": ("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": None,
    "norm_eps": 1e-6,
    "freq_shift": 1,
    "flip_sin_to_cos": False,
    "downsample_padding": 0,
}
"""The settings of google/ddpm-cifar10-32 that are not diffusers' defaults."""
SCHEDULER = {
    "_class_name": "DDPMScheduler",
    "_diffusers_version": "0.1.1",
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "clip_sample": True,
    "num_train_timesteps": 1000,
    "trained_betas": None,
    "variance_type": "fixed_large",
}
"""Its scheduler_config.json, word for word: older than prediction_type."""


def vae_state(size: int = 8, latent: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return ConvVAE(size, latent).state_dict()


def study(path: Path, size: int = 8, latent: int = 3, **changes: Any) -> Path:
    """A checkpoint in the layout of the study's: Lightning 2.4, with the path of a machine in a callback's state."""
    saved = {
        "epoch": 23,
        "global_step": 1224,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": vae_state(size, latent),
        "loops": {"fit_loop": {"state_dict": {}}},
        "callbacks": {
            "ModelCheckpoint{'monitor': 'val_loss'}": {"best_model_path": MACHINE, "best_model_score": torch.tensor(1.0)}
        },
        "optimizer_states": [{"state": {}, "param_groups": [{"lr": 0.001, "weight_decay": 0}]}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {
            "input_shape": (3, size, size),
            "latent_size": latent,
            "optimizer_name": "adamw",
            "learning_rate": 0.001,
        },
    }
    torch.save({**saved, **changes}, path)
    return path


def unet(settings: dict[str, Any] | None = None, seed: int = 0) -> UNet2DModel:
    torch.manual_seed(seed)
    return UNet2DModel(**(settings or TINY)).eval()


def nested(folder: Path, network: UNet2DModel, scheduler: Any = None, safe: bool = True) -> Path:
    """As DDPMPipeline.save_pretrained writes it; without the pipeline, whose loading is slow."""
    network.save_pretrained(folder / "unet", safe_serialization=safe)
    (scheduler or DDPMScheduler()).save_pretrained(folder / "scheduler")
    parts = {"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"], "scheduler": ["diffusers", "DDPMScheduler"]}
    (folder / "model_index.json").write_text(json.dumps(parts))
    return folder


def flat(folder: Path, network: UNet2DModel, **scheduler: Any) -> Path:
    """As google/ddpm-cifar10-32 lies on the Hub: everything at the top, a pickle, the old names of attention's weights."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {k: v for k, v in network.config.items() if not k.startswith("_")}
    document = {"_class_name": "UNet2DModel", "_diffusers_version": "0.0.4", **settings}
    (folder / "config.json").write_text(json.dumps(document))
    (folder / "scheduler_config.json").write_text(json.dumps({**SCHEDULER, **scheduler}))
    torch.save(old_names(network.state_dict()), folder / "diffusion_pytorch_model.bin")
    return folder


def old_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {}
    for key, tensor in state.items():
        for new, old in ((".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")):
            key = key.replace(new, old)
        renamed[key] = tensor
    assert renamed.keys() != state.keys()
    return renamed


def edit(file: Path, **changes: Any) -> None:
    """Other values in a JSON file; None takes a key away."""
    document = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: v for k, v in document.items() if v is not None or k not in changes}))


def safetensors(path: Path, state: dict[str, torch.Tensor]) -> Path:
    save_file(state, path)
    return path


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.file,)


class Unknown:
    """A class that the reader does not have."""

"""From a checkpoint to a published model: its weights as safetensors, its card."""

import os
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from core import configs
from core.configs import TrainingConfig
from core.types import ModelCard, digest

HOW_RUN = frozenset(("name", "seed", "seeds", "resume", "devices", "num_nodes", "strategy", "wandb", "wandb_project", "estimate"))
"""Knobs that no experiment is told from another by."""


def export(checkpoint: Path, folder: Path) -> Path:
    """The checkpoint's network as folder/ema.safetensors and, where weights were averaged, folder/raw.safetensors."""
    import torch
    from safetensors.torch import save_file

    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    # Lightning's averaging puts the averaged weights into state_dict and the others aside.
    states = {"ema": saved["state_dict"], "raw": saved.get("current_model_state")}
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in states.items():
        if state is not None:
            own = {k.removeprefix("network."): v.contiguous() for k, v in state.items() if k.startswith("network.")}
            save_file(own, folder / f"{name}.safetensors")
    return folder


def describe(c: TrainingConfig, metrics: dict[str, float]) -> ModelCard:
    """The card of a model that this config trained here and now; `publish` adds the hashes of its weights."""
    family = c.VERB[-1]
    # How many seeds were asked for is no knob of this one.
    knobs = {k: v for k, v in configs.as_dict(c).items() if k not in ("seeds", "estimate")}
    job = os.environ.get("STUDIO_JOB")
    return ModelCard(
        id=c.name,  # if none, `publish` chooses one
        family=family,
        dataset=c.dataset,
        size=c.size,
        config=knobs,
        seed=c.seed,
        experiment=experiment(c),
        origin=f"job:{Path(job).name}" if job else "shell:",
        base=c.base,
        sha256={},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=configs.command(c),
        metrics=metrics,
    )


def experiment(c: TrainingConfig) -> str:
    """Names what two trainings share that differ in nothing but chance and circumstances.

    Knobs at their default are left out, so that a later version's new knobs change no name.
    """
    told = {f.name: getattr(c, f.name) for f in fields(c) if f.name not in HOW_RUN and getattr(c, f.name) != f.default}
    return digest({"family": c.VERB[-1], **told})

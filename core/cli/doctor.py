"""python -m core doctor: what this machine has, and what is missing"""

import argparse
import importlib.metadata
import platform
from typing import Any

from core import models, paths, wandb_key
from core.cli.words import Said, verb
from core.features import EXTRACTORS, state
from core.protocols import PROTOCOLS
from core.sampling import SAMPLERS

PACKAGES = (
    *("streamlit", "torch", "torchvision", "lightning", "diffusers", "torchmetrics", "torch-fidelity", "plotly", "pandas"),
    "wandb",
)


def add(verbs: Any) -> None:
    verb(verbs, "doctor", doctor, "versions, device, cache, extractors, W&B key")


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing: pip install -r requirements.txt"


def device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}"
    return f"cpu, {torch.get_num_threads()} threads"


def doctor(ns: argparse.Namespace) -> Said:
    document = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {p: version(p) for p in PACKAGES},
        "device": device(),
        "cache": {"folder": str(paths.cache()), "exists": paths.cache().is_dir()},
        "extractors": {name: state(name) for name in EXTRACTORS},
        "wandb_key": wandb_key.find()[1],
        "models": {"listed": len(models.cards()), "deleted": len(models.deleted()), "damaged": models.damaged()},
        "protocols": {p.name: p.use for p in PROTOCOLS.values()},
        "samplers": {
            s.name: {"label": s.label, "grids": {noise: list(g) for noise, g in s.grids.items()}} for s in SAMPLERS.values()
        },
    }
    return document, "\n".join(_lines(document))


def _lines(document: dict[str, Any], indent: str = "") -> list[str]:
    lines = []
    for key, value in document.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}", *_lines(value, indent + "  ")]
        else:
            shown = ", ".join(value) if isinstance(value, list) else value
            lines.append(f"{indent}{key}: {shown}")
    return lines

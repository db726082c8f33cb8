"""Where a network runs, and how many images it takes at a time."""

import contextlib

import torch

from core.features.table import Extractor

LARGEST = 256


def chosen() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def batch(e: Extractor, device: torch.device) -> int:
    """On a CPU the row's own; on a GPU the largest power of two that half of its free memory holds."""
    if device.type == "cpu":
        return e.batch
    free, _ = torch.cuda.mem_get_info(device)
    fit = max(1, free // 2 // e.bytes_an_image)
    return int(min(LARGEST, 1 << (fit.bit_length() - 1)))


def exact() -> contextlib.AbstractContextManager[None]:
    """Convolutions in float32 as they are on a CPU; a GPU would round them to 10 bits (TF32), which torch has on by default."""
    flags: contextlib.AbstractContextManager[None] = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    return flags


def name(device: torch.device) -> str:
    return "cpu" if device.type == "cpu" else f"cuda: {torch.cuda.get_device_name(device)}"

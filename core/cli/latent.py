"""python -m core latent MODEL [--show reconstructions | manifold | interpolation | encode --image FILE] [--out sheet.png]"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core import configs, latents, models, pictures
from core.cli.words import Said, verb
from core.configs import LatentConfig
from core.errors import ConfigError
from core.jobs import worker
from core.types import Arrays


def add(verbs: Any) -> None:
    p = verb(verbs, "latent", shown, "what a VAE makes of images: reconstructions, its plane of codes, ways between images")
    configs.add_arguments(p, LatentConfig)
    p.add_argument("--out", type=Path, help="a .png for one contact sheet")


def shown(ns: argparse.Namespace) -> Said:
    c = latents.resolve(configs.from_namespace(LatentConfig, ns))
    if ns.out and (ns.out.suffix.lower() != ".png" or ns.out.is_dir() or not ns.out.absolute().parent.is_dir()):
        raise ConfigError(f"--out is {ns.out}; needed: the name of a .png file in a folder that is there.")
    found = latents.compute(c, worker.quietly())
    if ns.out:
        _write(ns.out, c, found)
    errors = found["val_errors"]
    document = {
        "model": c.model,
        "show": c.show,
        "dataset": c.dataset,
        "seed": c.seed,
        "validation_images": len(errors),
        "median_error": float(np.median(errors)),
        **NUMBERS[c.show](found),
        "note": models.card(c.model).note,
        "out": str(ns.out) if ns.out else None,
    }
    return document, "\n".join(f"{name}: {_short(value)}" for name, value in document.items() if value not in ("", None))


def _write(out: Path, c: LatentConfig, found: Arrays) -> None:
    images, columns = latents.laid_out(c.show, found)
    try:
        out.write_bytes(pictures.sheet(images, columns=columns, gap=0 if c.show == "manifold" else 2))
    except OSError as e:
        raise ConfigError(f"{e.filename} cannot be written ({e.strerror}); choose another place.") from e


def _reconstructions(found: Arrays) -> dict[str, Any]:
    places = found["places"]
    kl = found.get("val_kl")
    return {
        "places": places.tolist(),
        "errors": found["val_errors"][places].tolist(),
        "kl": None if kl is None else kl[places].sum(1).tolist(),
    }


def _manifold(found: Arrays) -> dict[str, Any]:
    return {"axis": found["axis"].tolist(), "share_inside": latents.share_inside(found)}


def _interpolation(found: Arrays) -> dict[str, Any]:
    return {"places": found["places"].tolist(), "codes": found["codes"].tolist()}


def _encode(found: Arrays) -> dict[str, Any]:
    ratio, below = latents.beside_validation(found)
    kl = found.get("kl")
    return {
        "code": found["code"].tolist(),
        "kl": None if kl is None else kl.tolist(),
        "error": float(found["error"][0]),
        "error_of_median": ratio,
        "share_below": below,
    }


NUMBERS: dict[str, Callable[[Arrays], dict[str, Any]]] = {
    "reconstructions": _reconstructions,
    "manifold": _manifold,
    "interpolation": _interpolation,
    "encode": _encode,
}


def _short(value: Any) -> str:
    """Numbers in four digits; of a long list its beginning."""
    if isinstance(value, list):
        return ", ".join(map(_short, value[:8])) + (f", ... ({len(value)} in all)" if len(value) > 8 else "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)

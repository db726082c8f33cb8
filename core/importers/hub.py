"""Models on the Hugging Face Hub that are known here, each at one revision and with pixels that its weights must draw."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core import paths
from core.errors import ModelError, unknown
from core.hub_client import bar, endpoint
from core.importers import diffusers_folder, reading
from core.importers.reading import Found
from core.types import Progress, silent

PREFIX = "hub:"
FILES = f"{diffusers_folder.CONFIG}, {diffusers_folder.SCHEDULER} and {diffusers_folder.WEIGHTS[-1]}"
TOLERANCE = 1e-2
"""Of each expected pixel in 0..1: that of diffusers' own test, across processors and versions."""


@dataclass(frozen=True)
class Repository:
    """A flat diffusers folder on the Hub. revision: a commit, so what is fetched cannot change.  bytes: of its weights, about.

    pixels: the last 3 x 3 of the last channel, row by row in 0..1, of the image that DDIM draws in 50 steps at eta 0 from seed 0.
    source: where they stand.  note: what a person should know, its licence too, for the card.
    """

    name: str
    revision: str
    bytes: int
    pixels: tuple[float, ...]
    source: str
    note: str


KNOWN: Mapping[str, Repository] = {
    r.name: r
    for r in (
        Repository(
            "google/ddpm-cifar10-32",
            revision="267b167dc01f0e4e61923ea244e8b988f84deb80",
            bytes=143_000_000,
            pixels=(0.1723, 0.1617, 0.1600, 0.1626, 0.1497, 0.1513, 0.1505, 0.1442, 0.1453),
            source="diffusers, tests/pipelines/ddim/test_ddim.py, test_inference_cifar10",
            note=(
                "trained on CIFAR-10, licence apache-2.0; very likely its last weights, not the averaged ones: the FID of 3.17 "
                "on its page is the paper's with averaged weights, not its own"
            ),
        ),
    )
}


def find(source: str) -> Repository:
    """The row of "hub:OWNER/NAME". ModelError for one that is not known."""
    name = source.removeprefix(PREFIX)
    if name not in KNOWN:
        raise ModelError(
            f"{unknown('model on the Hub', name, KNOWN)[:-1]}; download any other as a diffusers folder and import that."
        )
    return KNOWN[name]


def read(r: Repository, progress: Progress = silent) -> Found:
    """The model, found on this machine or fetched, and checked. ModelError where it cannot be had or draws other pixels."""
    folder = fetch(r, progress)
    found = diffusers_folder.read(folder)
    progress(0, 0, f"checking what {r.name} draws")
    away = float(np.abs(pixels(found) - r.pixels).max())
    if not away <= TOLERANCE:
        raise ModelError(
            f"{folder} is not {r.name}: an image that it draws is off by up to {away:.3f} (of 1; allowed: {TOLERANCE}); "
            "take the folder away and import again."
        )
    return replace(found, note=r.note)


def pixels(found: Found) -> np.ndarray:
    """(9,) float64: what `Repository.pixels` says of a model, drawn by diffusers' own pipeline. 50 network evaluations."""
    import torch
    from diffusers.pipelines.ddim.pipeline_ddim import DDIMPipeline
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    from core.families import ddpm

    network = reading.skeleton(found.family, found.config)
    network.load_state_dict(found.weights["ema"], strict=True, assign=True)
    trained = ddpm.noise_scheduler(reading.knobs(found.family, found.config))
    pipeline = DDIMPipeline(unet=network.eval(), scheduler=DDIMScheduler.from_config(trained.config))
    pipeline.set_progress_bar_config(disable=True)
    drawn: Any = pipeline(generator=torch.Generator().manual_seed(0), output_type="np")
    return np.asarray(drawn.images[0][-3:, -3:, -1], dtype=np.float64).ravel()


# -------------------------------------------------------------------------------------------------------- fetching


def fetch(r: Repository, progress: Progress = silent) -> Path:
    """The folder of the model's files: in the studio's cache, in the Hub's own, or fetched into the studio's.

    ModelError where the Hub does not give them, which says where they can be put by hand.
    """
    from huggingface_hub import constants, errors, get_hf_file_metadata, hf_hub_url

    own = paths.store("hub")
    for place in (own, Path(constants.HF_HUB_CACHE)):
        with contextlib.suppress(errors.LocalEntryNotFoundError):
            return _files(r, place, None)
    progress(0, 0, f"asking the Hub for {r.name}")
    try:
        # Once by ourselves: where nobody answers, the client tries again for 24 seconds.
        get_hf_file_metadata(hf_hub_url(r.name, diffusers_folder.CONFIG, revision=r.revision, endpoint=endpoint()))
        return _files(r, own, progress)
    except (OSError, errors.HTTPError) as e:
        said = (str(e.__cause__ or e).strip().splitlines() or [type(e).__name__])[0]
        reason = "HF_HUB_OFFLINE is set" if isinstance(e, errors.OfflineModeIsEnabled) else said[:160].rstrip(". ")
        raise ModelError(
            f"{r.name} cannot be fetched ({reason}); on a machine with network get {FILES} (about {r.bytes // 10**6} MB) from "
            f"https://huggingface.co/{r.name}/tree/{r.revision}, put them into {_snapshot(r)} and import again."
        ) from e


def _files(r: Repository, cache: Path, ask: Progress | None) -> Path:
    """The folder of the two settings and the first kind of weights that there is, from a cache of the Hub's client.

    ask: hears of what is fetched into it; None: nothing is fetched. Raises what the client raises.
    """
    from huggingface_hub import errors, hf_hub_download

    def one(name: str) -> Path:
        options: dict[str, Any] = (
            {"endpoint": endpoint(), "tqdm_class": bar(f"fetching {name}", ask)} if ask else {"local_files_only": True}
        )
        return Path(hf_hub_download(r.name, name, revision=r.revision, cache_dir=cache, **options)).parent

    one(diffusers_folder.CONFIG)
    one(diffusers_folder.SCHEDULER)
    preferred, other = diffusers_folder.WEIGHTS
    try:
        return one(preferred)
    except errors.EntryNotFoundError as e:
        # A Hub that does not answer would be asked in vain for the other too.
        if ask and isinstance(e, errors.LocalEntryNotFoundError):
            raise
    return one(other)


def _snapshot(r: Repository) -> Path:
    """Where the Hub's client looks for this revision's files in the studio's cache."""
    return paths.store("hub") / f"models--{r.name.replace('/', '--')}" / "snapshots" / r.revision

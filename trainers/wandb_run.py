"""A training as a run of Weights & Biases: Lightning's logger, and the finished model as an artifact.

The run's id is the job's; its artifact is `model-RUN` of type "model" with the model's own files, aliases "best" and "latest".
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core import configs, paths, wandb_key
from core.configs import TrainingConfig
from core.errors import ConfigError
from core.types import ModelCard

REACHED = 3.0  # seconds that the server may take to answer


def mode(asked: str) -> str:
    """ "online", "offline" or "off". ConfigError for "online" without a key."""
    key, where = wandb_key.find()
    if asked == "online" and not key:
        raise ConfigError(f"--wandb is online, and a W&B key is {where}; without one use --wandb=offline.")
    if asked in ("off", "online", "offline"):
        return asked
    return ("online" if reachable() else "offline") if key else "off"


def reachable() -> bool:
    """Whether W&B's server takes a connection."""
    address = urlsplit(wandb_key.server())
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        with socket.create_connection((address.hostname or "", port), timeout=REACHED):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def logged(c: TrainingConfig, folder: Path) -> Iterator[Any]:
    """Lightning's logger for this training, or None; at the end the run is finished, as failed where an error ends it."""
    chosen = mode(c.wandb)
    if chosen == "off":
        yield None
        return
    # The client reads its key, and what not to send, from the environment of this process; none of it is written.
    places = dict.fromkeys(("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"), str(paths.wandb()))
    os.environ |= {"WANDB_ERROR_REPORTING": "false", **places}
    key, _ = wandb_key.find()
    if key:
        os.environ[wandb_key.NAME] = key
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    # A machine's name, its user, paths and programs are nobody's business.
    private = wandb.Settings(
        x_disable_meta=True, x_disable_machine_info=True, disable_git=True, disable_code=True, console="off", silent=True
    )
    logger = WandbLogger(
        project=c.wandb_project,
        name=c.name or None,
        id=f"{Path(c.resume).name or folder.name}-s{c.seed}",
        save_dir=folder,
        offline=chosen == "offline",
        resume="allow",
        settings=private,
    )
    logger.log_hyperparams({k: v for k, v in configs.as_dict(c).items() if k not in ("wandb", "wandb_project", "estimate")})
    failed = 1
    try:
        yield logger
        failed = 0
    finally:
        wandb.finish(exit_code=failed)


def publish(logger: Any, card: ModelCard) -> None:
    """The model's files as the run's artifact."""
    if logger is None:
        return
    import wandb

    run = logger.experiment
    artifact = wandb.Artifact(f"model-{run.id}", type="model", metadata={"id": card.id, "val_loss": card.metrics["val_loss"]})
    artifact.add_dir(str(paths.model(card.id)))
    run.log_artifact(artifact, aliases=["best", "latest"])
    run.summary["model"] = card.id


def samples(logger: Any, file: Path, step: int) -> None:
    """A grid of samples, under the step it was drawn at."""
    if logger is not None:
        logger.log_image("samples", [str(file)], step=None, caption=[f"step {step}"])

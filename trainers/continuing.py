"""A training that goes on: what it has published before, and that nobody else goes on with it."""

import contextlib
from collections.abc import Iterator

from core import jobs, models, paths
from core.configs import TrainingConfig
from core.errors import JobError
from core.jobs import resuming, supervisor
from core.types import ModelCard
from trainers.publishing import experiment


def published(c: TrainingConfig) -> ModelCard | None:
    """The model that this very training has published already, before the end of an earlier job of it."""
    if not c.resume:
        return None
    begun = resuming.root(jobs.read(c.resume)).id
    mine = [m for m in models.cards() if m.origin == f"job:{begun}" or m.config.get("resume") == begun]
    steps = {k: getattr(c, k) for k in ("steps", "epochs") if hasattr(c, k)}
    same = [m for m in mine if m.seed == c.seed and m.experiment == experiment(c) and steps.items() <= m.config.items()]
    return same[0] if same else None


@contextlib.contextmanager
def alone(c: TrainingConfig) -> Iterator[None]:
    """JobError if another process is going on with the same training."""
    if not c.resume:
        yield
        return
    root = paths.job(resuming.root(jobs.read(c.resume)).id)
    held = supervisor.lock(root / "resumed.lock")
    if held is None:
        raise JobError(f"Another job goes on with the training {root.name} at this moment; wait for its end or cancel it.")
    with held:
        yield

"""Every path under the cache folder, as functions of $STUDIO_CACHE (default: `cache/` beside the code), and the examples."""

import os
import re
from pathlib import Path

from core.errors import ConfigError

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds Home.py, core/ and trainers/."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,79}")
# Device names that Windows refuses as a file name with any ending.
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))}


def check_name(name: str, what: str = "name") -> str:
    """The name itself if it can be a folder on every system; ConfigError otherwise (this is also the path check)."""
    if not _NAME.fullmatch(name) or name.endswith(".") or name.split(".")[0].lower() in _RESERVED:
        raise ConfigError(
            f"'{name}' cannot be a {what}: use 1 to 80 letters, digits, '-', '_', '.' or '@', starting with a letter or digit."
        )
    return name


def cache() -> Path:
    return Path(os.environ.get("STUDIO_CACHE") or PROJECT / "cache").expanduser().resolve()


def store(kind: str) -> Path:
    """Deletable at any time: everything in it can be computed again."""
    return cache() / "store" / check_name(kind, "kind of cache entry")


def damaged() -> Path:
    """Where the store sets damaged entries aside."""
    return cache() / "store" / "damaged"


def datasets() -> Path:
    """One folder a registered data set: its card and what its preparation found."""
    return cache() / "datasets"


def dataset(name: str) -> Path:
    return datasets() / check_name(name, "data set name")


def downloads() -> Path:
    """Published data sets as they were fetched, or put here by hand."""
    return cache() / "downloads"


def models() -> Path:
    return cache() / "models"


def model(model_id: str) -> Path:
    return models() / check_name(model_id, "model name")


def deleted_models() -> Path:
    """Deleted models, each in a folder that is named by the time, until somebody restores them or empties this one."""
    return models() / ".deleted"


def hidden_examples() -> Path:
    """Where this file exists, the examples are left out of listings."""
    return models() / ".examples-hidden"


def examples() -> Path:
    """What comes with the studio; only `core demo build` writes it. $STUDIO_EXAMPLES (default: `core/examples/`)."""
    return Path(os.environ.get("STUDIO_EXAMPLES") or PROJECT / "core" / "examples").expanduser().resolve()


def example_models() -> Path:
    return examples() / "models"


def weights() -> Path:
    """Weight files of extractors that were fetched or added."""
    return cache() / "weights"


def wandb() -> Path:
    """What W&B's client keeps beside its runs, which lie in their jobs' folders."""
    return cache() / "wandb"


def jobs() -> Path:
    return cache() / "jobs"


def job(job_id: str) -> Path:
    return jobs() / check_name(job_id, "job id")


def results() -> Path:
    return cache() / "studio.sqlite"

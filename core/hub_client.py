"""How the Hugging Face Hub is asked: through a mirror where one is set, with progress that the studio shows."""

import os
from typing import Any

from core.types import Progress


def endpoint() -> str | None:
    """A mirror of the Hub, where one is set."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


def bar(note: str, progress: Progress) -> type[Any]:
    """A progress bar of the Hub's client that tells `progress` instead of drawing itself."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            progress(int(self.n), int(self.total or 0), note)

    return Bar

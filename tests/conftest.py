"""Every test has a cache folder of its own and no examples; torch, where a test uses it, keeps to one thread."""

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("STUDIO_CACHE", str(folder))
    # No example stands among a test's own models; the tests of the examples look at them on purpose.
    monkeypatch.setenv("STUDIO_EXAMPLES", str(tmp_path / "examples"))
    monkeypatch.delenv("STUDIO_JOB", raising=False)
    # The account of whoever runs the tests stays out of them.
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    return folder

"""Every test has a cache folder of its own; torch, where a test uses it, keeps to one thread."""

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
    monkeypatch.delenv("STUDIO_JOB", raising=False)
    return folder

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainers import watch


def test_pictures_keep_to_their_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check every 10 s, 2 s a picture: one at once, and then one in 40 s."""
    clock, drawn = [0.0], []
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    def draw(self: Any, module: Any) -> np.ndarray:
        drawn.append(clock[0])
        clock[0] += 2
        return np.zeros((16, 8, 8, 3), np.float32)

    monkeypatch.setattr(watch.Pictures, "draw", draw)
    pictures = watch.Pictures(tmp_path)
    trainer: Any = SimpleNamespace(is_global_zero=True, global_step=1, logger=None)
    pictures.on_train_start(trainer, trainer)
    while clock[0] < 2000:
        clock[0] += 10
        pictures.on_validation_epoch_end(trainer, trainer)
    assert drawn[0] == 10
    assert len(drawn) == pytest.approx(2000 * watch.SHARE / 2, abs=2)


def test_the_grid_is_read_from_left_to_right(tmp_path: Path) -> None:
    images = np.linspace(-1, 1, 16, dtype=np.float32)[:, None, None, None] * np.ones((1, 2, 2, 3), np.float32)
    watch.write_grid(tmp_path / "grid.png", images)
    with Image.open(tmp_path / "grid.png") as grid:
        greys = np.asarray(grid)[::2, ::2, 0]
    assert (greys.ravel() == [round(17 * i) for i in range(16)]).all()
    assert [p.name for p in tmp_path.iterdir()] == ["grid.png"]

"""Recorded ways in rows, walked over together in the browser: the frames come once over HTTP, the slider asks nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core import pictures
from core.configs import SampleConfig
from core.types import Arrays
from core.ui import ways

HERE = Path(__file__).parent

_mount = st.components.v2.component(
    "fidelio.scrubber",
    html=(HERE / "scrubber.html").read_text(encoding="utf-8"),
    css=(HERE / "scrubber.css").read_text(encoding="utf-8"),
    js=(HERE / "scrubber.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Picked:
    """An image that was clicked: its row, its number in the sample, and the kept step that was shown."""

    row: int
    image: int
    step: int


def panel(rows: Sequence[tuple[str, SampleConfig, Arrays]], key: str) -> Picked | None:
    """(label, config, recording) for each row; gives the image that was clicked just now."""
    words = {"play": "Play", "stop": "Stop", "x": "noisy state", "x0": "the model's guess"}
    shown = [_row(label, c, way) for label, c, way in rows]
    same = " ".join(row["x"] for row in shown)
    result = _mount(key=key, data={"rows": shown, "words": words, "ways": same}, on_picked_change=lambda: None)
    picked = getattr(result, "picked", None)
    return Picked(**{k: int(picked[k]) for k in ("row", "image", "step")}) if picked else None


def _row(label: str, c: SampleConfig, way: Arrays) -> dict[str, Any]:
    kept, n, side = way["x"].shape[:3]
    return {
        "label": label,
        **{what: ways.address(c, what) for what in ways.WHAT},
        "total": kept - 1,
        "across": ways.ACROSS,
        "columns": pictures.balanced(n),
        "images": n,
        "side": side,
        "told": [told(way, k) for k in range(kept)],
    }


def told(way: Arrays, k: int) -> str:
    """step 3 of 20 · noise level t = 850 of 1,000 · 4 network evaluations."""
    t, evaluations = float(way["timestep"][k]), int(way["evaluations"][k])
    return f"step {k} of {len(way['x']) - 1} · noise level t = {t:.0f} of 1,000 · {evaluations} network evaluations"

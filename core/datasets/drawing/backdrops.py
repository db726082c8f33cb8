"""What stands behind the faces: some of the scenery, and plain studio walls of one colour with a pool of light."""

import numpy as np

from core.datasets.drawing.brush import ONE, Dice, deep, grid, noise, towards
from core.datasets.drawing.canvas import EXTENT
from core.datasets.drawing.scenery import garden, sky, wall

_PAPERS = (
    (246, 214, 160),
    (240, 178, 150),
    (236, 190, 200),
    (202, 190, 230),
    (166, 196, 232),
    (150, 208, 210),
    (176, 212, 170),
    (226, 222, 206),
    (120, 150, 180),
    (104, 140, 130),
    (180, 110, 100),
    (70, 92, 120),
)


def backdrop(dice: Dice, size: int) -> np.ndarray:
    """(B, size, size, 3) int64 in 0..255."""
    painters = (_paper, _paper, _paper, _panels, garden, garden, sky, wall)
    kind = dice.roll("backdrop", 0, len(painters) - 1)
    out = np.empty((len(kind), size, size, 3), np.int64)
    for k, painter in enumerate(painters):
        part = np.flatnonzero(kind == k)
        if len(part):
            out[part] = painter(dice.part(part), size)
    return np.clip(out, 0, 255)


def _colour(dice: Dice, what: str) -> np.ndarray:
    chosen = np.array(_PAPERS, np.int64)[dice.roll(what, 0, len(_PAPERS) - 1)]
    return (chosen + dice.rolls(what + " tint", -12, 12, 3))[:, None, None, :]


def _paper(dice: Dice, size: int) -> np.ndarray:
    """One colour, lighter in a pool behind the head."""
    at = grid(size, EXTENT)
    dx, dy = at - dice.roll("pool x", -500, 500)[:, None], at - dice.roll("pool y", -700, 100)[:, None]
    far = np.minimum(((dx * dx)[:, None, :] + (dy * dy)[:, :, None]) * ONE // (1700 * 1700), ONE)
    glow = (ONE - far) * deep(dice.roll("pool", 30, 120)) >> 8
    paper = _colour(dice, "paper") * (225 + noise(dice, "paper grain", (3, 3), size)[..., None] // 8) // 250
    return towards(paper, np.full_like(paper, 255), glow[..., None], ONE)


def _panels(dice: Dice, size: int) -> np.ndarray:
    """Two colours that meet in a slanting edge, soft from pixel to pixel."""
    at = grid(size, EXTENT)
    slope, place = dice.roll("edge slope", -130, 130), dice.roll("edge place", -300, 500)
    off = at[None, :, None] - deep(place) - (deep(slope) * at[None, None, :] >> 8)
    lower = np.clip(off * ONE // (4096 // size) + ONE // 2, 0, ONE)
    return towards(_colour(dice, "upper"), _colour(dice, "lower"), lower[..., None], ONE)

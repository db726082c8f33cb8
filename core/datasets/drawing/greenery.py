"""Stalks and leaves of `petals`."""

import numpy as np

from core.datasets.drawing.brush import TURN, Dice, cosine, deep, sine
from core.datasets.drawing.canvas import EXTENT, GREEN, Canvas, Petal, Pose, outline, paint, petal, shades, spots


def stem(canvas: Canvas, pose: Pose, own: Dice) -> None:
    """A bent stalk from the head to the lower edge, and up to two leaves on it."""
    below, reach = canvas.at - pose.y[:, None], EXTENT - pose.y
    bend = own.roll("bend", -260, 260)
    middle = pose.x[:, None] + bend[:, None] * (below * below // reach[:, None]) // reach[:, None]
    off = canvas.at - middle[:, :, None]
    thick = 14 + pose.radius // 26
    on = spots((abs(off) < deep(thick)) & (below > 0)[:, :, None])
    round_off = 18 - (off.ravel()[on.place] * (8 * 256 // thick)[on.image] >> 8)
    all_of_it = np.ones(len(on.place), bool)
    paint(canvas, on, all_of_it, GREEN, np.full(len(on.place), 64), round_off)
    for side in ("left", "right"):
        down = reach * own.roll(f"{side} leaf at", 60, 115) // 100
        _leaf(canvas, pose.x + bend * down // reach * down // reach, pose.y + down, side, own)


def _leaf(canvas: Canvas, x: np.ndarray, y: np.ndarray, side: str, own: Dice) -> None:
    """In two pictures of three, a leaf that grows upwards and outwards from (x, y)."""
    grows = own.roll(f"{side} leaf", 0, 99) < 65
    turn = own.roll(f"{side} leaf turn", TURN // 32, TURN // 7) * (-1 if side == "left" else 1)
    length = own.roll(f"{side} leaf length", 400, 900)
    width = grows * length * own.roll(f"{side} leaf width", 18, 34) // 200
    c, s = cosine(turn)[:, None], sine(turn)[:, None]
    dx, dy = canvas.at - x[:, None], canvas.at - y[:, None]
    across = abs(((dx * c)[:, None, :] + (dy * s)[:, :, None]) >> 12)
    up = ((dx * s)[:, None, :] - (dy * c)[:, :, None]) >> 12
    on = spots((across < deep(width)) & (up > 0))
    t = np.minimum(up.ravel()[on.place] * ((255 << 12) // length)[on.image] >> 12, 255)
    blade = outline(np.full_like(width, 110), width, 0, 200)
    petal(canvas, on, across.ravel()[on.place], t, Petal(blade, GREEN, shades(16, 22, 4, 6)))

"""What stands behind flowers and faces, and the light on all of it. Painted at the size of the picture: it is soft."""

import numpy as np

from core.datasets.drawing.brush import ONE, Dice, deep, grid, noise, towards
from core.datasets.drawing.canvas import EXTENT

Colours = tuple[tuple[int, int, int], ...]
_SKY_TOPS = ((70, 130, 215), (105, 165, 235), (60, 105, 180), (150, 150, 215), (235, 150, 120))
_SKY_LOWS = ((195, 222, 245), (215, 232, 248), (250, 225, 200))
_GRASS_TOPS = ((140, 180, 80), (110, 165, 75), (165, 190, 100), (95, 150, 90))
_GRASS_LOWS = ((40, 85, 30), (30, 75, 40), (60, 95, 30))
_GARDENS = ((40, 70, 38), (60, 85, 45), (70, 62, 50), (45, 60, 72), (92, 108, 60))
_GLOWS = ((225, 230, 150), (170, 210, 120), (250, 215, 160), (235, 190, 200), (190, 215, 235))
_NIGHTS = ((26, 28, 34), (22, 34, 28), (38, 24, 34), (20, 26, 46), (40, 30, 24))
_WALLS = ((238, 225, 200), (225, 200, 200), (200, 215, 228), (206, 220, 200), (222, 210, 228), (190, 150, 120))
_HOURS = ((256, 256, 256), (256, 256, 256), (268, 252, 228), (244, 254, 268), (272, 244, 220), (226, 234, 250))


def background(dice: Dice, size: int) -> np.ndarray:
    """(B, size, size, 3) int64 in 0..255: sky, grass, spots of light out of focus, night, or a plain wall."""
    painters = (sky, grass, garden, night, wall)
    kind = dice.roll("background", 0, len(painters) - 1)
    out = np.empty((len(kind), size, size, 3), np.int64)
    for k, painter in enumerate(painters):
        part = np.flatnonzero(kind == k)
        if len(part):
            out[part] = painter(dice.part(part), size)
    return np.clip(out, 0, 255)


def light(dice: Dice, size: int, hours: Colours = _HOURS) -> np.ndarray:
    """(B, size, size, 3): what colours are multiplied by, in ONE. Warm or cool, brighter to one side, darker in the corners."""
    tint = np.array(hours, np.int64)[dice.roll("hour", 0, len(hours) - 1)][:, None, None, :]
    at = grid(size, EXTENT)
    slope = dice.rolls("slope", -22, 22, 2)
    tilt = ((at * slope[:, :1])[:, None, :] + (at * slope[:, 1:])[:, :, None]) // EXTENT
    far = (at * at)[None, :, None] + (at * at)[None, None, :]
    corner = far * deep(dice.roll("vignette", 0, 34)) // (2 * EXTENT * EXTENT)
    return (deep(dice.roll("exposure", 232, 276)) + tilt - corner)[..., None] * tint * ONE >> 16


def _pick(dice: Dice, what: str, colours: Colours) -> np.ndarray:
    """(B, 1, 1, 3): one of the colours, a little off."""
    chosen = np.array(colours, np.int64)[dice.roll(what, 0, len(colours) - 1)]
    return (chosen + dice.rolls(what + " tint", -14, 14, 3))[:, None, None, :]


def _falling(size: int) -> np.ndarray:
    """(1, size, 1, 1): 0 at the top to ONE at the bottom."""
    return ((2 * np.arange(size, dtype=np.int64) + 1) * ONE // (2 * size))[None, :, None, None]


def sky(dice: Dice, size: int) -> np.ndarray:
    sky = towards(_pick(dice, "sky top", _SKY_TOPS), _pick(dice, "sky low", _SKY_LOWS), _falling(size), ONE)
    cloud = np.maximum(noise(dice, "cloud", (3, 2), size) + noise(dice, "fleece", (7, 5), size) // 2 - 185, 0)[..., None]
    return towards(sky, np.full_like(sky, 252), np.minimum(cloud * 3, 230), 256)


def grass(dice: Dice, size: int) -> np.ndarray:
    green = towards(_pick(dice, "grass top", _GRASS_TOPS), _pick(dice, "grass low", _GRASS_LOWS), _falling(size), ONE)
    blades = noise(dice, "blades", (3, 15), size) + noise(dice, "fine blades", (5, 29), size) // 2
    return green * (150 + blades[..., None] // 2) // 245


def garden(dice: Dice, size: int) -> np.ndarray:
    picture = _pick(dice, "garden", _GARDENS) * (150 + noise(dice, "haze", (3, 3), size)[..., None]) // 256
    at = grid(size, EXTENT)
    for i in range(7):
        spot = dice.named(f"spot {i} ")
        dx, dy = at - spot.roll("x", -1100, 1100)[:, None], at - spot.roll("y", -1100, 1100)[:, None]
        area = deep(spot.roll("radius", 110, 330) ** 2)
        inside = np.clip((area - (dx * dx)[:, None, :] - (dy * dy)[:, :, None]) * 5 * ONE // area, 0, ONE)
        share = inside * deep(spot.roll("glow", 50, 150)) >> 8
        picture = towards(picture, _pick(spot, "colour", _GLOWS), share[..., None], ONE)
    return picture


def night(dice: Dice, size: int) -> np.ndarray:
    return _pick(dice, "night", _NIGHTS) * (128 + noise(dice, "gloom", (2, 2), size)[..., None]) // 200


def wall(dice: Dice, size: int) -> np.ndarray:
    return _pick(dice, "wall", _WALLS) * (200 + noise(dice, "plaster", (2, 2), size)[..., None] // 4) // 250

"""`petals`: procedural flowers, each drawn from (seed, index) alone by integer arithmetic, bit for bit alike everywhere."""

import numpy as np

from core.datasets.drawing.brush import ONE, TURN, Dice, boxes, cosine, deep, grid, sine
from core.datasets.drawing.canvas import EXTENT, Canvas, Pose, head_of
from core.datasets.drawing.flowers import SPECIES, Species, colours
from core.datasets.drawing.greenery import stem
from core.datasets.drawing.scenery import background, light

VERSION = 1
"""To be raised with any change of a pixel: the golden hash in the tests and every score of `petals` change with it."""
CLASSES = tuple(s.name for s in SPECIES)
_AT_ONCE = 1 << 18  # samples drawn at a time: small enough for the processor's cache


def draw(seed: int, indices: np.ndarray, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Images `indices` (N,) int64 of the endless series `seed` -> (N, size, size, 3) uint8 and labels (N,) int64.

    Image i is the same whatever is drawn beside it; another size (8 or more) shows the same flower.
    """
    images = np.empty((len(indices), size, size, 3), np.uint8)
    dice = Dice(seed, np.asarray(indices, np.int64))
    kinds, chance = dice.roll("species", 0, len(SPECIES) - 1), dice.roll("heads", 0, 99)
    # One flower in three pictures of five, else two or three.
    heads = 1 + (chance >= 60) + (chance >= 84)
    # Samples to a pixel's side: 4 at 32 px; at most 16, for which the sums in `_picture` have room.
    finer = max(3, 128 // size)
    chunk = max(1, _AT_ONCE // (size * finer) ** 2)
    for kind, species in enumerate(SPECIES):
        for count in (1, 2, 3):
            group = np.flatnonzero((kinds == kind) & (heads == count))
            for start in range(0, len(group), chunk):
                part = group[start : start + chunk]
                images[part] = _picture(dice.part(part), species, count, size, finer)
    return images, kinds


def _picture(dice: Dice, species: Species, count: int, size: int, finer: int) -> np.ndarray:
    """(B, size, size, 3) uint8: flowers from the back to the front, averaged to pixels over their background."""
    n, side = len(dice.indices), size * finer
    sun = dice.roll("light", TURN * 9 // 16, TURN * 15 // 16)
    canvas = Canvas(np.zeros((n, side, side), np.int64), grid(side, EXTENT), np.stack([cosine(sun), sine(sun)], axis=1))
    for h in reversed(range(count)):
        own = dice.named(f"head {h} ")
        pose = _pose(dice, own, h, count, species.name == "tulip")
        stem(canvas, pose, own)
        species.draw(canvas, head_of(canvas, pose), dice, own)
    # Red, green, blue and "nothing here" are added up side by side in one number, 16 bits each.
    table = colours(dice, species)
    added = boxes(np.take(table.ravel(), canvas.index + deep(np.arange(n) * table.shape[1])), finer)
    drawn = np.stack([added >> shift & 0xFFFF for shift in (0, 16, 32)], axis=-1)
    total = drawn + (added >> 48)[..., None] * background(dice, size)
    lit = total * light(dice, size) // (finer * finer * ONE)
    return np.clip(lit, 0, 255).astype(np.uint8)


def _pose(dice: Dice, own: Dice, h: int, count: int, upright: bool) -> Pose:
    """Head 0 is the picture's own; the others stand behind it on either side, smaller."""
    if h == 0:
        x, y = own.roll("x", -190, 190), own.roll("y", -280, 90)
        radius = own.roll("radius", 560, 900) if count == 1 else own.roll("radius", 430, 640)
    else:
        left = dice.roll("left", 0, 1) ^ (h & 1)
        x, y = own.roll("x", 460, 840) * (2 * left - 1), own.roll("y", -640, 420)
        radius = own.roll("radius", 230, 400)
    if upright:
        return Pose(x, y, radius, np.full_like(x, ONE), own.roll("lean", -TURN // 22, TURN // 22))
    # Above ONE: seen from straight above, as one head in four is.
    squash = np.minimum(own.roll("squash", ONE * 60 // 100, ONE * 115 // 100), ONE)
    return Pose(x, y, radius, squash, own.roll("lean", -TURN // 9, TURN // 9))

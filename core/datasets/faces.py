"""`faces`: procedural portraits, each drawn from (seed, index) alone by integer arithmetic, bit for bit alike everywhere."""

import numpy as np

from core.datasets.drawing import features, hair, heads
from core.datasets.drawing.backdrops import backdrop
from core.datasets.drawing.brush import ONE, TURN, Dice, boxes, cosine, deep, grid, sine
from core.datasets.drawing.canvas import EXTENT
from core.datasets.drawing.complexion import table
from core.datasets.drawing.headwear import headwear, lining
from core.datasets.drawing.portrait import Sheet, Sitter, skull
from core.datasets.drawing.scenery import light

VERSION = 1
"""To be raised with any change of a pixel: the golden hash in the tests and every score of `faces` change with it."""
CLASSES = ("bald", "curly hair", "headwear", "long hair", "short hair", "tied hair")
_AT_ONCE = 1 << 20  # samples drawn at a time: more of them than for flowers, for a face has many small parts
# Never as cool as outdoors: faces would look ill.
_HOURS = ((256, 256, 256), (262, 254, 244), (268, 254, 236), (252, 256, 260))


def draw(seed: int, indices: np.ndarray, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Images `indices` (N,) int64 of the endless series `seed` -> (N, size, size, 3) uint8 and labels (N,) int64.

    Image i is the same whatever is drawn beside it; another size (8 or more) shows the same person.
    """
    images = np.empty((len(indices), size, size, 3), np.uint8)
    dice = Dice(seed, np.asarray(indices, np.int64), "face ")
    # Samples to a pixel's side: 4 at 32 px; at most 16, for which the sums in `_picture` have room.
    finer = max(3, 128 // size)
    chunk = max(1, _AT_ONCE // (size * finer) ** 2)
    for start in range(0, len(indices), chunk):
        part = np.arange(start, min(start + chunk, len(indices)))
        images[part] = _picture(dice.part(part), size, finer)
    return images, dice.roll("class", 0, len(CLASSES) - 1)


def _picture(dice: Dice, size: int, finer: int) -> np.ndarray:
    """(B, size, size, 3) uint8: one person from the back to the front, averaged to pixels over a backdrop."""
    n, side = len(dice.indices), size * finer
    s = _sitter(dice, Sheet(np.zeros((n, side, side), np.int16), grid(side, EXTENT).astype(np.int32), EXTENT))
    worn, look = hair.worn(s), features.look_of(s)
    locks = hair.grown(s, worn)
    hair.behind(locks)
    hair.tied(s)
    heads.shoulders(s)
    lining(s)
    # Long hair falls before the ears.
    heads.ears(s.part(worn.low <= 300))
    heads.head(s)
    heads.cheeks(s)
    heads.nose(s)
    heads.age(s)
    features.beard(s, look)
    features.mouth(s, look)
    features.eyes(s, look)
    features.brows(s, look)
    features.glasses(s, look)
    hair.gleam(s)
    hair.before(locks)
    headwear(s)
    # Red, green, blue and "nothing here" are added up side by side in one number, 16 bits each.
    colours = table(s)
    added = boxes(np.take(colours.ravel(), s.sheet.index + deep(np.arange(n) * colours.shape[1])), finer)
    drawn = np.stack([added >> shift & 0xFFFF for shift in (0, 16, 32)], axis=-1)
    total = drawn + (added >> 48)[..., None] * backdrop(dice, size)
    shone = total * light(dice, size, _HOURS) // (finer * finer * ONE)
    return np.clip(shone, 0, 255).astype(np.uint8)


def _sitter(dice: Dice, sheet: Sheet) -> Sitter:
    kind, style = dice.roll("class", 0, len(CLASSES) - 1), dice.roll("style", 0, 119)
    soft = dice.roll("soft", 0, 99) < np.array([14, 50, 40, 86, 22, 90])[kind]
    soft |= (kind == hair.HEADWEAR) & (style % 5 == 3)
    years = dice.roll("years", 0, 99)
    child, old = ((years < 14) & (kind != hair.BALD)).astype(np.int64), (years >= 84).astype(np.int64)
    wide = dice.roll("wide", 372, 418) - 10 * soft + 26 * child
    jaw = skull(wide, dice.roll("cheek", 96, 128) + 14 * child, dice.roll("jaw", -70, 150) - 90 * soft - 40 * child)
    lean, sun = dice.roll("lean", -TURN // 30, TURN // 30), dice.roll("light", TURN * 9 // 16, TURN * 15 // 16)
    # Hats and high hair need room above the head.
    big = np.isin(kind, (hair.CURLY, hair.HEADWEAR, hair.TIED))
    return Sitter(
        sheet=sheet,
        dice=dice,
        row=np.arange(len(kind)),
        x=dice.roll("x", -110, 110),
        y=dice.roll("y", -50, 50) + 70 * big,
        size=dice.roll("size", 600, 730) - 50 * big - 20 * child,
        cos=cosine(lean),
        sin=sine(lean),
        sway=dice.roll("sway", -1300, 1300),
        nod=dice.roll("nod", -26, 30),
        wide=wide,
        jaw=jaw,
        light=np.stack([cosine(sun), sine(sun)], axis=1),
        soft=soft.astype(np.int64),
        child=child,
        old=old,
        kind=kind,
        style=style,
    )

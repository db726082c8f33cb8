"""The flowers of `petals`: what each species is made of and which colours it comes in.

`dice` is the picture's: flowers that stand together are alike. `own` is the single head's.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from core.datasets.drawing.brush import CELL, TURN, Dice, sine, towards
from core.datasets.drawing.canvas import (
    ALONG,
    BEHIND,
    CENTRE,
    DOTS,
    GREEN,
    HALF,
    MATERIALS,
    PETAL,
    PLAIN,
    SHADES,
    UNIT,
    Canvas,
    Head,
    Petal,
    disc,
    fan,
    outline,
    petal,
    ring,
    shades,
)

Colour = tuple[int, int, int]
Draw = Callable[[Canvas, Head, Dice, Dice], None]


def ragged(own: Dice, what: str, length: int, by: int) -> np.ndarray:
    """(B, 32) lengths of single petals, none like the other."""
    return own.rolls(what, length - by, length, 32)


def daisy(canvas: Canvas, head: Head, dice: Dice, own: Dice) -> None:
    k, turn = own.roll("petals", 9, 19), own.roll("turn", 0, TURN - 1)
    widest, width = dice.roll("daisy widest", 150, 215), dice.roll("daisy width", 19_000, 30_000)
    narrow = fan(outline(widest, width, 9_000, dice.roll("sharp", 0, 90)))
    ring(canvas, head, k, turn, ragged(own, "back", 250, 30), Petal(narrow, BEHIND, shades(14, 20, 8, 2)))
    ring(canvas, head, k, turn + HALF, ragged(own, "front", 244, 34), Petal(narrow, PETAL, shades(18, 24, 6, 2)))
    disc(canvas, head, dice.roll("eye", 62, 96), CENTRE, dome=5, grain=1)


def sunflower(canvas: Canvas, head: Head, dice: Dice, own: Dice) -> None:
    k, turn = own.roll("petals", 12, 20), own.roll("turn", 0, TURN - 1)
    widest, width = dice.roll("sunflower widest", 130, 165), dice.roll("sunflower width", 22_000, 31_000)
    leafy = fan(outline(widest, width, 16_000, 220))
    ring(canvas, head, k, turn, ragged(own, "back", 256, 26), Petal(leafy, BEHIND, shades(12, 20, 8, 2)))
    ring(canvas, head, k, turn + HALF, ragged(own, "front", 232, 36), Petal(leafy, PETAL, shades(16, 26, 8, 2)))
    eye = dice.roll("eye", 92, 136)
    disc(canvas, head, eye, CENTRE, dome=4, grain=4)
    disc(canvas, head, eye * 45 // 100, DOTS, dome=4, grain=4)


def poppy(canvas: Canvas, head: Head, dice: Dice, own: Dice) -> None:
    """Two or three broad petals before as many others, with ruffled rims, round a ring of stamens."""
    k, turn = own.roll("petals", 2, 3), own.roll("turn", 0, TURN - 1)
    waves, ruffle, image = own.roll("waves", 7, 13), dice.roll("ruffle", 60, 240), head.on.image
    wave = sine(head.angle * waves[image] + turn[image]) * ruffle[image] >> 12
    frilled = replace(head, radius=head.radius + wave * head.radius // (UNIT * CELL))
    broad = fan(outline(dice.roll("poppy widest", 165, 205), dice.roll("poppy width", 27_000, 33_000), 14_000, 0))
    ring(canvas, frilled, k, turn, ragged(own, "back", 254, 14), Petal(broad, BEHIND, shades(14, 17, 8)))
    ring(canvas, frilled, k, turn + HALF, ragged(own, "front", 232, 24), Petal(broad, PETAL, shades(17, 27, 12)))
    stamens = fan(outline(np.full(len(k), 225), dice.roll("stamen", 9_000, 14_000), 0, 0)) * (np.arange(256) > 150)
    look = Petal(stamens, DOTS, shades(18, 18, 4))
    ring(canvas, head, dice.roll("stamens", 11, 19), turn, ragged(own, "stamens", 104, 16), look)
    disc(canvas, head, dice.roll("eye", 34, 52), CENTRE, dome=5, grain=1)


def rose(canvas: Canvas, head: Head, dice: Dice, own: Dice) -> None:
    """Rings of petals, each turned by the golden angle and dark where the next one shades it."""
    turn, curl = own.roll("turn", 0, TURN - 1), own.roll("curl", -5, 5)
    whirled = replace(head, angle=(head.angle + head.radius * curl[head.on.image]) % TURN)
    full = fan(outline(dice.roll("rose widest", 175, 215), dice.roll("rose width", 31_000, 36_000), 20_000, 40))
    for i, (k, length) in enumerate(((6, 254), (5, 214), (5, 172), (4, 130), (3, 92), (3, 58))):
        depth = i // 3
        look = Petal(full, BEHIND if i < 2 else PETAL, shades(2 + 2 * depth, 28 - 2 * depth, 8))
        ring(canvas, whirled, np.full(len(turn), k), turn + i * 25_032, ragged(own, f"ring {i}", length, length // 9), look)
    disc(canvas, head, np.full(len(turn), 18), CENTRE, dome=3, grain=0)


def tulip(canvas: Canvas, head: Head, dice: Dice, own: Dice) -> None:
    """Seen from the side: three petals behind, two at the sides, one before them."""
    tall, spread = dice.roll("tulip tall", 310, 390), dice.roll("tulip spread", 110, 170)
    flare, sharp = dice.roll("flare", 0, 90), dice.roll("sharp", 40, 256)

    image = head.on.image

    def cup(side: int, height: int, width: int, material: int, shape: np.ndarray) -> None:
        length = tall + (tall * height >> 8)
        t = np.clip((tall[image] - head.v) * ((255 << 12) // length)[image] >> 12, 0, 255)
        middle = side * (spread[image] * np.minimum(2 * t, 255) + flare[image] * (t * t >> 8)) >> 8
        widths = outline(np.full(len(tall), 96), spread * width >> 8, 30, sharp)
        widths[:, 0] = 0
        petal(canvas, head.on, abs(head.u - middle), t, Petal(widths, material, shape), head.light)

    cup(-1, 248, 240, BEHIND, shades(12, 18, 8))
    cup(1, 248, 240, BEHIND, shades(12, 18, 8))
    cup(0, 270, 250, BEHIND, shades(12, 18, 8))
    cup(-1, 236, 268, PETAL, shades(16, 24, 8))
    cup(1, 236, 268, PETAL, shades(16, 24, 8))
    cup(0, 206, 290, PETAL, shades(18, 26, 10, 2))


def bellflower(canvas: Canvas, head: Head, dice: Dice, own: Dice) -> None:
    """A star of five or six points with a pale throat."""
    k, turn = dice.roll("star", 5, 6), own.roll("turn", 0, TURN - 1)
    widest, width = dice.roll("bell widest", 105, 160), dice.roll("bell width", 20_000, 27_000)
    star = fan(outline(widest, width, 24_000, dice.roll("sharp", 150, 256)))
    ring(canvas, head, k, turn, ragged(own, "front", 254, 14), Petal(star, PETAL, shades(16, 24, 8, 6)))
    throat = fan(outline(np.full(len(k), 120), dice.roll("throat", 14_000, 22_000), 20_000, 256))
    ring(canvas, head, k, turn, np.full((len(k), 32), 96), Petal(throat, CENTRE, shades(22, 20, 4)))
    stamens = fan(outline(np.full(len(k), 215), np.full(len(k), 10_000), 0, 0)) * (np.arange(256) > 120)
    ring(canvas, head, k, turn + HALF, np.full((len(k), 32), 72), Petal(stamens, DOTS, shades(20, 24, 4)))
    disc(canvas, head, np.full(len(k), 20), DOTS, dome=3, grain=0)


@dataclass(frozen=True)
class Species:
    """schemes: colours of a petal's base and tip, the centre, the dots."""

    name: str
    draw: Draw
    schemes: tuple[tuple[Colour, Colour, Colour, Colour], ...]


SPECIES = (
    Species(
        "bellflower",
        bellflower,
        (
            ((120, 120, 235), (70, 75, 215), (225, 230, 255), (250, 225, 120)),
            ((150, 110, 225), (110, 50, 180), (240, 225, 255), (250, 235, 150)),
            ((150, 200, 250), (90, 150, 235), (245, 250, 255), (250, 220, 90)),
            ((240, 240, 250), (215, 220, 250), (190, 200, 120), (240, 200, 60)),
            ((245, 170, 205), (225, 90, 150), (255, 235, 245), (250, 220, 110)),
        ),
    ),
    Species(
        "daisy",
        daisy,
        (
            ((230, 225, 215), (252, 252, 250), (245, 190, 35), (200, 120, 20)),
            ((235, 230, 225), (250, 250, 255), (240, 170, 25), (190, 110, 20)),
            ((250, 225, 235), (240, 130, 175), (245, 200, 60), (200, 130, 20)),
            ((215, 195, 245), (150, 105, 215), (240, 205, 70), (190, 130, 30)),
            ((200, 25, 80), (240, 65, 120), (110, 30, 40), (240, 190, 90)),
            ((235, 100, 15), (255, 160, 50), (95, 45, 20), (240, 200, 90)),
            ((250, 200, 50), (255, 235, 120), (150, 85, 20), (240, 200, 60)),
        ),
    ),
    Species(
        "poppy",
        poppy,
        (
            ((70, 5, 15), (230, 40, 30), (105, 130, 60), (35, 20, 30)),
            ((90, 5, 10), (245, 75, 40), (90, 110, 60), (30, 20, 25)),
            ((200, 70, 0), (255, 160, 40), (170, 160, 60), (255, 215, 90)),
            ((130, 25, 70), (248, 150, 180), (130, 150, 80), (250, 225, 140)),
            ((90, 30, 95), (232, 215, 242), (120, 150, 90), (70, 30, 70)),
        ),
    ),
    Species(
        "rose",
        rose,
        (
            ((95, 0, 15), (225, 35, 55), (70, 0, 10), (70, 0, 10)),
            ((185, 55, 95), (253, 180, 200), (160, 40, 80), (160, 40, 80)),
            ((205, 140, 15), (255, 236, 130), (190, 120, 10), (190, 120, 10)),
            ((205, 180, 135), (255, 250, 238), (200, 170, 110), (200, 170, 110)),
            ((205, 85, 45), (255, 195, 140), (190, 70, 40), (190, 70, 40)),
            ((110, 20, 85), (215, 110, 190), (90, 10, 70), (90, 10, 70)),
        ),
    ),
    Species(
        "sunflower",
        sunflower,
        (
            ((225, 130, 0), (255, 210, 35), (95, 55, 20), (50, 28, 12)),
            ((205, 110, 0), (255, 190, 20), (70, 40, 16), (110, 80, 25)),
            ((240, 190, 30), (255, 242, 130), (120, 85, 25), (75, 60, 20)),
            ((110, 20, 10), (230, 140, 25), (60, 25, 15), (35, 18, 12)),
        ),
    ),
    Species(
        "tulip",
        tulip,
        (
            ((165, 15, 25), (235, 45, 45), (0, 0, 0), (0, 0, 0)),
            ((235, 190, 30), (255, 230, 80), (0, 0, 0), (0, 0, 0)),
            ((225, 120, 150), (250, 185, 205), (0, 0, 0), (0, 0, 0)),
            ((75, 15, 90), (155, 60, 170), (0, 0, 0), (0, 0, 0)),
            ((220, 60, 20), (255, 195, 60), (0, 0, 0), (0, 0, 0)),
            ((215, 225, 200), (252, 252, 245), (0, 0, 0), (0, 0, 0)),
            ((190, 20, 90), (245, 240, 245), (0, 0, 0), (0, 0, 0)),
        ),
    ),
)
"""In the order of their names, which is the order of the labels."""

_GREENS = (((52, 92, 30), (96, 150, 58)), ((40, 84, 48), (84, 140, 84)), ((84, 104, 36), (150, 170, 70)))


def colours(dice: Dice, species: Species) -> np.ndarray:
    """(B, MATERIALS * ALONG * SHADES) int64: red + green 2**16 + blue 2**32 of each number in a canvas; 2**48 of number 0."""
    schemes = np.array(species.schemes, np.int64)
    scheme = schemes[dice.roll("scheme", 0, len(schemes) - 1)]
    scheme = np.clip(scheme + dice.rolls("tint", -16, 16, 12).reshape(-1, 4, 3), 0, 255)
    base, tip, centre, dots = (scheme[:, i] for i in range(4))
    ends = np.zeros((len(base), MATERIALS, 2, 3), np.int64)
    ends[:, GREEN] = np.array(_GREENS, np.int64)[dice.roll("green", 0, len(_GREENS) - 1)]
    ends[:, PETAL] = np.stack([base, tip], axis=1)
    ends[:, BEHIND] = ends[:, PETAL] * 225 >> 8
    ends[:, CENTRE] = np.stack([centre, centre * 215 >> 8], axis=1)
    ends[:, DOTS] = dots[:, None]
    along = np.arange(ALONG, dtype=np.int64)[:, None]
    ramp = towards(ends[:, :, None, 0], ends[:, :, None, 1], along, ALONG - 1)
    shade = np.arange(SHADES, dtype=np.int64)[:, None]
    dark = ramp[:, :, :, None] * (10 + np.minimum(shade, PLAIN)) // (10 + PLAIN)
    table = towards(dark, np.full_like(dark, 255), np.maximum(shade - PLAIN, 0), 28).reshape(len(base), -1, 3)
    packed = table[:, :, 0] + (table[:, :, 1] << 16) + (table[:, :, 2] << 32)
    packed[:, 0] = 1 << 48
    return packed

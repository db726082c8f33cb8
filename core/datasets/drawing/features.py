"""The features of `faces`: eyes, brows, mouths, beards, glasses."""

from dataclasses import dataclass, fields

import numpy as np

from core.datasets.drawing.brush import ONE
from core.datasets.drawing.heads import none
from core.datasets.drawing.portrait import (
    BEARD,
    BROW,
    DARK,
    FRAME,
    IRIS,
    LENS,
    LIP,
    MOUTH,
    PLAIN,
    SKIN,
    TALL,
    UNIT,
    WHITE,
    Patch,
    Sitter,
    each,
    head_width,
    leaning,
    lit,
    moved,
    paint,
    patch,
    round_,
    shadow,
    share,
)

SMILE, LAUGH, CALM, SMIRK, WONDER = range(5)


@dataclass(frozen=True, eq=False)
class Look:
    """How a face looks at us, (b,) each. mood: one of the five above.  lids: how far they are open, in UNIT; 0 is shut.
    gaze: how far to the right of the eye the iris is.  eye: half its width.  apart, level: where the eyes are."""

    mood: np.ndarray
    lids: np.ndarray
    gaze: np.ndarray
    eye: np.ndarray
    apart: np.ndarray
    level: np.ndarray

    def some(self, which: np.ndarray) -> "Look":
        return Look(*(getattr(self, f.name)[which] for f in fields(self)))


def look_of(s: Sitter) -> Look:
    moods = np.array([SMILE] * 34 + [LAUGH] * 26 + [CALM] * 20 + [SMIRK] * 10 + [WONDER] * 10)
    mood = moods[s.roll("mood", 0, 99)]
    wide = s.roll("eyelids", 820, 1024) + np.where(mood == WONDER, 160, 0) - np.where(mood == LAUGH, 170, 0) - 60 * s.old
    return Look(
        mood=mood,
        lids=np.where(s.roll("blink", 0, 99) < 6, 0, wide),
        gaze=s.roll("gaze", -20, 20) + (s.sway * 34 >> 12),
        eye=s.roll("eye size", 90, 106) + 14 * s.child,
        apart=s.wide * s.roll("eyes apart", 42, 47) // 100,
        level=s.roll("eye level", 0, 40) + 45 * s.child + s.nod,
    )


def eyes(s: Sitter, look: Look) -> None:
    for side in (-1, 1):
        wide = look.eye * (ONE - side * s.sway * 45 // 100) // ONE
        centre = s.across(side * look.apart, 88), look.level
        shut = (look.lids == 0) | ((s.roll("wink", 0, 99) < 3) & (look.mood < CALM) & (side > 0))
        for part, draw in ((shut, _shut_eye), (~shut, _open_eye)):
            if part.any():
                draw(s.part(part), look.some(part), (centre[0][part], centre[1][part]), wide[part], side)


def _shut_eye(s: Sitter, look: Look, centre: tuple[np.ndarray, np.ndarray], wide: np.ndarray, side: int) -> None:
    p = patch(s, centre, (wide + 20, none(s) + 70))
    a = share(p.u, wide)
    bow = each(np.where(look.mood < CALM, -40, 34)) * (UNIT - (a * a >> 10)) // UNIT
    paint(s, p, (abs(p.v - 14 - bow) < 17) & (abs(a) < UNIT), DARK, PLAIN)


def _open_eye(s: Sitter, look: Look, centre: tuple[np.ndarray, np.ndarray], wide: np.ndarray, side: int) -> None:
    high = 68 * look.lids // UNIT + 8 * s.child
    low = 56 * look.lids // UNIT + 6 * s.child
    p = patch(s, centre, (wide * 5 // 4, none(s) + 110))
    slant = each(s.roll("slant", -10, 18)) * p.u * side // 100
    v = p.v + slant
    a = np.clip(share(p.u, wide), -2 * UNIT, 2 * UNIT)
    arch = UNIT - (a * a >> 10)
    top, bottom = -(each(high) * arch >> 10), each(low) * arch >> 10
    shadow(s, p, round_(p, wide * 6 // 5, 92) < UNIT, 2, SKIN)
    inside = (v > top) & (v < bottom)
    paint(s, p, inside, WHITE, PLAIN - np.maximum(24 + top - v, 0) // 5)
    iris = moved(p, look.gaze, s.roll("gaze down", -8, 10))
    r = s.roll("iris", 54, 62) + 6 * s.child
    far = round_(iris, r, r)
    paint(s, p, inside & (far < UNIT), IRIS, PLAIN + 4 - (far >> 8) * 2 + (iris.v >> 4))
    paint(s, p, inside & (far < UNIT * 30 // 100), DARK, PLAIN)
    lash = s.roll("lashes", 15, 22) + 7 * s.soft
    lid = top - each(lash)
    paint(s, p, (v > lid) & (v <= top + 6) & (abs(a) < UNIT * 110 // 100), DARK, PLAIN)
    shadow(s, p, (v >= bottom) & (v < bottom + 13) & (abs(a) < UNIT), 5, SKIN)
    spark = moved(iris, s.light[:, 0] * 22 >> 12, s.light[:, 1] * 22 >> 12)
    paint(s, p, inside & (round_(spark, 18, 18) < UNIT), WHITE, 31)


def brows(s: Sitter, look: Look) -> None:
    half, thick = s.roll("brow", 104, 124), s.roll("brow thickness", 20, 34) - 6 * s.soft - 4 * s.child
    arch, tilt = s.roll("arch", 14, 42), s.roll("brow tilt", -12, 10)
    lift = s.roll("lift", 118, 142) + np.where(look.mood == WONDER, 30, 0)
    for side in (-1, 1):
        wide = half * (ONE - side * s.sway * 45 // 100) // ONE
        one = np.where((look.mood == SMIRK) & (side > 0), 26, 0)
        p = patch(s, (s.across(side * (look.apart + 8), 92), look.level - lift - one), (wide + 10, none(s) + 90))
        a = share(p.u, wide)
        line = p.v - each(arch) * ((a * a >> 10) - UNIT // 2) // UNIT + each(tilt) * a * side // UNIT
        taper = each(thick) * (UNIT * 5 // 4 - np.clip(a * side, -UNIT // 4, UNIT)) // (UNIT * 5 // 4)
        paint(s, p, (abs(line) < taper // 2 + 5) & (abs(a) < UNIT), BROW, PLAIN)


def mouth(s: Sitter, look: Look) -> None:
    half = s.roll("mouth", 118, 158) - 12 * s.child + np.where(look.mood == LAUGH, 16, 0) - np.where(look.mood == WONDER, 66, 0)
    curve = np.array([62, 58, 10, 38, -6])[look.mood] * s.roll("curve", 80, 120) // 100
    centre = s.across(none(s), 100), s.roll("mouth level", 292, 322) + s.nod // 2 + 8 * (look.mood < CALM)
    open_ = np.where(look.mood == LAUGH, s.roll("laugh", 84, 136), 0) + np.where(look.mood == WONDER, s.roll("wonder", 60, 96), 0)
    full = s.roll("lips", 22, 40) + 6 * s.soft
    p = patch(s, centre, (half + 20, none(s) + 190))
    a = np.clip(share(p.u, half), -2 * UNIT, 2 * UNIT)
    square = a * a >> 10
    skew = np.where(look.mood == SMIRK, 26, 0) * (2 * s.roll("smirk", 0, 1) - 1)
    line = p.v + each(curve) * square // UNIT + each(skew) * a // UNIT
    arch = np.maximum(UNIT - square, 0)
    within = abs(a) < UNIT
    bow = np.minimum(abs(a), UNIT // 4) * 8 // UNIT - 2
    upper = (each(full) * 3 // 4 * arch >> 10) + bow
    wonder = each(np.where(look.mood == WONDER, open_ // 2, 0)) * arch >> 10
    gap = each(open_) * arch // UNIT - wonder
    paint(s, p, within & (line > -upper - wonder) & (line <= 0), LIP, PLAIN - 3)
    paint(s, p, within & (line > 0) & (line < gap + (each(full) * arch >> 10)), LIP, lit(s, p, 160, 60, 3) + 1)
    shadow(s, p, (abs(line - each(full + open_ + 28)) < 14) & (abs(a) < UNIT // 2), 3, SKIN)
    hollow = (line > -wonder) & (line < gap) & within
    tongue = moved(p, 0, open_ + 30 - curve // 3)
    paint(s, p, hollow, MOUTH, PLAIN, np.where(round_(tongue, half * 60 // 100, 62) < UNIT, 7, 0))
    teeth = each(np.where(look.mood == LAUGH, s.roll("teeth", 36, 56), s.roll("teeth", 0, 24)))
    paint(s, p, hollow & (line + wonder < teeth * arch // UNIT), WHITE, PLAIN - 1)
    closed = each((open_ == 0).astype(np.int64) * 12)
    paint(s, p, (abs(line) < closed) & (abs(a) < UNIT * 104 // 100), LIP, 6)


def beard(s: Sitter, look: Look) -> None:
    """Stubble, a full beard, one round the chin, or a moustache alone; most have none."""
    grown = (s.soft == 0) & (s.child == 0)
    chance = s.roll("beard", 0, 99)
    for low, high, draw in ((0, 17, _full), (17, 30, _stubble), (30, 38, _goatee)):
        part = grown & (chance >= low) & (chance < high)
        if part.any():
            draw(s.part(part))
    lip = grown & ((chance < 17) | ((chance >= 30) & (chance < 48)))
    if lip.any():
        _moustache(s.part(lip), look.mood[lip])


def _jaw_hair(s: Sitter, longer: np.ndarray, along: int) -> None:
    """Down the cheeks and round the chin, `longer` below it."""
    p = leaning(s, patch(s, (none(s), none(s) + 300), (s.wide + 80, none(s) + 340 + longer)))
    p = moved(p, 0, -300)
    a = np.minimum(abs(share(p.u, s.wide)), UNIT)
    cheek = each(s.roll("beard line", 250, 310) + s.nod // 2) - (((a * a >> 10) ** 2 >> 10) * 430 >> 10)
    stretched = np.where(p.v > 0, p.v * each(UNIT * TALL // (TALL + longer)) >> 10, p.v)
    half = head_width(s, stretched)
    half += np.where((p.v > 0) & (half > 0), np.minimum(each(longer) // 4, p.v // 8), 0)
    shade = lit(s, p, s.wide, TALL, 5) - 1
    rough = ((p.u * 7 + p.v * 3) ^ (p.u * 2 - p.v * 9)) >> 6 & 3
    paint(s, p, (abs(p.u) < half) & (p.v > cheek) & (p.v > -35), BEARD, shade - rough, along)


def _full(s: Sitter) -> None:
    _jaw_hair(s, s.roll("beard length", 20, 130), 7)


def _stubble(s: Sitter) -> None:
    _jaw_hair(s, none(s), 0)


def _goatee(s: Sitter) -> None:
    longer = s.roll("beard length", 10, 70)
    p = patch(s, (s.across(none(s), 98), 450 + longer // 2 + s.nod // 2), (none(s) + 120, none(s) + 110 + longer))
    paint(s, p, round_(p, 105, 90 + longer) < UNIT, BEARD, lit(s, p, 200, 200, 4), 7)


def _moustache(s: Sitter, mood: np.ndarray) -> None:
    half, droop = s.roll("moustache", 135, 185), s.roll("droop", 0, 46) - np.where(mood < CALM, 45, 0)
    p = patch(s, (s.across(none(s), 104), s.roll("mouth level", 292, 322) + s.nod // 2 - 44), (half + 10, none(s) + 110))
    a = np.clip(share(p.u, half), -2 * UNIT, 2 * UNIT)
    line = p.v - each(droop) * (a * a >> 10) // UNIT
    arch = np.maximum(UNIT - (a * a >> 10), 0)
    paint(
        s,
        p,
        (abs(a) < UNIT) & (line < 26 * arch // UNIT + 4) & (line > -(40 * arch // UNIT)),
        BEARD,
        lit(s, p, 200, 100, 3) + 1,
        7,
    )


def glasses(s: Sitter, look: Look) -> None:
    chance = s.roll("glasses", 0, 99)
    worn = chance < 22 + 12 * s.old
    if worn.any():
        _glasses(s.part(worn), look.some(worn), chance[worn] < 7)


def _glasses(s: Sitter, look: Look, dark: np.ndarray) -> None:
    """Plain ones gleam, dark ones hide the eyes. Each side has a lens, a frame round it, and an arm back to the ear."""
    half = np.minimum(s.roll("lens", 128, 152), look.apart - 14)
    tall, thick = s.roll("lens height", 96, 134), s.roll("frame", 15, 27) + 4 * dark
    level = look.level + 10
    for side in (-1, 1):
        wide, x = half * (ONE - side * s.sway * 40 // 100) // ONE, s.across(side * look.apart, 96)
        p = patch(s, (x, level), (wide + 30, tall + 30))
        outer, inner = (_lens(s, p, wide + more, tall + more) for more in (thick // 2, -thick // 2))
        gleam = abs((p.u - p.v + 40) >> 1) < 26
        tinted = (inner < UNIT) & dark[:, None, None]
        paint(s, p, tinted, LENS, PLAIN - 4 + p.v // 14 + gleam * 4)
        shadow(s, p, (inner < UNIT) & ~tinted & gleam, -2)
        paint(s, p, (inner >= UNIT) & (outer < UNIT), FRAME, PLAIN)
        middle = s.across(side * (look.apart + s.wide) // 2, 60)
        arm = patch(s, (middle, level - 20), (s.wide // 2, thick + 10))
        start, end = side * (x - middle) + wide, side * (s.across(side * s.wide, 10) - middle) - 20
        along = arm.u * side
        paint(s, arm, (along > each(start)) & (along < each(end)) & (abs(arm.v) < each(thick // 2)), FRAME, PLAIN - 2)
    p = patch(s, (s.across(none(s), 112), level - 18), (look.apart, none(s) + 50))
    bow = p.v + 16 - p.u * p.u // 260
    gap = each(look.apart - half + 10 - (np.abs(s.sway) * 20 >> 12))
    paint(s, p, (abs(bow) < each(thick // 2)) & (abs(p.u) < gap), FRAME, PLAIN)


def _lens(s: Sitter, p: Patch, wide: np.ndarray, tall: np.ndarray) -> np.ndarray:
    """(b, h, w): UNIT at the rim of a lens: a square one with round corners, or an oval one for one in three."""
    a, b = (np.minimum(abs(share(x, whole)), 4 * UNIT) for x, whole in ((p.u, wide), (p.v, tall)))
    a, b = a * a >> 10, b * b >> 10
    return np.where(each(s.roll("lens shape", 0, 2)) > 0, (a * a + b * b) >> 10, a + b)

"""What is worn on the head in `faces`: a knitted cap, a peaked one, a hat with a brim, a headscarf, a wound cloth."""

import numpy as np

from core.datasets.drawing.hair import HEADWEAR
from core.datasets.drawing.heads import none
from core.datasets.drawing.portrait import (
    BAND,
    HAT,
    PLAIN,
    SKIN,
    TALL,
    UNIT,
    Patch,
    Sitter,
    each,
    lit,
    moved,
    paint,
    patch,
    round_,
    shadow,
    share,
)


def lining(s: Sitter) -> None:
    """The inside of a headscarf, behind the face."""
    s = s.part((s.kind == HEADWEAR) & (s.style % 5 == 3))
    if len(s.x):
        p = patch(s, (none(s), none(s)), (s.wide + 40, none(s) + TALL + 40))
        paint(s, p, round_(p, s.wide + 30, TALL + 20) < UNIT, HAT, 5)


def headwear(s: Sitter) -> None:
    for k, draw in enumerate((knitted, peaked, brimmed, headscarf, wound)):
        which = (s.kind == HEADWEAR) & (s.style % 5 == k)
        if which.any():
            draw(s.part(which))


def _dome(s: Sitter, thick: np.ndarray, rise: np.ndarray, edge: np.ndarray, falls: int = 46) -> tuple[Patch, np.ndarray]:
    """Samples of a cap, counted from the head's middle, and which lie in it: above an edge that falls towards the sides."""
    top, bottom = TALL + rise + 20, edge + falls + 90
    middle = (bottom - top) // 2
    p = moved(patch(s, (none(s), middle), (s.wide + thick + 40, (top + bottom) // 2)), 0, -middle)
    a = share(p.u, s.wide + thick)
    b = share(p.v, TALL + rise)
    inside = (a * a + b * b >> 10 < UNIT) & (p.v < each(edge) + (a * a >> 10) * falls // UNIT)
    return p, inside


def _brow_shadow(s: Sitter, edge: np.ndarray, deep: int) -> None:
    p = patch(s, (none(s), edge + deep // 2 + 20), (s.wide, none(s) + deep // 2 + 50))
    a = share(p.u, s.wide)
    below = p.v - (a * a >> 10) * 46 // UNIT
    shadow(s, p, (below < deep // 2) & (p.v > -deep // 2 - 45) & (abs(a) < UNIT), 5, SKIN)


def knitted(s: Sitter) -> None:
    thick, rise, edge = s.roll("hat thick", 40, 64), s.roll("hat rise", 60, 150), s.roll("hat edge", -250, -190)
    _brow_shadow(s, edge, 50)
    with_one = s.roll("bobble", 0, 99) < 45
    if with_one.any():
        bobble, r = s.part(with_one), s.roll("bobble size", 90, 130)[with_one]
        p = patch(bobble, (none(bobble), -TALL - rise[with_one] - 20), (r + 10, r + 10))
        fluff = ((p.u * 5 + p.v * 3) ^ (p.u * 3 - p.v * 5)) >> 6 & 3
        paint(bobble, p, round_(p, r, r) < UNIT - fluff * 50, BAND, lit(bobble, p, r, r, 6) - fluff)
    p, inside = _dome(s, thick, rise, edge)
    a = share(p.u, s.wide + thick)
    ribs = ((a * (1400 - (p.v >> 1)) >> 17) & 1) * 3
    stripe = np.where(each(s.roll("hat stripe", 0, 2)) == 0, (abs(p.v + 400) < 36) * 7, 0)
    paint(s, p, inside, HAT, lit(s, p, s.wide, TALL, 6) - ribs, stripe)
    cuff, within = _dome(s, thick + 16, rise + 40, edge)
    bow = (share(cuff.u, s.wide + thick) ** 2 >> 10) * 46 // UNIT
    within &= cuff.v > each(edge) - 130 + bow
    paint(s, cuff, within, BAND, lit(s, cuff, s.wide, TALL, 5) + 3 - ((share(cuff.u, s.wide) >> 6) & 1) * 3)


def peaked(s: Sitter) -> None:
    thick, rise, edge = s.roll("hat thick", 24, 44), s.roll("hat rise", 40, 90), s.roll("hat edge", -260, -210)
    _brow_shadow(s, edge, 130)
    p, inside = _dome(s, thick, rise, edge)
    off = abs(p.u - each(s.sway * s.wide // 2 >> 12))
    two = np.where(each(s.roll("hat panels", 0, 2)) == 0, (off < 210) * 7, 0)
    paint(s, p, inside, HAT, lit(s, p, s.wide, TALL, 6) - (off < 8) * 4, two)
    out = s.across(none(s), 130)
    peak = patch(s, (out // 2, edge + 6), (s.wide * 11 // 10, none(s) + 130))
    a = share(peak.u - each(out // 3), s.wide)
    bow = (a * a >> 10) * 70 // UNIT
    inside = (peak.v > -74 + bow) & (peak.v < 56 - (bow >> 2)) & (abs(a) < UNIT)
    paint(s, peak, inside, BAND, PLAIN + 3 - (peak.v - bow + 74) // 16)


def brimmed(s: Sitter) -> None:
    rise, edge, out = s.roll("hat rise", 60, 130), s.roll("hat edge", -300, -250), s.roll("brim", 160, 195)
    _brow_shadow(s, edge + 60, 150)
    p, inside = _dome(s, none(s) + 6, rise, edge)
    weave = ((p.v * 3 >> 5) & 1) + ((p.u * 3 >> 5) & 1)
    paint(s, p, inside, HAT, lit(s, p, s.wide, TALL, 6) - weave)
    paint(s, p, inside & (p.v > each(edge) - 120), BAND, lit(s, p, s.wide, TALL, 5))
    wide = s.wide * out // 100
    p = patch(s, (none(s), edge + 20), (wide + 10, none(s) + 190))
    a = share(p.u, wide)
    bend = each(s.roll("brim bend", -30, 60)) * (a * a >> 10) // UNIT
    line = p.v - bend
    half = 108 * np.maximum(UNIT - (a * a >> 10), 0) // UNIT
    weave = ((line * 3 >> 5) & 1) * 2
    paint(s, p, (abs(line) < half) & (abs(a) < UNIT), HAT, lit(s, p, wide, 300, 5) + 2 - weave - (line > half - 22) * 3)


def headscarf(s: Sitter) -> None:
    """Round the face, under the chin and over the shoulders."""
    thick, rise = s.roll("scarf thick", 70, 110), s.roll("scarf rise", 60, 100)
    high, low = s.roll("scarf high", 330, 370), s.roll("scarf low", 470, 500)
    p = patch(s, (none(s), none(s) + 300), (s.wide * 2 + 100, none(s) + 940))
    p = moved(p, 0, -300)
    u = p.u - each(s.across(none(s), 18))
    wide = each(s.wide + thick) + np.clip((p.v - 330) * 5 >> 3, 0, 300)
    b = share(np.minimum(p.v - 60, 0), TALL + rise + 60)
    a = p.u * UNIT // wide
    outer = a * a + b * b >> 10 < UNIT
    c, d = share(u, s.wide * 88 // 100), np.where(p.v < 30, share(p.v - 30, high + 30), share(p.v - 30, low - 30))
    c, d = np.clip(c, -3 * UNIT, 3 * UNIT), np.clip(d, -3 * UNIT, 3 * UNIT)
    face = c * c + d * d >> 10
    shadow(s, p, (face > UNIT * 80 // 100) & (face < UNIT), 4, SKIN)
    fold = np.where(p.v > 380, abs(((p.u * 2 + p.v * 5 + 8192) % 512) - 256) >> 6, (face >> 8) & 1)
    x, y = (p.u + 2048) % 170 - 85, (p.v + 2048) % 170 - 85
    dots = np.where(each(s.roll("scarf dots", 0, 2)) == 0, (x * x + y * y < 900) * 7, 0)
    rim = (face < UNIT * 132 // 100) * 2
    shade = lit(s, p, s.wide + thick, TALL + 100, 7) - fold + rim - np.clip((p.v - 480) // 40, 0, 3)
    paint(s, p, outer & (face >= UNIT), HAT, shade, dots)
    band = outer & (face >= UNIT) & (face < UNIT * 126 // 100) & (p.v < -60)
    paint(s, p, band & (each(s.roll("scarf band", 0, 1)) > 0), BAND, lit(s, p, s.wide, TALL, 6))


def wound(s: Sitter) -> None:
    """Cloth wound in folds that meet above the forehead; some with a knot on top."""
    thick, rise, edge = s.roll("hat thick", 64, 110), s.roll("hat rise", 130, 210), s.roll("hat edge", -270, -220)
    _brow_shadow(s, edge, 50)
    knot = s.roll("knot", 0, 99) < 55 * s.soft + 5
    if knot.any():
        k = s.part(knot)
        p = patch(k, (k.roll("knot at", -120, 120), -TALL - rise[knot] + 10), (none(k) + 190, none(k) + 140))
        whorl = ((p.u + p.v) >> 5 & 3) * 2
        paint(k, p, round_(p, 170, 125) < UNIT, HAT, lit(k, p, 170, 130, 6) - whorl)
    p, inside = _dome(s, thick, rise, edge, 250)
    # The folds come down from the middle to both sides, one side over the other.
    u = p.u - each(s.sway * s.wide // 2 >> 12)
    fold = (p.v * 2 - abs(u) * 3 // 2 + np.where(u > 0, 0, 70) + 8192) % 220
    shade = lit(s, p, s.wide + thick, TALL + 50, 6) + 1 - (fold * fold >> 13)
    paint(s, p, inside, HAT, shade, np.where(each(s.roll("two colours", 0, 2)) == 0, (fold > 130) * 7, 0))

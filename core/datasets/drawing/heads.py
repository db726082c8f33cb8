"""The bare person of `faces`: shoulders and clothes, neck, ears, head, cheeks and nose."""

import numpy as np

from core.datasets.drawing.brush import ONE
from core.datasets.drawing.portrait import (
    ALONG,
    CLOTH,
    FRAME,
    SHADES,
    SKIN,
    TALL,
    TRIM,
    UNIT,
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


def none(s: Sitter) -> np.ndarray:
    return np.zeros_like(s.x)


def shoulders(s: Sitter) -> None:
    """Clothes with a neckline, plain, striped, with a collar or high round the neck; and the neck in it."""
    body = s.body()
    wide, top = s.roll("shoulders", 760, 960) - 110 * s.soft - 120 * s.child, s.roll("shoulder line", 590, 640)
    zero = none(s)
    p = patch(body, (zero, top + 500), (wide + 60, zero + 560))
    p = moved(p, 0, -500)
    a = np.abs(share(p.u, wide))
    fall = (a * a >> 10) * a >> 10
    inside = (a < UNIT) & (p.v > (fall * fall >> 10) * 420 // UNIT + (a * 130 >> 10))
    pattern, width = s.roll("pattern", 0, 99), s.roll("stripe", 60, 130)
    stripes = np.where(each(pattern) < 80, p.v, p.u) + 2048
    along = np.where((each(pattern) > 65) & ((stripes * each(ONE // width) >> 12) & 1 == 1), 7, 0)
    shade = lit(s, p, wide, 700, 7) - (a * a >> 17)
    paint(body, p, inside, CLOTH, shade, along)
    _neck(s, body, top)
    clothes = s.roll("clothes", 0, 99)
    for part, draw in ((clothes < 26, _collar), (clothes > 80, _high_neck)):
        if part.any():
            draw(s.part(part), top[part])


def _neck(s: Sitter, body: Sitter, top: np.ndarray) -> None:
    """From the chin into a round or pointed neckline, in the shadow of the chin."""
    wide = (s.wide * s.roll("neck", 46, 54) // 100) - 30 * s.soft - 20 * s.child
    deep, pointed = s.roll("neckline", 60, 150), s.roll("pointed", 0, 2) == 0
    zero = none(s)
    p = patch(body, (zero, zero + 500), (wide * 2, zero + 340))
    below = moved(p, 0, top - 500)
    at = np.clip(share(below.v, np.full_like(top, 120)), 0, UNIT)
    half = each(wide) + (at * at >> 10) * each(wide * 55 // 100) // UNIT
    a = np.abs(share(p.u, wide * 155 // 100))
    cut = each(deep) * (UNIT - np.where(pointed[:, None, None], a, a * a >> 10)) // UNIT
    rim = (abs(p.u) < half + 34) & (below.v < cut + 34) & (below.v > -60 + (a * 50 >> 10))
    paint(body, p, rim, TRIM, lit(s, p, wide * 2, 600, 5) - 1)
    inside = (abs(p.u) < half) & (below.v < cut) & (p.v > -300)
    dark = np.clip((each(top) - 500 + 60 - p.v) // 26, 0, 8)
    paint(body, p, inside, SKIN, lit(s, p, wide * 2, 600, 6) - 2 - dark)


def _collar(s: Sitter, top: np.ndarray) -> None:
    """Two flaps beside the neckline."""
    body = s.body()
    for side in (-1, 1):
        p = patch(body, (none(s) + side * 190, top + 60), (none(s) + 190, none(s) + 170))
        u = p.u * side
        inside = (u > -150 + (p.v + 170) // 3) & (u + abs(p.v - 10) * 2 // 5 < 110) & (p.v < 150 - u // 4) & (p.v > -130 + u // 2)
        paint(body, p, inside, TRIM, lit(s, p, 260, 300, 4) + 2 - (p.v > 105 - u // 4) * 5)


def _high_neck(s: Sitter, top: np.ndarray) -> None:
    """A rolled collar up to the chin."""
    body, wide = s.body(), s.wide * 62 // 100
    p = patch(body, (none(s), top - 20), (wide + 50, none(s) + 130))
    a = share(p.u, wide)
    bow = 50 * (a * a >> 10) // UNIT
    inside = (abs(a) < UNIT + 60) & (p.v < 105 - bow) & (p.v > -75 - bow)
    paint(body, p, inside, CLOTH, lit(s, p, wide, 400, 6) + 1 - (abs(p.v + bow - 15) < 14) * 4 - (np.abs(a) >> 8))


def ears(s: Sitter) -> None:
    """The far one goes behind the head as it turns. Rings hang from some."""
    if not len(s.x):
        return
    rings = s.roll("earrings", 0, 99) < 8 + 34 * s.soft * (1 - s.child)
    drop = s.roll("ring", 34, 56)
    for side in (-1, 1):
        seen = ONE + 2 * side * -s.sway
        wide, tall = 74 * np.clip(seen, ONE // 3, ONE * 5 // 4) // ONE, 112 + 12 * s.old
        centre = s.across(side * s.wide * 99 // 100, 6), 50 + s.nod // 2
        p = patch(s, centre, (wide + 8, tall + 8))
        paint(s, p, round_(p, wide, tall) < UNIT, SKIN, lit(s, p, wide, tall, 3) + side * each(s.light[:, 0] * 3 >> 12) - 1, 2)
        inner = moved(p, side * -wide // 8, 6)
        shadow(s, inner, round_(inner, wide * 52 // 100, tall * 56 // 100) < UNIT, 5)
        if rings.any():
            r, w = s.part(rings), drop[rings]
            p = patch(r, (centre[0][rings] + side * 6, (centre[1] + tall)[rings] + w // 2 - 12), (w, w))
            paint(r, p, round_(p, w, w) < UNIT, FRAME, lit(r, p, w, w, 8) + 2)


def head(s: Sitter) -> None:
    p = leaning(s, patch(s, (none(s), none(s)), (s.wide + 100, none(s) + TALL + 10)))
    far = round_(p, s.wide, TALL)
    shade = lit(s, p, s.wide, TALL, 8) + 1 - (far * far >> 19)
    paint(s, p, abs(p.u) < head_width(s, p.v), SKIN, shade)


def cheeks(s: Sitter) -> None:
    """A flush that fades outwards."""
    flat = s.sheet.index.reshape(-1)
    much = s.roll("flush", 1, 4) + 2 * s.child + s.soft
    for side in (-1, 1):
        x = s.across(side * s.wide * 54 // 100, 72)
        p = patch(s, (x, 170 + s.nod), (none(s) + 150, none(s) + 120))
        fade = np.maximum(UNIT - round_(p, 150, 120), 0)
        along = np.minimum(each(much) * fade * 3 // (2 * UNIT), ALONG - 1)
        place, along = p.place[along > 0], along[along > 0]
        old = flat[place].astype(np.int32)
        flat[place] = np.where(old >> 8 == SKIN, old + along * SHADES, old)


def nose(s: Sitter) -> None:
    """A ridge that is dark on the side away from the light, a tip, and what lies below it."""
    half, tip = s.roll("nose", 52, 84) - 12 * s.soft - 6 * s.child, s.roll("nose tip", 165, 205) - 35 * s.child + s.nod
    x = s.across(none(s), 116)
    p = patch(s, (x, tip - 70), (half + 70, none(s) + 150))
    p = moved(p, 0, 70)
    away = np.where(s.light[:, 0] > 0, -1, 1)
    root_at = each(s.across(none(s), 90) - x)
    ridge = root_at * np.maximum(-p.v, 0) // 160
    side = (p.u - ridge) * each(away)
    wing = each(half) * (UNIT // 3 + (UNIT * 2 // 3) * np.clip(p.v + 150, 0, 150) // 150) // UNIT
    shadow(s, p, (side > wing // 4) & (side < wing) & (p.v > -140) & (p.v < 12), 4, SKIN)
    glow = moved(p, s.light[:, 0] * half // 5 >> 12, -34)
    shadow(s, glow, round_(glow, half * 46 // 100, 42) < UNIT, -4, SKIN)
    a = share(p.u, half)
    under = p.v - 22 + (a * a >> 10) * 26 // UNIT
    shadow(s, p, (abs(under) < 17) & (abs(a) < UNIT), 8, SKIN)


def age(s: Sitter) -> None:
    """Lines from the nose to the corners of the mouth, and under the eyes."""
    old = s.part(s.old > 0)
    if not len(old.x):
        return
    for side in (-1, 1):
        p = patch(old, (old.across(none(old) + side * 165, 92), 245 + old.nod), (none(old) + 70, none(old) + 90))
        line = p.u * side - (p.v + 80) * 50 // 160 + 10
        shadow(old, p, (abs(line) < 10) & (abs(p.v) < 80), 3, SKIN)
        p = patch(old, (old.across(none(old) + side * 175, 90), 125 + old.nod), (none(old) + 90, none(old) + 30))
        shadow(old, p, (abs(p.v + (p.u * p.u >> 8)) < 9) & (abs(p.u) < 80), 3, SKIN)

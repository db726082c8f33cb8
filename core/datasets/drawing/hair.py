"""How hair is worn in `faces`: what hangs behind the head, what lies on it, and what is tied up."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from core.datasets.drawing.brush import TURN, sine
from core.datasets.drawing.heads import none
from core.datasets.drawing.portrait import (
    BAND,
    HAIR,
    PLAIN,
    SKIN,
    TALL,
    UNIT,
    Patch,
    Sitter,
    each,
    lit,
    look_up,
    moved,
    paint,
    patch,
    round_,
    shadow,
    share,
)

BALD, CURLY, HEADWEAR, LONG, SHORT, TIED = range(6)
_WAVE = sine(np.arange(256, dtype=np.int64) * (TURN // 256)).astype(np.int32) >> 2


@dataclass(frozen=True)
class Cut:
    """thick, rise: beyond the head at its sides and on top.  line: the hairline in the middle; falls: how far it comes down
    towards the sides, gently from the parting and steeply at the temples.  parted: how far to a side, at most.  low: where
    the sides end.  curl, wavy: how rough the rim is, how the sides swing."""

    thick: tuple[int, int]
    rise: tuple[int, int]
    line: tuple[int, int]
    gently: tuple[int, int]
    steeply: tuple[int, int]
    parted: int
    low: tuple[int, int]
    curl: tuple[int, int] = (0, 0)
    wavy: tuple[int, int] = (0, 0)


CUTS: Mapping[int, tuple[Cut, ...]] = {
    BALD: (Cut((8, 22), (0, 0), (-1000, -940), (0, 0), (1750, 1850), 0, (90, 150)),),
    CURLY: (
        Cut((130, 250), (130, 240), (-290, -220), (40, 120), (500, 700), 0, (100, 260), (120, 190)),
        Cut((26, 50), (110, 190), (-270, -200), (0, 60), (500, 700), 60, (-60, 20), (90, 150)),
        Cut((120, 200), (90, 170), (-290, -220), (120, 260), (700, 900), 120, (480, 760), (120, 190)),
        Cut((60, 110), (80, 140), (-250, -160), (20, 120), (500, 700), 100, (60, 200), (110, 170)),
    ),
    LONG: (
        Cut((44, 80), (50, 90), (-360, -320), (250, 420), (700, 1000), 30, (560, 900), (0, 0), (0, 14)),
        Cut((44, 90), (60, 110), (-350, -310), (160, 300), (800, 1100), 190, (560, 900), (0, 0), (0, 20)),
        Cut((44, 80), (50, 90), (-170, -110), (-10, 10), (900, 1300), 0, (500, 860), (0, 0), (0, 8)),
        Cut((70, 120), (60, 110), (-350, -300), (200, 360), (700, 1000), 150, (560, 900), (0, 30), (26, 44)),
    ),
    SHORT: (
        Cut((10, 22), (14, 34), (-310, -250), (0, 40), (420, 560), 0, (-20, 60)),
        Cut((22, 40), (60, 110), (-330, -290), (60, 180), (450, 600), 230, (0, 80)),
        Cut((16, 30), (110, 170), (-330, -280), (-20, 40), (450, 600), 60, (-40, 40), (0, 60)),
        Cut((30, 50), (40, 80), (-190, -140), (-20, 30), (500, 700), 0, (20, 120)),
        Cut((20, 36), (70, 120), (-260, -200), (-60, 60), (450, 600), 200, (-20, 60), (60, 110)),
    ),
    TIED: (
        Cut((8, 22), (20, 44), (-330, -280), (60, 180), (450, 650), 40, (-30, 60)),
        Cut((10, 26), (24, 50), (-340, -290), (180, 320), (450, 650), 180, (0, 90)),
        Cut((14, 30), (30, 56), (-180, -130), (-10, 20), (550, 750), 0, (30, 130)),
    ),
}
_UNDER_HATS = (
    Cut((16, 30), (0, 0), (-330, -280), (0, 60), (450, 600), 0, (20, 120)),
    Cut((44, 80), (0, 0), (-330, -280), (150, 300), (800, 1100), 0, (540, 860), (0, 0), (0, 24)),
    Cut((90, 150), (0, 0), (-330, -280), (150, 300), (700, 900), 0, (300, 700), (120, 180)),
)


@dataclass(frozen=True, eq=False)
class Worn:
    """A cut as single people wear it, (b,) each."""

    thick: np.ndarray
    rise: np.ndarray
    line: np.ndarray
    gently: np.ndarray
    steeply: np.ndarray
    part: np.ndarray
    low: np.ndarray
    curl: np.ndarray
    wavy: np.ndarray

    def some(self, which: np.ndarray) -> "Worn":
        return Worn(*(getattr(self, f.name)[which] for f in fields(self)))


def worn(s: Sitter) -> Worn:
    """Each person's cut, chosen by class and style."""
    cuts = [cut for kind in sorted(CUTS) for cut in CUTS[kind]] + list(_UNDER_HATS)
    numbers, start = none(s), 0
    for kind in sorted(CUTS):
        numbers = np.where(s.kind == kind, start + s.style % len(CUTS[kind]), numbers)
        start += len(CUTS[kind])
    hat = np.where(s.soft > 0, s.roll("under hat", 0, 2), np.maximum(s.roll("under hat", -6, 2), 0))
    numbers = np.where(s.kind == HEADWEAR, start + hat, numbers)

    def between(name: str) -> np.ndarray:
        ends = np.array([getattr(cut, name) for cut in cuts], np.int64)[numbers]
        return ends[:, 0] + ((ends[:, 1] - ends[:, 0]) * s.roll("cut " + name, 0, 256) >> 8)

    parted = np.array([cut.parted for cut in cuts], np.int64)[numbers]
    names = ("thick", "rise", "line", "gently", "steeply", "low", "curl", "wavy")
    found = {name: between(name) for name in names}
    return Worn(part=parted * (2 * s.roll("parted", 0, 1) - 1), **found)


@dataclass(frozen=True, eq=False)
class Locks:
    """Samples of people whose hair is alike: which of them lie in it, their shades, and curls in -UNIT..UNIT (or none)."""

    s: Sitter
    w: Worn
    p: Patch
    inside: np.ndarray
    shade: np.ndarray
    curls: np.ndarray | int


def grown(s: Sitter, w: Worn) -> list[Locks]:
    """The hair of all who have some to be seen: rough, long and short."""
    seen = ~wrapped(s) & ((s.kind != BALD) | (s.style % 3 > 0))
    rough, long = w.curl > 0, w.low > 300
    parts = (seen & rough, seen & ~rough & long, seen & ~rough & ~long)
    return [_locks(s.part(which), w.some(which)) for which in parts if which.any()]


def _locks(s: Sitter, w: Worn) -> Locks:
    top, bottom = TALL + w.rise + 40, np.maximum(w.low, 60) + 40
    middle = (bottom - top) // 2
    p = moved(patch(s, (none(s), middle), (s.wide + w.thick + 180, (top + bottom) // 2)), 0, -middle)
    shade = lit(s, p, s.wide + w.thick, TALL, 7) - 1
    if w.curl.any():
        curls = _curls(s, p)
        return Locks(s, w, p, _outer(s, p, w, curls), shade + np.where(each(w.curl) > 40, curls >> 8, 0), curls)
    # Strands fall from the crown, and shine where the head turns upwards.
    strands = s.dice.rolls("strands", -2, 2, 64).astype(np.int32)
    fine = look_up(strands, (share(p.u, s.wide + w.thick) * (900 + (np.abs(p.v) >> 1)) >> 15) & 63)
    gloss = np.maximum(5 - (np.abs(p.v + 330 - (p.u * p.u >> 11)) * 10 >> 8), 0)
    return Locks(s, w, p, _outer(s, p, w, 0), shade + fine + gloss, 0)


def _curls(s: Sitter, p: Patch) -> np.ndarray:
    zoom, turn = s.roll("curl size", 190, 300), s.roll("curl turn", 0, 255)
    across, down = (p.u * each(zoom) >> 8) + each(turn), p.v * each(zoom) >> 8
    # Each direction is bent by the other, so that curls do not stand in rows.
    across += np.take(_WAVE, (down * 3 // 4 + (across >> 2)) & 255) >> 4
    down += np.take(_WAVE, (across + (p.v >> 2)) & 255) >> 4
    return np.take(_WAVE, across & 255) * np.take(_WAVE, down & 255) >> 10


def _outer(s: Sitter, p: Patch, w: Worn, curls: np.ndarray | int) -> np.ndarray:
    """(b, h, w) bool: within the outline of the hair, round on top and hanging down at the sides as far as `low`."""
    below = np.maximum(p.v, 0)
    wide = each(s.wide + w.thick) + (each(np.minimum(w.low // 12, 60)) * below >> 9)
    if w.wavy.any():
        swing = np.take(_WAVE, ((p.v >> 1) + each(s.roll("swing", 0, 255))) & 255) * each(w.wavy) >> 10
        wide += swing * np.minimum(below, 256) >> 8
    a, b = (p.u * UNIT) // wide, share(np.minimum(p.v, 0), TALL + w.rise)
    # Rounded off where it ends.
    end = np.maximum(below - each(np.maximum(w.low - 90, 0)), 0) * 8
    return ((a * a + b * b + end * end) >> 10) + (curls * each(w.curl) >> 10) < UNIT - each(w.curl) // 2


def behind(locks: list[Locks]) -> None:
    """Hair at the nape and on the back."""
    for k in locks:
        there = (k.s.kind == CURLY) | (k.w.low > 300)
        if there.any():
            shade = k.shade - np.clip((k.p.v + 100) >> 6, 0, 7)
            paint(k.s, k.p, k.inside & there[:, None, None], HAIR, shade)


def wrapped(s: Sitter) -> np.ndarray:
    """(b,) bool: those whose headwear leaves no hair to be seen."""
    return (s.kind == HEADWEAR) & (s.style % 5 >= 3)


def before(locks: list[Locks]) -> None:
    """Hair on the head, its shadow on the forehead included."""
    for k in locks:
        s, w, p = k.s, k.w, k.p
        # The hairline turns with the head.
        u = p.u - each(s.sway * s.wide // np.where(s.kind == BALD, 5, 3) >> 12)
        d, n = np.clip(share(u - each(w.part), s.wide), -2000, 2000), np.clip(share(u, s.wide), -1700, 1700)
        n = n * n >> 10
        line = each(w.line) + (each(w.gently) * (d * d >> 10) >> 10) + (each(w.steeply) * ((n * n >> 10) * n >> 10) >> 10)
        line += k.curls * each(np.maximum(w.curl - 20, 0)) // 5 >> 10
        inside = k.inside & (p.v < each(w.low)) & ((p.v > -280 + (UNIT - n)) | (each(s.kind) != BALD))
        shadow(s, p, inside & (p.v < line + 46) & (p.v >= line) & (abs(p.u) < each(s.wide)), 4, SKIN)
        paint(s, p, inside & (p.v < line), HAIR, k.shade)


def gleam(s: Sitter) -> None:
    """Light on a bald head."""
    s = s.part(s.kind == BALD)
    if len(s.x):
        p = patch(s, (s.light[:, 0] * 150 >> 12, (s.light[:, 1] * 130 >> 12) - 230), (none(s) + 150, none(s) + 90))
        q = round_(p, 150, 85)
        shadow(s, p, q < UNIT, (q >> 8) - 4, SKIN)


def tied(s: Sitter) -> None:
    """Buns and tails, behind the head: a knot on top, one on either side, two tails, or one over a shoulder."""
    s = s.part(s.kind == TIED)
    way = s.roll("tied", 0, 3)
    size = s.roll("knot", 150, 205)
    side = 2 * s.roll("tied to", 0, 1) - 1
    for which, places in ((way == 0, ((0, -640),)), (way == 1, ((-72, -470), (72, -470)))):
        for x, y in places:
            _knot(s.part(which), x, y, size[which] * (100 if x == 0 else 84) // 100)
    for which, sides in ((way == 2, (-1, 1)), (way == 3, (0,))):
        for one in sides:
            _tail(s.part(which), side[which] if one == 0 else np.full(int(which.sum()), one))


def _knot(s: Sitter, x: int, y: int, size: np.ndarray) -> None:
    if not len(s.x):
        return
    u = s.wide * x // 100 - (s.sway * s.wide * 15 // 100 >> 12)
    p = patch(s, (u, none(s) + y), (size + 10, size + 10))
    whorl = np.take(_WAVE, ((p.v + p.u // 2) * 3 // 4) & 255) >> 9
    paint(s, p, round_(p, size, size * 88 // 100) < UNIT, HAIR, lit(s, p, size, size, 6) - 1 + whorl)
    lower = moved(p, -u // 5, size * 74 // 100)
    paint(s, p, (round_(lower, size * 62 // 100, 44) < UNIT), BAND, lit(s, lower, size, 60, 5))


def _tail(s: Sitter, side: np.ndarray) -> None:
    if not len(s.x):
        return
    long, wide = s.roll("tail", 300, 420), s.roll("tail width", 105, 150)
    p = patch(s, (side * (s.wide + 95), none(s) + 60 + long // 2), (wide + 90, long + 30))
    t = np.clip(share(p.v + each(long), 2 * long), 0, UNIT)
    bend = each(side) * (t * (UNIT - t) >> 10) * 90 // 256
    full = each(wide) * ((4 * t * (UNIT - t) >> 10) * (1400 - t) >> 10) // UNIT + 8
    strands = look_up(s.dice.rolls("strands", -2, 2, 64).astype(np.int32), (abs(p.u - bend) >> 3) & 63)
    inside = (abs(p.u - bend) < full) & (abs(p.v) < each(long))
    paint(s, p, inside, HAIR, lit(s, p, wide, long, 5) + strands)
    knot = moved(p, 0, -long + 90)
    paint(s, p, (abs(knot.v) < 26) & (abs(p.u - bend) < full + 14), BAND, PLAIN)

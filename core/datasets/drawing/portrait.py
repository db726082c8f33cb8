"""What faces are put together from: a sheet of samples, the people who sit for it, and patches of samples round a place.

A sheet holds one number a sample: material x along (8) x shade (32), looked up in each picture's own colours at the end;
0 is nothing yet. A face is measured in its own units: the middle of the head is (0, 0), the skull ends at v = -TALL and
the chin at v = TALL. 32-bit integers, for speed: lengths stay below 4,096, so that products of two and a few more fit.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from core.datasets.drawing.brush import ONE, Dice, root

(SKIN, HAIR, BROW, BEARD, WHITE, IRIS, DARK, LIP, MOUTH, CLOTH, TRIM, HAT, BAND, FRAME, LENS) = range(1, 16)
MATERIALS, ALONG, SHADES = 16, 8, 32
PLAIN = 20
"""The shade that is the colour itself; lower ones are darker, higher ones lighter."""
TALL = 500
UNIT = 1024
"""What `share` and `round_` call one: the rim of an ellipse."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """Samples of a chunk of pictures. index: (B, P, P) int16, drawn into; at: (P,) int32 the middles of the samples."""

    index: np.ndarray
    at: np.ndarray
    extent: int


@dataclass(frozen=True, eq=False)
class Sitter:
    """People, one a picture: all (b,) int64 where not said otherwise.

    row: whose row of the sheet.  x, y, size: middle and half height of the head in the sheet's units.  cos, sin: how the
    head leans, in ONE.  sway: sine of the turn to the right, in ONE.  nod: features down, in units of the face.
    wide: half the width of the head.  jaw: (b, 256) half the width from skull to chin.  light: (b, 2) where it comes from,
    length ONE.  soft, child, old: 0 or 1.  kind, style: the class, and the way its hair is worn, 0 to 119.
    """

    sheet: Sheet
    dice: Dice
    row: np.ndarray
    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    cos: np.ndarray
    sin: np.ndarray
    sway: np.ndarray
    nod: np.ndarray
    wide: np.ndarray
    jaw: np.ndarray
    light: np.ndarray
    soft: np.ndarray
    child: np.ndarray
    old: np.ndarray
    kind: np.ndarray
    style: np.ndarray

    def part(self, which: np.ndarray) -> "Sitter":
        """Those people for whom (b,) bool is true."""
        rows = np.flatnonzero(which)
        arrays = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in ("sheet", "dice")}
        return replace(self, dice=self.dice.part(rows), **arrays)

    def roll(self, what: str, low: int, high: int) -> np.ndarray:
        """(b,) int64, uniform over low..high, both included."""
        return self.dice.roll(what, low, high)

    def body(self) -> "Sitter":
        """The same people below the head, which leans from the neck: upright."""
        back = 420 * self.size // TALL
        x, y = self.x - (self.sin * back >> 12), self.y + ((self.cos - ONE) * back >> 12)
        return replace(self, x=x, y=y, cos=np.full_like(x, ONE), sin=np.zeros_like(x))

    def across(self, x: np.ndarray, depth: int) -> np.ndarray:
        """Where a place x to the right of the middle is seen as the head turns; depth: before the middle, 100 is `wide`."""
        return x + (self.sway * (self.wide * depth // 100) >> 12) - (x * (self.sway * self.sway >> 13) >> 12)


@dataclass(frozen=True, eq=False)
class Patch:
    """Samples round a place, (b, h, w) each: place in the flat sheet; u (right), v (down) from that place. All int32."""

    place: np.ndarray
    u: np.ndarray
    v: np.ndarray


def each(x: np.ndarray | int) -> np.ndarray | int:
    """(b,) -> (b, 1, 1) int32: one number a picture, ready to meet its samples."""
    return x if isinstance(x, int) else x.astype(np.int32)[:, None, None]


def patch(s: Sitter, centre: tuple[np.ndarray, np.ndarray], reach: tuple[np.ndarray, np.ndarray]) -> Patch:
    """All samples within `reach` (right and down) of `centre`, both in units of the face, and some more."""
    (u, v), (ru, rv) = centre, reach
    at, extent, side = s.sheet.at, s.sheet.extent, len(s.sheet.at)
    x = s.x + ((s.cos * u - s.sin * v) * s.size // TALL >> 12)
    y = s.y + ((s.sin * u + s.cos * v) * s.size // TALL >> 12)

    def window(middle: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """(b, n): as many samples for each picture; which ones are inside is asked of each one later."""
        n = min(int((2 * reach * side // (2 * extent)).max()) + 3, side)
        first = np.clip((middle - reach + extent) * side // (2 * extent) - 1, 0, side - n)
        return first[:, None] + np.arange(n)

    columns = window(x, (abs(s.cos) * ru + abs(s.sin) * rv) * s.size // TALL >> 12)
    rows = window(y, (abs(s.sin) * ru + abs(s.cos) * rv) * s.size // TALL >> 12)
    dx, dy = at[columns] - x.astype(np.int32)[:, None], at[rows] - y.astype(np.int32)[:, None]
    c, n = ((a * TALL // s.size).astype(np.int32)[:, None] for a in (s.cos, s.sin))
    place = (s.row[:, None] * side * side + rows * side).astype(np.int32)[:, :, None] + columns.astype(np.int32)[:, None, :]
    return Patch(place, ((c * dx)[:, None, :] + (n * dy)[:, :, None]) >> 12, ((c * dy)[:, :, None] - (n * dx)[:, None, :]) >> 12)


def moved(p: Patch, u: np.ndarray | int, v: np.ndarray | int) -> Patch:
    """The same samples, counted from a place further to the right and down."""
    return replace(p, u=p.u - each(u), v=p.v - each(v))


def share(x: np.ndarray, whole: np.ndarray | int) -> np.ndarray:
    """x / whole in UNIT, of samples (b, h, w) and one length a picture."""
    return x * each(UNIT * UNIT // whole) >> 10


def round_(p: Patch, ru: np.ndarray | int, rv: np.ndarray | int) -> np.ndarray:
    """(b, h, w): 0 in the middle of an ellipse, UNIT at its rim, growing with the square of the distance."""
    a, b = np.minimum(abs(share(p.u, ru)), 30 * UNIT), np.minimum(abs(share(p.v, rv)), 30 * UNIT)
    return (a * a + b * b) >> 10


def look_up(table: np.ndarray, at: np.ndarray) -> np.ndarray:
    """table (b, M) int32, at (b, h, w) in 0..M-1 -> (b, h, w): each picture's samples in its own row."""
    return np.take(table.ravel(), at + (np.arange(len(table), dtype=np.int32) * table.shape[1])[:, None, None])


def lit(s: Sitter, p: Patch, ru: np.ndarray | int, rv: np.ndarray | int, strength: int) -> np.ndarray:
    """(b, h, w) shade of something round: PLAIN in its middle, `strength` more towards the light and less away from it."""
    a, b = (each(s.light[:, i] * strength * 16 // np.maximum(r, 1)) for i, r in ((0, ru), (1, rv)))
    return PLAIN + ((p.u * a + p.v * b) >> 16)


def paint(s: Sitter, p: Patch, inside: np.ndarray, material: int, shade: np.ndarray | int, along: np.ndarray | int = 0) -> None:
    """The samples of a patch where `inside` is true. along: 0..7, shade: clipped to 0..SHADES - 1."""
    place = p.place[inside]

    def chosen(x: np.ndarray | int) -> np.ndarray | int:
        return x if isinstance(x, int) else np.broadcast_to(x, inside.shape)[inside]

    tone = np.clip(chosen(shade), 0, SHADES - 1)
    s.sheet.index.reshape(-1)[place] = (material * ALONG + chosen(along)) * SHADES + tone


def shadow(s: Sitter, p: Patch, inside: np.ndarray, by: np.ndarray | int, only: int = 0) -> None:
    """Makes what is painted there already darker, or lighter where `by` is negative; only that material where one is told."""
    flat, place = s.sheet.index.reshape(-1), p.place[inside]
    old = flat[place].astype(np.int32)
    less = by if isinstance(by, int) else np.broadcast_to(by, inside.shape)[inside]
    shade = np.clip((old & (SHADES - 1)) - less, 0, SHADES - 1)
    new = (old & ~(SHADES - 1)) + shade
    flat[place] = np.where((old >> 8 == only) if only else (old > 0), new, old)


def skull(wide: np.ndarray, cheek: np.ndarray, square: np.ndarray) -> np.ndarray:
    """(b, 256) int32: half the width of a head from the skull to the chin.

    cheek: where it is widest, 0 to 255.  square: -256 a pointed chin, 0 an oval, 256 a broad jaw.
    """
    t = np.arange(256, dtype=np.int64)
    m, square = cheek[:, None], square[:, None]
    up = np.maximum(m - t, 0) * ONE // m
    down = np.maximum(t - m, 0) * ONE // (255 - m)
    oval = root(ONE * ONE - down * down)
    broad = root(ONE * root(ONE * ONE - (down * down >> 12) ** 2))
    pointed = ONE - (down * down >> 12)
    low = oval + (np.maximum(square, 0) * (broad - oval) + np.maximum(-square, 0) * (pointed - oval) >> 8)
    high = root(ONE * ONE - up * up)
    return (wide[:, None] * np.where(t < m, high, low) >> 12).astype(np.int32)


def head_width(s: Sitter, v: np.ndarray, longer: int = 0) -> np.ndarray:
    """(b, h, w): half the width of the head at v; 0 above and below it. longer: how much further down the chin is."""
    t = (v + TALL) * (255 * UNIT // (2 * TALL + longer)) >> 10
    return np.where((t < 0) | (t > 255), 0, look_up(s.jaw, np.clip(t, 0, 255)))


def leaning(s: Sitter, p: Patch) -> Patch:
    """Counted from the middle line of the face, which bends towards the chin when the head turns; p: from the head's middle."""
    chin = each(s.sway * s.wide // 5 >> 12)
    return replace(p, u=p.u - (np.maximum(p.v, 0) * chin // TALL))

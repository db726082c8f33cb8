"""What flowers are put together from: heads seen at a slant, rings of petals, single petals, discs.

A canvas holds one number a sample: material x along (16) x shade (32), looked up in each image's own colours at the end;
0 is nothing yet.
"""

from dataclasses import dataclass

import numpy as np

from core.datasets.drawing.brush import CELL, ONE, TURN, cells, cosine, polar, root, sine

GREEN, PETAL, BEHIND, CENTRE, DOTS = 1, 2, 3, 4, 5
MATERIALS = 6
ALONG, SHADES = 16, 32
PLAIN = 20
"""The shade that is the colour itself; lower ones are darker, higher ones lighter."""
EXTENT = 1024
"""The picture spans -EXTENT to EXTENT either way, y downwards."""
UNIT = 400
"""Table cells from the middle of a head to the tip of a petal of length 256."""
WIDE = 480
"""Cells within which all of a head lies, ruffles and flares included."""
HALF = TURN // 2


@dataclass(frozen=True, eq=False)
class Canvas:
    """Samples of a chunk of images. index: (B, P, P) int64, drawn into; at: (P,) the middles of the samples."""

    index: np.ndarray
    at: np.ndarray
    light: np.ndarray  # (B, 2) direction from which the light comes, length ONE


@dataclass(frozen=True, eq=False)
class Pose:
    """Where heads are. All (B,) int64: centre and radius in the picture's units, squash in ONE, angles in TURN."""

    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    squash: np.ndarray
    lean: np.ndarray


@dataclass(frozen=True, eq=False)
class Spots:
    """Some samples of a canvas, (K,) int64 each: whose image, and the place in the canvas laid flat."""

    image: np.ndarray
    place: np.ndarray


@dataclass(frozen=True, eq=False)
class Head:
    """A flower's samples in its own plane, (K,) int64 each. light: -6 to 6, added to each shade."""

    on: Spots
    u: np.ndarray
    v: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    light: np.ndarray


def spots(inside: np.ndarray) -> Spots:
    """Those where (B, P, P) bool is true: most of a picture is not flower, and need not be reckoned with."""
    place = np.flatnonzero(inside)
    return Spots(place // inside[0].size, place)


def look_up(table: np.ndarray, on: Spots, at: np.ndarray) -> np.ndarray:
    """table (B, M), at (K,) in 0..M-1 -> (K,): each image's samples in its own row."""
    return np.take(table.ravel(), on.image * table.shape[1] + at)


def head_of(canvas: Canvas, pose: Pose) -> Head:
    """Turns by `lean`, stretches by 1 / squash along the leaning axis, and scales the radius to UNIT cells."""
    dx, dy = canvas.at - pose.x[:, None], canvas.at - pose.y[:, None]
    scale = UNIT * ONE // pose.radius
    c, s = cosine(pose.lean) * scale >> 12, sine(pose.lean) * scale >> 12
    stretch = ONE * ONE // pose.squash

    def turned(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return ((a[:, None] * dx)[:, None, :] + (b[:, None] * dy)[:, :, None]) >> 12

    u, v = turned(c, s), turned(-s * stretch >> 12, c * stretch >> 12)
    on = spots((abs(u) < WIDE) & (abs(v) < WIDE))
    u, v = u.ravel()[on.place], v.ravel()[on.place]
    where = cells(u, v)
    radius, angle = polar()
    light = np.clip((u * canvas.light[on.image, 0] + v * canvas.light[on.image, 1]) >> 18, -6, 6)
    return Head(on, u, v, np.take(radius, where).astype(np.int64), np.take(angle, where).astype(np.int64), light)


def outline(widest: np.ndarray, width: np.ndarray, base: np.ndarray | int, sharp: np.ndarray | int) -> np.ndarray:
    """(B, 256): half the width of a petal from its base (0) to its tip (255), in the unit of `width`.

    widest: where, 1 to 254.  base: width at the base.  sharp: 0 a round tip, 256 a pointed one.
    """
    t = np.arange(256, dtype=np.int64)
    m, width = widest[:, None], width[:, None]
    base, sharp = np.broadcast_to(base, widest.shape)[:, None], np.broadcast_to(sharp, widest.shape)[:, None]
    rising = base + ((width - base) * sine(np.minimum(t, m) * (TURN // 4) // m) >> 12)
    s = np.maximum(t - m, 0) * ONE // (255 - m)
    round_tip, point = root(ONE * ONE - s * s), ONE - (s * s >> 12)
    falling = width * (round_tip + ((point - round_tip) * sharp >> 8)) >> 12
    widths = np.where(t < m, rising, falling)
    widths[:, 255] = 0
    return widths


def fan(widths: np.ndarray) -> np.ndarray:
    """Widths that are lengths at the tip's radius -> angles as seen from the centre."""
    return widths * 255 // np.maximum(np.arange(256, dtype=np.int64), 1)


def shades(base: int, tip: int, edge: int, vein: int = 0) -> np.ndarray:
    """(256,) of along x across: shade from base to tip; darker by `edge` at the sides, by `vein` on the middle line."""
    along, across = np.meshgrid(np.arange(16, dtype=np.int64), np.arange(16, dtype=np.int64), indexing="ij")
    return (base + (tip - base) * along // 15 - edge * across * across // 225 - vein * (across < 3)).ravel()


def paint(canvas: Canvas, on: Spots, inside: np.ndarray, material: int, along: np.ndarray, shade: np.ndarray) -> None:
    """The spots where `inside` is true. along: 0..255, shade: clipped to 0..SHADES - 1."""
    colour = (material * ALONG * SHADES) + ((along >> 4) * SHADES) + np.clip(shade, 0, SHADES - 1)
    canvas.index.ravel()[on.place[inside]] = colour[inside]


@dataclass(frozen=True, eq=False)
class Petal:
    """widths: (B, 256) half the width along the petal; shape: (256,) see `shades`."""

    widths: np.ndarray
    material: int
    shape: np.ndarray


def petal(canvas: Canvas, on: Spots, across: np.ndarray, t: np.ndarray, look: Petal, light: np.ndarray | int = 0) -> None:
    """One petal, or many of the same outline. across: distance from the middle line, t: 0..255 along it, both (K,)."""
    width = look_up(look.widths, on, t)
    share = np.minimum(across * look_up((16 << 16) // np.maximum(look.widths, 1), on, t) >> 16, 15)
    paint(canvas, on, across < width, look.material, t, np.take(look.shape, (t & 0xF0) + share) + light)


def ring(canvas: Canvas, head: Head, k: np.ndarray, turn: np.ndarray, lengths: np.ndarray, look: Petal) -> None:
    """k petals round the centre, 31 at most. lengths: (B, 32), 256 being the head's radius; a width of HALF fills a sector."""
    lengths = lengths.copy()
    # A turn carries the last petal over into place k, which is the first one again.
    lengths[np.arange(len(k)), k] = lengths[:, 0]
    spin = head.angle * k[head.on.image] + (turn % TURN)[head.on.image]
    inverse = (255 << 16) // (lengths * (UNIT * CELL) >> 8)
    t = np.minimum(head.radius * look_up(inverse, head.on, spin >> 16) >> 16, 255)
    petal(canvas, head.on, abs((spin & (TURN - 1)) - HALF), t, look, head.light)


def disc(canvas: Canvas, head: Head, size: np.ndarray, material: int, dome: int, grain: int) -> None:
    """The eye of a flower. dome: how much darker the rim is; grain: how strong the crossing spirals of seeds are."""
    inverse = (255 << 16) // (size * (UNIT * CELL) >> 8)
    t = np.minimum(head.radius * inverse[head.on.image] >> 16, 255)
    seeds = ((head.angle * 13 + t * 900) ^ (head.angle * 21 - t * 900)) >> 15 & 1
    shade = 22 - (dome * t * t >> 15) + 2 * head.light - 2 * grain * seeds
    paint(canvas, head.on, t < 255, material, t, shade)

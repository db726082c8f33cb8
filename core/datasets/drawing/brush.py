"""Drawing with 64-bit integers alone, so that a picture has the same bits on every machine.

No floating point and no library's random numbers: both differ between processors and versions. Angles are counted in
`TURN` to the circle, fractions in `ONE`; lengths are whatever the caller counts in.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

TURN = 1 << 16
ONE = 1 << 12
REACH = 512
"""The polar tables hold the cells -REACH to REACH - 1 either way from the centre."""
CELL = 16
"""Radii are counted in 1/CELL of a table cell."""

_GAMMA = np.array([0x9E3779B97F4A7C15], np.uint64)
_MULTIPLY = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)


def mix(x: np.ndarray) -> np.ndarray:
    """splitmix64 (Steele, Lea and Flood 2014): uint64 -> uint64, wrapping. Arrays only: NumPy warns of scalars that wrap."""
    z = x + _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _MULTIPLY[:1]
    z = (z ^ (z >> np.uint64(27))) * _MULTIPLY[1:]
    return z ^ (z >> np.uint64(31))


@lru_cache(maxsize=1024)
def _start(seed: int, name: str) -> np.ndarray:
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return mix(mix(np.array([seed], np.uint64)) ^ np.array([number], np.uint64))


@dataclass(frozen=True, eq=False)
class Dice:
    """Random numbers that depend on (seed, index, what is asked for) only.

    indices: (N,) int64, the images.  prefix: put before each name that is asked for.
    """

    seed: int
    indices: np.ndarray
    prefix: str = ""

    def part(self, rows: np.ndarray) -> "Dice":
        """The same dice for some of the images."""
        return replace(self, indices=self.indices[rows])

    def named(self, prefix: str) -> "Dice":
        return replace(self, prefix=prefix)

    def roll(self, what: str, low: int, high: int) -> np.ndarray:
        """(N,) int64, uniform over low..high, both included."""
        return self.rolls(what, low, high, 1)[:, 0]

    def rolls(self, what: str, low: int, high: int, columns: int) -> np.ndarray:
        """(N, columns) int64, uniform over low..high, both included; high - low below 2**31."""
        image = mix(_start(self.seed, self.prefix + what) + self.indices.astype(np.uint64))[:, None]
        bits = mix(image + np.arange(columns, dtype=np.uint64) * _GAMMA) >> np.uint64(33)
        return low + (bits.astype(np.int64) * (high - low + 1) >> 31)


def sine(angle: np.ndarray) -> np.ndarray:
    """ONE * sin, to 0.002: Bhaskara's approximation 16 x (pi - x) / (5 pi^2 - 4 x (pi - x)), 7th century."""
    half = TURN // 2
    x = angle % half
    bow = x * (half - x)
    rise = 16 * ONE * bow // (5 * half * half - 4 * bow)
    return np.where(angle % TURN < half, rise, -rise)


def cosine(angle: np.ndarray) -> np.ndarray:
    return sine(angle + TURN // 4)


def root(x: np.ndarray) -> np.ndarray:
    """The integer part of the square root of 0 <= x < 2**30, digit by digit."""
    found, rest = np.zeros_like(x), x.copy()
    for bit in (1 << k for k in range(28, -1, -2)):
        fits = rest >= found + bit
        rest -= np.where(fits, found + bit, 0)
        found = (found >> 1) + np.where(fits, bit, 0)
    return found


@lru_cache(maxsize=1)
def polar() -> tuple[np.ndarray, np.ndarray]:
    """Radius in 1/CELL cells and angle in 0..TURN-1, int32, of every cell's middle; flat, row by row."""
    odd = 2 * np.arange(-REACH, REACH, dtype=np.int64) + 1
    x, y = np.broadcast_arrays(odd[None, :], odd[:, None])
    radius = root((x * x + y * y) * (CELL // 2) ** 2)
    near, far = np.minimum(abs(x), abs(y)), np.maximum(abs(x), abs(y))
    ratio = near * ONE // far
    # atan z ~ z pi/4 + 0.273 z (1 - z) on 0..1, to 0.004 (Rajan et al. 2006).
    eighth = (ratio * (TURN // 8) >> 12) + (ratio * (ONE - ratio) * 2847 >> 24)
    quarter = np.where(abs(y) > abs(x), TURN // 4 - eighth, eighth)
    half = np.where(x < 0, TURN // 2 - quarter, quarter)
    angle = np.where(y < 0, -half, half) % TURN
    return radius.ravel().astype(np.int32), angle.ravel().astype(np.int32)


def cells(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Positions in the polar tables; what lies outside is moved to the rim."""
    rim = REACH - 1
    return (np.clip(v, -rim, rim) + REACH) * (2 * REACH) + np.clip(u, -rim, rim) + REACH


def grid(side: int, extent: int) -> np.ndarray:
    """(side,) int64: the middles of `side` equal steps over -extent..extent."""
    return (2 * np.arange(side, dtype=np.int64) + 1) * extent // side - extent


def noise(dice: Dice, what: str, shape: tuple[int, int], side: int) -> np.ndarray:
    """(N, side, side) int64 in 0..255: random values on a lattice of `shape` (rows, columns) cells, smoothly joined."""
    rows, columns = shape
    lattice = dice.rolls(what, 0, 255, (rows + 1) * (columns + 1)).reshape(-1, rows + 1, columns + 1)

    def places(n: int) -> tuple[np.ndarray, np.ndarray]:
        at = (2 * np.arange(side, dtype=np.int64) + 1) * n * ONE // (2 * side)
        f = at % ONE
        return at // ONE, (f * f >> 12) * (3 * ONE - 2 * f) >> 12

    (i, fy), (j, fx) = places(rows), places(columns)
    down = lattice[:, i] * (ONE - fy)[:, None] + lattice[:, i + 1] * fy[:, None]
    return (down[:, :, j] * (ONE - fx) + down[:, :, j + 1] * fx) >> 24


def towards(a: np.ndarray, b: np.ndarray, share: np.ndarray, whole: int) -> np.ndarray:
    """a where share is 0, b where it is `whole`, in between between."""
    return a + (b - a) * share // whole


def deep(x: np.ndarray) -> np.ndarray:
    """(N,) -> (N, 1, 1): one number an image, ready to meet its samples."""
    return x[:, None, None]


def boxes(samples: np.ndarray, k: int) -> np.ndarray:
    """(N, H k, W k, ...) -> (N, H, W, ...): the sum over each k x k box."""
    n, h, w, *rest = samples.shape
    return samples.reshape(n, h // k, k, w // k, k, *rest).sum(axis=(2, 4))

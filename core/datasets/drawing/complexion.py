"""The colours of `faces`: skins, hair, eyes, lips, clothes; and the table that a sheet's numbers are looked up in."""

import numpy as np

from core.datasets.drawing.brush import towards
from core.datasets.drawing.hair import BALD, HEADWEAR
from core.datasets.drawing.portrait import (
    ALONG,
    BAND,
    BEARD,
    BROW,
    CLOTH,
    DARK,
    FRAME,
    HAIR,
    HAT,
    IRIS,
    LENS,
    LIP,
    MATERIALS,
    MOUTH,
    PLAIN,
    SHADES,
    SKIN,
    TRIM,
    WHITE,
    Sitter,
)

Colours = tuple[tuple[int, int, int], ...]
Ends = dict[int, tuple[np.ndarray, np.ndarray]]
"""The first and the last colour along each material, (b, 3) or (3,)."""
_SKINS: Colours = (
    (255, 220, 194),
    (250, 208, 176),
    (242, 198, 164),
    (232, 184, 146),
    (220, 168, 126),
    (204, 150, 106),
    (184, 128, 86),
    (160, 106, 70),
    (134, 86, 56),
    (110, 70, 48),
)
"""From pale to deep."""
_HAIRS: Colours = (
    (34, 28, 32),
    (48, 34, 30),
    (74, 48, 34),
    (106, 68, 42),
    (138, 88, 50),
    (156, 72, 34),
    (196, 96, 40),
    (206, 158, 88),
    (232, 198, 130),
)
_GREYS: Colours = ((142, 142, 148), (186, 186, 190), (226, 226, 228))
_DYED: Colours = ((226, 110, 150), (88, 128, 206), (60, 160, 150), (140, 96, 180), (200, 60, 70))
_EYES: Colours = ((84, 50, 28), (108, 68, 34), (60, 38, 26), (126, 104, 52), (84, 126, 84), (72, 122, 172), (110, 140, 156))
_LIPSTICKS: Colours = ((196, 36, 56), (214, 76, 96), (160, 40, 70))
_CLOTHES: Colours = (
    (214, 74, 66),
    (238, 150, 60),
    (244, 200, 84),
    (98, 160, 98),
    (54, 128, 124),
    (72, 120, 190),
    (46, 66, 112),
    (128, 90, 160),
    (226, 134, 154),
    (238, 236, 228),
    (92, 94, 104),
    (50, 50, 58),
    (170, 120, 86),
    (160, 196, 220),
)
_STRAWS: Colours = ((232, 204, 146), (214, 180, 120), (244, 230, 200), (150, 106, 72), (200, 160, 120))
_FRAMES: Colours = ((36, 34, 40), (92, 56, 36), (196, 156, 80), (150, 40, 48), (70, 80, 120), (190, 192, 200))


def _of(s: Sitter, what: str, colours: Colours) -> np.ndarray:
    """(b, 3) int64, one of the colours for each."""
    return np.array(colours, np.int64)[s.roll(what, 0, len(colours) - 1)]


def _mixed(a: np.ndarray, b: np.ndarray, percent: int) -> np.ndarray:
    return a + (b - a) * percent // 100


def _skin(s: Sitter) -> tuple[np.ndarray, np.ndarray]:
    """(b, 3) colours between two neighbours of the row, a little warmer or cooler; and how deep they are, 0..255."""
    deep = s.roll("skin", 0, 255)
    at = deep * (len(_SKINS) - 1)
    skins = np.array(_SKINS, np.int64)
    skin = skins[at >> 8] + ((skins[(at >> 8) + 1] - skins[at >> 8]) * (at & 255)[:, None] >> 8)
    return skin + s.roll("warm", -2, 8)[:, None] * np.array([1, 0, -1]), deep


def _hair(s: Sitter, deep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(b, 3) colours of the hair, and of brows and beard, which nobody dyes.

    The deeper a skin the darker its hair, as a rule; grey with age; dyed for one in eleven of the others.
    """
    hairs = np.array(_HAIRS, np.int64)
    darkest = np.where(deep > 150, 3, np.where(deep > 90, 6, len(hairs)))
    hair = hairs[s.roll("hair", 0, (1 << 20) - 1) * darkest >> 20]
    grey = (s.old > 0) & (s.roll("greyed", 0, 99) < 85)
    hair = np.where(grey[:, None], _of(s, "grey", _GREYS), hair)
    own = np.clip(hair + s.dice.rolls("hair tint", -8, 8, 3), 0, 255)
    return np.where(((s.roll("dyed", 0, 99) < 9) & (s.kind != BALD) & (s.old == 0))[:, None], _of(s, "dye", _DYED), own), own


def table(s: Sitter) -> np.ndarray:
    """(b, MATERIALS * ALONG * SHADES) int64: red + green 2**16 + blue 2**32 of each number of a sheet; 2**48 of number 0."""
    skin, deep = _skin(s)
    hair, own = _hair(s, deep)
    ends = np.zeros((len(skin), MATERIALS, 2, 3), np.int64)
    for material, (first, last) in (_of_face(s, skin, deep, hair, own) | _of_clothes(s)).items():
        ends[:, material, 0], ends[:, material, 1] = first, last
    lights = np.broadcast_to(np.array([255, 250, 240], np.int64), (len(skin), MATERIALS, 3)).copy()
    lights[:, HAIR], lights[:, BEARD] = (np.minimum(c * 5 // 3 + 40, 255) for c in (hair, own))
    along = np.arange(ALONG, dtype=np.int64)[:, None]
    ramp = towards(ends[:, :, None, 0], ends[:, :, None, 1], along, ALONG - 1)[:, :, :, None]
    shade = np.arange(SHADES, dtype=np.int64)[:, None]
    # Shadows are warmer than what they lie on, and lights paler.
    darkest = ramp * np.array([126, 98, 104], np.int64) >> 8
    dark = towards(darkest, ramp, np.minimum(shade, PLAIN), PLAIN)
    light = towards(dark, lights[:, :, None, None], np.maximum(shade - PLAIN, 0), 24)
    colours = np.clip(light, 0, 255).reshape(len(skin), -1, 3)
    packed = colours[:, :, 0] + (colours[:, :, 1] << 16) + (colours[:, :, 2] << 32)
    packed[:, 0] = 1 << 48
    return packed


def _fixed(*colours: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    first, last = (np.array(c, np.int64) for c in colours)
    return first, last


def _of_face(s: Sitter, skin: np.ndarray, deep: np.ndarray, hair: np.ndarray, own: np.ndarray) -> Ends:
    flush = _mixed(skin, np.array([226, 84, 76], np.int64), 34)
    lip = _mixed(skin, np.array([200, 60, 60], np.int64), 46) * 94 // 100
    painted = (s.soft > 0) & (s.child == 0) & (s.roll("lipstick", 0, 99) < 40)
    lip = np.where(painted[:, None], _mixed(lip, _of(s, "lip colour", _LIPSTICKS), 75), lip)
    eye = np.where((deep > 130)[:, None], _of(s, "dark eyes", _EYES[:3]), _of(s, "eyes", _EYES))
    return {
        SKIN: (skin, flush),
        HAIR: (hair, hair),
        BROW: (_mixed(own * 72 // 100, skin * 60 // 100, 22), hair),
        BEARD: (_mixed(skin, own, 20), own * 94 // 100),
        WHITE: _fixed((250, 248, 244), (255, 255, 255)),
        IRIS: (eye, eye),
        DARK: _fixed((38, 26, 28), (38, 26, 28)),
        LIP: (lip, lip),
        MOUTH: _fixed((96, 30, 36), (206, 92, 94)),
    }


def _of_clothes(s: Sitter) -> Ends:
    cloth, other = _of(s, "cloth", _CLOTHES), _of(s, "other cloth", _CLOTHES)
    straw = ((s.kind == HEADWEAR) & (s.style % 5 == 2))[:, None]
    hat = np.where(straw, _of(s, "straw", _STRAWS), _of(s, "hat", _CLOTHES))
    band, frame = _of(s, "band", _CLOTHES), _of(s, "frame", _FRAMES)
    return {
        CLOTH: (cloth, _mixed(cloth, other, 75)),
        TRIM: (_mixed(cloth, other, 45), other),
        HAT: (hat, _mixed(hat, band, 80)),
        BAND: (band, band),
        FRAME: (frame, frame),
        LENS: _fixed((44, 44, 56), (44, 44, 56)),
    }

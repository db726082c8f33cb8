"""Copies of training images: generated images that lie nearer to one of them, or to its mirror image, than held-out ones do.

What counts is how far ONE training image stands out among the next nearest, in features and in pixels together. Blur brings an
image nearer to all training images alike, or to a smooth one in pixels only: neither is a copy. Held-out images say how often
chance does the same: each generated image gets a conformal p-value (Vovk et al. 2005), and the false discovery rate is controlled
(Benjamini and Hochberg 1995; for conformal p-values Bates et al. 2023).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import Refused
from core.metrics.nearest import SIDE, distances, near, small
from core.metrics.reference import Measure, Reference, content, wilson
from core.types import Arrays, Features

SAME, APART = 2.0, 0.25
"""The same picture: its pixels differ by SAME grey levels at most (root mean square; what saving it again leaves), and that is at
most APART of the distance of the next neighbours. Such a held-out image is a leak, such a generated one a copy by definition."""

TAIL = 0.01
"""Share of held-out images, those nearest to training images, that the excess is counted beyond."""


RULES: Mapping[str, Any] = {
    "tail": TAIL,
    "same_levels": SAME,
    "same_ratio": APART,
    "pixels_side": SIDE,
    "ratio": "geometric mean of features and pixels",
}
"""What shapes the number beyond the parameters that may be chosen: part of the Terms."""


@dataclass(frozen=True, eq=False)
class Twins:
    """Of each image the training image that stands out most. place: (n,) int64, from the number of training images on mirrored.

    ratio: (n,) float64, distance / mean distance of the next neighbours: geometric mean of features and pixels; 0 for a distance
    of 0 in either.  same: (n,) bool, see SAME.
    """

    place: np.ndarray
    ratio: np.ndarray
    same: np.ndarray


def score(fake: Features, ref: Reference, params: Mapping[str, Any]) -> Measure:
    """Excess copy fraction: the share of generated images, beyond that of held-out ones, which are as near to a training image as
    the nearest TAIL of the held-out ones, or which are the same; the larger of the two.

    interval: 95 %; its upper end also holds where the images that are no copies come near to nothing.  band: "small" for fewer
    than 1 / TAIL - 1 held-out images.  Refused where they are so few that nothing could be flagged.
    extras: nearest (n,) int64 training image, mirrored (n,) bool, ratio (n,) float64 (see Twins), p (n,) float64, flagged (n,)
    bool; leaks (l,) int64: held-out images that are training images as well.
    """
    heldout = _heldout(ref, params)
    leaks, usual = heldout["same"], heldout["ratio"][~heldout["same"]]
    m, lost, fdr = len(usual), int(leaks.sum()), float(params["fdr"])
    if findable(m, fdr) > 1:
        raise Refused(_too_few(m, lost, fdr))
    found = twins(fake, ref, params)
    p, tail = p_values(found.ratio, usual), max(1, round(TAIL * (m + 1)))
    # Half a step more, since p-values are whole steps of 1 / (m + 1) up to rounding.
    tailed = int((found.same | (p < (tail + 0.5) / (m + 1))).sum())
    n, same = len(fake), int(found.same.sum())
    estimates = excess(tailed, n, tail + lost, m + 1 + lost), excess(same, n, lost, m + lost)
    value, error, _ = max(estimates)
    interval = max(low for _, _, (low, _) in estimates), estimates[0][2][1]
    extras: Arrays = {
        "nearest": found.place % len(ref),
        "mirrored": found.place >= len(ref),
        "ratio": found.ratio,
        "p": p,
        "flagged": found.same | discoveries(p, fdr),
        "leaks": np.flatnonzero(leaks),
    }
    return Measure(value, error, "small" if m + 1 < 1 / TAIL else "", interval=interval, extras=extras)


def findable(n_heldout: int, fdr: float) -> float:
    """The smallest share of near copies that can be flagged one by one: with m held-out images no p-value is below 1 / (m + 1).

    More than 1 where none can. Images that are the same as a training image are flagged however few they are.
    """
    return 1 / ((n_heldout + 1) * fdr)


def p_values(fake: np.ndarray, heldout: np.ndarray) -> np.ndarray:
    """(n,) and (m,) ratios -> (n,) float64: the chance that an image like the held-out ones has so small a ratio."""
    as_small = np.searchsorted(np.sort(heldout), fake, side="right")
    return np.asarray((1 + as_small) / (1 + len(heldout)))


def discoveries(p: np.ndarray, fdr: float) -> np.ndarray:
    """(n,) bool: Benjamini and Hochberg's step-up rule; at most the share `fdr` of those marked is expected to be false."""
    rising = np.sort(p)
    within = np.flatnonzero(rising <= fdr * np.arange(1, len(p) + 1) / len(p))
    return p <= rising[within[-1]] if len(within) else np.zeros(len(p), bool)


def excess(found: int, n: int, tail: int, m: int) -> tuple[float, float, tuple[float, float]]:
    """The share that was added to a tail t = tail / m to give F = found / n: (F - t) / (1 - t); standard error; 95 % interval.

    Lower end: Wilson's intervals of F and t put together (Newcombe 1998, method 10; Zou and Donner 2008). Upper end: Wilson's
    of F alone, since images that are no copies may have a thinner tail than held-out ones. All within 0..1, as shares are.
    """
    f, t = found / n, tail / m
    value = _added(f, t)
    low = value - math.hypot(value - _added(wilson(f, n)[0], t), value - _added(f, wilson(t, m)[1]))
    error = math.hypot(math.sqrt(f * (1 - f) / n), (1 - f) / (1 - t) * math.sqrt(t * (1 - t) / m)) / (1 - t)
    return max(value, 0.0), error, (max(low, 0.0), wilson(f, n)[1])


def _added(f: float, t: float) -> float:
    return (f - t) / (1 - t)


def _too_few(m: int, lost: int, fdr: float) -> str:
    also = f" (besides {lost} that are training images too)" if lost else ""
    least = math.ceil(1 / fdr) - 1
    return f"Copies are told from chance by at least {least} held-out images; there are {m}{also}: add images."


# ---------------------------------------------------------------------------------------------------------- neighbours


def _heldout(ref: Reference, params: Mapping[str, Any]) -> Arrays:
    """ratio (m,) float64 and same (m,) bool of the held-out images; from the store where they were searched before."""
    heldout = ref.heldout
    if heldout is None:
        raise Refused("Copies are told from chance by held-out images, and there are none: choose a data set that has some.")

    def compute() -> Arrays:
        found = twins(heldout, ref, params)
        return {"ratio": found.ratio, "same": found.same}

    sources = {"real": ref.real.source, "heldout": heldout.source, "heldout_features": content(heldout)}
    how = {"neighbours": int(params["neighbours"]), "mirrored": bool(params["mirrored"])}
    return ref.keep({"metric": "copies", **how, **RULES, **sources}, compute)


def twins(some: Features, ref: Reference, params: Mapping[str, Any]) -> Twins:
    """The nearest training image in pixels or the nearest in features, whichever has the smaller ratio in both together."""
    assert some.images is not None and ref.real.images is not None, "copies are looked for in pixels too"
    values, pictures, images = [ref.real.values], [small(ref.real.images)], small(some.images)
    if params["mirrored"]:
        assert ref.mirrored is not None and len(ref.mirrored) == len(ref), "mirror images have features of their own"
        values.append(ref.mirrored.values)
        pictures.append(pictures[0][:, :, ::-1])
    k = min(int(params["neighbours"]), len(values) * len(ref))
    in_pixels, in_features = near(images, pictures, k), near(some.values, values, k)
    places = np.stack([in_pixels.place, in_features.place], axis=1)
    pixels = _ratios(distances(images, pictures, places), in_pixels.rest)
    features = _ratios(distances(some.values, values, places), in_features.rest)
    levels = in_pixels.distance / math.sqrt(images[0].size)
    same = (levels <= SAME) & (pixels[:, 0] <= APART)
    ratio = np.sqrt(pixels * features)
    chosen = np.where(same, 0, ratio.argmin(1))[:, None]
    return Twins(np.take_along_axis(places, chosen, 1)[:, 0], np.take_along_axis(ratio, chosen, 1)[:, 0], same)


def _ratios(away: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """(n, 2) distances / (n,) mean distances of the next neighbours; where these are 0 too: 0 of 0, else 1."""
    return np.divide(away, rest[:, None], out=np.sign(away), where=rest[:, None] > 0)

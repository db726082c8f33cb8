"""Images that stand out from their set: too dark, blurred, or unlike all others."""

from dataclasses import dataclass

import numpy as np

from core.pixels.description import VALUES

KINDS = ("too dark", "too bright", "little contrast", "blurred", "noisy", "oversaturated", "unlike the others")
LIMIT = 3.5
"""Robust deviations from the median beyond which a value stands out (Iglewicz and Hoaglin 1993)."""
MOST = 24
"""Images of a kind that are told."""
_SIDES = (("brightness", -1), ("brightness", 1), ("contrast", -1), ("sharpness", -1), ("sharpness", 1), ("saturation", 1))
# Of a normal distribution: its deviation over its median and over its mean absolute deviation.
_TO_DEVIATION = 1.4826
_MEAN_TO_DEVIATION = 1.2533


@dataclass(frozen=True, eq=False)
class Outliers:
    """Each (n,), the strongest of each kind first. kind: number in KINDS.  position: int64.  value: of VALUES, or the distance.

    score: how many robust deviations it lies off, always positive.
    """

    kind: np.ndarray
    position: np.ndarray
    value: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)


def outliers(values: np.ndarray, signatures: np.ndarray, most: int = MOST) -> Outliers:
    """Of the values (N, 4) and signatures (N, K) of `described`, `most` of each kind at most whose score is beyond LIMIT.

    "unlike the others": Mahalanobis' distance of the signature, its cube root being nearly normal for a normal cloud (Wilson
    and Hilferty 1931, of the square); flat images have no signature and are left out there.
    """
    found = []
    scales = _unbounded(np.asarray(values, np.float64))
    for kind, (name, side) in enumerate(_SIDES):
        column = np.asarray(values[:, VALUES.index(name)], np.float64)
        found.append(_strongest(kind, side * _score(scales[:, VALUES.index(name)]), column, most))
    distance = _mahalanobis(np.asarray(signatures, np.float64))
    found.append(_strongest(len(_SIDES), _score(np.cbrt(distance**2)), distance, most))
    return Outliers(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _unbounded(values: np.ndarray) -> np.ndarray:
    """VALUES (N, 4), the ends of their scales moved out of reach: 0 and 255 of brightness, 0 and 1 of saturation, 0, 0.

    As they are, black lies within LIMIT of the median wherever brightness varies as it does in photos, and so does a single
    colour: neither would ever be named.
    """
    columns = dict(zip(VALUES, values.T, strict=True))
    columns["brightness"] = _logit(columns["brightness"])
    columns["saturation"] = _logit(255 * columns["saturation"])
    columns["contrast"], columns["sharpness"] = np.log1p(columns["contrast"]), np.log1p(columns["sharpness"])
    return np.stack([columns[name] for name in VALUES], axis=1)


def _logit(grey: np.ndarray) -> np.ndarray:
    """Of a share of 255, whose ends count as one grey level inside."""
    return np.log((grey + 1) / (256 - grey))


def _score(values: np.ndarray) -> np.ndarray:
    """(N,) -> how many robust deviations each lies above the median.

    Where half of the values or more are equal, the mean absolute deviation tells how far they spread, not the median one;
    where all are, each is 0 (Iglewicz and Hoaglin 1993).
    """
    off = values - np.median(values)
    away = np.abs(off)
    deviation = _TO_DEVIATION * np.median(away) or _MEAN_TO_DEVIATION * away.mean()
    return off / deviation if deviation > 0 else np.zeros_like(off)


def _strongest(kind: int, score: np.ndarray, value: np.ndarray, most: int) -> tuple[np.ndarray, ...]:
    order = np.argsort(-score, kind="stable")[:most]
    order = order[score[order] > LIMIT]
    return np.full(len(order), kind), order, value[order], score[order]


def _mahalanobis(signatures: np.ndarray) -> np.ndarray:
    """(N, K) -> each one's distance from the mean, axes scaled by the covariance; 0 for flat images, and where N <= 2 K."""
    seen = signatures.any(axis=1)
    n, k = int(seen.sum()), signatures.shape[1]
    distance = np.zeros(len(signatures))
    if n > 2 * k:
        off = signatures[seen] - signatures[seen].mean(axis=0)
        spread, axes = np.linalg.eigh(off.T @ off / n)
        usable = spread > 1e-9 * spread[-1]
        distance[seen] = np.sqrt((((off @ axes[:, usable]) ** 2) / spread[usable]).sum(axis=1))
    return distance

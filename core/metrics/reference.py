"""What metrics take and give: the real side with what was already worked out of it, and one measured number."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from core import store
from core.types import Arrays, Features

Z = 1.959963984540054
"""A standard normal number leaves [-Z, Z] in 5 % of trials."""


@dataclass(frozen=True, eq=False)
class Measure:
    """A number with its standard error, interval and per-image influences, as `core.types.Score` defines them.

    extras: what else was found image by image; not part of the score.
    """

    value: float
    error: float | None = None
    band: str = ""
    influence_fake: np.ndarray | None = None
    influence_real: np.ndarray | None = None
    interval: tuple[float, float] | None = None
    extras: Arrays = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Reference:
    """The features of real images. What depends on them alone is worked out once and kept in the store by their content.

    heldout: real images that no model trained on.  mirrored: the images of `real`, each flipped left to right.
    """

    real: Features
    heldout: Features | None = None
    mirrored: Features | None = None
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.real)

    @cached_property
    def content(self) -> str:
        return content(self.real)

    def keep(self, what: Mapping[str, Any], compute: Callable[[], Arrays]) -> Arrays:
        """Arrays that depend on the real side alone: from the store, or worked out and kept there."""
        return store.get_or_compute("reference", {**what, "features": self.content}, compute)

    def share(self, fake: Features, what: str, compute: Callable[[], Any]) -> Any:
        """What several metrics need of these two sides, worked out once while this object lives."""
        key = f"{what} of {fake.source}, {len(fake)}"
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]


def content(f: Features) -> str:
    """sha256 of the numbers themselves."""
    h = hashlib.sha256(repr((f.values.shape, str(f.values.dtype))).encode())
    h.update(np.ascontiguousarray(f.values).data)
    return h.hexdigest()


def standard_error(influence_fake: np.ndarray, influence_real: np.ndarray) -> float:
    """Of a statistic whose first-order effects a sample of each side are these, both sides drawn at random."""
    return float(np.sqrt(influence_fake.var(ddof=1) / len(influence_fake) + influence_real.var(ddof=1) / len(influence_real)))


def wilson(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share that was seen in n trials (Wilson 1927); it has a width where all or none hit."""
    square = Z**2 / n
    middle, half = share + square / 2, Z * math.sqrt(share * (1 - share) / n + square / (4 * n))
    # Exactly 0 and 1 at the ends, where rounding would leave the share itself outside.
    return max(min(share, (middle - half) / (1 + square)), 0.0), min(max(share, (middle + half) / (1 + square)), 1.0)

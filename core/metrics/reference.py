"""What metrics take and give: the real side with what was already worked out of it, and one measured number."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core import store
from core.types import Arrays, Features


@dataclass(frozen=True, eq=False)
class Measure:
    """A number with its standard error and its per-image influences, as `core.types.Score` defines them."""

    value: float
    error: float | None = None
    band: str = ""
    influence_fake: np.ndarray | None = None
    influence_real: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Reference:
    """The features of real images. What depends on them alone is worked out once and kept in the store by their content."""

    real: Features

    def __len__(self) -> int:
        return len(self.real)

    @cached_property
    def content(self) -> str:
        """sha256 of the numbers themselves."""
        h = hashlib.sha256(repr((self.real.values.shape, str(self.real.values.dtype))).encode())
        h.update(np.ascontiguousarray(self.real.values).data)
        return h.hexdigest()

    def keep(self, what: Mapping[str, Any], compute: Callable[[], Arrays]) -> Arrays:
        return store.get_or_compute("reference", {**what, "features": self.content}, compute)


def standard_error(influence_fake: np.ndarray, influence_real: np.ndarray) -> float:
    """Of a statistic whose first-order effects a sample of each side are these, both sides drawn at random."""
    return float(np.sqrt(influence_fake.var(ddof=1) / len(influence_fake) + influence_real.var(ddof=1) / len(influence_real)))

"""What can be said of any image set, real or generated."""

from core.pixels.copies import KINDS as COPY_KINDS
from core.pixels.copies import Known, Pairs, duplicates, groups
from core.pixels.density import density_of, rgb_density, rgb_moments
from core.pixels.description import VALUES, described
from core.pixels.drift import Drift, drift
from core.pixels.outliers import KINDS as OUTLIER_KINDS
from core.pixels.outliers import MOST as MOST_OUTLIERS
from core.pixels.outliers import Outliers, outliers
from core.pixels.scale import to_signed, to_uint8

__all__ = [
    "COPY_KINDS",
    "MOST_OUTLIERS",
    "OUTLIER_KINDS",
    "VALUES",
    "Drift",
    "Known",
    "Outliers",
    "Pairs",
    "density_of",
    "described",
    "drift",
    "duplicates",
    "groups",
    "outliers",
    "rgb_density",
    "rgb_moments",
    "to_signed",
    "to_uint8",
]

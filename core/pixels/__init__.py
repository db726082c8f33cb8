"""What can be said of any image set, real or generated."""

from core.pixels.density import rgb_density, rgb_moments
from core.pixels.scale import to_signed, to_uint8

__all__ = ["rgb_density", "rgb_moments", "to_signed", "to_uint8"]

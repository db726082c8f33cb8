"""All that the studio finds in a data set's images, worked out once after its preparation and kept: screens only read it."""

from core.survey.making import Survey, cached, of
from core.survey.resplitting import resplit
from core.survey.telling import copies, document, outliers

__all__ = ["Survey", "cached", "copies", "document", "of", "outliers", "resplit"]

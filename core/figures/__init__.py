"""Plotly figures of what the studio knows, each with one sentence that says what it shows: (figure, sentence).

The sentence is made from the data and serves as alternative text. Figures have no background and no text colour of their own,
so that they stand on a light page and on a dark one; colours are told apart by every eye.
"""

from core.figures.codes import codes
from core.figures.cost import COSTS, cost
from core.figures.intervals import ranking
from core.figures.lines import density, overlaid
from core.figures.losses import curves
from core.figures.points import points
from core.figures.runs import parallel

__all__ = ["COSTS", "codes", "cost", "curves", "density", "overlaid", "parallel", "points", "ranking"]

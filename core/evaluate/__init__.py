"""Scores of generated images against real ones: one pass of each set through the extractor, then every metric of the protocol.

`evaluate` works on image sets at hand; `run` is the whole verb: it draws the images, makes the yardsticks that the table still
lacks, scores, and records; `expected` says beforehand what that will take; `gallery` has the pictures of a scored set.
"""

from core.evaluate.expectation import Expected, expected
from core.evaluate.gallery import gallery
from core.evaluate.running import run
from core.evaluate.scoring import HELD_OUT, LEAST, evaluate, versions
from core.evaluate.targets import dataset_name, folder_name

__all__ = ["HELD_OUT", "LEAST", "Expected", "dataset_name", "evaluate", "expected", "folder_name", "gallery", "run", "versions"]

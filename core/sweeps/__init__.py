"""Searches over settings, wherever they ran, as one record: its runs with settings, results and state."""

from collections.abc import Callable
from dataclasses import dataclass

from core.sweeps import csv_source, trainings
from core.sweeps.columns import direction
from core.sweeps.csv_source import read_text
from core.sweeps.sweep import Sweep, best, frame, leading, to_json, varying

__all__ = ["SOURCES", "Source", "Sweep", "best", "direction", "frame", "leading", "load", "read_text", "to_json", "varying"]


@dataclass(frozen=True)
class Source:
    """Where runs come from. read(what, metric): `what` is the part of the sweep's name after "NAME:"."""

    name: str
    label: str
    spec: str
    read: Callable[[str, str], Sweep]


SOURCES = {
    s.name: s
    for s in (
        Source("csv", "a table of runs: CSV, or W&B's table export", "PATH.csv", csv_source.read),
        Source("trainings", "this studio's own ended trainings", "trainings or trainings:FAMILY@DATASET", trainings.read),
    )
}


def load(spec: str, metric: str = "") -> Sweep:
    """The sweep of this name: "trainings", "trainings:vae@petals", the path of a CSV. `metric`: the leading one, "" to find it.

    DataError, in one sentence, for what cannot be read.
    """
    source, _, what = spec.partition(":")
    if source in SOURCES and (what or source == "trainings"):
        return SOURCES[source].read(what, metric)
    # A path, which may itself hold a colon (C:\runs.csv).
    return csv_source.read(spec, metric)

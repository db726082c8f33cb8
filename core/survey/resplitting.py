"""A data set under a new name with another split: the same files, and where they go written beside the new card."""

import csv
import io
import os
from dataclasses import replace

from core import datasets, paths, store
from core.configs import ResplitConfig
from core.errors import DataError
from core.survey import making
from core.survey.making import Survey
from core.types import DatasetCard, Progress, silent

FILE = "splits.csv"


def resplit(c: ResplitConfig, progress: Progress = silent) -> DatasetCard:
    """Registers the images of a data set under a new name, split anew; the new data set is not prepared yet.

    without_leaks: its split as it is, but images that have a copy in another split all go into training: so nothing that a
    model is tested or stopped on was trained on, and no image is lost. Else 80/10/10 at random by c.seed.
    DataError for a data set without files, for one without leaks, for one that keeps no image in a split, for a taken name.
    """
    given = datasets.added(c.dataset)
    if not c.without_leaks:
        return datasets.add(replace(given, name=c.name, split="random", split_file="", seed=c.seed), progress)
    survey = making.of(c.dataset, c.size, progress)
    if not survey.leaking.any():
        raise DataError(f"No image of '{c.dataset}' has a copy in another split; there is nothing to move.")
    file = paths.dataset(c.name) / FILE
    new = datasets.checked(replace(given, name=c.name, split="own", split_file=str(file)))
    text = _table(_rows(survey))
    file.parent.mkdir(parents=True, exist_ok=True)
    # Names of files are bytes; those that are no UTF-8 come back as they were.
    store.replace_text(file, text, errors="surrogateescape")
    return datasets.add(new, progress)


def _rows(s: Survey) -> list[tuple[str, str]]:
    """File and new split of every image."""
    moved, starts = s.leaking, s.starts
    rows: list[tuple[str, str]] = []
    for i, split in enumerate(s.splits):
        leaks = moved[starts[i] : starts[i + 1]]
        if leaks.all() and split != "train":
            raise DataError(
                f"Every image of the {split} split of '{s.card.name}' has a copy in another split; "
                "needed: images of its own; split anew at random instead."
            )
        known = datasets.of_files(s.card.name, split, size=s.card.size)
        assert known is not None, "added data sets have files"
        rows += [(os.fsdecode(name), "train" if out else split) for name, out in zip(known.names, leaks, strict=True)]
    return sorted(rows)


def _table(rows: list[tuple[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "split"))
    writer.writerows(rows)
    return text.getvalue()

"""The ranking of evaluations, and what stands beside it.

rows(dataset, protocol, seed)     one flat row an entry: ranks, scores, yardsticks, marks
methods(dataset, protocol)        trainings of one method together
published(protocol)               figures that others printed
evaluation(id), history(id)       one record, and all of the same subject and way of drawing
why_apart(id, id)                 the Terms in which two records differ
newest_pair(a, b, ...)            what `compare.pair` takes
compared(a, b, role)              `compare.pair` by the rules of the ranking
tables(rows), text(rows, format)  what is printed and exported
"""

import contextlib
import functools
import re
from collections.abc import Mapping
from typing import Any

from core import compare, models, paths, protocols, results
from core.errors import ScoreError
from core.families import FAMILIES
from core.leaderboard.columns import flat, unplaced
from core.leaderboard.entries import by_metric, described, key, standing
from core.leaderboard.printing import Table, footnote, for_print, method_tables, paper, tables, text
from core.leaderboard.ranking import Group, Row, arranged, at_floor, floors, table
from core.leaderboard.reading import read, renamed
from core.leaderboard.study import published
from core.leaderboard.trainings import methods
from core.protocols import PROTOCOLS, label
from core.types import Comparison, Evaluation, ModelCard

__all__ = [
    "Group",
    "Row",
    "Table",
    "compared",
    "described",
    "evaluation",
    "footnote",
    "for_print",
    "history",
    "label",
    "method_tables",
    "methods",
    "newest_pair",
    "paper",
    "published",
    "references",
    "rows",
    "table",
    "tables",
    "text",
    "why_apart",
]


def rows(dataset: str | None = None, protocol: str | None = None, seed: int | None = None) -> list[dict[str, Any]]:
    """Every group of every data set and protocol asked for, as flat rows for tables and export; rows of one group stay together.

    Rows of equal `terms` may be compared in `kid` and by rank, rows of equal `terms_matched` in `kid_matched` and `share`. Each
    shows its newest evaluation on `seed`, or on the seed that most of its group have, and under report_* the newest on another.
    """
    found = _rows(_stamp(), dataset, protocol, seed, repr(PROTOCOLS))
    return _with_trainings(found)


def evaluation(number: int) -> Evaluation:
    """The record with this id, without influences. ScoreError where there is none."""
    found = _read(_stamp()).get(number)
    if found is None:
        raise ScoreError(f"There is no evaluation {number}; `python -m core leaderboard --json` lists them.")
    return found


def references() -> list[str]:
    """Names of the data sets and folders that anything was compared with."""
    return sorted({e.dataset for e in _read(_stamp()).values()})


def history(number: int) -> list[dict[str, Any]]:
    """All records of this one's subject and way of drawing on its data set under its protocol, newest first; no ranks."""
    e = evaluation(number)
    if e.protocol not in PROTOCOLS:
        return []
    every = _read(_stamp()).values()
    mine = [x for x in every if (x.dataset, x.protocol, key(x)) == (e.dataset, e.protocol, key(e))]
    return _with_trainings(unplaced(mine[::-1], PROTOCOLS[e.protocol]))


def why_apart(a: int, b: int) -> list[tuple[str, str, str]]:
    """(field, value of a, value of b): why two records are not ranked together; nothing if they are.

    Told of the leading metric, or of the first that both have. ScoreError where a record is missing.
    """
    one, two = evaluation(a), evaluation(b)
    x, y = by_metric(one), by_metric(two)
    found = [("protocol", one.protocol, two.protocol)] if one.protocol != two.protocol else []
    shared = next((m for m in x if m in y), None)
    if shared is None:
        return [*found, ("metrics", ", ".join(x), ", ".join(y))]
    return found + compare.apart(x[shared].terms, y[shared].terms)


def newest_pair(a: str, b: str, dataset: str, protocol: str, role: str) -> tuple[Evaluation, Evaluation]:
    """The newest evaluations of two models, folders or yardsticks that have equal Terms, with their influences; of this machine
    before imported ones, and of equal seed where there are such.

    Where no two have, the newest of each: `compare.pair` then names what differs. ScoreError where one has no evaluation.
    """
    protocols.protocol(protocol)
    ones, twos = (_of(subject, dataset, protocol) for subject in (a, b))
    pairs = [(x, y) for x in ones for y in twos if role in x.scores and role in y.scores]
    equal = [(x, y) for x, y in pairs if x.scores[role].terms.hash == y.scores[role].terms.hash]
    one, two = max(equal, key=_newness) if equal else (max(ones, key=standing), max(twos, key=standing))
    return results.with_influences(one), results.with_influences(two)


def compared(a: Evaluation, b: Evaluation, role: str, margin: float | None = None) -> Comparison:
    """`compare.pair` as the ranking does it: no verdict where neither scores worse than held-out images at their number."""
    real = floors((e for e in _read(_stamp()).values() if (e.dataset, e.protocol) == (a.dataset, a.protocol)), role)
    return compare.pair(a, b, role, margin, at_floor(a, role, real) and at_floor(b, role, real))


def _newness(pair: tuple[Evaluation, Evaluation]) -> tuple[int, bool, list[tuple[bool, str, int]]]:
    one, two = pair
    paired = one.sample is not None and two.sample is not None and one.sample.seed == two.sample.seed
    return (not one.origin) + (not two.origin), paired, sorted([standing(one), standing(two)])


def _of(subject: str, dataset: str, protocol: str) -> list[Evaluation]:
    """Every evaluation of this subject, oldest first; ScoreError where there is none."""
    present = models.present_ids().get(subject, subject)
    found = [e for e in read(dataset, protocol) if e.subject in (present, f"{present}@{dataset}")]
    if not found:
        raise ScoreError(
            f"{subject} has no evaluation on {dataset} under {protocol}; "
            f"make one: python -m core evaluate {subject} --dataset {dataset} --protocol {protocol}."
        )
    return found


# Records never change, so what was made of them is right until there are more, or a model is renamed. The rules are part of
# the key as well.

Stamp = tuple[str, int, int, int, tuple[tuple[str, str], ...]]


def _stamp() -> Stamp:
    """What no two states of the records share: another file may stand in the place of one with the same last id."""
    file, inode, changed = paths.results(), 0, 0
    with contextlib.suppress(FileNotFoundError):
        found = file.stat()
        inode, changed = found.st_ino, found.st_mtime_ns
    return str(file), results.last_id(), inode, changed, tuple(sorted(models.present_ids().items()))


@functools.lru_cache(maxsize=8)
def _rows(stamp: Stamp, dataset: str | None, protocol: str | None, seed: int | None, rules: str) -> list[dict[str, Any]]:
    together: dict[tuple[str, str], list[Evaluation]] = {}
    for e in _read(stamp).values():
        if dataset in (None, e.dataset) and protocol in (None, e.protocol) and e.protocol in PROTOCOLS:
            together.setdefault((e.dataset, e.protocol), []).append(e)
    groups = [g for (_, name), mine in sorted(together.items()) for g in arranged(mine, PROTOCOLS[name], seed)]
    return [row for g in groups for row in flat(g)]


@functools.lru_cache(maxsize=1)
def _read(stamp: Stamp) -> dict[int, Evaluation]:
    return {e.id: e for e in renamed(results.read(), dict(stamp[-1]))}


def _with_trainings(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """New rows. Models come and go while records stay, so this is not kept."""
    cards = models.by_name()
    return [r | _training(r, cards) for r in rows]


def _training(row: Mapping[str, Any], cards: Mapping[str, ModelCard]) -> dict[str, str]:
    """Family and experiment of a model of this machine, family of a built-in one; "" for what is not known here."""
    built_in = re.split("[@:]", str(row["model"]))[0].replace("-", "_")
    card = cards.get(str(row["model"])) if row["kind"] == "model" and not row["origin"] else None
    if card is not None:
        return {"family": card.family, "experiment": card.experiment}
    return {"family": built_in if built_in in FAMILIES and row["kind"] != "folder" else "", "experiment": ""}

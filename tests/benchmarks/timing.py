"""What the benchmarks share: a row of the table, and two sides in turns."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """seconds: median of the studio's side; beside_seconds: of the other, None where there is none to compare with.

    least: the ratio that the goal asks for, or None; most: the seconds, where it asks for those.  also: whether all else that it
    asks for is kept.
    """

    work: str
    beside: str
    seconds: float
    beside_seconds: float | None
    goal: str
    least: float | None = None
    most: float | None = None
    note: str = ""
    also: bool = True

    @property
    def ratio(self) -> float | None:
        return None if self.beside_seconds is None else self.beside_seconds / self.seconds

    @property
    def met(self) -> bool | None:
        if self.most is not None:
            return self.also and self.seconds <= self.most
        return None if self.least is None or self.ratio is None else self.also and self.ratio >= self.least


def in_turns(sides: Sequence[Callable[[], object]], repeats: int) -> tuple[list[float], list[object]]:
    """(median seconds of each side, what each gave). Every side is warmed once; then all run in turns, `repeats` rounds."""
    gave = [side() for side in sides]
    spent: list[list[float]] = [[] for _ in sides]
    for k in range(repeats):
        # Another side begins each round: what one leaves behind in caches or clock rates falls on all alike.
        for i in (*range(k % len(sides), len(sides)), *range(k % len(sides))):
            spent[i].append(timed(sides[i])[0])
    return [statistics.median(s) for s in spent], gave


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """(seconds, what it gave) of one call."""
    started = time.perf_counter()
    gave = call()
    return time.perf_counter() - started, gave


def relative(a: float, b: float) -> float:
    return abs(a - b) / abs(b)

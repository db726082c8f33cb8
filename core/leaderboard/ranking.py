"""The ranking: only inside one Terms hash of the leading metric, by significant differences, with the yardsticks beside."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core import compare, protocols, results
from core.compare import Pairwise
from core.leaderboard.entries import Entry, described, entries, grouped, key, standing, terms_of
from core.leaderboard.reading import read
from core.protocols import MATCHED
from core.types import EvalProtocol, Evaluation, Terms

MOST, NUMBERS = 500, 10_000_000
"""Entries of a group that are compared in pairs, the best by value: so many, and together at most so many influences (80 MB)."""

NAMED = 3
"""Names in a sentence; the others are counted."""


@dataclass(frozen=True, eq=False)
class Row:
    """One line. Without a rank, `unranked` says why.

    beside: held-out images of another n than the group's, which are compared in the matched column only.
    disagrees: where FD orders it and another the other way round than a KID verdict; "" for nowhere.
    """

    entry: Entry
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    beside: bool = False
    unranked: str = ""
    disagrees: str = ""

    @property
    def evaluation(self) -> Evaluation:
        return self.entry.shown


@dataclass(frozen=True, eq=False)
class Group:
    """Rows of equal Terms in the leading metric, best first; then those without it; then held-out images beside.

    terms: None where no score was possible at all.
    """

    protocol: EvalProtocol
    terms: Terms | None
    rows: tuple[Row, ...]

    @property
    def lead(self) -> str:
        return self.protocol.metrics[0].metric


def table(dataset: str, protocol: str, seed: int | None = None) -> list[Group]:
    """The groups of one data set under one protocol: most generated images first, then the newest. ScoreError: no such protocol.

    Rank = 1 + the number of models or folders that are significantly better (5 %, Holm over all pairs of the group); the interval
    rank_low..rank_high holds every place that the differences leave open. seed: the one that models are selected on; None: the
    one that most entries of a group have.
    """
    p = protocols.protocol(protocol)
    return arranged(read(dataset, protocol), p, seed)


def arranged(evaluations: Sequence[Evaluation], p: EvalProtocol, seed: int | None) -> list[Group]:
    """`table` of evaluations, oldest first, of one data set and this protocol."""
    counts = Counter(key(e) for e in evaluations)
    found = [(terms_of(m, p), entries(m, counts, p, seed)) for m in grouped(evaluations, p)]
    real = sorted(
        (entry for _, mine in found for entry in mine if _heldout(entry.shown)), key=lambda entry: standing(entry.shown)
    )
    heldout = {h: entry for entry in real if (h := _matched(entry, p))}
    hashes = [{h for entry in mine if (h := _matched(entry, p))} for _, mine in found]
    groups = []
    for (terms, mine), own in zip(found, hashes, strict=True):
        # Held-out images alone, which stand beside another group, are no group of their own.
        if all(_heldout(e.shown) for e in mine) and any(own & others for others in hashes if others is not own):
            continue
        beside = [entry for h, entry in heldout.items() if h in own and entry not in mine]
        groups.append((max(e.shown.id for e in mine), Group(p, terms, tuple(_rows(mine, beside, p)))))
    groups.sort(key=lambda g: (g[1].terms.n_fake if g[1].terms else 0, g[0]), reverse=True)
    return [g for _, g in groups]


def floors(evaluations: Iterable[Evaluation], role: str) -> dict[str, float]:
    """By Terms of the score of this role at the size of the held-out set, what held-out images score: nothing is better."""
    mine = sorted((e for e in evaluations if _heldout(e) and role + MATCHED in e.scores), key=standing)
    return {e.scores[role + MATCHED].terms.hash: e.scores[role + MATCHED].value for e in mine}


def at_floor(e: Evaluation, role: str, real: Mapping[str, float]) -> bool:
    """Whether it scores no worse than held-out images do, at their number. real: of `floors`."""
    score = e.scores.get(role + MATCHED)
    return score is not None and score.value <= real.get(score.terms.hash, -np.inf)


def _heldout(e: Evaluation) -> bool:
    """Held-out real images: the yardstick that nobody drew."""
    return e.kind == "yardstick" and e.sample is None


def _matched(entry: Entry, p: EvalProtocol) -> str:
    """Hash of the Terms of the leading metric at the size of the held-out set; "" where it has none."""
    score = entry.scores.get(p.metrics[0].metric + MATCHED)
    return score.terms.hash if score else ""


def _rows(mine: Sequence[Entry], beside: Sequence[Entry], p: EvalProtocol) -> list[Row]:
    lead = p.metrics[0].metric
    ordered = sorted((e for e in mine if lead in e.scores), key=lambda e: e.scores[lead].value)
    may = [e for e in ordered if not _unranked(e, p)]
    best = may[: _most(may[0].scores[lead].terms)] if may else []
    real = floors([e.shown for e in (*mine, *beside)], p.metrics[0].key)
    placed = _placed(best, len(may), p, real) if best else {}
    far = f"not compared: only the {len(best)} best are compared in pairs"
    rows = [placed.get(id(e)) or Row(e, unranked=_unranked(e, p) or far) for e in ordered]
    rows += [Row(e, unranked=_unranked(e, p)) for e in mine if lead not in e.scores]
    return rows + [Row(e, beside=True, unranked=_unranked(e, p)) for e in beside]


def _most(terms: Terms) -> int:
    return max(2, min(MOST, NUMBERS // (terms.n_fake + terms.n_real)))


def _unranked(entry: Entry, p: EvalProtocol) -> str:
    """Why this entry gets no rank; "" if it may have one."""
    lead = p.metrics[0]
    if not p.ranked:
        return f"{p.name} ranks nothing"
    if entry.shown.kind == "yardstick":
        return "a yardstick"
    score = entry.scores.get(lead.metric)
    if score is not None and score.error is not None:
        return ""
    label = _label(entry, p)
    if score is not None:
        return f"{label} has no known error"
    return entry.shown.refused.get(lead.key) or f"evaluated without {label}: evaluate it again"


def _label(entry: Entry, p: EvalProtocol) -> str:
    """Of the leading score, with the weights that the entry's scores are by."""
    score = next(iter(entry.scores.values()), None)
    return protocols.label(p.name, p.metrics[0].key, score.terms.weights_sha256 if score else "")


def _placed(best: Sequence[Entry], total: int, p: EvalProtocol, real: Mapping[str, float]) -> dict[int, Row]:
    """By id of the entry. real: of `floors`."""
    name = p.metrics[0].key
    full = results.with_influences_of([e.shown for e in best], name) if len(best) > 1 else [e.shown for e in best]
    found = compare.pairwise(full, name, np.array([at_floor(e.shown, name, real) for e in best]))
    better, worse = (found.verdict == 1).sum(1), (found.verdict == -1).sum(1)
    odd = _disagreements(best, found, p)
    return {
        id(e): Row(e, 1 + int(better[i]), 1 + int(better[i]), total - int(worse[i]), disagrees=odd[i]) for i, e in enumerate(best)
    }


def _disagreements(best: Sequence[Entry], found: Pairwise, p: EvalProtocol) -> list[str]:
    """Where FD, beyond its own errors, orders two the other way round than a verdict does; bias-corrected where both have it."""
    lead = _label(best[0], p)
    sentences = [""] * len(best)
    against = np.zeros(found.verdict.shape, np.int8)
    for metric in (compare.FD, compare.FD_CORRECTED):
        known, order = _order(best, metric)
        against = np.where(known, order, against).astype(np.int8)
    names = [f"{e.shown.subject} ({described(e.shown)})".removesuffix(" ()") for e in best]
    for i in np.flatnonzero((found.verdict * against == -1).any(1)):
        after, before = (np.flatnonzero((found.verdict[i] == v) & (against[i] == -v)) for v in (-1, 1))
        parts = [f"{way} {_some([names[j] for j in js])}" for way, js in (("before", after), ("behind", before)) if len(js)]
        sentences[i] = f"{lead} puts it {' and '.join(parts)}; FD says the reverse."
    return sentences


def _order(best: Sequence[Entry], metric: str) -> tuple[np.ndarray, np.ndarray]:
    """(R, R): whether both have this distance of enough images, and -1 where the row's is lower by more than both errors."""
    scores = [s if (s := e.scores.get(metric)) and s.band != "small" else None for e in best]
    value = np.array([np.nan if s is None else s.value for s in scores])
    error = np.array([0.0 if s is None else s.error or 0.0 for s in scores])
    apart = value[:, None] - value
    known = np.isfinite(apart)
    clear = known & (np.abs(apart) > compare.Z * np.hypot(error[:, None], error))
    return known, np.where(clear, np.sign(np.where(known, apart, 0)), 0)


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")

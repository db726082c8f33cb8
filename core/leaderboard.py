"""The ranking: only inside one Terms hash of the leading metric, by significant differences, with the yardsticks beside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from core import compare, results
from core.errors import ScoreError, unknown
from core.protocols import MATCHED, PROTOCOLS, label
from core.types import Evaluation, Score, Terms

__all__ = ["Group", "Row", "footnote", "for_print", "label", "newest_pair", "rows", "table", "why_apart"]


@dataclass(frozen=True)
class Row:
    """One line. `rank` is None for a yardstick; `value` of the leading metric is None for held-out images beside the table."""

    evaluation: Evaluation
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    beside: bool = False


@dataclass(frozen=True)
class Group:
    """Evaluations of equal Terms in the leading metric, best first; then held-out images whose n fits the matched column only."""

    terms: Terms
    rows: tuple[Row, ...]


def table(dataset: str, protocol: str) -> list[Group]:
    """The groups of one data set under one protocol: most generated images first, then the newest. ScoreError: no such protocol.

    Rank = 1 + the number of models or folders that are significantly better (5 %, Holm over all pairs of the group); the interval
    rank_low..rank_high holds every place that the differences leave open.
    """
    if protocol not in PROTOCOLS:
        raise ScoreError(unknown("protocol", protocol, PROTOCOLS))
    lead = PROTOCOLS[protocol].metrics[0].metric
    groups: dict[str, list[Evaluation]] = {}
    for e in _newest_of_each(results.read(dataset, protocol), lead):
        groups.setdefault(e.scores[lead].terms.hash, []).append(e)
    everything = [e for members in groups.values() for e in members]
    found = [
        (members, _group(members, everything, lead)) for members in groups.values() if not _beside_only(members, everything, lead)
    ]
    found.sort(key=lambda g: (g[1].terms.n_fake, max(e.id for e in g[0])), reverse=True)
    return [group for _, group in found]


def rows(dataset: str | None = None, protocol: str | None = None) -> list[dict[str, Any]]:
    """Every group of every data set and protocol asked for, as flat rows for tables and export; rows of one group stay together.

    Rows of equal `terms` may be compared in `kid`, rows of equal `terms_matched` in `kid_matched`.
    """
    pairs = Counter((e.dataset, e.protocol) for e in results.read(dataset, protocol))
    known = [(d, p) for d, p in sorted(pairs) if p in PROTOCOLS]
    return [_flat(row, group) for d, p in known for group in table(d, p) for row in group.rows]


PRINTED = (
    *("rank", "model", "sampler", "kid", "kid_error", "n", "kid_matched", "kid_matched_error", "n_matched"),
    *("fd", "fd_error", "fd_band", "n_real", "network_evaluations"),
)


def for_print(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The columns that a reader of a paper needs; `footnote` says the rest."""
    return [{name: r[name] for name in PRINTED} for r in rows]


def footnote(rows: Sequence[Mapping[str, Any]]) -> str:
    """Under an exported table: whose features, and what must be equal before two of its numbers are compared."""
    if not rows:
        return ""
    terms = ", ".join(sorted({str(r["terms"])[:12] for r in rows}))
    where = ", ".join(sorted({f"{r['dataset']} under {label(str(r['protocol']), 'kid')}" for r in rows}))
    return f"{where}; errors are standard errors; comparable within equal terms only: {terms}."


def newest_pair(a: str, b: str, dataset: str, protocol: str, metric: str) -> tuple[Evaluation, Evaluation]:
    """The newest evaluations of two models, folders or yardsticks that have equal Terms, with their influences.

    Where no two have, the newest of each: `compare.pair` then names what differs. ScoreError where one has no evaluation.
    """
    if protocol not in PROTOCOLS:
        raise ScoreError(unknown("protocol", protocol, PROTOCOLS))
    ones, twos = (_of(subject, dataset, protocol) for subject in (a, b))
    pairs = [(x, y) for x in ones for y in twos if metric in x.scores and metric in y.scores]
    equal = [(x, y) for x, y in pairs if x.scores[metric].terms.hash == y.scores[metric].terms.hash]
    one, two = max(equal, key=lambda p: (min(p[0].id, p[1].id), p[0].id, p[1].id)) if equal else (ones[-1], twos[-1])
    return results.with_influences(one), results.with_influences(two)


def _of(subject: str, dataset: str, protocol: str) -> list[Evaluation]:
    """Every evaluation of this subject, oldest first; ScoreError where there is none."""
    found = [e for e in results.read(dataset, protocol) if e.subject in (subject, f"{subject}@{dataset}")]
    if not found:
        raise ScoreError(
            f"{subject} has no evaluation on {dataset} under {protocol}; "
            f"make one: python -m core evaluate {subject} --dataset {dataset} --protocol {protocol}."
        )
    return found


def why_apart(a: Group, b: Group) -> str:
    """Why two groups are not one ranking, as a sentence."""
    apart = compare.differences(a.terms, b.terms)
    return f"Not ranked together, since they differ in: {'; '.join(apart)}." if apart else "They are one group."


def described(e: Evaluation) -> str:
    """How the images were drawn: "ddim, 50 steps, leading, eta 0"; "" for what takes no sampler."""
    c = e.sample
    if c is None or not c.sampler:
        return ""
    words = [c.sampler, f"{c.steps} steps", c.grid, f"eta {c.eta:g}", "raw weights" if c.weights == "raw" else ""]
    return ", ".join(w for w in words if w)


# ---------------------------------------------------------------------------------------------------------- groups


def _newest_of_each(evaluations: Sequence[Evaluation], lead: str) -> list[Evaluation]:
    """The last one of each subject and way of drawing under each Terms; the seed tells no two rows apart."""
    kept = {}
    for e in evaluations:
        if lead in e.scores:
            c = e.sample
            how = c and (c.weights, c.sampler, c.steps, c.grid, c.eta)
            # A folder is its content: another one may have the same name.
            content = e.fingerprint if e.kind == "folder" else ""
            kept[e.subject, e.kind, how, content, e.scores[lead].terms.hash] = e
    return list(kept.values())


def _matched(e: Evaluation, lead: str) -> Score | None:
    return e.scores.get(lead + MATCHED)


def _fits_beside(e: Evaluation, members: Sequence[Evaluation], lead: str) -> bool:
    """Whether e, of other Terms, is a yardstick of real images for the members' matched column."""
    matched = {s.terms.hash for m in members if (s := _matched(m, lead)) is not None}
    mine = _matched(e, lead)
    return e.sample is None and e.kind == "yardstick" and mine is not None and mine.terms.hash in matched


def _beside_only(members: Sequence[Evaluation], everything: Sequence[Evaluation], lead: str) -> bool:
    """A group of held-out images alone that another group shows already."""
    if any(e.kind != "yardstick" or e.sample is not None for e in members):
        return False
    others = [e for e in everything if e not in members]
    return all(_fits_beside(e, others, lead) for e in members)


def _group(members: Sequence[Evaluation], everything: Sequence[Evaluation], lead: str) -> Group:
    ordered = sorted(members, key=lambda e: e.scores[lead].value)
    ranked = [e for e in ordered if e.kind != "yardstick"]
    places = dict(zip((e.id for e in ranked), _ranks(ranked, lead), strict=True))
    lines = [Row(e, *places.get(e.id, (None, None, None))) for e in ordered]
    lines += [Row(e, None, None, None, beside=True) for e in everything if e not in members and _fits_beside(e, members, lead)]
    return Group(ordered[0].scores[lead].terms, tuple(lines))


def _ranks(ranked: Sequence[Evaluation], lead: str) -> list[tuple[int, int, int]]:
    """(rank, rank_low, rank_high) of each."""
    full = [results.with_influences(e) for e in ranked] if len(ranked) > 1 else []
    pairs = list(combinations(range(len(full)), 2))
    compared = [compare.pair(full[i], full[j], lead) for i, j in pairs]
    better, worse = Counter[int](), Counter[int]()
    for (i, j), c, p in zip(pairs, compared, compare.holm([c.p for c in compared]), strict=True):
        if c.verdict != "undecided" and p <= compare.LEVEL:
            winner, loser = (i, j) if c.verdict == "a" else (j, i)
            better[loser] += 1
            worse[winner] += 1
    return [(1 + better[i], 1 + better[i], len(ranked) - worse[i]) for i in range(len(ranked))]


# ------------------------------------------------------------------------------------------------------------ flat


def _flat(row: Row, group: Group) -> dict[str, Any]:
    """One row of plain values; the protocol's leading metric is KID in every protocol so far."""
    e, lead = row.evaluation, group.terms.metric
    own, matched, fd = e.scores[lead], _matched(e, lead), e.scores.get("fd")
    per_image = None if e.sampling_seconds is None or not e.sample else e.sampling_seconds / e.sample.n
    return {
        "dataset": e.dataset,
        "protocol": e.protocol,
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "model": e.subject,
        "kind": e.kind,
        "sampler": described(e),
        "kid": None if row.beside else own.value,
        "kid_error": None if row.beside else own.error,
        "n": own.terms.n_fake,
        "kid_matched": matched.value if matched else None,
        "kid_matched_error": matched.error if matched else None,
        "n_matched": matched.terms.n_fake if matched else None,
        "fd": None if row.beside or fd is None else fd.value,
        "fd_error": None if row.beside or fd is None else fd.error,
        "fd_band": "" if row.beside or fd is None else fd.band,
        "n_real": own.terms.n_real,
        "seconds_per_1000": None if per_image is None else 1000 * per_image,
        "network_evaluations": e.network_evaluations,
        "seed": e.sample.seed if e.sample else None,
        "created_at": e.created_at,
        "command": e.command,
        "evaluation": e.id,
        "terms": group.terms.hash,
        "terms_matched": matched.terms.hash if matched else None,
    }

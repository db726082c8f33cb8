"""Groups as flat rows of plain values, for tables, export and pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from core import models
from core.leaderboard.entries import Entry, by_metric, described, foreign, terms_of
from core.leaderboard.ranking import Group, Row
from core.protocols import MATCHED
from core.types import EvalProtocol, Evaluation, Score

KID = "kid"
WITH_ERROR = ("kid", "fd", "fd_corrected", "is", "precision", "recall", "density", "coverage")
REAL_BESIDE = ("is",)
"""What held-out images show although their n is another: never ranked, and without a meaning but beside that of real images."""

COPIER = 0.01
"""Share of copies above which, with 97.5 % confidence, a row is flagged."""


def flat(group: Group) -> list[dict[str, Any]]:
    """One row of plain values an entry. Equal `terms` may be compared; in `kid_matched` and `share`, equal `terms_matched`."""
    ends = _ends(group)
    return [_row(row, group, ends) for row in group.rows]


def unplaced(evaluations: Sequence[Evaluation], p: EvalProtocol) -> list[dict[str, Any]]:
    """Evaluations of one subject, one by one: rows without rank and without what needs a group around them."""
    entries = [Entry(e, None, len(evaluations), by_metric(e)) for e in evaluations]
    return [_row(Row(entry), Group(p, terms_of([entry.shown], p), ()), {}) for entry in entries]


def _row(row: Row, group: Group, ends: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    e, own = row.evaluation, row.entry.scores
    any_score = own.get(group.lead) or next(iter(own.values()), None)
    matched = own.get(KID + MATCHED)
    per_image = None if e.sampling_seconds is None or e.sample is None else e.sampling_seconds / e.sample.n
    return {
        "dataset": e.dataset,
        "protocol": e.protocol,
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "unranked": row.unranked,
        "model": e.subject,
        "kind": e.kind,
        "sampler": described(e),
        "seed": e.sample.seed if e.sample else None,
        "n": any_score.terms.n_fake if any_score else None,
        "n_real": any_score.terms.n_real if any_score else None,
        **_matched(matched, ends),
        **_scores(own, row.beside),
        "disagrees": row.disagrees,
        **_report(row.entry),
        "evaluations": row.entry.count,
        "network_evaluations": e.network_evaluations,
        "seconds_per_1000": None if per_image is None else 1000 * per_image,
        "refused": " ".join(e.refused.values()),
        "origin": e.origin,
        "created_at": e.created_at,
        "command": e.command,
        "evaluation": e.id,
        "fingerprint": e.fingerprint,
        "weights": foreign(any_score.terms, group.protocol) if any_score else "",
        "terms": group.terms.hash if group.terms else "",
        "terms_matched": matched.terms.hash if matched else None,
    }


def _matched(s: Score | None, ends: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    if s is None:
        return {"kid_matched": None, "kid_matched_error": None, "n_matched": None, "share": None}
    near, far = ends.get(s.terms.hash, (0.0, 0.0))
    share = (far - s.value) / (far - near) if far > near else None
    return {"kid_matched": s.value, "kid_matched_error": s.error, "n_matched": s.terms.n_fake, "share": share}


def _scores(own: Mapping[str, Score], beside: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in WITH_ERROR:
        s = None if beside and metric not in REAL_BESIDE else own.get(metric)
        found |= {metric: s.value if s else None, f"{metric}_error": s.error if s else None}
        if metric == "fd":
            found["fd_band"] = s.band if s else ""
    copies = None if beside else own.get("copies")
    low, high = copies.interval if copies and copies.interval else (None, None)
    found |= {"copies": copies.value if copies else None, "copies_low": low, "copies_high": high}
    return found | {"flagged": low is not None and low > COPIER}


def _report(entry: Entry) -> dict[str, Any]:
    """The newest evaluation that no selection has seen."""
    e = entry.report
    s = None if e is None else by_metric(e).get(KID)
    return {
        "report_kid": s.value if s else None,
        "report_kid_error": s.error if s else None,
        "report_seed": e.sample.seed if e and s and e.sample else None,
    }


def _ends(group: Group) -> dict[str, tuple[float, float]]:
    """By Terms of the matched KID: what held-out images score, and what `gaussian-pca` does. The way between is a whole."""
    near, far = {}, {}
    for row in group.rows:
        e, s = row.evaluation, row.entry.scores.get(KID + MATCHED)
        if s is None or e.kind != "yardstick":
            continue
        if e.sample is None:
            near[s.terms.hash] = s.value
        elif e.subject.startswith(models.GAUSSIAN):
            far[s.terms.hash] = s.value
    return {h: (near[h], far[h]) for h in near.keys() & far.keys()}

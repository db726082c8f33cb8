"""Evaluations sorted into what may stand in one table: groups of equal Terms, and in each one entry a way of drawing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.features import EXTRACTORS
from core.protocols import MATCHED
from core.types import EvalProtocol, Evaluation, Score, Terms, digest

Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Entry:
    """One line of a table: all evaluations of one subject and way of drawing under the group's Terms.

    shown: the newest on the seed that models are selected on.  report: the newest on another seed, which no selection has seen.
    count: evaluations of it on record in all, under whatever Terms of this data set and protocol.
    scores: of `shown`, by metric, and metric + MATCHED.
    """

    shown: Evaluation
    report: Evaluation | None
    count: int
    scores: Mapping[str, Score]


def key(e: Evaluation) -> Key:
    """What makes two evaluations two tries of one thing: all but seed and number of images."""
    c = e.sample
    how = c and (c.weights, c.sampler, c.steps, c.grid, c.eta)
    # A folder is its content: another one may have the same name. So may a model of another machine.
    return e.subject, e.kind, e.origin, how, e.fingerprint if e.kind == "folder" else ""


def standing(e: Evaluation) -> tuple[bool, str, int]:
    """The record with the largest stands for several of one thing: of this machine before imported, then the newest."""
    return not e.origin, e.created_at, e.id


def by_metric(e: Evaluation) -> dict[str, Score]:
    """A protocol may call its distance "fid"; here it is "fd", and "fd_matched" at the size of the held-out set."""
    return {s.metric + MATCHED * role.endswith(MATCHED): s for role, s in e.scores.items()}


def leading(e: Evaluation, p: EvalProtocol) -> Score | None:
    return e.scores.get(p.metrics[0].key)


def grouped(evaluations: Sequence[Evaluation], p: EvalProtocol) -> list[list[Evaluation]]:
    """Evaluations of equal Terms in the leading metric together.

    One without it, made before the metric was in the protocol or refused, stands with those that share all but the metric: data,
    extractor and numbers of images. So a metric that is added later leaves no row behind.
    """
    groups: dict[str, list[Evaluation]] = {}
    home: dict[str, str] = {}
    settings: dict[str, str] = {}
    for e in evaluations:
        if lead := leading(e, p):
            groups.setdefault(lead.terms.hash, []).append(e)
            home[_setting(lead.terms, settings)] = lead.terms.hash
    for e in evaluations:
        if leading(e, p) is None:
            first = next(iter(e.scores.values()), None)
            setting = _setting(first.terms, settings) if first else ""
            groups.setdefault(home.get(setting, setting), []).append(e)
    return list(groups.values())


def entries(members: Sequence[Evaluation], counts: Mapping[Key, int], p: EvalProtocol, seed: int | None) -> list[Entry]:
    """The members of one group, an entry each way of drawing. seed: to select on; None for the one that most entries have,
    so that most of them are compared image by image."""
    tries: dict[Key, list[Evaluation]] = {}
    for e in members:
        tries.setdefault(key(e), []).append(e)
    chosen = _most_common_seed(tries.values()) if seed is None else seed
    return [_entry([e for e in mine if leading(e, p)] or mine, counts[k], chosen) for k, mine in tries.items()]


def terms_of(members: Sequence[Evaluation], p: EvalProtocol) -> Terms | None:
    """The Terms of the group: of the leading metric, else of the first score that there is."""
    found = [s for e in members if (s := leading(e, p) or next(iter(e.scores.values()), None))]
    leads = [s for s in found if s.metric == p.metrics[0].metric]
    return (leads or found)[0].terms if found else None


def foreign(terms: Terms, p: EvalProtocol) -> str:
    """sha256 of weights that are not the extractor's own; "" for its own, and for what is fitted to the reference."""
    own = EXTRACTORS[p.extractor].weights_sha256
    return terms.weights_sha256 if own and terms.weights_sha256 != own else ""


def described(e: Evaluation) -> str:
    """How the images were drawn: "ddim, 50 steps, leading, eta 0"; "" for what takes no sampler."""
    c = e.sample
    if c is None or not c.sampler:
        return ""
    words = [c.sampler, f"{c.steps} steps", c.grid, f"eta {c.eta:g}", "raw weights" if c.weights == "raw" else ""]
    return ", ".join(w for w in words if w)


def _setting(terms: Terms, known: dict[str, str]) -> str:
    """Digest of Terms without their metric; each worked out once."""
    if terms.hash not in known:
        known[terms.hash] = digest(["setting", replace(terms, metric="", params={}).hash])
    return known[terms.hash]


def _entry(tries: Sequence[Evaluation], count: int, seed: int | None) -> Entry:
    on_seed = [e for e in tries if _seed(e) == seed]
    shown = (on_seed or tries)[-1]
    others = [e for e in tries if _seed(e) not in (None, _seed(shown))]
    return Entry(shown, others[-1] if others else None, count, by_metric(shown))


def _most_common_seed(tries: Iterable[Sequence[Evaluation]]) -> int | None:
    found = Counter(s for mine in tries for s in {_seed(e) for e in mine} if s is not None)
    return min(found, key=lambda s: (-found[s], s)) if found else None


def _seed(e: Evaluation) -> int | None:
    return e.sample.seed if e.sample else None

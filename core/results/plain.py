"""Evaluations as plain data, and back from anywhere: every field is checked, since pages and terminals will show it."""

import contextlib
import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from core import configs
from core.configs import SampleConfig
from core.errors import ConfigError
from core.protocols import MATCHED, PROTOCOLS
from core.results import rows
from core.types import Evaluation, Score, Terms

CARRIED = tuple(name for name in rows.PLAIN if name != "origin")
KINDS = ("model", "folder", "yardstick")
COMMANDS = ("python -m core evaluate ", "python -m core cost-curve ")
ROLE = "[a-z][a-z0-9_]{0,39}"
LARGEST = 1e30  # of any number; squares and sums of these are finite still
MOST_IMAGES = 10_000_000  # of one side; more than any evaluation here can have


class Newer(ValueError):
    """What only a newer version can have written rightly."""


def need(condition: bool, why: str, kind: type[ValueError] = ValueError) -> None:
    """ValueError with these words unless the condition holds."""
    if not condition:
        raise kind(why)


def document(e: Evaluation) -> dict[str, Any]:
    """The evaluation as plain data, without id, origin and influences. Its digest is its content."""
    scores = [  # a list: their order is the protocol's
        {
            "role": role,
            "value": s.value,
            "error": s.error,
            "interval": s.interval and list(s.interval),
            "band": s.band,
            "terms": s.terms.hash,
        }
        for role, s in e.scores.items()
    ]
    return {
        **{name: getattr(e, name) for name in CARRIED},
        "sample": None if e.sample is None else configs.as_dict(e.sample),
        "versions": dict(e.versions),
        "refused": dict(e.refused),
        "scores": scores,
    }


def terms_of(hash_: str, body: Any) -> Terms:
    """ValueError unless the object is Terms as they are stored, with this very hash."""
    need(isinstance(body, dict) and body.keys() == {f.name for f in fields(Terms)}, "Terms have other fields than here")
    kinds = {f.name: f.type if f.type in (str, int) else dict for f in fields(Terms)}
    need(all(type(body[name]) is kind for name, kind in kinds.items()), "Terms have a field of another kind")
    need(all(_printable(v) for v in body.values() if isinstance(v, str)), "Terms hold what cannot be printed")
    terms = Terms(**body)
    need(1 <= terms.n_real <= MOST_IMAGES and 1 <= terms.n_fake <= MOST_IMAGES, "Terms have an impossible number of images")
    need(terms.hash == hash_, "Terms do not have their hash")
    return terms


def evaluation_of(d: Any, terms: Mapping[str, Terms]) -> Evaluation:
    """The evaluation that `document` wrote as this object. ValueError, which names it, unless every field is of its kind and the
    fields say one thing; Newer for a protocol or score that is unknown here."""
    try:
        e = _evaluation(d, terms)
        _check_together(e)
    except ValueError as error:
        kind = Newer if isinstance(error, Newer) else ValueError
        subject = d.get("subject") if isinstance(d, dict) else None
        raise kind(f"the evaluation of {str(subject)[:80]!r} {error}" if subject else f"an evaluation {error}") from error
    return e


def _evaluation(d: Any, terms: Mapping[str, Terms]) -> Evaluation:
    need(isinstance(d, dict) and d.keys() == {*CARRIED, "sample", "versions", "refused", "scores"}, "lacks fields")
    numbers = {"seconds": float, "sampling_seconds": float, "network_evaluations": int}
    texts = [d[name] for name in CARRIED if name not in numbers]
    need(isinstance(d["scores"], list), "has no scores")
    for table in (d["versions"], d["refused"]):
        need(isinstance(table, dict), "has a table of another kind")
        texts += [*table, *table.values()]
    need(all(map(_printable, texts)), "holds what is no printable text")
    need(d["kind"] in KINDS, "is of no known kind")
    need(_is_time(d["created_at"]) and _is_command(d["command"]), "has no right date or command")
    evaluations = d["network_evaluations"]
    need(evaluations is None or type(evaluations) is int and 0 <= evaluations < 1 << 53, "has no right cost")
    scores = dict(_score(s, terms) for s in d["scores"])
    need(len(scores) == len(d["scores"]), "has two scores of one role")
    times = {"seconds": _number(d["seconds"], 0), "sampling_seconds": _maybe(d["sampling_seconds"], 0)}
    return Evaluation(**{**d, **times, "sample": _sample(d["sample"]), "scores": scores})


def _check_together(e: Evaluation) -> None:
    """ValueError unless the parts say one thing: what tables, pairs and costs take for granted.

    The Terms' parameters may be other than the rule's today: what they were computed by is what Terms are for.
    """
    p = PROTOCOLS.get(e.protocol)
    if p is None:
        raise Newer(f"has the protocol {e.protocol[:40]!r}, which this version does not know")
    metrics = {rule.key: rule.metric for rule in p.metrics}
    for role in (*e.scores, *e.refused):
        known = role.removesuffix(MATCHED) in metrics
        need(known, f"has a score {role[:40]!r}, which this version does not know under {p.name}", Newer)
    n = e.sample.n if e.sample is not None else max((s.terms.n_fake for s in e.scores.values()), default=0)
    for role, s in e.scores.items():
        whole = role in metrics
        need(s.metric == metrics[role.removesuffix(MATCHED)], f"has Terms of another metric for {role}")
        need(s.terms.extractor == p.extractor, f"has Terms of another extractor for {role}")
        need(s.terms.reference == e.dataset, f"has Terms of another data set for {role}")
        need(s.terms.n_fake == n if whole else s.terms.n_fake <= n, "has two numbers of images")
    need(e.sample is None or e.sample.model == e.subject, "has the images of another model")
    need(datetime.fromisoformat(e.created_at) < datetime.now(UTC) + timedelta(days=1), "is of the future")


def _score(s: Any, terms: Mapping[str, Terms]) -> tuple[str, Score]:
    of_a_score = {"role", "value", "error", "interval", "band", "terms"}
    need(isinstance(s, dict) and s.keys() == of_a_score, "has a score that lacks fields")
    role = s["role"]
    need(isinstance(role, str) and re.fullmatch(ROLE, role) is not None, f"has a score that is called {str(role)[:40]!r}")
    need(_printable(s["band"]), f"has no right band of {role}")
    need(isinstance(s["terms"], str) and s["terms"] in terms, f"has no Terms of {role}")
    known, interval = terms[s["terms"]], None
    if s["interval"] is not None:
        need(isinstance(s["interval"], list) and len(s["interval"]) == 2, f"has no right interval of {role}")
        interval = (_number(s["interval"][0]), _number(s["interval"][1]))
        need(interval[0] <= interval[1], f"has no right interval of {role}")
    return role, Score(known.metric, _number(s["value"]), _maybe(s["error"], 0), known, s["band"], interval=interval)


def _sample(d: Any) -> SampleConfig | None:
    need(d is None or isinstance(d, dict) and "model" in d, "has no right sample")
    need(d is None or all(_printable(v) for v in d.values() if isinstance(v, str)), "has a sample with what is no printable text")
    try:
        return None if d is None else configs.from_dict(SampleConfig, d)
    except ConfigError as e:
        raise ValueError(f"has a sample that cannot be drawn: {e}") from e


def _number(value: Any, least: float = -math.inf) -> float:
    need(type(value) in (int, float) and abs(value) <= LARGEST and value >= least, f"has {str(value)[:40]!r} for a number")
    return float(value)


def _maybe(value: Any, least: float) -> float | None:
    return None if value is None else _number(value, least)


def _printable(text: Any) -> bool:
    """Words that neither a terminal nor a table can be confused by."""
    return isinstance(text, str) and text.isprintable()


def _is_time(text: str) -> bool:
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds") == text
    return False


def _is_command(text: str) -> bool:
    """One of our commands and nothing that a shell would run beside it: people copy it."""
    return not text or text.startswith(COMMANDS) and shlex.join(shlex.split(text)) == text

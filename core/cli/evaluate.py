"""python -m core evaluate MODEL|FOLDER --dataset NAME --protocol P [--n N] [--seed S], and python -m core compare A B"""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from core import configs, evaluate, leaderboard
from core.cli.words import Said, aligned, verb
from core.configs import EvaluateConfig
from core.evaluate import targets
from core.jobs import worker
from core.types import Comparison, Evaluation, Score


def add(verbs: Any) -> None:
    configs.add_arguments(verb(verbs, "evaluate", evaluated, "score a model or a folder of images"), EvaluateConfig)
    p = verb(verbs, "compare", compared, "which of two evaluated models is better, if that can be said")
    p.add_argument("a", metavar="A")
    p.add_argument("b", metavar="B")
    p.add_argument("--dataset", required=True)
    p.add_argument("--protocol", default="lite0")
    p.add_argument("--metric", default="kid")
    p.add_argument("--margin", type=float, help='difference that you declare to be none: makes the verdict "equal" possible')


def document(e: Evaluation) -> dict[str, Any]:
    """An evaluation as plain data, without the influence vectors."""
    scores = {
        k: {"value": s.value, "error": s.error, "interval": s.interval, "band": s.band, "terms": s.terms.hash}
        for k, s in e.scores.items()
    }
    return {
        "id": e.id,
        "subject": e.subject,
        "kind": e.kind,
        "dataset": e.dataset,
        "protocol": e.protocol,
        "sample": None if e.sample is None else configs.as_dict(e.sample),
        "scores": scores,
        "refused": dict(e.refused),
        "terms": {k: dataclasses.asdict(s.terms) | {"hash": s.terms.hash} for k, s in e.scores.items()},
        "seconds": e.seconds,
        "sampling_seconds": e.sampling_seconds,
        "network_evaluations": e.network_evaluations,
        "versions": dict(e.versions),
        "command": e.command,
        "created_at": e.created_at,
    }


def evaluated(ns: argparse.Namespace) -> Said:
    last, tell = [0, 0], worker.quietly(every=1.0)

    def progress(done: int, total: int, note: str) -> None:
        last[:] = done, total
        tell(done, total, note)

    def provisional(s: Score) -> None:
        """The leading metric of the first images, for pages to show while the rest is drawn."""
        numbers: dict[str, float] = {"provisional_value": s.value, "provisional_n": s.terms.n_fake}
        worker.tell(last[0], last[1], f"first {s.terms.n_fake} images", **numbers, provisional_error=s.error or 0.0)

    e = evaluate.run(configs.from_namespace(EvaluateConfig, ns), progress, provisional)
    rows = [
        {
            "score": leaderboard.label(e.protocol, k, s.terms.weights_sha256),
            "value": s.value,
            "error": s.error,
            "n": s.terms.n_fake,
            "note": s.band,
        }
        for k, s in e.scores.items()
    ]
    refused = "".join(f"\nno {leaderboard.label(e.protocol, k)}: {why}" for k, why in e.refused.items())
    return document(e), f"{e.subject} against {e.dataset} ({e.protocol})\n" + aligned(rows, "") + refused


def compared(ns: argparse.Namespace) -> Said:
    dataset = evaluate.dataset_name(ns.dataset)
    a, b = leaderboard.newest_pair(_subject(ns.a), _subject(ns.b), dataset, ns.protocol, ns.metric)
    c = leaderboard.compared(a, b, ns.metric, ns.margin)
    origins = {"a_from": a.origin, "b_from": b.origin}
    carried = "".join(f"; {e.subject} is from the bundle {e.origin}" for e in (a, b) if e.origin)
    return dataclasses.asdict(c) | origins, f"{_said(c)}{carried}"


def _said(c: Comparison) -> str:
    if c.p == 1 and c.note:  # no test was made
        unused = " The margin was not used." if c.margin is not None else ""
        return f"{c.a} - {c.b} = {c.difference:.4g} ± {c.error:.2g}: {c.note}{unused}"
    better = {"a": f"{c.a} is better", "b": f"{c.b} is better", "equal": f"equal within {c.margin}"}
    said = better.get(c.verdict, f"undecided; a difference of {c.detectable:.3g} could have been shown")
    note = f" ({c.note})" if c.note else ""
    return f"{c.a} - {c.b} = {c.difference:.4g} ± {c.error:.2g} (p = {c.p:.3g}): {said}{note}"


def _subject(name: str) -> str:
    """What the records call a folder that a person names by its path; as in `evaluate`, a model of that name goes before it."""
    is_path = Path(name).expanduser().is_dir() and targets.is_folder(name)
    return evaluate.folder_name(name) if is_path else name

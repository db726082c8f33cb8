"""python -m core cost-curve MODEL --dataset NAME: how good are fewer network evaluations?"""

import argparse
import dataclasses
from typing import Any

from core import configs, costs
from core.cli.words import Said, aligned, verb
from core.configs import CostConfig
from core.jobs import worker


def add(verbs: Any) -> None:
    words = "quality against cost of a diffusion model, sampler by sampler"
    configs.add_arguments(verb(verbs, "cost-curve", drawn, words), CostConfig)


def drawn(ns: argparse.Namespace) -> Said:
    curve = costs.run(configs.from_namespace(CostConfig, ns), worker.quietly(every=1.0))
    rows = [
        {
            "sampler": p.sampler,
            "grid": p.grid,
            "evaluations": p.evaluations,
            "images": p.n,
            curve.label: p.value,
            "error": p.error,
            "s an image": p.seconds,
            "difference": p.difference,
            "its error": p.difference_error,
            "verdict": p.verdict,
        }
        for p in curve.points
    ]
    return {**dataclasses.asdict(curve), "cheapest": _plain(curve.cheapest)}, f"{aligned(rows, '')}\n{said(curve)}"


def said(curve: costs.Curve) -> str:
    """The verdict in a sentence, with its margin."""
    if curve.margin is None:
        return f"{curve.label} of the reference is not above 0: no margin, and no equivalence."
    within = f"within {curve.margin:.3g} of {curve.label} (two one-sided 5 % tests)"
    if curve.cheapest is None:
        return f"Nothing is as good as the reference {within} yet."
    p = curve.cheapest
    return f"Good enough from {p.evaluations} network evaluations on ({p.sampler}, {p.grid}): as good as the reference {within}."


def _plain(p: costs.Point | None) -> dict[str, Any] | None:
    return None if p is None else dataclasses.asdict(p)

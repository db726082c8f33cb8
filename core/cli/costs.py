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
    return {**dataclasses.asdict(curve), "cheapest": _plain(curve.cheapest)}, f"{aligned(rows, '')}\n{costs.said(curve)}"


def _plain(p: costs.Point | None) -> dict[str, Any] | None:
    return None if p is None else dataclasses.asdict(p)

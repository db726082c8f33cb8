"""python -m core doses --dataset NAME [--protocol P] [--n N]: does the distance grow with the damage?"""

import argparse
import dataclasses
from typing import Any

from core import doses, protocols
from core.cli.words import Said, aligned, verb
from core.jobs import worker


def add(verbs: Any) -> None:
    p = verb(verbs, "doses", damaged, "dose curves of blur, noise, colour cast and dropped classes on held-out images")
    p.add_argument("--dataset", required=True)
    p.add_argument("--protocol", default="lite0")
    p.add_argument("--n", type=int, default=300, help="held-out images, at most (default: 300)")


def damaged(ns: argparse.Namespace) -> Said:
    found = doses.curves(ns.dataset, ns.protocol, ns.n, progress=worker.quietly(every=1.0))
    rises = doses.monotone(found)
    label = protocols.label(ns.protocol, protocols.protocol(ns.protocol).metrics[0].key)
    rows = [{"damage": d.damage, "dose": d.amount, "unit": d.unit, label: d.value, "error": d.error, "n": d.n} for d in found]
    words = ", ".join(f"{name}: {'rises' if up else 'does NOT rise'} with the dose" for name, up in rises.items())
    return {"doses": [dataclasses.asdict(d) for d in found], "monotone": rises}, f"{aligned(rows, '')}\n{words}"

"""python -m core doses --dataset NAME [--protocol P] [--n N]: does the distance grow with the damage?"""

import argparse
import dataclasses
from typing import Any

from core import doses, protocols
from core.cli.words import Said, aligned, verb
from core.jobs import worker


def add(verbs: Any) -> None:
    words = "dose curves of blur, noise, colour cast and a dropped class on real images outside the training split"
    p = verb(verbs, "doses", damaged, words)
    p.add_argument("--dataset", required=True)
    p.add_argument("--protocol", default="lite0")
    p.add_argument("--n", type=int, default=300, help="real images outside the training split, at most (default: 300)")


def damaged(ns: argparse.Namespace) -> Said:
    found = doses.curves(ns.dataset, ns.protocol, ns.n, progress=worker.quietly(every=1.0))
    said = doses.verdicts(found)
    label = protocols.label(ns.protocol, protocols.protocol(ns.protocol).metrics[0].key)
    rows = [{"damage": d.damage, "dose": d.amount, "unit": d.unit, label: d.value, "error": d.error, "n": d.n} for d in found]
    meaning = {"rises": "rises with the dose", "open": "is open within its errors", "falls": "FALLS somewhere"}
    words = ", ".join(f"{name} {meaning[v]}" for name, v in said.items())
    return {"doses": [dataclasses.asdict(d) for d in found], "verdicts": said}, f"{aligned(rows, '')}\n{words}"

"""python -m core selftest: the closed-form checks, live"""

import argparse
import dataclasses
import sys
from typing import Any

from core import configs, evaluate, selftest
from core.cli.words import Said, aligned, verb
from core.configs import SelftestConfig
from core.errors import ScoreError
from core.jobs import worker


def add(verbs: Any) -> None:
    configs.add_arguments(verb(verbs, "selftest", tested, "check metrics, verdicts and store on this machine"), SelftestConfig)


def tested(ns: argparse.Namespace) -> Said:
    """ScoreError with one sentence where a check does not hold; all of them are then on standard error."""
    found = selftest.checks(worker.quietly())
    seconds = sum(c.seconds for c in found)
    rows = [
        {"check": c.name, "holds": "yes" if c.ok else "NO", "expected": c.expected, "found": c.found, "tolerance": c.tolerance}
        for c in found
    ]
    if sentence := selftest.failed(found):
        print(aligned(rows, ""), file=sys.stderr, flush=True)
        raise ScoreError(sentence)
    document = {"checks": [dataclasses.asdict(c) for c in found], "seconds": seconds, "versions": evaluate.versions()}
    return document, f"{aligned(rows, '')}\nAll {len(found)} checks hold ({seconds:.1f} s)."

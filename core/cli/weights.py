"""python -m core weights [get inception | add FILE]: the weight files of the extractors"""

import argparse
from pathlib import Path
from typing import Any

from core.cli.words import Said, aligned, verb
from core.errors import ScoreError, unknown
from core.features import EXTRACTORS, Extractor, state, weights
from core.jobs import worker

PRESENT = "present"


def add(verbs: Any) -> None:
    p = verb(verbs, "weights", listed, "weight files of the extractors: what is there, fetch, add")
    actions = p.add_subparsers(metavar="ACTION")
    fetch = verb(actions, "get", got, "download, verified by size and sha256")
    fetch.add_argument("name", metavar="NAME", help="inception")
    keep = verb(actions, "add", added, "copy a file into the cache, verified by size and sha256")
    keep.add_argument("file", metavar="FILE", type=Path)


def listed(ns: argparse.Namespace) -> Said:
    rows = [
        {
            "extractor": e.name,
            "state": state(e.name),
            "file": e.weights.names[0],
            "bytes": e.weights.size,
            "sha256": e.weights.sha256,
            "licence": e.weights.licence,
            "url": e.weights.url,
        }
        for e in EXTRACTORS.values()
        if e.weights is not None
    ]
    # What is wrong is a long sentence; extractors that share a file say it once.
    brief = [
        {k: r[k] for k in ("extractor", "file", "bytes")} | {"present": "yes" if r["state"] == PRESENT else "no"} for r in rows
    ]
    wrong = {str(r["file"]): str(r["state"]) for r in reversed(rows) if r["state"] != PRESENT}
    return rows, "\n".join([aligned(brief, ""), *wrong.values()])


def got(ns: argparse.Namespace) -> Said:
    path = weights.get(_named(ns.name), worker.quietly(every=1.0))
    return {"name": ns.name, "file": str(path)}, f"{ns.name} is there: {path}"


def added(ns: argparse.Namespace) -> Said:
    path = weights.add(EXTRACTORS["inception"], ns.file.expanduser())
    return {"name": "inception", "file": str(path)}, f"Added: {path}"


def _named(name: str) -> Extractor:
    known = [e.name for e in EXTRACTORS.values() if e.weights is not None and e.weights.url]
    if name not in known:
        raise ScoreError(unknown("downloadable weights file", name, known))
    return EXTRACTORS[name]

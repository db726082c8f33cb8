"""python -m core bench [--only NAME] [--quick]: speed beside other libraries, measured by the scripts in tests/benchmarks"""

import argparse
import dataclasses
import importlib
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from core import paths, store
from core.cli.words import Said, aligned, verb
from core.errors import ConfigError, unknown
from core.jobs import worker

PACKAGES = ("numpy", "scipy", "torch", "torchmetrics", "torch-fidelity")
INTRO = """# Benchmarks

Made by `python -m core bench`: both sides warm and in turns in one run, medians of at least five; `ratio` is how many times
faster the studio is. Measured with nothing else running: NumPy's threads suffer more from a busy machine than torch's do.
Figures of different machines do not compare, the ratios nearly do. Nothing here is edited by hand.
"""


def add(verbs: Any) -> None:
    p = verb(verbs, "bench", measured, "measure the speed beside other libraries; writes docs/benchmarks.md")
    p.add_argument("--only", metavar="NAME", help="one benchmark")
    p.add_argument("--quick", action="store_true", help="small sizes and few repeats, to see that it works; writes nothing")
    p.add_argument("--out", type=Path, help="another file than docs/benchmarks.md")


def measured(ns: argparse.Namespace) -> Said:
    names = scripts()
    if ns.only and ns.only not in names:
        raise ConfigError(unknown("benchmark", ns.only, names))
    out = ns.out or paths.PROJECT / "docs" / "benchmarks.md"
    if not ns.quick:
        _write(out, sections(out))  # before hours are spent: can it be written?
    found = []
    for name in [ns.only] if ns.only else names:
        worker.tell(0, 0, f"Measuring {name}")
        started, script = time.monotonic(), script_of(name)
        rows = [as_row(r) for r in script.measure(quick=ns.quick)]
        worker.tell(0, 0, f"Measured {name} in {time.monotonic() - started:.0f} s")
        if not ns.quick:
            _write(out, sections(out) | {name: section(name, script, rows)})
        found += [{"benchmark": name, **r} for r in rows]
    written = "" if ns.quick else f"\nwritten to {out}"
    return found, aligned([{k: v for k, v in r.items() if k != "note"} for r in found], "No benchmark.") + written


def scripts() -> list[str]:
    """The benchmarks of this checkout: modules with a `measure`. ConfigError where there are none, as in an installed copy."""
    folder = paths.PROJECT / "tests" / "benchmarks"
    names = sorted(p.stem for p in folder.glob("*.py") if "\ndef measure(" in p.read_text(encoding="utf-8"))
    if not names:
        raise ConfigError(f"There are no benchmarks in {folder}; run this in a checkout of the repository.")
    return names


def script_of(name: str) -> ModuleType:
    if str(paths.PROJECT) not in sys.path:
        sys.path.insert(0, str(paths.PROJECT))
    return importlib.import_module(f"tests.benchmarks.{name}")


def as_row(row: Any) -> dict[str, Any]:
    """A script's Row as plain values, with the ratio."""
    values = dataclasses.asdict(row)
    return {**values, "ratio": row.ratio, "met": row.met}


# ------------------------------------------------------------------------------------------------------------- page


def section(name: str, script: ModuleType, rows: Sequence[Mapping[str, Any]]) -> str:
    """One benchmark for the page: what it does, where it ran, its table. Names no path of this machine."""
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES)
    where = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}"
    lines = [f"## {name}", "", str(script.__doc__).strip(), "", f"{datetime.now(UTC):%Y-%m-%d}, {where}.", ""]
    lines += ["| work | beside | ratio | studio | beside | goal | met |", "| --- | --- | ---: | ---: | ---: | --- | --- |"]
    for r in rows:
        ratio = "" if r["ratio"] is None else f"{r['ratio']:.3g}x" if r["ratio"] < 1000 else f"{r['ratio']:,.0f}x"
        cells = [r["work"], r["beside"], ratio, _seconds(r["seconds"]), _seconds(r["beside_seconds"]), r["goal"], _met(r["met"])]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"{r['work']}: {r['note']}" for r in rows if r["note"])]
    return "\n".join(lines).strip() + "\n"


def sections(out: Path) -> dict[str, str]:
    """The page's sections by name, so that one can be measured again by itself."""
    if not out.is_file():
        return {}
    parts = out.read_text(encoding="utf-8").split("\n## ")[1:]
    return {p.split("\n", 1)[0]: "## " + p.strip() + "\n" for p in parts}


def _write(out: Path, found: Mapping[str, str]) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        store.replace_text(out, "\n".join([INTRO, *(found[name] for name in sorted(found))]))
    except OSError as e:
        raise ConfigError(f"{out} cannot be written ({e.strerror}); choose another file with --out.") from e


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def _met(met: bool | None) -> str:
    return {None: "", True: "yes", False: "**no**"}[met]

"""A survey in plain words and numbers: what `datasets show NAME --json` says and what the screen exports."""

import os
from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from core import datasets, pixels
from core.pixels import COPY_KINDS, OUTLIER_KINDS, VALUES
from core.survey.making import Survey


def document(s: Survey) -> dict[str, Any]:
    """All numbers of the Dataset Explorer as plain data (JSON): colours, drift, copies, outliers."""
    densities = {split: pixels.density_of(s.described(split)) for split in s.splits}
    moments = {split: pixels.rgb_moments(d) for split, d in densities.items()}
    rows = copies(s)
    return {
        "densities": {split: d.tolist() for split, d in densities.items()},
        "mean": {split: m.tolist() for split, (m, _) in moments.items()},
        "deviation": {split: d.tolist() for split, (_, d) in moments.items()},
        "values": {split: _spread(s.described(split)["values"]) for split in s.splits},
        "drift": [{"a": a, "b": b, **asdict(row)} for (a, b), channels in s.drift.items() for row in channels],
        "copies": {
            "images": int((s.arrays["group"] > 0).sum()),
            "groups": int(s.arrays["group"].max()),
            "leaking": int(s.leaking.sum()),
            "within": dict(Counter(r["kind"] for r in rows if r["split_a"] == r["split_b"])),
            "across": dict(Counter(r["kind"] for r in rows if r["split_a"] != r["split_b"])),
            "two_classes": sum(r["class_a"] != r["class_b"] for r in rows),
            "pairs": rows,
        },
        "outliers": outliers(s),
    }


def copies(s: Survey) -> list[dict[str, Any]]:
    """One row a pair of copies: kind, correlation, and split, position, file and class of both."""
    files, classes = _files(s), _classes(s)
    columns = (s.pairs.kind, s.pairs.correlation, s.pairs.a_set, s.pairs.a, s.pairs.b_set, s.pairs.b)
    return [
        {
            "kind": COPY_KINDS[kind],
            "correlation": round(float(correlation), 4),
            **{f"{k}_a": v for k, v in _image(s.splits[a_set], int(a), files, classes).items()},
            **{f"{k}_b": v for k, v in _image(s.splits[b_set], int(b), files, classes).items()},
        }
        for kind, correlation, a_set, a, b_set, b in zip(*columns, strict=True)
    ]


def outliers(s: Survey) -> list[dict[str, Any]]:
    """One row an outlier: kind, its value, how many robust deviations it lies off, and split, position, file and class."""
    files, classes = _files(s), _classes(s)
    o = s.outliers
    return [
        {
            "kind": OUTLIER_KINDS[k],
            "value": float(f"{v:.6g}"),
            "score": float(f"{z:.4g}"),
            **_image(*s.place(int(p)), files, classes),
        }
        for k, p, v, z in zip(o.kind, o.position, o.value, o.score, strict=True)
    ]


def _digits(value: float) -> float:
    """As many as a float32 holds for sure."""
    return float(f"{value:.6g}")


def _image(split: str, position: int, files: dict[str, np.ndarray], classes: dict[str, list[str]]) -> dict[str, Any]:
    file = os.fsdecode(files[split][position]) if split in files else ""
    return {"split": split, "position": position, "file": file, "class": classes[split][position] if split in classes else ""}


def _files(s: Survey) -> dict[str, np.ndarray]:
    behind = {split: datasets.of_files(s.card.name, split, size=s.card.size) for split in s.splits}
    return {split: f.names for split, f in behind.items() if f is not None}


def _classes(s: Survey) -> dict[str, Any]:
    labels = {split: datasets.load(s.card.name, split, size=s.card.size).labels for split in s.splits}
    return {split: np.array(s.card.classes)[values] for split, values in labels.items() if values is not None}


def _spread(values: np.ndarray) -> dict[str, dict[str, float]]:
    """Least, median and greatest of each of VALUES."""
    levels = np.quantile(np.asarray(values), [0, 0.5, 1], axis=0)
    return {name: dict(zip(("min", "median", "max"), levels[:, i].tolist(), strict=True)) for i, name in enumerate(VALUES)}

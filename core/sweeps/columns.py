"""What a column of a table of runs is, by its name and its cells.

Role        by name, whatever its case: id (run_id, id), name, state (state, status), created_at (created, created_at), url
            (url, link). The first of each counts.
Left out    what a tracker keeps for itself: W&B's Notes, User, Tags, Runtime, Sweep ... exactly as W&B spells them, names that
            start with an underscore (_step, _wandb), counters that trainers log (epoch, trainer/global_step), and empty columns.
Metric      a name whose last word is a measure (loss, accuracy, fid ...; val_loss_epoch and loss.min count as loss) or that
            starts with metrics. or summary., unless a cell holds a word (loss = "huber" is a setting). No such column: the last
            column of numbers. A metric that is named by the caller is one in any case.
Setting     every other column.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import DataError, unknown

ROLES = {
    "id": ("run_id", "run id", "id"),
    "name": ("name", "run_name", "run name"),
    "state": ("state", "status"),
    "created_at": ("created_at", "created", "createdat"),
    "url": ("url", "link"),
}
# Exactly so: in small letters each may well be a setting.
# fmt: off
WANDB = frozenset({
    "Notes", "User", "Tags", "Runtime", "Sweep", "Group", "Agent", "Updated", "Hostname", "Commit", "Description",
    "Host", "OS", "Python", "GitHub", "ID", "Heartbeat",
}) | {"Job Type", "GPU Type", "GPU Count", "CPU Count", "End Time", "Start Time", "Logical CPU count"}
# fmt: on
COUNTERS = frozenset({"epoch", "global_step", "trainer/global_step", "trainer/epoch", "failed", "row"})

MISSING = frozenset({"", "-", "nan", "null", "none", "n/a", "na", "inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"})
"""Spellings, in small letters, of no value and of no finite value."""

# fmt: off
HIGHER = frozenset({
    "acc", "accuracy", "auc", "f1", "score", "psnr", "ssim", "reward", "return", "elbo", "iou", "map", "dice", "r2",
    "precision", "recall", "density", "coverage",
})
LOWER = frozenset({
    "loss", "error", "err", "fid", "kid", "fd", "mse", "mae", "rmse", "lpips", "nll", "bpd", "perplexity", "ppl",
    "objective", "kl",
})
# fmt: on
# Under these names trainers also keep settings (precision=16, density of a mask); as a metric they need a split in front.
DOUBTFUL = frozenset({"precision", "recall", "density", "coverage", "map", "kl", "return"})
HELD_OUT = frozenset({"val", "valid", "validation", "test", "eval"})
AGGREGATES = frozenset({"min", "max", "best", "last", "final", "mean", "avg", "average", "epoch", "step"})

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_METRIC_PREFIX = re.compile(r"(metrics?|summary)[._/]", re.IGNORECASE)
_PARAM_PREFIX = re.compile(r"(params?|config|hparams)[._/]", re.IGNORECASE)

Value = int | float | bool | str | None


@dataclass(frozen=True)
class Columns:
    """Names by what they are; the leading metric first. `values` holds settings and metrics, converted, None where missing."""

    roles: Mapping[str, str]
    params: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Mapping[str, Sequence[Value]]
    notes: tuple[str, ...]


def number(text: str) -> int | float | None:
    """'1e-5' -> 1e-05, '3' -> 3; None for all that is not the text of a finite number ('nan', 'inf', '1_000', 'adam')."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    if not math.isfinite(value):
        return None
    return int(value) if _INTEGER.fullmatch(text) and abs(value) < 2**53 else value


def words(name: str) -> list[str]:
    """'valLoss_epoch' -> ['val', 'loss', 'epoch']."""
    return [w.lower() for w in re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", name) if w]


def measure(name: str) -> str:
    """The last word that is no aggregate: 'train/loss_epoch' -> 'loss'."""
    kept = [w for w in words(name) if w not in AGGREGATES]
    return kept[-1] if kept else ""


def direction(metric: str) -> str:
    """'higher' for what is better when larger, by its name; 'lower' for all else."""
    return "higher" if measure(metric) in HIGHER else "lower"


def named_like_metric(name: str) -> bool:
    if _PARAM_PREFIX.match(name):
        return False
    if _METRIC_PREFIX.match(name) or name.lower() == "value":
        return True
    last = measure(name)
    if last in DOUBTFUL:
        return bool(HELD_OUT.intersection(words(name)))
    return last in HIGHER or last in LOWER


def classify(table: Mapping[str, Sequence[str]], metric: str = "") -> Columns:
    """What each column of texts is; see the head of this module. `metric` names the leading one.

    DataError for a metric that is no column of numbers, and for a table without any column of numbers.
    """
    if metric and metric not in table:
        raise DataError(unknown("column", metric, table))
    roles, rest, left_out = _roles(table, metric)
    values = {name: convert(table[name]) for name in rest}
    empty = [n for n in rest if n != metric and all(v is None for v in values[n]) and not named_like_metric(n)]
    rest = [n for n in rest if n not in empty]
    metrics = [n for n in rest if named_like_metric(n) and _all_numbers(values[n])]
    notes = [f"Left out: {', '.join([*left_out, *empty])}."] if left_out or empty else []
    if metric and not _all_numbers(values[metric]):
        raise DataError(f"The column '{metric}' holds words; needed as a metric: numbers.")
    if not metric and not any(_measured(values[m]) for m in metrics):
        metric = _last_numbers(rest, values)
        notes.append(f"No column is named like a result and has values; the last column of numbers, '{metric}', is taken as one.")
    order = sorted(metrics, key=_priority)
    if metric:
        order = [metric, *(m for m in order if m != metric)]
    params = tuple(n for n in rest if n not in order)
    return Columns(roles, params, tuple(order), {n: values[n] for n in rest}, tuple(notes))


def convert(cells: Sequence[str]) -> list[Value]:
    """One kind a column: numbers if all cells that are not missing are, else booleans if all are, else texts."""
    unique = {c: c.strip() for c in set(cells)}
    present = [t for t in unique.values() if t.lower() not in MISSING]
    if all(_NUMBER.fullmatch(t) for t in present):
        numbers: dict[str, Value] = {c: number(t) for c, t in unique.items()}
        if any(isinstance(v, float) for v in numbers.values()):
            numbers = {c: None if v is None else float(v) for c, v in numbers.items()}
        return [numbers[c] for c in cells]
    if all(t.lower() in ("true", "false") for t in present):
        return [None if unique[c].lower() in MISSING else unique[c].lower() == "true" for c in cells]
    return [None if unique[c].lower() in MISSING else unique[c] for c in cells]


def _roles(table: Mapping[str, Sequence[str]], metric: str) -> tuple[dict[str, str], list[str], list[str]]:
    """Roles by column, then the names that may be settings or metrics, then those left out."""
    roles: dict[str, str] = {}
    for role, spellings in ROLES.items():
        found = [n for s in spellings for n in table if n.lower() == s and n != metric]
        if found:
            roles[role] = found[0]
    rest, left_out = [], []
    for name in table:
        if name == metric:
            rest.append(name)
        elif name in roles.values():
            continue
        elif name in WANDB or name.startswith("_") or name.lower() in COUNTERS or not name:
            left_out.append(name)
        else:
            rest.append(name)
    return roles, rest, [n for n in left_out if n and n.lower() not in ("failed", "row")]


def _all_numbers(values: Sequence[Value]) -> bool:
    return all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values)


def _measured(values: Sequence[Value]) -> bool:
    return any(v is not None for v in values)


def _last_numbers(names: Sequence[str], values: Mapping[str, Sequence[Value]]) -> str:
    found = [n for n in names if _all_numbers(values[n]) and _measured(values[n])]
    if not found:
        raise DataError("The table has no column of numbers; needed: at least one result a run, such as val_loss.")
    return found[-1]


def _priority(name: str) -> tuple[bool, bool, bool, bool]:
    """What leads: a validation loss, then anything validated, then an objective, then what is not of the training."""
    w = set(words(name))
    held_out = bool(w & HELD_OUT - {"test"})
    return (not (held_out and measure(name) == "loss"), not held_out, measure(name) not in ("objective", "value"), "train" in w)

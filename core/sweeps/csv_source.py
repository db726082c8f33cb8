"""Runs from a table: plain CSV, or what W&B's table exports ("Name", "State", ..., settings, results). One row a run.

`core.sweeps.columns` says which column is what. Encoding UTF-8, cells apart by comma or semicolon (then also decimal commas).
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.sweeps.columns import Columns, classify
from core.sweeps.sweep import Sweep, has_failed
from core.types import Run

MAX_BYTES = 50_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 1_000
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")


def read(path: str, metric: str = "") -> Sweep:
    """The runs of a CSV file. DataError for whatever is wrong with it; `metric` names the leading result."""
    file = Path(path).expanduser()
    if not file.is_file():
        raise DataError(f"There is no file '{path}'; needed: a CSV of runs, or 'trainings' for this studio's own.")
    try:
        size = file.stat().st_size
        data = b"" if size > MAX_BYTES else file.read_bytes()
    except OSError as e:
        raise DataError(f"'{path}' cannot be read ({e.strerror}); check its permissions.") from e
    _check_size(file.name, size)
    return read_text(file.name, data, metric)


def read_text(name: str, text: str | bytes, metric: str = "") -> Sweep:
    """The runs of a table that is in memory, such as an upload. DataError as for a file."""
    _check_size(name, len(text))
    columns = _table(name, _decoded(name, text) if isinstance(text, bytes) else text.removeprefix("\ufeff"))
    found = classify(columns, metric)
    runs, notes = _runs(columns, found)
    return Sweep(Path(name).stem or name, runs, found.params, found.metrics, (*found.notes, *notes))


def _check_size(name: str, size: int) -> None:
    if size > MAX_BYTES:
        raise DataError(f"{name} has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB can be shown: export fewer columns.")


def _decoded(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise DataError(f"{name} is not UTF-8 text (byte {e.start}); save it as 'CSV UTF-8' and open it again.") from e


def _table(name: str, text: str) -> dict[str, list[str]]:
    """Columns of texts by name, in order."""
    delimiter = max(",;", key=lambda d: len(next(csv.reader(_first_line(text), delimiter=d), [])))
    try:
        rows = _rows(name, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as e:
        raise DataError(f"{name} is not a CSV ({e}); export the table again.") from e
    if not rows:
        raise DataError(f"{name} is empty; needed: a row of column names and one row a run.")
    header, *body = rows
    if not body:
        raise DataError(f"{name} has column names but no run; needed: one row a run.")
    columns = dict(zip(header, (list(c) for c in zip(*body, strict=True)), strict=True))
    if delimiter == ";":
        columns = {n: [_with_point(c) for c in cells] for n, cells in columns.items()}
    return columns


def _first_line(text: str) -> list[str]:
    return io.StringIO(text[:100_000], newline="").readlines()[:1]


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell.strip()) else cell


def _rows(name: str, reader: Any) -> list[list[str]]:
    """All rows that are not blank, each as long as the first; DataError with the line otherwise."""
    rows: list[list[str]] = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if not rows:
            rows.append(_header(name, row))
            continue
        if len(row) != len(rows[0]):
            found = f"line {reader.line_num} has {len(row)} cells, the header {len(rows[0])}"
            raise DataError(f"{name} is ragged: {found}; export the table again or mend that line.")
        rows.append(row)
        if len(rows) > MAX_ROWS + 1:
            raise DataError(f"{name} has more than {MAX_ROWS:,} runs; filter the table and export it again.")
    return rows


def _header(name: str, cells: list[str]) -> list[str]:
    names = [c.strip() for c in cells]
    if not names[0]:
        names[0] = "row"  # the index that data frames write
    if len(names) > MAX_COLUMNS:
        raise DataError(f"{name} has {len(names):,} columns; at most {MAX_COLUMNS:,} can be read: export fewer.")
    if "" in names:
        raise DataError(f"{name} has no name for column {names.index('') + 1}; give it one or delete it.")
    twice = _repeated(names)
    if twice:
        raise DataError(f"{name} has two columns named '{twice}'; rename one of them.")
    return names


def _repeated(texts: Iterable[str]) -> str:
    seen: set[str] = set()
    for text in texts:
        if text in seen:
            return text
        seen.add(text)
    return ""


def _runs(table: dict[str, list[str]], found: Columns) -> tuple[tuple[Run, ...], list[str]]:
    count = len(next(iter(table.values())))
    told = {role: [c.strip() for c in table[name]] for role, name in found.roles.items()}
    blank = [""] * count
    ids, notes = _ids(count, told)
    runs = []
    for i in range(count):
        params = {p: v for p in found.params if (v := found.values[p][i]) is not None}
        metrics = {m: float(v) for m in found.metrics if (v := found.values[m][i]) is not None}
        state = told.get("state", blank)[i].lower()
        run = Run(
            id=ids[i],
            name=told.get("name", blank)[i],
            state=state,
            failed=has_failed(state, metrics, found.metrics[0]),
            params=params,
            metrics=metrics,
            created_at=told.get("created_at", blank)[i],
            url=told.get("url", blank)[i],
        )
        runs.append(run)
    return tuple(runs), notes


def _ids(count: int, told: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """The id column if it names each run, else the names if they do, else numbers of rows."""
    for role in ("id", "name"):
        if role in told and all(told[role]) and not _repeated(told[role]):
            return told[role], []
    notes = ["The ids in the table repeat or are missing; runs are numbered by row instead."] if "id" in told else []
    return [f"row-{i + 1}" for i in range(count)], notes

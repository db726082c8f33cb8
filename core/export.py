"""Rows -> text of a table: CSV, Markdown, LaTeX, JSON."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import ConfigError, unknown

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Format:
    name: str
    label: str
    ending: str
    mime: str
    write: Callable[[Rows, str], str]


def table(rows: Rows, format: str, footnote: str = "") -> str:
    """The rows under the union of their keys, in order of first appearance; an absent key is an empty cell.

    footnote: one line under a Markdown or LaTeX table, such as the terms of its scores; CSV and JSON are read by programs and
    leave it out. ConfigError for a format that FORMATS does not hold.
    """
    if format not in FORMATS:
        raise ConfigError(unknown("table format", format, FORMATS))
    return FORMATS[format].write(rows, footnote)


def heading(text: str, format: str) -> str:
    """A line above a table of this format that names it: a heading in Markdown, a comment in LaTeX; "" in CSV and JSON."""
    if format == "md":
        return f"### {_markdown_text(text)}\n\n"
    return f"% {' '.join(text.split())}\n" if format == "latex" else ""


def _csv(rows: Rows, footnote: str) -> str:
    """Numbers as repr has them: what is read back is bitwise the same."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    names = _names(rows)
    if names:
        writer.writerow([_harmless(n) for n in names])
    for row in rows:
        cells = [_csv_cell(_plain(row.get(n))) for n in names]
        # The writer would leave a lone empty cell as an empty line, which readers skip.
        if cells == [""]:
            file.write('""\n')
        else:
            writer.writerow(cells)
    return file.getvalue()


def _json(rows: Rows, footnote: str) -> str:
    """A list of objects. What is not finite becomes null: JSON has no NaN."""
    names = _names(rows)
    return json.dumps([{n: _finite(_plain(r.get(n))) for n in names} for r in rows], indent=1, ensure_ascii=False) + "\n"


def _markdown(rows: Rows, footnote: str) -> str:
    names = _names(rows)
    if not names:
        return ""
    lines = [
        [_markdown_text(n) for n in names],
        ["---:" if right else ":---" for right in _numeric(rows, names)],
        *([_markdown_text(shown(_plain(r.get(n)))) for n in names] for r in rows),
    ]
    text = "".join("| " + " | ".join(cells) + " |\n" for cells in lines)
    return text + (f"\n{_markdown_text(footnote)}\n" if footnote else "")


def _latex(rows: Rows, footnote: str) -> str:
    """A tabular that needs the package booktabs."""
    names = _names(rows)
    if not names:
        return ""
    sides = "".join("r" if right else "l" for right in _numeric(rows, names))
    body = [[_latex_cell(_plain(r.get(n))) for n in names] for r in rows]
    lines = [
        rf"\begin{{tabular}}{{{sides}}}",
        r"\toprule",
        " & ".join(_latex_text(n) for n in names) + r" \\",
        r"\midrule",
        *(" & ".join(cells) + r" \\" for cells in body),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    if footnote:
        lines.append(rf"\par{{\footnotesize {_latex_text(footnote)}\par}}")
    return "\n".join(lines) + "\n"


FORMATS = {
    f.name: f
    for f in (
        Format("csv", "CSV", "csv", "text/csv", _csv),
        Format("md", "Markdown", "md", "text/markdown", _markdown),
        Format("latex", "LaTeX", "tex", "application/x-tex", _latex),
        Format("json", "JSON", "json", "application/json", _json),
    )
}


def shown(value: Any) -> str:
    """A plain value for people: four digits, nothing for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"
    if isinstance(value, dict | list):
        return json.dumps(_finite(value), ensure_ascii=False)
    return str(value)


def _names(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's (their repr is not a number), mappings as dict, sequences as list."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _numeric(rows: Rows, names: Sequence[str]) -> list[bool]:
    """Which columns hold numbers only, and so stand right-aligned."""
    cells = [[_plain(r.get(n)) for r in rows] for n in names]
    found = [[c for c in column if c is not None] for column in cells]
    return [bool(f) and all(isinstance(c, int | float) and not isinstance(c, bool) for c in f) for f in found]


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def _csv_cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return _harmless(value) if isinstance(value, str) else shown(value)


def _harmless(text: str) -> str:
    """A spreadsheet would compute a text that starts like a formula; an apostrophe keeps it a text (OWASP, CSV injection)."""
    # The writer does not quote a lone carriage return, and readers end the row there.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\n")) and not _NUMBER.fullmatch(text) else text


def _markdown_text(text: str) -> str:
    # The backslash first: it escapes the others. A line break would end the row.
    for character in "\\|`*":
        text = text.replace(character, "\\" + character)
    return re.sub(r"\s*[\r\n]+\s*", " ", text.replace("<", "&lt;"))


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After the end of a row these two would be taken as an option of it.
    "[": "{[}",
    "*": "{*}",
    "\n": " ",
    "\r": " ",
}


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text)


def _latex_cell(value: Any) -> str:
    """Numbers that need it in mathematics: a true minus, a true power of ten."""
    text = shown(value)
    if isinstance(value, str) or not isinstance(value, int | float) or isinstance(value, bool):
        return _latex_text(text)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        return rf"${mantissa} \times 10^{{{int(exponent)}}}$"
    return f"${text.replace('inf', chr(92) + 'infty')}$" if text.startswith("-") or "inf" in text else text

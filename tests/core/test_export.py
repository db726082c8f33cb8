import csv
import io
import json
import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core import export
from core.errors import ConfigError

ROWS: list[dict[str, Any]] = [
    {"model": "vae-1", "kid": 0.1 + 0.2, "n": 2048, "ranked": True, "note": 'a, "quoted"\nnote'},
    {"model": "ddpm_2", "kid": 1e-05, "n": 300, "ranked": False, "note": None},
    {"model": "ü|x", "kid": -0.25, "n": 0, "ranked": True, "extra": 3.5},
]


def test_a_csv_is_read_back_equal() -> None:
    frame = pd.read_csv(io.StringIO(export.table(ROWS, "csv")))
    assert list(frame) == ["model", "kid", "n", "ranked", "note", "extra"]
    assert frame["kid"].tolist() == [r["kid"] for r in ROWS]
    assert frame["n"].tolist() == [2048, 300, 0]
    assert frame["ranked"].tolist() == [True, False, True]
    assert frame["model"].tolist() == [r["model"] for r in ROWS]
    assert frame["note"][0] == ROWS[0]["note"]
    assert frame["note"].isna().tolist() == [False, True, True]
    assert frame["extra"].isna().tolist() == [True, True, False]


def test_doubles_survive_csv_and_json_to_the_last_bit() -> None:
    values = np.random.default_rng(0).standard_normal(200) * 10.0 ** np.arange(-100, 100)
    rows = [{"v": float(v)} for v in values]
    assert [float(r["v"]) for r in csv.DictReader(io.StringIO(export.table(rows, "csv")))] == values.tolist()
    assert json.loads(export.table(rows, "json")) == rows


def test_json_is_read_back_equal_and_holds_null_for_what_is_not_finite() -> None:
    rows: list[dict[str, Any]] = [*ROWS, {"kid": math.nan, "terms": {"a": [1, math.inf]}}]
    text = export.table(rows, "json")
    assert "NaN" not in text and "Infinity" not in text
    read = json.loads(text)
    assert [{k: v for k, v in r.items() if k in given} for r, given in zip(read, ROWS, strict=False)] == ROWS
    assert read[3]["kid"] is None
    assert read[3]["terms"] == {"a": [1, None]}


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\n=1", '=HYPERLINK("http://x")'])
def test_a_text_that_starts_like_a_formula_is_kept_a_text(text: str) -> None:
    rows = list(csv.reader(io.StringIO(export.table([{text: text, "x": 1}], "csv"), newline="")))
    assert rows[0][0] == rows[1][0] == "'" + text


def test_a_line_break_of_any_kind_stays_inside_its_cell() -> None:
    text = export.table([{"a": "x\ry", "b": 1}, {"a": "x\r\ny", "b": 2}, {"a": "\r=1", "b": 3}], "csv")
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [["x\ny", "1"], ["x\ny", "2"], ["'\n=1", "3"]]


def test_numbers_are_no_formulas() -> None:
    assert export.table([{"v": -1.5, "t": "-1e-5"}], "csv") == "v,t\n-1.5,-1e-5\n"


def test_numpy_scalars_are_written_as_numbers() -> None:
    rows = [{"a": np.float64(0.1), "b": np.int64(3), "c": np.bool_(True), "d": np.float32(0.5)}]
    assert export.table(rows, "csv") == "a,b,c,d\n0.1,3,true,0.5\n"
    assert json.loads(export.table(rows, "json")) == [{"a": 0.1, "b": 3, "c": True, "d": 0.5}]


def test_what_is_missing_is_an_empty_cell_also_where_it_is_alone() -> None:
    rows: list[dict[str, Any]] = [{"a": math.nan}, {"a": None}, {"a": 2.0}]
    frame = pd.read_csv(io.StringIO(export.table(rows, "csv")))
    assert frame["a"].isna().tolist() == [True, True, False]


def test_markdown_keeps_cells_apart_and_aligns_numbers() -> None:
    lines = export.table(ROWS, "md", "Terms: |n| = 2").splitlines()
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[:5]]
    assert {len(c) for c in cells} == {6}
    assert [c.strip() for c in cells[1]] == [":---", "---:", "---:", ":---", ":---", "---:"]
    assert cells[2][4].strip() == 'a, "quoted" note'
    assert cells[4][0].strip() == "ü\\|x"
    assert lines[5:] == ["", "Terms: \\|n\\| = 2"]


def test_latex_undoes_to_the_text_that_was_given() -> None:
    nasty = "a&b%c$d#e_f{g}h~i^j\\k<l>m|n[o*p"
    text = export.table([{"x": nasty, "y": 1.0}], "latex")
    cell = text.splitlines()[4].removesuffix(r" & 1 \\")
    for plain, escaped in export._LATEX.items():
        if plain not in "\n\r\\":
            cell = cell.replace(escaped, plain)
    assert cell.replace(r"\textbackslash{}", "\\") == nasty


def test_latex_is_a_booktabs_tabular_with_one_cell_a_column() -> None:
    text = export.table(ROWS, "latex", "KID under lite0, n_real = 10")
    lines = text.splitlines()
    assert lines[0] == r"\begin{tabular}{lrrllr}"
    assert [lines[i] for i in (1, 3, -3, -2)] == [r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}"]
    assert all(len(re.findall(r"(?<!\\)&", line)) == 5 and line.endswith(r" \\") for line in [lines[2], *lines[4:7]])
    assert lines[-1] == r"\par{\footnotesize KID under lite0, n\_real = 10\par}"
    assert r"$1 \times 10^{-5}$" in lines[5]
    assert "$-0.25$" in lines[6]


@pytest.mark.parametrize(("name", "text"), [("csv", ""), ("md", ""), ("latex", ""), ("json", "[]\n")])
def test_no_rows_are_no_table(name: str, text: str) -> None:
    assert export.table([], name) == text


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="known: csv, json, latex, md"):
        export.table(ROWS, "xls")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (math.nan, ""), (True, "true"), (0.123456, "0.1235"), (123456.7, "123457"), (7, "7"), (1e-9, "1e-09")],
)
def test_values_are_shown_with_four_digits(value: object, text: str) -> None:
    assert export.shown(value) == text

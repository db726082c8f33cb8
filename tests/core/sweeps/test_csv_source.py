from pathlib import Path

import pytest

from core import sweeps
from core.errors import DataError
from core.sweeps import csv_source

WANDB = """"Name","State","Notes","User","Tags","Created","Runtime","Sweep","batch_size","learning_rate","val_loss"
"gentle-sweep-1","finished","-","me","","2026-01-01T10:00:00.000Z","61","abc","64","0.001","0.02"
"warm-sweep-2","crashed","-","me","","2026-01-01T11:00:00.000Z","12","abc","32","1e0",""
"cold-sweep-3","finished","-","me","","2026-01-01T12:00:00.000Z","60","abc","64","1","NaN"
"hot-sweep-4","running","-","me","","2026-01-01T13:00:00.000Z","5","abc","128","1e-5",""
"""


def test_wandbs_table_export_becomes_runs() -> None:
    sweep = sweeps.read_text("sweep.csv", WANDB)
    assert (sweep.name, sweep.params, sweep.metrics) == ("sweep", ("batch_size", "learning_rate"), ("val_loss",))
    first = sweep.runs[0]
    assert (first.id, first.name, first.state) == ("gentle-sweep-1", "gentle-sweep-1", "finished")
    assert first.created_at == "2026-01-01T10:00:00.000Z"
    assert first.params == {"batch_size": 64, "learning_rate": 0.001}
    assert first.metrics == {"val_loss": 0.02}
    assert sweep.notes == ("Left out: Notes, User, Tags, Runtime, Sweep.",)


def test_crash_and_divergence_are_failures_told_apart_by_the_state_and_a_running_run_is_none() -> None:
    told = {r.name: (r.state, r.failed) for r in sweeps.read_text("s.csv", WANDB).runs}
    assert told["gentle-sweep-1"] == ("finished", False)
    assert told["warm-sweep-2"] == ("crashed", True)
    assert told["cold-sweep-3"] == ("finished", True)
    assert told["hot-sweep-4"] == ("running", False)


@pytest.mark.parametrize("spelled", ["nan", "NaN", "null", "", "None", "inf", "-inf", "Infinity", "1e999", " NaN "])
def test_a_result_that_is_not_finite_is_absent_however_it_is_spelled(spelled: str) -> None:
    sweep = sweeps.read_text("s.csv", f"lr,val_loss\n1,0.5\n2,{spelled}\n")
    assert sweep.runs[1].metrics == {}
    assert [r.failed for r in sweep.runs] == [False, True]


def test_a_plain_table_numbers_its_runs_by_row() -> None:
    sweep = sweeps.read_text("s.csv", "lr,val_loss\n1e-5,0.5\n\n1e-3,0.25\n")
    assert [r.id for r in sweep.runs] == ["row-1", "row-2"]
    assert [r.params["lr"] for r in sweep.runs] == [1e-5, 1e-3]
    assert sweep.notes == ()


def test_an_id_column_names_the_runs_unless_it_repeats() -> None:
    assert [r.id for r in sweeps.read_text("s.csv", "ID,Name,loss\nx,n,1\ny,n,2\n").runs] == ["x", "y"]
    repeated = sweeps.read_text("s.csv", "ID,Name,loss\nx,n,1\nx,m,2\n")
    assert [r.id for r in repeated.runs] == ["n", "m"]
    assert [r.id for r in sweeps.read_text("s.csv", "id,name,loss\nx,n,1\nx,n,2\n").runs] == ["row-1", "row-2"]


def test_the_table_that_the_studio_writes_reads_back_the_same() -> None:
    from core import export

    sweep = sweeps.read_text("sweep.csv", WANDB)
    again = sweeps.read_text("sweep.csv", export.table(sweeps.frame(sweep).to_dict("records"), "csv"))
    assert again.runs == sweep.runs
    assert (again.params, again.metrics) == (sweep.params, sweep.metrics)


def test_semicolons_bring_decimal_commas() -> None:
    sweep = sweeps.read_text("s.csv", "lr;opt;val_loss\n0,001;adam;1,5e-2\n0,01;sgd;0,25\n")
    assert [r.params["lr"] for r in sweep.runs] == [0.001, 0.01]
    assert [r.metrics["val_loss"] for r in sweep.runs] == [0.015, 0.25]


def test_commas_inside_quotes_do_not_decide_the_delimiter() -> None:
    sweep = sweeps.read_text("s.csv", '"a, b, and c";val_loss\n1;2\n')
    assert sweep.params == ("a, b, and c",)


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_table() -> None:
    for given in (b"\xef\xbb\xbflr,val_loss\r\n1,2\r\n", "\ufefflr,val_loss\r\n1,2\r\n"):
        sweep = sweeps.read_text("s.csv", given)
        assert (sweep.params, sweep.metrics) == (("lr",), ("val_loss",))


def test_the_index_column_of_a_data_frame_is_left_out() -> None:
    assert sweeps.read_text("s.csv", ",lr,val_loss\n0,1,2\n1,2,3\n").params == ("lr",)


def test_cells_may_hold_line_breaks_and_delimiters() -> None:
    sweep = sweeps.read_text("s.csv", 'comment,val_loss\n"a, ""b""\nc",1\n')
    assert sweep.runs[0].params == {"comment": 'a, "b"\nc'}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "is empty; needed: a row of column names"),
        (b"\n \n", "is empty"),
        (b"lr,val_loss\n", "has column names but no run"),
        ("größe,val_loss\n1,2\n".encode("latin-1"), "is not UTF-8 text"),
        ("lr,val_loss\n1,2\n".encode("utf-16"), "is not UTF-8 text"),
        (b"lr,lr,val_loss\n1,2,3\n", "two columns named 'lr'"),
        (b"lr,val_loss\n1,2\n1,2,3\n", "line 3 has 3 cells, the header 2"),
        (b"lr,val_loss\n1\n", "line 2 has 1 cells, the header 2"),
        (b"lr,,val_loss\n1,2,3\n", "no name for column 2"),
        (b"opt,act\nadam,relu\n", "no column of numbers"),
        (b'lr,val_loss\n1,"' + b"x" * 200_000 + b'"\n', "is not a CSV"),
        (b",".join(b"c%d" % i for i in range(1001)) + b"\n" + b"," * 1000, "1,001 columns; at most 1,000"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        sweeps.read_text("runs.csv", text)
    said = str(caught.value)
    assert sentence in said and said.endswith(".") and "\n" not in said


def test_sizes_are_limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(csv_source, "MAX_ROWS", 2)
    assert len(sweeps.read_text("s.csv", "val_loss\n1\n2\n").runs) == 2
    with pytest.raises(DataError, match="more than 2 runs"):
        sweeps.read_text("s.csv", "val_loss\n1\n2\n3\n")
    file = tmp_path / "s.csv"
    file.write_text("val_loss\n1\n")
    monkeypatch.setattr(csv_source, "MAX_BYTES", 5)
    for read in (lambda: sweeps.load(str(file)), lambda: sweeps.read_text("s.csv", "val_loss\n1\n")):
        with pytest.raises(DataError, match="at most 0 MB"):
            read()


def test_a_file_is_read_by_its_path_with_or_without_the_sources_name(tmp_path: Path) -> None:
    file = tmp_path / "my sweep.csv"
    file.write_text(WANDB, encoding="utf-8")
    assert sweeps.load(str(file)) == sweeps.load(f"csv:{file}") == sweeps.read_text("my sweep.csv", WANDB)
    assert sweeps.load(str(file), "batch_size").metrics == ("batch_size", "val_loss")


@pytest.mark.parametrize("path", ["nowhere.csv", "."])
def test_what_is_no_file_is_said(path: str) -> None:
    with pytest.raises(DataError, match="There is no file"):
        sweeps.load(path)

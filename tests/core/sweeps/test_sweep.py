import json
import math
from typing import Any

import pytest

from core import sweeps
from core.errors import DataError
from core.sweeps import Sweep
from core.types import Run


def run(id: str, metrics: dict[str, float], state: str = "finished", failed: bool = False, at: str = "", **params: Any) -> Run:
    return Run(id, f"name {id}", state, failed, params, metrics, at)


def sweep(*runs: Run) -> Sweep:
    params = tuple(dict.fromkeys(p for r in runs for p in r.params))
    return Sweep("s", runs, params, ("val_loss", "acc"))


RUNS = sweep(
    run("a", {"val_loss": 0.3, "acc": 0.9}, lr=1, opt="adam"),
    run("b", {"val_loss": 0.1, "acc": 0.5}, lr=2, opt="adam"),
    run("c", {"acc": 0.99}, failed=True, lr=3, opt="adam", extra=True),
    run("d", {"val_loss": 0.01}, "crashed", True, lr=4, opt="adam"),
)


def test_the_best_run_has_the_best_value_wherever_it_stands() -> None:
    for shift in range(4):
        turned = sweep(*RUNS.runs[shift:], *RUNS.runs[:shift])
        assert sweeps.best(turned, "val_loss").id == "b"  # type: ignore[union-attr]
        assert sweeps.best(turned, "val_loss", "higher").id == "a"  # type: ignore[union-attr]


def test_a_run_that_diverged_in_one_metric_may_be_the_best_in_another() -> None:
    assert sweeps.best(RUNS, "acc", "higher").id == "c"  # type: ignore[union-attr]


def test_a_crashed_run_is_best_only_where_no_other_has_a_value() -> None:
    assert sweeps.best(sweep(RUNS.runs[2], RUNS.runs[3]), "val_loss").id == "d"  # type: ignore[union-attr]


def test_among_equals_the_earlier_run_is_best() -> None:
    twins = sweep(run("x", {"val_loss": 1.0}, at="2026-02"), run("y", {"val_loss": 1.0}, at="2026-01"))
    assert sweeps.best(twins, "val_loss").id == "y"  # type: ignore[union-attr]


def test_no_value_no_best_run() -> None:
    assert sweeps.best(sweep(RUNS.runs[2]), "val_loss") is None
    assert sweeps.best(sweep(), "val_loss") is None


def test_an_unknown_metric_names_the_known_ones() -> None:
    for ask in (lambda: sweeps.best(RUNS, "fid"), lambda: sweeps.leading(RUNS, "fid"), lambda: sweeps.to_json(RUNS, "fid")):
        with pytest.raises(DataError, match="no metric named 'fid'; known: acc, val_loss"):
            ask()


def test_settings_that_differ_are_found_an_absent_one_included() -> None:
    assert sweeps.varying(RUNS) == ("lr", "extra")
    assert sweeps.varying(sweep(run("a", {}, x=1), run("b", {}, x=True))) == ("x",)
    assert sweeps.varying(sweep(run("a", {}, x=1))) == ()


def test_judging_by_another_metric_changes_who_failed() -> None:
    judged = sweeps.leading(RUNS, "acc")
    assert judged.metrics == ("acc", "val_loss")
    assert [r.failed for r in judged.runs] == [False, False, False, True]


def test_the_frame_is_tidy_with_numbers_as_numbers() -> None:
    frame = sweeps.frame(RUNS)
    assert list(frame) == ["run_id", "name", "state", "failed", "lr", "opt", "extra", "val_loss", "acc"]
    assert frame["failed"].tolist() == [False, False, True, True]
    assert frame["val_loss"].dtype == "float64" and frame["lr"].tolist() == [1, 2, 3, 4]
    assert math.isnan(frame["val_loss"][2])
    assert frame.sort_values("val_loss", na_position="last")["run_id"].tolist() == ["d", "b", "a", "c"]


def test_the_frame_of_no_runs_has_the_columns() -> None:
    assert list(sweeps.frame(sweep())) == ["run_id", "name", "state", "failed", "val_loss", "acc"]


def test_the_json_document_is_plain_and_names_the_best() -> None:
    document = sweeps.to_json(RUNS)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert list(document["rows"][0]) == ["run_id", "name", "state", "failed", "params", "metrics", "created_at", "url"]
    assert (document["metric"], document["better"], document["best"]["run_id"]) == ("val_loss", "lower", "b")
    assert document["rows"][2]["metrics"] == {"acc": 0.99}


def test_the_json_document_goes_by_the_metrics_own_direction() -> None:
    document = sweeps.to_json(RUNS, "acc")
    assert (document["better"], document["best"]["run_id"]) == ("higher", "c")
    assert sweeps.to_json(RUNS, "acc", "lower")["best"]["run_id"] == "b"


def test_the_sources_are_a_table() -> None:
    assert list(sweeps.SOURCES) == ["csv", "trainings"]
    assert all(s.name == name and s.label for name, s in sweeps.SOURCES.items())

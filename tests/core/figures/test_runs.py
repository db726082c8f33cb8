import json
import math
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from core import figures
from core.figures import style

NAN = math.nan


def frame(**columns: list[Any]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"run_id": [f"r{i}" for i in range(n)], "name": [f"run-{i}" for i in range(n)]} | columns)


RUNS = frame(
    failed=[False, False, True, False],
    lr=[1e-5, 1e-3, 1.0, 1e-4],
    opt=["sgd", "adam", "adam", None],
    flips=[True, False, True, True],
    val_loss=[0.3, 0.1, NAN, 0.2],
)
AXES = ["lr", "opt", "flips"]


def dimension(figure: go.Figure, label: str) -> dict[str, Any]:
    return next(d for d in figure.data[0].to_plotly_json()["dimensions"] if d["label"] == label)


def texts(d: dict[str, Any]) -> dict[str, float]:
    """Visible ticks by text."""
    return {t: v for t, v in zip(d["ticktext"], d["tickvals"], strict=True) if t.strip()}


def test_one_parcoords_with_the_metric_as_last_axis() -> None:
    figure, _ = figures.parallel(RUNS, AXES, "val_loss")
    assert [type(t) for t in figure.data] == [go.Parcoords]
    assert [d.label for d in figure.data[0].dimensions] == ["lr", "opt", "flips", "val_loss"]


def test_the_metric_may_stand_anywhere_among_the_axes() -> None:
    figure, _ = figures.parallel(RUNS, ["val_loss", "lr"], "val_loss")
    assert [d.label for d in figure.data[0].dimensions] == ["val_loss", "lr"]


def test_no_number_of_the_figure_is_missing() -> None:
    holes = frame(failed=[False, True, False], a=[NAN, 1.0, math.inf], b=[None, "x", None], val_loss=[NAN, NAN, 0.5])
    figure, _ = figures.parallel(holes, ["a", "b"], "val_loss")
    trace = figure.data[0]
    for d in trace.dimensions:
        assert np.isfinite(np.asarray(d["values"], float)).all() and np.isfinite(d["range"]).all(), d.label
    assert np.isfinite(np.asarray(trace.line.color, float)).all()
    assert "NaN" not in figure.to_json() and "Infinity" not in figure.to_json()


def test_failed_runs_lie_in_a_lane_below_the_values_with_a_tick_of_its_own() -> None:
    figure, _ = figures.parallel(RUNS, AXES, "val_loss")
    d = dimension(figure, "val_loss")
    lane = texts(d)["failed"]
    assert d["values"][2] == lane == d["range"][0]
    assert lane < 0.1
    np.testing.assert_allclose(np.delete(d["values"], 2), [0.3, 0.1, 0.2])


def test_a_missing_setting_lies_in_a_lane_called_missing() -> None:
    figure, _ = figures.parallel(RUNS, AXES, "val_loss")
    d = dimension(figure, "opt")
    assert d["values"][3] == texts(d)["missing"] < 0
    assert texts(d)["adam"] == 0 and texts(d)["sgd"] == 1


def test_failed_and_not_yet_measured_runs_have_lanes_apart() -> None:
    data = frame(failed=[True, False, False], a=[1, 2, 3], val_loss=[NAN, NAN, 0.5])
    d = dimension(figures.parallel(data, ["a"], "val_loss")[0], "val_loss")
    assert texts(d)["failed"] < texts(d)["missing"] < 0.5
    assert (d["values"][0], d["values"][1]) == (texts(d)["failed"], texts(d)["missing"])


def test_a_value_named_like_the_lane_stays_apart_from_it() -> None:
    data = frame(a=["missing", None, "x"], val_loss=[1.0, 2.0, 3.0])
    d = dimension(figures.parallel(data, ["a"], "val_loss")[0], "a")
    assert len(set(d["ticktext"])) == len(d["ticktext"])
    assert d["values"][1] == texts(d)["missing"] and d["values"][0] == texts(d)["missing (2)"]


def colour_of(figure: go.Figure, run: int) -> str:
    line = figure.data[0].line
    place = (line.color[run] - line.cmin) / (line.cmax - line.cmin)
    below = [c for s, c in line.colorscale if s <= place + 1e-12]
    return str(below[-1])


@pytest.mark.parametrize(("better", "best", "worst"), [("lower", 1, 0), ("higher", 0, 1)])
def test_the_best_run_is_blue_and_drawn_last_and_failed_ones_are_grey(better: str, best: int, worst: int) -> None:
    figure, _ = figures.parallel(RUNS, AXES, "val_loss", better=better)
    assert colour_of(figure, best) == figures.runs.POOR_TO_GOOD[-1]
    assert colour_of(figure, worst) == figures.runs.POOR_TO_GOOD[0]
    assert colour_of(figure, 2) == style.GREY
    colours = list(figure.data[0].line.color)
    assert colours[best] == max(colours) and colours[2] == min(colours)


def test_a_crashed_run_with_a_value_is_grey_at_its_value() -> None:
    data = frame(failed=[True, False, False], a=[1, 2, 3], val_loss=[0.01, 0.2, 0.5])
    figure, sentence = figures.parallel(data, ["a"], "val_loss")
    assert dimension(figure, "val_loss")["values"][0] == 0.01
    assert colour_of(figure, 0) == style.GREY
    assert "run-1 has the lowest val_loss, 0.2" in sentence


def test_an_axis_over_two_decades_is_logarithmic_with_ticks_in_plain_units() -> None:
    d = dimension(figures.parallel(RUNS, AXES, "val_loss")[0], "lr")
    np.testing.assert_allclose(d["values"], [-5, -3, 0, -4])
    assert texts(d) == {"1e-05": -5, "0.0001": -4, "0.001": -3, "1": 0}


def test_log_can_be_asked_for_and_refused() -> None:
    assert dimension(figures.parallel(RUNS, ["lr"], "val_loss", log=())[0], "lr")["values"][2] == 1.0
    d = dimension(figures.parallel(RUNS, ["lr"], "val_loss", log=("val_loss",))[0], "val_loss")
    np.testing.assert_allclose(np.delete(d["values"], 2), np.log10([0.3, 0.1, 0.2]))


def test_zero_forbids_a_log_axis() -> None:
    data = frame(wd=[0.0, 1e-6, 1.0], val_loss=[1.0, 2.0, 3.0])
    d = dimension(figures.parallel(data, ["wd"], "val_loss", log=("wd",))[0], "wd")
    np.testing.assert_array_equal(d["values"], [0.0, 1e-6, 1.0])


def test_an_inverted_axis_has_its_lowest_value_on_top() -> None:
    figure, _ = figures.parallel(RUNS, AXES, "val_loss", inverted=("lr",))
    assert list(dimension(figure, "lr")["range"]) == [0.0, -5.0]
    low, high = dimension(figure, "val_loss")["range"]
    assert low < high


def snapped(d: dict[str, Any]) -> list[tuple[float, float]]:
    """What Plotly makes of a range where there are tick texts: each end goes a quarter of the way to the next tick outside."""
    ticks, made = sorted(d["tickvals"]), []
    constraint = d["constraintrange"]
    for low, high in constraint if isinstance(constraint[0], list) else [constraint]:
        inside = [i for i, t in enumerate(ticks) if low <= t <= high]
        if inside:
            a, b = ticks[max(inside[0] - 1, 0)], ticks[min(inside[-1] + 1, len(ticks) - 1)]
            made.append((0.75 * ticks[inside[0]] + 0.25 * a, 0.75 * ticks[inside[-1]] + 0.25 * b))
    return made


@pytest.mark.parametrize("log", [(), ("a",)])
def test_a_range_selects_exactly_the_runs_inside_it_ends_included(log: tuple[str, ...]) -> None:
    values = np.random.default_rng(0).uniform(0.1, 1.0, 100)
    data = frame(a=values.tolist(), val_loss=[NAN, *range(99)])
    low, high = np.sort(values)[[20, 60]]
    d = dimension(figures.parallel(data, ["a"], "val_loss", log=log, ranges={"a": (low, high)})[0], "a")
    ((start, end),) = snapped(d)
    chosen = (np.asarray(d["values"]) >= start) & (np.asarray(d["values"]) <= end)
    np.testing.assert_array_equal(chosen, (values >= low) & (values <= high))


def test_chosen_categories_become_a_range_each() -> None:
    d = dimension(figures.parallel(RUNS, AXES, "val_loss", ranges={"opt": ["sgd", "unknown"], "flips": [True]})[0], "opt")
    assert d["constraintrange"] in ([0.75, 1.25], [[0.75, 1.25]])


def test_tick_texts_are_unique_whatever_the_values() -> None:
    data = frame(
        close=[0.123456781, 0.123456782, 0.12345679] * 10,
        many=[f"a-very-long-category-that-is-cut-{i}-here-at-its-end" for i in range(30)],
        val_loss=np.linspace(0.5, 0.50001, 30).tolist(),
    )
    figure, _ = figures.parallel(data, ["close", "many"], "val_loss")
    for label in ("close", "many", "val_loss"):
        d = dimension(figure, label)
        assert len(set(d["ticktext"])) == len(d["ticktext"]), label
        assert list(d["tickvals"]) == sorted(d["tickvals"]), label
        assert len(texts(d)) <= 21, label


def test_every_axis_is_marked_at_both_ends_of_its_values() -> None:
    data = frame(a=np.linspace(0.013, 0.987, 30).tolist(), val_loss=np.geomspace(2e-4, 0.3, 30).tolist())
    figure, _ = figures.parallel(data, ["a"], "val_loss")
    for label in ("a", "val_loss"):
        d = dimension(figure, label)
        marked = sorted(texts(d).values())
        assert (marked[0], marked[-1]) == (d["range"][0], d["range"][1])


def test_a_constant_axis_has_a_range_around_its_value() -> None:
    data = frame(zero=[0, 0], five=[5.0, 5.0], val_loss=[1.0, 1.0])
    figure, _ = figures.parallel(data, ["zero", "five"], "val_loss")
    for label, value in (("zero", 0), ("five", 5)):
        d = dimension(figure, label)
        assert d["range"][0] < value < d["range"][1]
        assert list(texts(d).values()) == [value]


def test_a_metric_without_settings_is_drawn_against_the_runs() -> None:
    figure, _ = figures.parallel(RUNS, [], "val_loss")
    assert [d.label for d in figure.data[0].dimensions] == ["run", "val_loss"]
    assert list(dimension(figure, "run")["values"]) == [1, 2, 3, 4]


def test_more_settings_than_plotly_draws_keep_the_metric() -> None:
    data = frame(**{f"p{i}": [1.0, 2.0] for i in range(80)}, val_loss=[1.0, 2.0])
    figure, _ = figures.parallel(data, [f"p{i}" for i in range(80)], "val_loss")
    labels = [d.label for d in figure.data[0].dimensions]
    assert len(labels) == 60 and labels[-1] == "val_loss"


def test_labels_lean_only_where_they_would_touch() -> None:
    assert figures.parallel(RUNS, ["lr"], "val_loss")[0].data[0].labelangle == 0
    long = RUNS.rename(columns={"lr": "learning_rate_of_all", "opt": "optimizer_of_all", "flips": "mirror_at_random"})
    names = ["learning_rate_of_all", "optimizer_of_all", "mirror_at_random"]
    assert figures.parallel(long.assign(x=1, y=2), [*names, "x", "y"], "val_loss")[0].data[0].labelangle != 0


def test_margins_leave_room_for_the_outer_labels() -> None:
    margin = figures.parallel(RUNS, AXES, "val_loss")[0].layout.margin
    assert (margin.l, margin.r, margin.t) == (90, 90, 60)


def test_the_sentence_names_the_best_run_its_settings_and_the_failures() -> None:
    assert figures.parallel(RUNS, AXES, "val_loss")[1] == (
        "Of 4 runs, run-1 has the lowest val_loss, 0.1 (lr 0.001, opt adam, flips false); 1 run failed."
    )
    assert figures.parallel(RUNS, ["opt"], "val_loss", better="higher")[1] == (
        "Of 4 runs, run-0 has the highest val_loss, 0.3 (opt sgd); 1 run failed."
    )


def test_a_sweep_in_which_all_failed_is_grey_and_says_so() -> None:
    data = frame(failed=[True, True], a=[1, 2], val_loss=[NAN, NAN])
    figure, sentence = figures.parallel(data, ["a"], "val_loss")
    assert [colour_of(figure, i) for i in (0, 1)] == [style.GREY, style.GREY]
    assert sentence == "None of 2 runs has a val_loss; 2 runs failed."


def test_no_runs_are_an_empty_figure() -> None:
    figure, sentence = figures.parallel(RUNS.iloc[:0], AXES, "val_loss")
    json.loads(figure.to_json())
    assert sentence == "None of 0 runs has a val_loss."

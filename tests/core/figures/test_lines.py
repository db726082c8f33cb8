import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from core import figures
from core.figures import style


def triangle(peak: int) -> np.ndarray:
    line = np.clip(60 - np.abs(np.arange(256) - peak), 0, None).astype(float)
    return line / line.sum()


def shares(*peaks: int) -> np.ndarray:
    return np.stack([triangle(p) for p in peaks])


def finite(figure: go.Figure) -> bool:
    return all(np.isfinite(np.asarray(axis, float)).all() for trace in figure.data for axis in (trace.x, trace.y))


def test_density_draws_a_panel_a_set_and_a_line_a_channel() -> None:
    sets = {"train": shares(60, 120, 190), "test": shares(70, 120, 190)}
    figure, _ = figures.density(sets)
    assert len(figure.data) == 6
    assert [t.name for t in figure.data[:3]] == ["red", "green", "blue"]
    np.testing.assert_array_equal(figure.data[3].y, sets["test"][0])
    np.testing.assert_array_equal(figure.data[0].x, np.arange(256))
    assert [a.text for a in figure.layout.annotations] == ["train", "test"]
    assert (figure.layout.xaxis2.matches, figure.layout.yaxis2.matches) == ("x", "y")
    assert finite(figure)


def test_channels_differ_by_dash_and_letter_not_by_colour_alone() -> None:
    figure, _ = figures.density({"train": shares(60, 120, 190)})
    assert len({t.line.dash for t in figure.data}) == 3
    letters = [[(i, t) for i, t in enumerate(trace.text) if t] for trace in figure.data]
    assert [found[0][1] for found in letters] == ["<b>R</b>", "<b>G</b>", "<b>B</b>"]
    places = [found[0][0] for found in letters]
    assert len({*places}) == 3
    # Each stands where its own line is the highest.
    for channel, place in enumerate(places):
        assert shares(60, 120, 190)[:, place].argmax() == channel


def test_letters_of_grey_images_stand_side_by_side() -> None:
    figure, _ = figures.density({"grey": shares(100, 100, 100)})
    places = [next(i for i, t in enumerate(trace.text) if t) for trace in figure.data]
    assert places == [64, 128, 192]


def test_signed_values_run_from_minus_one_to_one() -> None:
    figure, _ = figures.density({"a": shares(60, 120, 190)}, signed=True)
    assert (figure.data[0].x[0], figure.data[0].x[-1]) == (-1, 1)
    np.testing.assert_allclose(figure.data[0].x, np.arange(256) / 127.5 - 1)


@pytest.mark.parametrize("log", [False, True])
def test_the_density_axis_holds_every_positive_share(log: bool) -> None:
    sets = {"a": shares(60, 120, 190)}
    figure, _ = figures.density(sets, log=log)
    low, high = figure.layout.yaxis.range
    positive = sets["a"][sets["a"] > 0]
    assert (figure.layout.yaxis.type == "log") == log
    assert (low < np.log10(positive.min()) and high > np.log10(positive.max())) if log else (low == 0 and high > positive.max())
    assert finite(figure)


def test_the_sentence_names_the_largest_difference_between_sets() -> None:
    _, sentence = figures.density({"train": shares(60, 120, 190), "test": shares(60, 120, 150)})
    assert sentence.startswith("Colour densities of train and test; the largest difference is in blue between train and test:")
    a, b = np.cumsum(triangle(190)), np.cumsum(triangle(150))
    assert f"{np.abs(a - b).max():.1%} of the pixels" in sentence


def test_the_sentence_of_one_set_gives_its_mean_colours() -> None:
    _, sentence = figures.density({"petals": shares(60, 120, 190)})
    assert sentence == "Colour densities of petals; mean values: red 60, green 120 and blue 190."


def event(step: int, **numbers: Any) -> dict[str, Any]:
    return {"time": 0.0, "done": step, "total": 100, "note": "", **numbers}


EVENTS = [
    event(0),
    event(10, loss=1.0),
    event(20, loss=0.5, val_loss=0.6),
    event(30, loss=0.4, val_loss=0.5),
    event(40, val_loss=0.55),
]


def test_curves_draws_both_losses_against_the_step_on_a_log_axis() -> None:
    figure, sentence = figures.curves(EVENTS)
    training, validation, best = figure.data
    assert (list(training.x), list(training.y)) == ([10, 20, 30], [1.0, 0.5, 0.4])
    assert (list(validation.x), list(validation.y)) == ([20, 30, 40], [0.6, 0.5, 0.55])
    assert (list(best.x), list(best.y)) == ([30], [0.5])
    assert training.line.dash != validation.line.dash
    assert figure.layout.yaxis.type == "log"
    assert sentence == "The validation loss went from 0.6 to 0.55 by step 40; its lowest is 0.5 at step 30."


def test_a_loss_that_is_not_positive_gets_a_linear_axis() -> None:
    figure, _ = figures.curves([event(1, loss=0.5), event(2, loss=-0.5)])
    assert figure.layout.yaxis.type != "log"


def test_values_that_are_not_finite_are_counted_and_not_drawn() -> None:
    figure, sentence = figures.curves([*EVENTS, event(50, loss="nan"), event(60, loss=math.inf, val_loss=None)])
    assert finite(figure)
    assert sentence.endswith("; 3 values were not finite, the first at step 50.")


def test_no_loss_yet_is_an_empty_figure_that_says_so() -> None:
    figure, sentence = figures.curves([event(0), event(1)])
    assert len(figure.data) == 0
    assert sentence == "No loss has been reported yet."


def test_the_first_check_is_told_as_one_value() -> None:
    _, sentence = figures.curves(EVENTS[:3])
    assert sentence == "The validation loss is 0.6 at step 20."


def test_training_alone_is_told_too() -> None:
    _, sentence = figures.curves(EVENTS[:2] + [event(11, loss=0.9)])
    assert sentence == "The training loss went from 1 to 0.9 by step 11."


def test_figures_leave_background_and_text_colour_to_the_page() -> None:
    for figure, _ in (figures.density({"a": shares(60, 120, 190)}), figures.curves(EVENTS)):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == style.CLEAR
        assert figure.layout.font.color is None


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.2, 7.9), (1e-7, 3e-7), (0.123, 0.1234), (-5e9, 2e9)])
def test_nice_numbers_are_round_evenly_spaced_and_inside(low: float, high: float) -> None:
    marks = style.nice(low, high)
    steps = np.diff(marks)
    assert 3 <= len(marks) <= 12
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    assert marks[0] >= low - 1e-9 * (high - low) and marks[-1] <= high + 1e-9 * (high - low)
    assert float(f"{steps[0]:.3e}".split("e")[0]) in (1, 2, 5)


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert style.cut("abcdefghij", 7) == "abc…hij"
    assert style.cut("short", 7) == "short"

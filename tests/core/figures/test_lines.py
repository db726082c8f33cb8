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


def test_figures_leave_background_and_text_colour_to_the_page() -> None:
    figure, _ = figures.density({"a": shares(60, 120, 190)})
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


def test_overlaid_has_a_panel_a_channel_and_a_line_a_set_told_apart_by_colour_and_dash() -> None:
    sets = {"train": shares(60, 120, 190), "<b>test</b>": shares(60, 120, 150)}
    figure, sentence = figures.overlaid(sets, signed=True)
    assert len(figure.data) == 6 and [t.name for t in figure.data if t.showlegend] == ["train", "&lt;b&gt;test&lt;/b&gt;"]
    looks = {t.name: (t.line.color, t.line.dash) for t in figure.data}
    assert len({c for c, _ in looks.values()}) == len({d for _, d in looks.values()}) == 2
    assert (figure.data[5].y == sets["<b>test</b>"][2]).all() and figure.data[0].x[0] == -1
    assert sentence == figures.density(sets, signed=True)[1]


def test_a_second_set_stands_in_a_second_row() -> None:
    sets = {name: shares(60, 120, 190) for name in ("train, a", "test, a", "train, b", "test, b")}
    figure, _ = figures.density(sets, across=2)
    below = [t for t in figure.data if t.yaxis in ("y3", "y4")]
    assert len(below) == 6

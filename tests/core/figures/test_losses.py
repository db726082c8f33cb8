import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core import figures
from core.figures import losses, style


def event(step: int, **numbers: Any) -> dict[str, Any]:
    return {"time": 0.0, "done": step, "total": 100, "note": "", **numbers}


EVENTS = [
    event(0),
    event(10, loss=1.0),
    event(20, loss=0.5, val_loss=0.6),
    event(30, loss=0.4, val_loss=0.5),
    event(40, val_loss=0.55),
]


def drawn(figure: go.Figure, name: str) -> tuple[list[float], list[float]]:
    (trace,) = [t for t in figure.data if t.name == name]
    return list(trace.x), list(trace.y)


def noisy(steps: int) -> list[dict[str, Any]]:
    """A loss that falls as 1 / step and is off by 30 % up and down in turn."""
    return [event(s, loss=(1 + 0.3 * (-1) ** s) * (0.1 + 10 / s)) for s in range(1, steps + 1)]


def test_both_losses_stand_against_the_step_on_a_log_axis() -> None:
    figure, sentence = figures.curves(EVENTS)
    assert drawn(figure, "training") == ([10, 20, 30], [1.0, 0.5, 0.4])
    assert drawn(figure, "validation") == ([20, 30, 40], [0.6, 0.5, 0.55])
    assert drawn(figure, "best validation: 0.5") == ([30], [0.5])
    assert figure.layout.yaxis.type == "log" and "steps" in figure.layout.xaxis.title.text
    assert sentence == "The validation loss went from 0.6 to 0.55 by step 40; its lowest is 0.5 at step 30."


def test_many_values_are_faint_points_under_their_running_mean() -> None:
    events = noisy(1000)
    figure, _ = figures.curves(events)
    points, mean = figure.data
    assert points.mode == "markers" and points.marker.opacity < 0.5 and not points.showlegend
    x, y = np.array(mean.x[100:-20], float), np.array(mean.y[100:-20], float)
    np.testing.assert_allclose(y, 0.1 + 10 / x, rtol=0.05)


def test_the_running_mean_follows_the_fall_at_the_start() -> None:
    figure, _ = figures.curves(noisy(1000))
    assert figure.data[1].y[0] == float(f"{noisy(1)[0]['loss']:.5g}")


def test_a_long_training_is_drawn_with_few_points_that_reach_its_end() -> None:
    figure, _ = figures.curves(noisy(20_000))
    assert [len(t.x) for t in figure.data] == [losses.MOST, losses.MOST]
    assert figure.data[1].x[-1] == 20_000 and len(figure.to_json()) < 60_000


def test_the_lines_of_several_seeds_start_anew_and_do_not_touch() -> None:
    events = [event(s, loss=1.0 + s, val_loss=2.0 + s) for s in (5, 10, 15, 20)]
    figure, sentence = figures.curves(events, each=10)
    assert drawn(figure, "training") == ([5, 10, None, 5, 10], [6, 11, None, 16, 21])
    assert sentence == ("The validation loss of training 2 went from 17 to 22 by step 10; the lowest of all is 7 at step 5.")


def test_a_loss_that_is_not_positive_gets_a_linear_axis() -> None:
    figure, _ = figures.curves([event(1, loss=0.5), event(2, loss=-0.5)])
    assert figure.layout.yaxis.type != "log"


def test_values_that_are_not_finite_are_counted_and_not_drawn() -> None:
    figure, sentence = figures.curves([*EVENTS, event(50, loss="nan"), event(60, loss=math.inf, val_loss=None)])
    assert all(np.isfinite(np.asarray(axis, float)).all() for trace in figure.data for axis in (trace.x, trace.y))
    assert sentence.endswith("; 3 values were not finite, the first at step 50.")


def test_no_loss_yet_is_an_empty_figure_that_says_so() -> None:
    for events in ([], [event(0), event(1)]):
        figure, sentence = figures.curves(events)
        assert len(figure.data) == 0
        assert sentence == "No loss has been reported yet."


def test_the_first_check_is_told_as_one_value() -> None:
    _, sentence = figures.curves(EVENTS[:3])
    assert sentence == "The validation loss is 0.6 at step 20."


def test_training_alone_is_told_too() -> None:
    _, sentence = figures.curves(EVENTS[:2] + [event(11, loss=0.9)])
    assert sentence == "The training loss went from 1 to 0.9 by step 11."


def test_curves_leave_background_and_text_colour_to_the_page() -> None:
    figure, _ = figures.curves(EVENTS)
    assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == style.CLEAR
    assert figure.layout.font.color is None

import math
from typing import Any

import numpy as np
import pytest

from core import figures


def row(model: str, kid: float | None, evaluations: int | None, sampler: str = "", **more: Any) -> dict[str, Any]:
    own = {"model": model, "kind": "model", "sampler": sampler, "kid": kid, "kid_error": 0.01, "n": 2048, "terms": "t"}
    return own | {"network_evaluations": evaluations, "seconds_per_1000": None, "flagged": False} | more


ROWS = [
    row("ddpm", 0.12, 50, "ddim, 50 steps, leading, eta 0", seconds_per_1000=300.0),
    row("ddpm", 0.30, 5, "ddim, 5 steps, leading, eta 0", seconds_per_1000=30.0),
    row("ddpm", 0.14, 50, "dpm, 50 steps, leading", seconds_per_1000=310.0),
    row("vae", 0.24, 1),
    row("noise", 0.53, 0, kind="yardstick"),
]


def test_step_counts_of_one_model_and_sampler_are_one_line_from_cheap_to_dear() -> None:
    figure, _ = figures.cost(ROWS)
    lines = {t.name: (list(t.x), list(t.y)) for t in figure.data}
    assert lines["ddpm · ddim, leading, eta 0"] == ([5.0, 50.0], [0.30, 0.12])
    assert lines["ddpm · dpm, leading"] == ([50.0], [0.14]) and lines["vae"] == ([1.0], [0.24])
    assert figure.layout.xaxis.type == "log"


def test_errors_are_95_percent_intervals_inside_the_axis() -> None:
    figure, _ = figures.cost(ROWS)
    np.testing.assert_allclose(figure.data[0].error_y.array, 0.0196)
    low, high = figure.layout.yaxis.range
    assert low < 0 and high > 0.53 + 0.0196


def test_every_point_lies_within_the_cost_axis() -> None:
    figure, _ = figures.cost(ROWS)
    low, high = figure.layout.xaxis.range
    assert low < math.log10(1) and high > math.log10(50)


def test_a_yardstick_is_a_level_and_no_point() -> None:
    figure, _ = figures.cost(ROWS)
    (level,) = [t for t in figure.data if t.name == "noise"]
    assert list(level.y) == [0.53, 0.53] and level.line.dash == "dash" and not level.showlegend
    assert [a.text for a in figure.layout.annotations] == ["noise"]


def test_yardsticks_of_almost_one_value_share_a_label() -> None:
    near = [row("gauss", 0.530, 0, kind="yardstick"), row("copier", 0.001, 0, kind="yardstick")]
    figure, _ = figures.cost([*ROWS, *near])
    assert [a.text for a in figure.layout.annotations] == ["copier", "noise, gauss"]


def test_seconds_leave_out_what_was_not_timed_and_say_so() -> None:
    figure, sentence = figures.cost(ROWS, by="seconds_per_1000")
    assert sorted(x for t in figure.data if t.name != "noise" for x in t.x) == [30.0, 300.0, 310.0]
    assert sentence.endswith("; 1 row without a known cost left out.") and "0.12 for 300 s for 1,000 images" in sentence


def test_only_equal_terms_are_drawn_together() -> None:
    figure, sentence = figures.cost([*ROWS, row("other", 0.01, 10, terms="u")])
    assert "other" not in [t.name for t in figure.data] and "1 row measured under other terms left out" in sentence


def test_the_sentence_names_the_best_and_the_cheapest() -> None:
    _, sentence = figures.cost(ROWS, label="KID (Lite0)")
    assert sentence == (
        "Of 4 rows, ddpm · ddim, 50 steps, leading, eta 0 has the lowest KID (Lite0), 0.12 for 50 network evaluations an image; "
        "the cheapest is vae, 0.24 for 1 network evaluations an image."
    )


@pytest.mark.parametrize("rows", [[], [row("a", None, 5)], [row("a", float("nan"), 5)], ROWS[-1:]])
def test_nothing_to_draw_says_so(rows: list[dict[str, Any]]) -> None:
    _, sentence = figures.cost(rows)
    assert sentence.startswith("No model has both a KID and a known cost yet")


def test_a_copier_is_named_one() -> None:
    figure, _ = figures.cost([row("thief", 0.01, 50, flagged=True), *ROWS])
    assert any(t.name == "thief (copies training images)" for t in figure.data)


def test_the_numbers_of_a_figure_are_its_points() -> None:
    found = figures.points(figures.cost(ROWS[:1])[0])
    assert [(p["name"], p["x"], p["y"]) for p in found] == [("ddpm · ddim, 50 steps, leading, eta 0", 50.0, 0.12)]
    assert found[0]["half_interval"] == pytest.approx(0.0196)
    found = figures.points(figures.ranking(ROWS)[0])
    assert {(p["series"], p["name"], p["x"]) for p in found} >= {("yardstick", "noise", 0.53), ("model", "vae", 0.24)}
    assert figures.points(figures.curves([])[0]) == []

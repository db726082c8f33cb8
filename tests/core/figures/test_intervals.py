from typing import Any

import numpy as np

from core import figures


def row(model: str, kid: float | None, error: float | None = 0.01, kind: str = "model", **more: Any) -> dict[str, Any]:
    own = {"model": model, "kind": kind, "sampler": "", "kid": kid, "kid_error": error, "n": 2048, "terms": "t"}
    return own | {"kid_matched": None, "kid_matched_error": None, "n_matched": None, "terms_matched": None} | more


ROWS = [
    row("noise", 0.53, kind="yardstick"),
    row("vae", 0.24),
    row("ddpm", 0.12, sampler="ddim, 50 steps"),
    row("held-out", 0.0, kind="yardstick"),
]


def test_rows_are_sorted_with_the_lowest_on_top_and_intervals_of_1_96_errors() -> None:
    figure, _ = figures.ranking(ROWS)
    models, yardsticks = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["held-out", "ddpm<br>ddim, 50 steps", "vae", "noise"]
    assert (list(models.x), list(models.y)) == ([0.12, 0.24], [1, 2])
    assert (list(yardsticks.x), list(yardsticks.y)) == ([0.0, 0.53], [0, 3])
    np.testing.assert_allclose(models.error_x.array, 0.0196)
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # row 0 on top


def test_yardsticks_differ_by_shape_and_by_name() -> None:
    figure, _ = figures.ranking(ROWS)
    models, yardsticks = figure.data
    assert models.marker.symbol != yardsticks.marker.symbol
    assert (models.name, yardsticks.name) == ("model", "yardstick")


def test_the_axis_holds_every_interval() -> None:
    figure, _ = figures.ranking([row("a", -0.01, 0.02), row("b", 0.5, 0.1)])
    low, high = figure.layout.xaxis.range
    assert low < -0.01 - 1.96 * 0.02 and high > 0.5 + 1.96 * 0.1


def test_rows_of_other_terms_are_never_in_one_panel() -> None:
    figure, sentence = figures.ranking([*ROWS, row("folder", 0.01, terms="u")])
    assert {t.yaxis for t in figure.data} == {"y", "y2"}
    assert list(figure.layout.yaxis2.ticktext) == ["folder"]
    assert "folder" not in figure.layout.yaxis.ticktext
    assert sentence.endswith("; 1 row measured under other terms apart.")


def test_the_sentence_names_the_lowest_model_and_the_yardsticks() -> None:
    _, sentence = figures.ranking(ROWS, label="KID (Lite0)")
    assert sentence == (
        "Of 2 models, ddpm · ddim, 50 steps has the lowest KID (Lite0), 0.12 ± 0.0196; yardsticks: held-out 0, noise 0.53."
    )


def test_yardsticks_alone_are_a_figure_too() -> None:
    _, sentence = figures.ranking([ROWS[0]])
    assert sentence == "Yardsticks: noise 0.53."


def test_a_row_without_value_is_left_out_and_one_without_error_has_no_interval() -> None:
    figure, _ = figures.ranking([row("a", None), row("b", float("nan")), row("c", 0.2, None)])
    models = figure.data[0]
    assert list(models.x) == [0.2]
    assert list(models.error_x.array) == [0.0]
    assert "error unknown" in models.hovertext[0]


def test_nothing_measured_says_so() -> None:
    _, sentence = figures.ranking([])
    assert sentence == "No KID has been measured yet."


def test_a_name_with_tags_is_shown_as_it_is() -> None:
    figure, _ = figures.ranking([row("<b>x</b>", 0.1)])
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;x&lt;/b&gt;"]


def test_the_matched_metric_goes_by_its_own_terms_and_number() -> None:
    own = row("vae", 0.2, kid_matched=0.3, kid_matched_error=0.1, n_matched=432, terms_matched="m")
    held_out = row("held-out", None, None, "yardstick", kid_matched=0.01, n_matched=432, terms_matched="m")
    other = row("folder", 0.1, kid_matched=0.1, n_matched=300, terms_matched="o")
    figure, _ = figures.ranking([own, other, held_out], "kid_matched", "KID, matched n")
    assert list(figure.layout.yaxis.ticktext) == ["held-out", "vae"]
    assert figure.layout.xaxis.title.text == "KID, matched n, n = 432<br>95 % intervals; lower is better"
    np.testing.assert_allclose(figure.data[0].error_x.array, [0.196])


def test_a_copier_looks_unlike_everything_else_and_is_named() -> None:
    figure, sentence = figures.ranking([*ROWS, row("copycat", -0.01, kind="yardstick", flagged=True)])
    copier = figure.data[2]
    assert (copier.name, list(copier.x), copier.marker.symbol) == ("copies training images", [-0.01], "x")
    assert sentence.endswith("; copying training images: copycat.")


def test_of_very_many_rows_the_best_and_all_yardsticks_are_drawn() -> None:
    many = [row(f"m{i}", 0.1 + i / 1000) for i in range(300)]
    figure, sentence = figures.ranking([*many, row("noise", 9.0, kind="yardstick")])
    assert len(figure.data[0].x) == figures.intervals.MOST and list(figure.data[1].x) == [9.0]
    assert sentence.endswith("; 41 of 301 rows drawn.")


def test_of_very_many_groups_the_largest_are_drawn() -> None:
    figure, sentence = figures.ranking([row("a", 0.1), *(row(f"m{i}", 0.1, terms=str(i)) for i in range(30))])
    assert len({t.yaxis for t in figure.data}) == figures.intervals.PANELS
    assert sentence.endswith("; 30 rows measured under other terms apart.")

import numpy as np

from core import figures

VALUES = np.array([[0.0, 0.0], [1.0, -1.0], [3.0, 0.0], [0.5, 0.5]])
LABELS = np.array([0, 1, 1, 0])


def test_each_class_has_its_dots_with_a_shape_of_their_own() -> None:
    figure, _ = figures.codes(VALUES, LABELS, ("rose", "tulip"), 2.0)
    assert [t.name for t in figure.data] == ["rose", "tulip"]
    assert list(figure.data[1].x) == [1.0, 3.0] and list(figure.data[1].y) == [-1.0, 0.0]
    assert len({t.marker.symbol for t in figure.data}) == len({t.marker.color for t in figure.data}) == 2


def test_more_classes_than_can_be_told_apart_are_drawn_alike() -> None:
    figure, _ = figures.codes(VALUES, LABELS, tuple("abcdefg"), 2.0)
    assert len(figure.data) == 1 and len(figure.data[0].x) == 4
    assert len(figures.codes(VALUES, None, (), 2.0)[0].data) == 1


def test_the_square_is_as_large_as_what_is_decoded_and_the_sentence_counts_what_lies_in_it() -> None:
    figure, says = figures.codes(VALUES, None, (), 2.0)
    square = figure.layout.shapes[0]
    assert (square.x0, square.x1, square.y0, square.y1) == (-2, 2, -2, 2)
    assert "4 validation images; 75% of them lie within" in says


def test_one_more_image_is_a_star_of_which_the_sentence_says_where_it_lies() -> None:
    figure, says = figures.codes(VALUES, LABELS, ("rose", "tulip"), 2.0, np.array([4.0, 1.0]))
    assert figure.data[-1].marker.symbol == "star" and list(figure.data[-1].x) == [4.0]
    assert "4.00 and 1.00, lies outside it" in says
    assert "lies inside it" in figures.codes(VALUES, None, (), 2.0, np.array([1.0, 1.0]))[1]


def test_a_class_called_like_a_tag_stays_its_name() -> None:
    figure, _ = figures.codes(VALUES, LABELS, ("<b>x</b>", "tulip"), 2.0)
    assert figure.data[0].name == "&lt;b&gt;x&lt;/b&gt;"

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from unroll.reports import figures
from unroll.reports.figures import Line, Panel

WORDS = ("one", "two", "seven")


def spikes(symbols: list[int], steps: int = 60) -> np.ndarray:
    """Probabilities (steps, 4) with a peak of 0.9 for each symbol, evenly spread; symbol 0 takes the rest."""
    probabilities = np.zeros((steps, 4), np.float32)
    for step, symbol in zip(np.linspace(1, steps - 2, len(symbols)).astype(int), symbols, strict=True):
        probabilities[step, symbol], probabilities[step + 1, symbol] = 0.9, 0.6
    probabilities[:, 0] = 1 - probabilities[:, 1:].sum(1)
    return probabilities


def draw_all(to) -> None:
    curve = Line("gru", [1.0, 2.0], [0.5, 0.25])
    figures.lines(to[0], [Panel("loss", "loss", [curve])], "seconds")
    figures.bars(to[1], ["a", "b"], [0.1, 0.2], "word_error_rate")
    figures.heatmap(to[2], np.array([[9, 1], [0, 7]]), ["a", "b"], ["a", "b"], "said", "heard")
    figures.sequence(to[3], np.eye(60, 13), 0.01, "coefficient", spikes([1, 2]), 0.01, WORDS)


def test_the_same_input_gives_the_same_bytes(tmp_path):
    first, second = [io.BytesIO() for _ in range(4)], [tmp_path / f"{i}.png" for i in range(4)]
    draw_all(first)
    draw_all(second)
    assert [picture.getvalue() for picture in first] == [path.read_bytes() for path in second]
    for path in second:
        with Image.open(path) as image:
            assert image.size[0] == round(5.6 * 140)
            assert "Software" not in image.info


def test_the_users_own_style_changes_nothing():
    import matplotlib

    pictures = [[io.BytesIO() for _ in range(4)] for _ in range(2)]
    draw_all(pictures[0])
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        draw_all(pictures[1])
    assert [p.getvalue() for p in pictures[0]] == [p.getvalue() for p in pictures[1]]


def test_bars_are_written_in_the_unit_of_their_metric(drawn):
    figures.bars(io.BytesIO(), ["theo", "lucas"], [0.032, 0.25], "word_error_rate")
    (axes,) = drawn[0].axes
    assert [text.get_text() for text in axes.texts] == ["3.2 %", "25.0 %"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["theo", "lucas"]
    assert axes.yaxis_inverted()


def test_heatmap_writes_counts_but_no_zeros(drawn):
    figures.heatmap(io.BytesIO(), np.array([[90, 1, 0], [0, 0, 0]]), ["a", "b"], ["a", "b", "c"], "said", "heard")
    (axes,) = drawn[0].axes
    assert [(text.get_position(), text.get_text()) for text in axes.texts] == [((0, 0), "90"), ((1, 0), "1")]


def test_lines_of_one_label_share_colour_and_entry(drawn):
    folds = [Line("gru", [1, 2], [4.0, y], thin=True) for y in (1.0, 2.0)]
    figures.lines(io.BytesIO(), [Panel("loss", "loss", [*folds, Line("rnn", [1, 2], [3.0, 2.0])])], "seconds")
    curves = drawn[0].axes[0].get_lines()
    assert curves[0].get_color() == curves[1].get_color() != curves[2].get_color()
    assert curves[0].get_linewidth() < curves[2].get_linewidth()
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["gru", "rnn"]


def test_many_lines_stay_apart(drawn):
    many = [Line(str(i), [0, 1], [i, i]) for i in range(14)]
    figures.lines(io.BytesIO(), [Panel("loss", "loss", many)], "seconds")
    assert len({(line.get_color(), line.get_linestyle()) for line in drawn[0].axes[0].get_lines()}) == 14


@pytest.mark.parametrize("low", [0.0, 0.01])
def test_a_logarithmic_axis_bears_zeros(drawn, low):
    panel = Panel("errors", "word_error_rate", [Line("a", [1, 2, 3], [1.0, 0.1, low])], logarithmic=True)
    figures.lines(io.BytesIO(), [panel], "seconds")
    assert drawn[0].axes[0].get_yscale() == "log"
    assert "50 %" in [text.get_text() for text in drawn[0].axes[0].get_yticklabels()]


def test_only_zeros_stay_on_a_linear_axis(drawn):
    figures.lines(io.BytesIO(), [Panel("errors", "loss", [Line("a", [1, 2], [0.0, 0.0])], logarithmic=True)], "seconds")
    assert drawn[0].axes[0].get_yscale() == "linear"


def test_sequence_labels_symbols_at_their_peaks(drawn):
    probabilities = spikes([1, 3, 3], steps=50)
    figures.sequence(io.BytesIO(), np.eye(100, 13), 0.01, "coefficient", probabilities, 0.02, WORDS)
    above, below = drawn[0].axes
    labels = [(text.get_text(), round(text.get_position()[0], 3)) for text in below.texts]
    assert labels == [("one", 0.03), ("seven", 0.49), ("seven", 0.97)]
    assert above.get_xlim() == below.get_xlim() == (0, 1.0)


@pytest.mark.parametrize("count", [1, 7, 25])
def test_sequence_labels_never_touch(drawn, count):
    figures.sequence(
        io.BytesIO(), np.eye(60, 13), 0.01, "coefficient", spikes([3, 1] * (count // 2) + [2]), 0.01, WORDS
    )
    boxes = [text.get_window_extent() for text in drawn[0].axes[1].texts]
    assert len(boxes) == count
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def test_sequence_of_silence_has_no_labels(drawn):
    figures.sequence(io.BytesIO(), np.zeros((60, 13)), 0.01, "coefficient", spikes([]), 0.01, WORDS)
    assert not drawn[0].axes[1].texts


def test_dollars_are_no_mathematics(drawn):
    figures.bars(io.BytesIO(), ["$x_1$", "$"], [1.0, 2.0], "loss")
    assert drawn[0].axes[0].get_yticklabels()[0].get_text() == "$x_1$"

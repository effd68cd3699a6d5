import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Polygon, Rectangle
from PIL import Image

from unroll.reports import charts
from unroll.reports.charts import Arrow, Note, Span
from unroll.reports.style import COLOURS, GREY

HOURS = np.datetime64("2014-12-01T00", "s") + np.arange(72) * np.timedelta64(1, "h")
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
WAVE = 50 + 10 * np.sin(np.arange(72) / 24 * 2 * np.pi)
QUANTILES = WAVE[48:, None] + np.array([-4.0, -2, 0, 2, 4])
SPANS = [Span(HOURS[9], HOURS[10], "spike"), Span(HOURS[30], HOURS[40], "stuck"), Span(HOURS[50], HOURS[51], "spike")]
GENES = [Arrow(100, 400, 1, "thrA"), Arrow(450, 500, -1, "too long a name"), Arrow(900, 1500, -1, "thrB")]
MOTIF = np.array([[1.0, 0.5, 0, 0], [0, 0, 0, 2.0]])


def draw_all(to) -> None:
    charts.fan(to[0], HOURS[:48], WAVE[:48], HOURS[48:], WAVE[48:], LEVELS, QUANTILES, "MW")
    charts.calibration(to[1], {"lstm": (LEVELS, (0.12, 0.3, 0.5, 0.7, 0.85))})
    charts.profile(to[2], range(24), {"lstm": WAVE[:24], "naive": WAVE[24:48] + 2}, "hour", "mae")
    charts.timeline(to[3], HOURS, WAVE, np.abs(WAVE - 50), 4.0, SPANS)
    charts.strip(to[4], 0, 1000, {"annotation": GENES, "lstm": GENES[:1]})
    charts.states(to[5], "MKV" * 40, {"true": "HHL" * 40, "predicted": "HEL" * 40})
    charts.logo(to[6], {"bits": MOTIF, "scores": -MOTIF}, "ACGT", -2)


def draw_nothing(to) -> None:
    charts.fan(to[0], HOURS[:0], WAVE[:0], HOURS[:0], None, LEVELS, QUANTILES[:0], "")
    charts.calibration(to[1], {})
    charts.profile(to[2], [], {"lstm": np.zeros(0)}, "hour", "mae")
    charts.timeline(to[3], HOURS[:0], WAVE[:0], WAVE[:0], 4.0, [])
    charts.strip(to[4], 0, 1000, {"annotation": []})
    charts.states(to[5], "", {"true": ""})
    charts.logo(to[6], {"bits": MOTIF[:0]}, "ACGT", 1)


def draw_one(to) -> None:
    charts.fan(to[0], HOURS[:1], WAVE[:1], HOURS[1:2], WAVE[1:2], LEVELS, QUANTILES[:1], "MW")
    charts.calibration(to[1], {"lstm": (LEVELS[:1], (0.2,))})
    charts.profile(to[2], [1], {"lstm": WAVE[:1]}, "horizon", "mae")
    charts.timeline(to[3], HOURS[:1], WAVE[:1], WAVE[:1], 4.0, [])
    charts.strip(to[4], 0, 1, {"annotation": [Arrow(0, 1, -1, "")]})
    charts.states(to[5], "M", {"true": "L"})
    charts.logo(to[6], {"bits": MOTIF[:1]}, "ACGT", 1)


def draw_gaps(to) -> None:
    gaps = np.where(np.arange(72) % 5 == 0, np.nan, WAVE)
    nothing = np.full((24, 5), np.nan)
    charts.fan(to[0], HOURS[:48], gaps[:48], HOURS[48:], gaps[48:], LEVELS, nothing, "MW")
    charts.calibration(to[1], {"lstm": (LEVELS, (np.nan,) * 5)})
    charts.profile(to[2], range(24), {"lstm": gaps[:24], "none": nothing[:, 0]}, "hour", "mae")
    charts.timeline(to[3], HOURS, gaps, gaps, 4.0, SPANS)
    charts.strip(to[4], 0, 1000, {"annotation": GENES})
    charts.states(to[5], "MKV", {"true": "- H"})
    charts.logo(to[6], {"scores": np.full((2, 4), np.nan)}, "ACGT", 1)


@pytest.mark.parametrize("draw", [draw_all, draw_nothing, draw_one, draw_gaps])
def test_the_same_input_gives_the_same_bytes(tmp_path, draw):
    first, second = [io.BytesIO() for _ in range(7)], [tmp_path / f"{i}.png" for i in range(7)]
    draw(first)
    draw(second)
    assert [picture.getvalue() for picture in first] == [path.read_bytes() for path in second]
    for path in second:
        with Image.open(path) as image:
            assert image.size[0] == round(5.6 * 140)


def test_fan_draws_the_bands_whose_levels_it_has(drawn):
    future, to = HOURS[48:], io.BytesIO()
    charts.fan(to, HOURS[:48], WAVE[:48], future, WAVE[48:], LEVELS, QUANTILES, "MW")
    charts.fan(to, HOURS[:48], WAVE[:48], future, None, (0.25, 0.5, 0.75), QUANTILES[:, 1:4], "MW")
    labels = [[text.get_text() for text in figure.legends[0].get_texts()] for figure in drawn]
    assert labels == [["80 % interval", "50 % interval", "median", "truth"], ["50 % interval", "median"]]


def test_fan_starts_where_the_past_ends(drawn):
    charts.fan(io.BytesIO(), HOURS[:48], WAVE[:48], HOURS[48:], None, LEVELS, QUANTILES, "MW")
    past, median = drawn[0].axes[0].get_lines()
    assert median.get_ydata()[0] == past.get_ydata()[-1] == WAVE[47]
    assert median.get_ydata()[1:] == pytest.approx(QUANTILES[:, 2])


def test_calibration_is_square_and_knows_the_ideal(drawn):
    charts.calibration(io.BytesIO(), {"lstm": (LEVELS, LEVELS)})
    drawn[0].draw_without_rendering()
    (axes,) = drawn[0].axes
    box = axes.get_window_extent()
    assert box.width == pytest.approx(box.height)
    assert axes.get_lines()[0].get_xydata().tolist() == [[0, 0], [1, 1]]


def test_timeline_shades_spans_by_kind_and_cuts_the_score(drawn):
    charts.timeline(io.BytesIO(), HOURS, WAVE, np.where(np.arange(72) == 9, 900.0, 1.0), 4.0, SPANS)
    above, below = drawn[0].axes
    shades = [[to_hex(patch.get_facecolor()) for patch in axes.patches] for axes in (above, below)]
    assert shades[0] == shades[1] == [COLOURS[1].lower(), COLOURS[2].lower(), COLOURS[1].lower()]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["spike", "stuck"]
    assert max(below.get_lines()[0].get_ydata()) == 16
    assert below.get_lines()[1].get_ydata()[0] == 4


def test_strip_points_with_the_strand_and_labels_what_has_room(drawn):
    charts.strip(io.BytesIO(), 0, 1000, {"annotation": GENES, "lstm": [Arrow(2000, 2300, 1, "out of sight")]})
    (axes,) = drawn[0].axes
    forward, *reverse = [patch.get_xy() for patch in axes.patches if isinstance(patch, Polygon)]
    assert len(reverse) == 2
    assert forward[:, 1].max() < 0 < reverse[0][:, 1].min()  # the axis of tracks runs down
    assert forward[2][0] == 400
    assert reverse[0][2][0] == 450
    assert [text.get_text() for text in axes.texts] == ["thrA"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["annotation", "lstm"]


def test_states_are_blocks_in_lines_of_fifty(drawn):
    charts.states(io.BytesIO(), "M" * 60, {"true": "H" * 55 + "--" + "E?L"})
    (axes,) = drawn[0].axes
    blocks = [path.get_extents() for collection in axes.collections for path in collection.get_paths()]
    colours = [to_hex(collection.get_facecolor()[0]) for collection in axes.collections]
    assert [(box.x0, box.x1) for box in blocks] == [(0, 50), (0, 5), (7, 8), (8, 9), (9, 10)]
    assert colours == ["#d55e00", "#d55e00", "#0072b2", GREY, "#e4e4e4"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["1", "true", "51", "true"]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["H α-helix", "E strand", "L loop"]


@pytest.mark.parametrize("side", [1, -1])
def test_logo_stacks_letters_away_from_the_axis(drawn, side):
    charts.logo(io.BytesIO(), {"bits": side * MOTIF}, "ACGT", -2)
    (axes,) = drawn[0].axes
    boxes = [patch.get_path().get_extents() for patch in axes.patches if isinstance(patch, PathPatch)]
    tips = [tuple(sorted((abs(box.y0), abs(box.y1)))) for box in boxes]
    assert tips == [pytest.approx(ends) for ends in [(0, 0.5), (0.5, 1.5), (0, 2)]]
    assert [round((box.x0 + box.x1) / 2, 6) for box in boxes] == [-2, -2, -1]
    assert all(side * (box.y0 + box.y1) > 0 for box in boxes)


def test_logo_draws_no_letters_without_height(drawn):
    charts.logo(io.BytesIO(), {"bits": np.zeros((3, 4))}, "ACGT", 1)
    assert not [patch for patch in drawn[0].axes[0].patches if not isinstance(patch, Rectangle)]


@pytest.mark.parametrize(("target", "source"), [(3, 4), (1, 1), (40, 2), (2, 40)])
def test_attention_is_the_same_bytes_for_any_size(target, source):
    weights = np.full((target, source), 1 / source)
    first, second = io.BytesIO(), io.BytesIO()
    for to in (first, second):
        charts.attention(to, ["a b"] * source, ["é"] * target, weights)
    assert first.getvalue() == second.getvalue()
    with Image.open(second) as image:
        assert image.size[0] == round(5.6 * 140)


def test_attention_has_a_row_for_each_symbol_written(drawn):
    charts.attention(
        io.BytesIO(), ["Copy\t", " it", "■"], ["Copier" * 9, "■"], np.array([[0.7, 0.2, 0.1], [0, 0.1, 0.9]])
    )
    (axes,) = drawn[0].axes
    assert axes.images[0].get_array().tolist() == [[0.7, 0.2, 0.1], [0, 0.1, 0.9]]
    assert axes.images[0].get_clim() == (0, 1)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Copy\ufffd", "␣it", "■"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["CopierCopierCopi", "■"]


@pytest.mark.parametrize("notes", [[], [Note(0, 60, 0, 1)], [Note(0, 60, 0, 2), Note(1, 48, 0, 4)]])
def test_piano_roll_is_the_same_bytes_for_any_music(notes):
    first, second = io.BytesIO(), io.BytesIO()
    for to in (first, second):
        charts.piano_roll(to, notes, max([note.stop for note in notes], default=0), ["upper", "lower"], [0])
    assert first.getvalue() == second.getvalue()
    with Image.open(second) as image:
        assert image.size[0] == round(5.6 * 140)


def test_piano_roll_draws_notes_as_long_as_they_sound(drawn):
    notes = [Note(0, 60, 0, 2), Note(0, 62, 2, 3), Note(0, 60, 4, 5), Note(1, 48, 1, 4), Note(1, 55, 4, 5)]
    charts.piano_roll(io.BytesIO(), notes, 5, ["upper", "lower"], [0, 4])
    (axes,) = drawn[0].axes
    boxes = [path.get_extents() for collection in axes.collections for path in collection.get_paths()]
    colours = [to_hex(collection.get_facecolor()[0]) for collection in axes.collections]
    found = [(box.x0, box.x1, (box.y0 + box.y1) / 2) for box in boxes]
    assert found == [(1, 4, 48), (4, 5, 55), (0, 2, 60), (2, 3, 62), (4, 5, 60)]  # the upper voice on top
    assert colours == [COLOURS[1].lower()] * 2 + [COLOURS[0].lower()] * 3
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["C3", "C4"]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["upper", "lower"]


def test_piano_roll_numbers_few_of_many_bars(drawn):
    charts.piano_roll(io.BytesIO(), [Note(0, 60, 0, 300)], 300, ["melody"], list(range(0, 300, 10)))
    labels = [label.get_text() for label in drawn[0].axes[0].get_xticklabels()]
    assert labels == ["1", "4", "7", "10", "13", "16", "19", "22", "25", "28"]

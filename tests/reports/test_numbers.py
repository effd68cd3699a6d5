import math

import pytest

from unroll.reports import numbers


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("word_error_rate", 0.0316, "3.2 %"),
        ("word_error_rate", 0.0094, "0.94 %"),
        ("word_error_rate", 0.00996, "1.0 %"),
        ("word_error_rate", 0.0, "0.0 %"),
        ("word_error_rate", 1.25, "125.0 %"),
        ("macro_f1", 0.6, "60.0 %"),
        ("nats_per_step", 1.8349, "1.83"),
        ("mean_absolute_error", 83.45, "83.5"),
        ("mean_absolute_error", 0.00012345, "0.000123"),
        ("mean_absolute_error", 12345.6, "12,300"),
        ("nats", -0.25, "-0.250"),
        ("nats", 0.0, "0"),
        ("sentences", 1000, "1,000"),
        ("loss", math.nan, "–"),
        ("word_error_rate", math.inf, "–"),
    ],
)
def test_score(name, value, written):
    assert numbers.score(name, value) == written


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0"), (999, "999"), (1000, "1.0 k"), (9949, "9.9 k"), (9951, "10 k"), (412_345, "412 k"),
     (999_499, "999 k"), (999_500, "1.0 M"), (12_345_678, "12 M")],
)  # fmt: skip
def test_count(number, written):
    assert numbers.count(number) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.04, "0.0 s"), (4.25, "4.2 s"), (9.96, "10 s"), (59.4, "59 s"), (59.5, "1 min 00 s"), (200, "3 min 20 s"),
     (3599.6, "1 h 00 min"), (3900, "1 h 05 min")],
)  # fmt: skip
def test_duration(seconds, written):
    assert numbers.duration(seconds) == written


@pytest.mark.parametrize(
    ("unit", "seconds", "written"),
    [("audio_second", 0.004, "250 × real time"), ("audio_second", 2.0, "0.50 × real time"),
     ("line", 0.0021, "2.1 ms / line"), ("test_day", 3.0, "3.0 s / test day"), ("base", 1.3e-6, "1.3 µs / base"),
     ("base", 2e-8, "0.020 µs / base"), ("base", 0.0, "–")],
)  # fmt: skip
def test_speed(unit, seconds, written):
    assert numbers.speed(unit, seconds) == written


def test_labels_are_words():
    assert numbers.label("word_error_rate") == "Word error rate"
    assert numbers.label("strand_base_f1") == "Strand base F1"
    assert numbers.label("bleu") == "BLEU"

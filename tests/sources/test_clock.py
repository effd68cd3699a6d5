import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources.clock import CLOCKS, bar_lines, bar_sixteenths, clock_of, ends_bar, with_end


def test_literally():
    assert clock_of("2/4", 9).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 0]
    assert clock_of("3/4", 3).tolist() == [8, 9, 10]
    assert clock_of("4/4", 6, upbeat=4).tolist() == [32, 33, 34, 35, 20, 21]
    assert clock_of("5/8", 11).tolist() == [69, 68, 67, 66, 65, 64, 63, 62, 61, 60, 69]
    assert clock_of("5/4", 6).tolist() == [75, 75, 75, 75, 75, 74]


@pytest.mark.parametrize(
    ("metre", "length"), [("2/4", 8), ("6/8", 12), ("4/4", 16), ("3/2", 24), ("5/4", 20), ("1/16", 1)]
)
@pytest.mark.parametrize("bars", [1, 3])
def test_bar_lines_stand_where_the_metre_has_them(metre, length, bars):
    assert bar_sixteenths(metre) == length
    upbeat = length // 4
    clock = clock_of(metre, upbeat + bars * length, upbeat)
    assert clock.dtype == np.int32
    assert clock.min() >= 0
    assert clock.max() < CLOCKS
    assert np.flatnonzero(ends_bar(clock)).tolist() == [
        upbeat + bar * length - 1 for bar in range(bars + 1) if upbeat + bar
    ]
    assert bar_lines(clock) == sorted({0, *(upbeat + bar * length for bar in range(bars + 1))})


@pytest.mark.parametrize("metre", ["2/4", "3/4", "6/8", "4/4", "3/2", "12/8"])
def test_at_the_end_the_clock_goes_on(metre):
    longer = clock_of(metre, 50, upbeat=3)
    for steps in range(1, 50):
        found = with_end(longer[:steps])
        assert found.dtype == np.int32
        assert found.tolist() == longer[: steps + 1].tolist()


def test_the_end_in_a_bar_of_another_length():
    longer = clock_of("5/8", 10)
    for steps in range(1, 10):
        assert with_end(longer[:steps]).tolist() == longer[: steps + 1].tolist()
    # Behind the bar line the next one may be anywhere.
    assert with_end(longer).tolist() == [69, 68, 67, 66, 65, 64, 63, 62, 61, 60, 75]


def test_an_unfinished_bar_ends_with_the_piece():
    assert bar_lines(clock_of("2/4", 11)) == [0, 8, 11]


@pytest.mark.parametrize("metre", ["none", "4", "0/4", "4/0", "3/64", "9/1", "-3/4", "a/b"])
def test_what_is_no_metre_is_refused(metre):
    with pytest.raises(UserError, match=f"^metre {metre}: expected one such as 4/4"):
        bar_sixteenths(metre)

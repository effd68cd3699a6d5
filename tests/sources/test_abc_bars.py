import random
import string
from fractions import Fraction

import pytest

from unroll.sources import abc
from unroll.sources.abc_bars import bars, inner_bars

EIGHTH = Fraction(1, 8)


def bar_lengths(text: str) -> list[Fraction]:
    return [bar.length for bar in bars(text)]


def eighths(body: str, head: str = "M:4/4\nL:1/8\nK:C\n") -> list[Fraction]:
    return [length / EIGHTH for length in bar_lengths(head + body)]


@pytest.mark.parametrize(
    ("body", "lengths"),
    [
        ("CDEF GABc|", [8]),
        ("C2D/2E/F//G3/2z2x|", ["7.75"]),
        ("^C_D=E^^F__G,c'|", [6]),
        ("A>B c<d|", [4]),
        ("A>>B|", [2]),
        ("A >B|A2<B2|", [2, 4]),
        ("(3ABc (3A2B2c2|", [6]),
        ("(3:2:2A2B c|", [3]),
        ("(5ABcde|", [2]),
        ("[CEG]2 [C2E2]3[|", [8]),
        ("{ab}c2{/d}e|", [3]),
        ('"Am7 x/2"c !trill!d|', [2]),
        ("c2-|c2 ~d|", [2, 3]),
        ("C|D|]E||F|:G:|A::B:|2c", [1] * 8),
        ("|: C2 :|[1 D2 :|[2 E2 |]", [2, 2, 2]),
        ("C|1 D:|2 E|", [1, 1, 1]),
        ("Z|z2|Z2|", [8, 2, 16]),
        ("C2[L:1/4]C2|", [6]),
        ("C2\nL:1/16\nC2|", [3]),
        ("C2 % D2|\nE|", [3]),
        ("w:ABC|abc|\nc:|", [1]),
        ("", []),
        ("|||  ::", []),
    ],
)
def test_literally(body, lengths):
    assert eighths(body) == [Fraction(length) for length in lengths]


def test_a_tuplet_of_five_depends_on_the_metre():
    assert eighths("(5ABcde|", "M:6/8\nL:1/8\nK:C\n") == [3]


def test_without_a_unit_it_is_by_the_metre():
    assert bar_lengths("M:2/4\nK:C\nCD|") == [Fraction(1, 8)]
    assert bar_lengths("K:C\nCD|") == [Fraction(1, 4)]


def test_a_full_bar_ends_with_its_line():
    assert eighths("C4 | D4E4\nF8 | G2\nA6 |") == [4, 8, 8, 8]


def test_metre_changes_are_followed():
    found = bars("M:4/4\nL:1/4\nK:C\nCDEF|[M:3/4]CDE|CDE|]")
    assert [bar.metre for bar in found] == [1, Fraction(3, 4), Fraction(3, 4)]
    assert [bar.inner for bar in found] == [False, True, False]


def test_inner_bars_leave_out_upbeats():
    # An upbeat, five inner bars of which the third is too long, and bars beside repeats and at the end.
    tune = "M:2/4\nL:1/8\nK:G\nG|ABcd|ABcd|ABcde|ABcd|ABcd|ABc:|:G|ABcd|]"
    assert inner_bars(tune) == (4, 5)
    assert inner_bars(tune.replace("M:2/4", "M:none")) == (0, 0)


def test_any_text_is_read():
    rng = random.Random(0)
    letters = "ABCDEFGabcdefgzxZ|:[]()<>{}/-,'^_=\"!%0123456789 \nMLK" + string.punctuation + "é\0"
    for size in (0, 1, 10, 100, 2000):
        for _ in range(20):
            found = bar_lengths("".join(rng.choices(letters, k=size)))
            assert all(length > 0 for length in found)
    assert bar_lengths("[" * 5000 + "(" * 5000 + "{" * 5000 + "<" * 5000 + "9" * 5000 + "/" * 5000) == []
    for signs in ("[K:", "^", "{", "[", "(", ":", '"'):
        assert bar_lengths(signs * 50_000) == []
        assert eighths(signs * 50_000 + "\nA|") == [1]
    assert bar_lengths("A" + "9" * 5000)[0] == 999 * EIGHTH
    assert bar_lengths("M:0/0\nL:1/0\nA/0|") != []


TUNES = [
    "M:2/4\nL:1/16\nK:Gm\nG3-A (Bcd=e) | f4 (g2dB) | ({d}c3-B) G2-E2 | F4 (D2=E^F) |\nG3-A (3Bcd e2 | f4 d2-f2 ||",
    "M:4/4\nL:1/8\nK:Am\ne|(c<A)(A>B) (c<A) (A>f) | (c<A)A>B (c<A)A>B:|\n(a/b/)|(c'<a)(a>b) (c'<a)(a>e')|[Ac]2 z6|]",
    "M:6/8\nL:1/8\nK:D\nA|d2f afd|B>cd (2AF|{cd}e3 d2:|",
]


@pytest.mark.parametrize("text", TUNES)
def test_music21_reads_the_same_lengths(text):
    from music21 import converter

    (part,) = converter.parseData(abc.file_of(text, "x"), format="abc").parts
    theirs = [sum(Fraction(note.quarterLength) for note in bar.notesAndRests) / 4 for bar in part["Measure"]]
    assert [length for length in theirs if length] == bar_lengths(text)

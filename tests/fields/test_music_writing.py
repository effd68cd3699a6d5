from fractions import Fraction

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.fields.music import writing
from unroll.sources import abc_bars
from unroll.sources.clock import clock_of

HEAD = "M:2/4\nL:1/8\nK:G\n"
TUNES = [f"{HEAD}GABc | d2B2 | c2A2 | G4 |]\n", f"{HEAD}GABc | d2B2 | cBAB | G4 | d2B2 | c2A2 | GABA | G4 |]\n"]
CHORDS = np.repeat([[67, 64, 60, 48], [69, 65, 60, 53], [71, 67, 62, 55], [72, 67, 64, 48]], 4, axis=0)
VOICES = np.where(np.arange(16)[:, None] % 4, -CHORDS, CHORDS).astype(np.int16)
CLOCK = clock_of("4/4", 16)


def test_tunes_are_whole_texts_and_follow_the_seed(letters):
    _, model = letters(TUNES * 20, order=12)
    first, again, other = (writing.tunes(model, 6, 200, writing.at(0.2), writing.seeded(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert all(tune.ended and tune.text.startswith(HEAD) and tune.text.endswith("|]\n") for tune in first)


def test_what_was_never_seen_is_never_written(letters):
    _, model = letters(TUNES, order=1)
    drawn = writing.tunes(model, 4, 300, writing.at(2.0), writing.seeded(0))
    assert set("".join(tune.text for tune in drawn)) <= set("".join(TUNES))


def test_a_tune_has_the_bars_that_were_asked_for(letters):
    _, model = letters(TUNES * 20, order=18)
    for bars, expected in zip((4, 8), TUNES, strict=True):
        assert writing.tune(model, HEAD, bars, writing.at(0.2), writing.seeded(3)) == expected
        assert len(abc_bars.bars(expected)) == bars


def test_a_longer_tune_is_cut_behind_a_bar(letters):
    _, model = letters(TUNES[1:] * 20, order=18)
    assert writing.tune(model, HEAD, 3, writing.at(0.2), writing.seeded(0)) == f"{HEAD}GABc | d2B2 | cBAB|]\n"


def test_a_repeat_stays_one_where_a_tune_is_cut(letters):
    _, model = letters([f"{HEAD}|:GABc | d2B2 :|\n|: c2A2 | G4 :|\n"], order=12)
    assert writing.tune(model, HEAD, 2, writing.at(0.5), writing.seeded(0)) == f"{HEAD}|:GABc | d2B2:|\n"


def test_an_opening_goes_on_without_its_final_bar_line(letters):
    _, model = letters(TUNES[1:], order=12)
    opening = f"{HEAD}GABc | d2B2 | cBAB | G4 |]\n"
    text = writing.tune(model, opening, 4, writing.at(0.3), writing.seeded(0))
    assert text.startswith(f"{HEAD}GABc | d2B2 | cBAB | G4| ")
    assert text.count("|]") == 1
    assert sum(bar.length / Fraction(1, 2) for bar in abc_bars.bars(text)) == 8


@pytest.mark.parametrize("key", ["G", "Am", "Cmix"])
def test_a_tune_rather_ends_on_the_tonic(letters, key):
    head = HEAD.replace("K:G", f"K:{key}")
    ends = dict(zip("GAC", "GAc", strict=True))
    _, model = letters([f"{head}GABc | d2B2 | c2A2 | {end}4 |]\n" for end in ends.values()] * 3, order=18)
    for seed in range(3):
        text = writing.tune(model, head, 4, writing.at(1.0), writing.seeded(seed))
        assert text.endswith(f"| {ends[key[0]]}4 |]\n")


def test_too_many_bars_are_refused(letters, monkeypatch):
    _, model = letters(TUNES, order=12)
    monkeypatch.setattr(writing, "ROUNDS", 2)
    said = r"none of 32 tunes drawn came to 40 bars \(most often they came to 4, 5, 7\): ask for fewer"
    with pytest.raises(UserError, match=said):
        writing.tune(model, HEAD, 40, writing.at(0.3), writing.seeded(0))


def test_chorales_are_as_long_as_the_clock_and_follow_the_seed(choir):
    _, model = choir([(VOICES, CLOCK)])
    clock = clock_of("4/4", 24)
    first, again, other = (
        writing.chorales(model, clock, 3, writing.at(1.5), writing.seeded(seed)) for seed in (1, 1, 2)
    )
    for (voices, end), (same, also) in zip(first, again, strict=True):
        assert (voices.shape, voices.dtype) == ((24, 4), np.int16)
        np.testing.assert_array_equal(voices, same)
        assert end == also < 0
    assert any((ours != theirs).any() for (ours, _), (theirs, _) in zip(first, other, strict=True))


def test_a_cold_model_writes_what_it_knows_and_hears_its_end(choir):
    _, model = choir([(VOICES, CLOCK)] * 9)
    ((voices, end),) = writing.chorales(model, CLOCK, 1, writing.at(0.1), writing.seeded(0))
    ((_, early),) = writing.chorales(model, CLOCK[:8], 1, writing.at(0.1), writing.seeded(0))
    np.testing.assert_array_equal(voices, VOICES)
    assert end > -0.5 > -2 > early


def test_an_opening_is_kept(choir):
    _, model = choir([(VOICES, CLOCK)] * 9)
    opening = VOICES[:6]
    voices = writing.chorale(model, CLOCK, 0, writing.at(0.1), writing.seeded(0), opening)
    np.testing.assert_array_equal(voices, VOICES)


def test_a_chorale_rather_ends_on_the_tonic(choir):
    other = VOICES.copy()
    other[12:, 3] = np.where(np.arange(4) % 4, -57, 57)  # the last chord on A
    _, model = choir([(VOICES, CLOCK), (other, CLOCK)] * 3)
    for tonic in (0, 9):
        voices = writing.chorale(model, CLOCK, tonic, writing.at(1.0), writing.seeded(0))
        assert abs(voices[-1, 3]) % 12 == tonic


def test_of_chorales_that_end_on_the_tonic_the_one_with_the_fewest_parallels_is_taken(monkeypatch):
    elsewhere, better = VOICES.copy(), VOICES.copy()
    better[8:12, 3] = np.where(np.arange(4) % 4, -50, 50)  # the bass goes down, where it went up with the others
    elsewhere[4:, 3] = np.where(np.arange(12) % 12, -57, 57)
    drawn = [(VOICES, -0.1), (better, -5.0), (better + 0, -6.0), (elsewhere, -0.1)]
    monkeypatch.setattr(writing, "chorales", lambda *_: drawn)
    assert writing.chorale(None, CLOCK, 0, writing.at(1.0), writing.seeded(0)) is better


def test_a_harmony_keeps_its_melody_and_finds_the_voices_that_went_with_it(choir):
    lower = VOICES.copy()
    lower[:, 0] = np.repeat([60, 60, 62, 60], 4) * np.where(np.arange(16) % 4, -1, 1)
    _, model = choir([(VOICES, CLOCK)] * 5 + [(lower, CLOCK)] * 2)
    for piece in (VOICES, lower):
        np.testing.assert_array_equal(writing.harmonised(model, piece[:, 0], CLOCK), piece)
    strange = np.where(np.arange(16) % 8, -74, 74).astype(np.int16)
    np.testing.assert_array_equal(writing.harmonised(model, strange, CLOCK)[:, 0], strange)

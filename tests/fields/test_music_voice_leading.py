import numpy as np

from unroll.fields.music import voice_leading

CHORD = np.array([[72, 67, 64, 48]] + [[-72, -67, -64, -48]] * 3, np.int16)


def test_ranges_and_crossings_by_hand():
    out = CHORD.copy()
    out[:2, 3] = [38, -38]  # the bass below E2, two of 16
    across = CHORD.copy()
    across[3, 1] = 74  # the alto above the soprano, one step of four
    rests = CHORD.copy()
    rests[:, 0] = 0
    assert voice_leading.out_of_range([CHORD]) == 0
    assert voice_leading.out_of_range([out]) == 2 / 16
    assert voice_leading.out_of_range([rests, rests]) == 0
    assert voice_leading.crossed([CHORD, rests]) == 0
    assert voice_leading.crossed([across]) == 1 / 4
    assert voice_leading.crossed([across, CHORD]) == 1 / 8


def test_parallels_by_hand():
    # All four go up: soprano and bass in octaves, alto and bass in fifths; the other four pairs in neither.
    up = np.array([[72, 67, 64, 48], [-72, -67, -64, -48], [74, 69, 65, 50]], np.int16)
    apart = np.array([[72, 60], [60, 72]], np.int16)  # an octave again, but in contrary motion
    unison = np.array([[60, 60], [62, 62]], np.int16)
    fourths = np.array([[60, 65], [62, 67]], np.int16)  # the voices crossed: no fifths
    still = np.array([[67, 60], [-67, 62], [0, 62], [69, 62], [69, 62]], np.int16)  # one stays, or comes from a rest
    assert voice_leading.parallels([up]) == 2 / 6
    assert voice_leading.parallels([apart]) == 0
    assert voice_leading.parallels([unison]) == 1
    assert voice_leading.parallels([fourths]) == 0
    assert voice_leading.parallels([still]) == 0
    assert voice_leading.parallels([up, unison, apart]) == 3 / 8
    assert voice_leading.parallels([up[:1], up[2:]]) == 0  # nothing moves from one piece to the next

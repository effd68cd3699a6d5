import numpy as np
import pytest
import soundfile
from PIL import Image

from unroll.fields.music import pictures, writing
from unroll.sources.clock import clock_of

HEAD = "M:2/4\nL:1/8\nK:C\n"
TUNE = f"{HEAD}cdef | g2e2 | f2d2 | c4 |]\n"
CHORDS = np.repeat([[67, 64, 60, 48], [69, 65, 60, 53], [71, 67, 62, 55], [72, 67, 64, 48]], 4, axis=0)
VOICES = np.where(np.arange(16)[:, None] % 4, -CHORDS, CHORDS).astype(np.int16)


def test_tunes_are_shown_as_text_picture_and_sound(letters, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "TUNE_SEEDS", range(1, 3))
    monkeypatch.setattr(pictures, "TUNE_BARS", 4)
    written = iter([TUNE, "M:4/4\nL:1/8\nK:C\n|]\n"])  # the second has no notes
    monkeypatch.setattr(writing, "tune", lambda *_: next(written))
    _, model = letters([TUNE])
    played, mute = pictures.tunes({None: model}, tmp_path)
    assert (played.title, played.image, played.audio) == ("Tune 1", "tune-1.png", "tune-1.mp3")
    said = "The best drawn: the one with most bars as long as the metre says, rather one that ends on the tonic."
    assert played.caption == said
    assert played.lines == [("seed", "1"), ("ABC", TUNE.strip())]
    assert (mute.title, mute.image, mute.audio) == ("Tune 2", None, None)
    assert mute.caption == f"{played.caption} music21 cannot read it."
    assert soundfile.info(tmp_path / "tune-1.mp3").duration == pytest.approx(4.06, abs=0.1)  # 8 quarters, 120 a minute
    assert sorted(path.name for path in tmp_path.glob("tune*")) == ["tune-1.mp3", "tune-1.png", "tunes.arrow"]


def test_a_model_that_writes_no_tune_is_shown_all_the_same(letters, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "TUNE_SEEDS", range(1, 3))
    monkeypatch.setattr(writing, "ROUNDS", 1)
    _, model = letters(["what?! ... no music:\n"], order=2)
    first, second = pictures.tunes({None: model}, tmp_path)
    assert [exhibit.image for exhibit in (first, second)] == [None, None]
    assert first.caption == f"{pictures.NO_TUNE} music21 cannot read it."
    (_, (_, text)), (_, (_, other)) = first.lines, second.lines
    assert 0 < len(text) <= pictures.LETTERS
    assert text != other


def test_chorales_are_shown_and_a_melody_beside_what_bach_made_of_it(choir, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "CHORALE_BARS", 1)
    short, long = (VOICES, clock_of("4/4", 16)), (np.tile(VOICES, (3, 1)), clock_of("4/4", 48))
    table, model = choir([long, short] * 4)
    rows = [{"id": example.id, "title": f"Piece {example.id}", "example": example} for example in model.examples(table)]
    shown = pictures.chorales(rows, {None: model}, tmp_path)
    assert [exhibit.title for exhibit in shown] == [
        "Chorale 1",
        "Chorale 2",
        "Piece piece0, by the model",  # the one whose length is nearest to 128
        "Piece piece0, by Bach",
    ]
    assert [exhibit.lines for exhibit in shown[:2]] == [[("seed", "1")], [("seed", "2")]]
    assert shown[0].caption.startswith("The best of 64 drawn: one with the tonic in the bass at the end")
    for exhibit in shown:
        with Image.open(tmp_path / exhibit.image) as image:
            assert image.size[0] == round(5.6 * 140)
        assert soundfile.info(tmp_path / exhibit.audio).frames > 0


def test_the_same_seeds_give_the_same_files(choir, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "CHORALE_BARS", 1)
    table, model = choir([(VOICES, clock_of("4/4", 16))])
    rows = [{"id": "piece0", "title": "Piece 0", "example": model.examples(table)[0]}]
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
        pictures.chorales(rows, {None: model}, folder)
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 8
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names)


def test_an_upbeat_has_no_number(monkeypatch, tmp_path):
    bars = []
    monkeypatch.setattr(pictures.charts, "piano_roll", lambda to, notes, steps, names, at: bars.append(at))
    for upbeat in (0, 4):
        clock = clock_of("4/4", 40 + upbeat, upbeat=upbeat)
        pictures._drawn("a", np.full((len(clock), 1), -60, np.int16), clock, ["melody"], 120, tmp_path)
    assert bars == [[0, 16, 32], [4, 20, 36]]

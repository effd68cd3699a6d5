import json
import sys
from dataclasses import asdict

import numpy as np
import pytest

from unroll import cli
from unroll.baselines import ngram_counts
from unroll.decoding.ngram import NGram
from unroll.decoding.sampling import Sampling
from unroll.errors import UserError
from unroll.features import notes
from unroll.features.notes import Notes
from unroll.features.tokens import Vocabulary
from unroll.fields.music import composing, writing
from unroll.patterns.language_model import Codes
from unroll.sources import abc, abc_bars, scores
from unroll.sources.clock import CLOCKS, clock_of
from unroll.sources.scores import Key, Score
from unroll.stages import use

TUNE = "M:6/8\nL:1/8\nK:D\nd2d fed | A2A ABc | d2d fed | e3 d3 |]\n"
PITCHES = Notes(lowest=30, highest=90)
MELODY = np.array([72, -72, -72, -72, 74, -74, -74, -74, 71, -71, -71, -71, 72, -72, -72, -72], np.int16)
C_MAJOR = Key(0, "major")
HEADER = b"MThd\0\0\0\6\0\0\0\1\0\4MTrk"


def tune_writer():
    letters = Vocabulary.learn([TUNE], "characters", 0)
    codes = Codes(letters.size, 1, 0, {"vocabularies": json.dumps({"text": letters.plain()})})
    known = [letters.encode(text).tolist() for text in (TUNE, TUNE.replace("6/8", "4/4").replace("K:D", "K:G"))]
    return ngram_counts.Baseline(codes, [NGram.fit(known * 20, 16, letters.size)])


def choir():
    chord = np.array([72, 67, 64, 48])
    piece = np.where(np.arange(16)[:, None] % 4, -chord, chord).astype(np.int16)
    codes = Codes(PITCHES.codes, 4, CLOCKS, {"settings": json.dumps(asdict(PITCHES))})
    own = notes.encode(piece, PITCHES).reshape(-1, 4)
    return ngram_counts.Baseline(codes, [NGram.fit([own[:, k].tolist()] * 5, 6, PITCHES.codes) for k in range(4)])


@pytest.fixture
def run(root, capsys, monkeypatch):
    """Runs the command with a model: status, standard output and error."""
    monkeypatch.chdir(root)

    def command(model: object, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(use, "trained", lambda task, name, kind: model)
        monkeypatch.setattr(sys, "argv", ["unroll", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code or 0, *capsys.readouterr()

    return command


@pytest.fixture
def found(monkeypatch):
    """Makes every file that is read hold these voices (T, K)."""

    def holds(
        voices: np.ndarray,
        key: Key = C_MAJOR,
        clock: np.ndarray | None = None,
        stated: Key | None = None,
        moved: int = 0,
    ) -> None:
        steps = len(voices)
        clock = clock_of("4/4", steps) if clock is None else clock
        score = Score("found", voices.astype(np.int16), clock, "4/4", key, stated, (moved,) * voices.shape[1])
        monkeypatch.setattr(scores, "read_scores", lambda paths: iter([score]))

    return holds


def test_compose_writes_the_key_the_metre_and_the_bars(run, tmp_path):
    path = tmp_path / "tune.abc"
    asked = ("--key", "D", "--metre", "6/8", "--bars", "4", "--seed", "1", "--temperature", "0.2", "-o", path)
    said = "wrote tune.abc: 4 bars in D; 2 of 2 inner bars add up\n"
    assert run(tune_writer(), "compose", *asked) == (0, "", said)
    (tune,) = abc.read_tunes(path)
    assert tune.text == TUNE
    assert tune.headers["T"] == "Composed from seed 1"


def test_compose_draws_as_asked(run, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(composing, "tune", lambda model, wish: asked.append(wish.sampling) or TUNE)
    path = tmp_path / "tune.abc"
    chosen = ("--temperature", "0.9", "--top-k", "5", "--top-p", "0.7", "--repetition", "1.1")
    assert run(tune_writer(), "compose", "-o", path)[0] == 0
    assert run(tune_writer(), "compose", "-o", path, *chosen)[0] == 0
    assert asked == [Sampling(0.8, 0, 1.0, 1.0), Sampling(0.9, 5, 0.7, 1.1)]


def test_the_same_seed_gives_the_same_bytes(run, tmp_path):
    paths = [tmp_path / f"{number}.mid" for number in range(3)]
    for path, seed in zip(paths, (7, 7, 8), strict=True):
        asked = ("--bars", "1", "--temperature", "2", "--seed", seed, "-o", path)
        assert run(choir(), "compose", "--task", "music/chorales", *asked)[0] == 0
    first, again, other = (path.read_bytes() for path in paths)
    assert first[:4] == b"MThd"
    assert first == again != other


def test_compose_goes_on_from_an_opening(run, tmp_path):
    opening, path = tmp_path / "opening.abc", tmp_path / "tune.abc"
    opening.write_text("X:1\nT:Mine\nZ:me\nQ:80\nH:long ago\nM:6/8\nL:1/8\nK:D\nd2d fed | A2A ABc |]\n")
    asked = ("--opening", opening, "--bars", "2", "--temperature", "0.2", "-o", path)
    assert run(tune_writer(), "compose", *asked)[0] == 0
    (tune,) = abc.read_tunes(path)
    assert tune.text.startswith("M:6/8\nL:1/8\nK:D\nd2d fed | A2A ABc|")
    assert len(abc_bars.bars(tune.text)) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--key", "H"), "key 'H' is unknown: one of C, Db, D, "),
        (("--key", "Gfoo"), "key 'Gfoo' is unknown: one of C, Db, D, "),
        (("--metre", "7/9"), "metre '7/9' is unknown: one of 2/4, 3/4, 4/4"),
        (("--bars", "0"), "'--bars': "),
        (("--temperature", "0"), "'--temperature': "),
        (("--top-k", "-1"), "'--top-k': "),
        (("--top-p", "0"), "'--top-p': "),
        (("--top-p", "nan"), "'--top-p': "),
        (("--repetition", "0.9"), "'--repetition': "),
        (("--opening", "nowhere.abc"), "'nowhere.abc' does not exist"),
        (("-o", "tune.wav"), "tune.wav: the ending says the format: one of .mid, "),
        (("--opening", "README.md", "--key", "G"), "README.md has a key and a metre of its own: leave out --key"),
    ],
)
def test_compose_refuses_by_name(run, tmp_path, arguments, message):
    path = tmp_path / "tune.mid"
    status, out, err = run(tune_writer(), "compose", "-o", path, *arguments)
    assert (status, out) == (2, "")
    assert message in " ".join(err.replace("│", " ").split())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--key", "Ador"), "key 'Ador' is unknown: one of C, Db, D"),
        (("--metre", "6/8"), "metre '6/8' is unknown: one of 4/4, 3/4"),
        (("-o", "chorale.abc"), "chorale.abc: the ending says the format: one of .mid, .midi, .musicxml, .xml"),
    ],
)
def test_a_chorale_has_fewer_keys_metres_and_formats(run, tmp_path, arguments, message):
    status, _, err = run(
        choir(), "compose", "--task", "music/chorales", "--bars", "1", "-o", tmp_path / "chorale.mid", *arguments
    )
    assert status == 2
    assert message in err


def test_an_opening_is_one_melody(run, tmp_path):
    opening = tmp_path / "two.abc"
    opening.write_text(f"X:1\n{TUNE}\nX:2\n{TUNE}")
    status, _, err = run(tune_writer(), "compose", "--opening", opening, "-o", tmp_path / "tune.abc")
    assert status == 2
    assert "two.abc has 2 tunes: write each to a file of its own" in err


def test_an_opening_has_a_length(run, tmp_path):
    opening = tmp_path / "long.abc"
    opening.write_text("X:1\nM:4/4\nL:1/8\nK:C\n" + "CDEF GABc |\n" * 500)
    status, _, err = run(tune_writer(), "compose", "--opening", opening, "-o", tmp_path / "tune.abc")
    assert status == 2
    assert "long.abc is 6016 letters long: cut it to at most 5000" in err


def test_an_opening_so_low_that_it_would_fall_silent_is_refused(found, tmp_path):
    found(np.full((16, 4), 5), Key(5, "major"))
    wish = composing.Wish("", "", 1, writing.at(0.2), 1, tmp_path / "low.mid")
    said = r"low\.mid runs from F-1 to F-1, and the model knows B1 to B6 in this key: transpose it"
    with pytest.raises(UserError, match=said):
        composing.chorale(choir(), wish)


def test_a_chorale_is_put_in_its_key():
    wish = composing.Wish("Em", "3/4", 2, writing.at(0.2), 1)
    piece = composing.chorale(choir(), wish)
    assert (piece.voices.shape, piece.metre, piece.key) == ((24, 4), "3/4", Key(4, "minor"))
    assert piece.voices[0].tolist() == [67, 62, 59, 43]  # five lower than in A minor
    assert piece.clock.tolist() == clock_of("3/4", 24).tolist()


def test_a_chorale_goes_on_where_its_opening_stops(found, tmp_path):
    begun = np.tile([74, 69, 66, 50], (10, 1)) * np.where(np.arange(10)[:, None], -1, 1)  # two above C, four of upbeat
    found(begun, Key(2, "major"), clock_of("4/4", 10, upbeat=4))
    piece = composing.chorale(choir(), composing.Wish("", "", 1, writing.at(0.2), 1, tmp_path / "opening.mid"))
    np.testing.assert_array_equal(piece.voices[:10], begun)
    assert piece.key == Key(2, "major")
    assert piece.clock.tolist() == clock_of("4/4", 36, upbeat=4).tolist()  # the bar that it stopped in, and one more


def test_harmonise_keeps_the_melody(found, tmp_path):
    found(MELODY[:, None] + 2 * np.sign(MELODY)[:, None], Key(2, "major"))
    piece = composing.harmonise(choir(), tmp_path / "melody.mid")
    assert piece.voices[:, 0].tolist() == (MELODY + 2 * np.sign(MELODY)).tolist()
    assert np.abs(piece.voices[::4, 1:]).tolist() == [[69, 66, 50]] * 4
    assert (piece.key, piece.said) == (Key(2, "major"), ["taken to be in D major, by its notes"])


def test_harmonise_says_what_it_changes(found, tmp_path):
    duet = np.column_stack([MELODY + 24 * np.sign(MELODY), np.full(16, -60)])
    found(duet, Key(7, "major"), stated=C_MAJOR, moved=5)
    piece = composing.harmonise(choir(), tmp_path / "duet.mid")
    assert piece.voices[:, 0].tolist() == MELODY.tolist()
    assert piece.key == C_MAJOR
    assert piece.said == [
        "taken to be in C major, as the file states",
        "5 notes off the sixteenths: moved to the nearest, or left out if too short",
        "duet.mid has 2 staves or tracks: the first is taken as the melody",
        "the melody is put down by 2 octaves, where sopranos sing",
    ]


def test_harmonise_refuses_what_is_too_long_or_too_wide(found, run, tmp_path):
    path = tmp_path / "melody.mid"
    path.touch()
    found(np.tile(MELODY, 200)[:, None])
    status, out, err = run(choir(), "harmonise", path, "-o", tmp_path / "chorale.mid")
    assert (status, out) == (2, "")
    assert "melody.mid is 3200 sixteenths long: cut it into parts of at most 2048" in err
    found(np.array([20, 72, 72, 72])[:, None])
    status, _, err = run(choir(), "harmonise", path, "-o", tmp_path / "chorale.mid")
    assert status == 2
    assert "melody.mid runs from G#0 to C5, and the model knows F#1 to F#6 in this key: transpose it" in err


def test_harmonise_wants_four_voices_and_a_format_for_them(run, tmp_path):
    path = tmp_path / "melody.abc"
    path.write_text(abc.file_of(TUNE, "Mine"))
    status, _, err = run(tune_writer(), "harmonise", path, "--task", "music/tunes", "-o", tmp_path / "chorale.mid")
    assert status == 2
    assert "music/tunes has no model of four voices: use music/chorales" in err
    status, _, err = run(choir(), "harmonise", path, "-o", tmp_path / "chorale.abc")
    assert status == 2
    assert "chorale.abc: the ending says the format: one of .mid, .midi, .musicxml, .xml" in err


def test_harmonise_reads_and_writes_files(run, tmp_path):
    melody, path = tmp_path / "melody.abc", tmp_path / "chorale.musicxml"
    melody.write_text("X:1\nT:Mine\nH:a field that is no music\nY:unknown\nM:4/4\nL:1/4\nK:C\nc d [ce] c |]\n")
    said = "note: taken to be in C major, as the file states\nwrote chorale.musicxml: 1 bar in C major\n"
    assert run(choir(), "harmonise", melody, "-o", path) == (0, "", said)
    score = scores.parse(path)
    assert score.voices[::4, 0].tolist() == [72, 74, 76, 72]  # of two notes at once the higher one
    assert score.voices[0].tolist() == [72, 67, 64, 48]


def test_an_opening_of_one_voice_is_for_harmonise(run, found, tmp_path):
    path = tmp_path / "melody.mid"
    path.touch()
    found(MELODY[:, None])
    asked = ("--task", "music/chorales", "--opening", path, "-o", tmp_path / "chorale.mid")
    status, _, err = run(choir(), "compose", *asked)
    assert status == 2
    assert "melody.mid has one voice, an opening 4: `unroll harmonise` sets the others below a melody" in err


@pytest.mark.parametrize("command", ["compose", "harmonise"])
def test_a_place_where_nothing_can_be_written_is_refused_before_the_work(run, tmp_path, command):
    path = tmp_path / "melody.abc"
    path.write_text(abc.file_of(TUNE, "Mine"))
    asked = [path] if command == "harmonise" else []
    status, out, err = run(None, command, *asked, "-o", path / "chorale.mid")
    assert (status, out) == (2, "")
    assert "melody.abc/chorale.mid" in err


@pytest.mark.parametrize(
    "event",
    [
        b"\0\xff\x2f\0",  # none
        b"\0\x99\x26\x40\4\x89\x26\0\0\xff\x2f\0",  # a snare drum
        b"\0\x90\0\x40\4\x80\0\0\0\xff\x2f\0",  # the pitch 0
    ],
)
def test_harmonise_refuses_midi_without_a_melody(run, tmp_path, event):
    path = tmp_path / "drums.mid"
    path.write_bytes(HEADER + len(event).to_bytes(4, "big") + event)
    status, out, err = run(choir(), "harmonise", path, "-o", tmp_path / "chorale.mid")
    assert (status, out) == (2, "")
    assert "drums.mid has no note of a pitch" in err

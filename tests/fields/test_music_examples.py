from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unroll import params
from unroll.errors import UserError
from unroll.fields.music import prepare
from unroll.fields.music.chorales import Chorales, normalising, transposed
from unroll.fields.music.splits import assigned, families
from unroll.fields.music.tunes import Tunes
from unroll.sources.clock import clock_of
from unroll.sources.score_writing import write_voices
from unroll.sources.scores import Key

FIELD = params.load(Path(__file__).parents[2] / "params.yaml")[1]["music"]


def task(name: str, source: Path, **changes) -> Chorales | Tunes:
    """The settings of a task in params.yaml, for another source."""
    return replace(getattr(FIELD, name), source=str(source), **changes)


def tune(number: int, heights: list[int], key: str) -> str:
    body = "".join("CDEFGABcdefgab"[height] for height in heights)
    bars = "|".join(body[at : at + 8] for at in range(0, len(body), 8))
    return f"X:{number}\nT:tune {number}\nM:C\nL:1/8\nK:{key}\n{bars}|]\n\n"


@pytest.fixture
def tune_folder(tmp_path) -> Path:
    """Thirty melodies, each also a third higher; one of them once more, and tunes in two voices and without notes."""
    rng = np.random.default_rng(0)
    text = ""
    for number in range(30):
        melody = rng.integers(0, 10, 32).tolist()
        text += tune(2 * number, melody, "C") + tune(2 * number + 1, [height + 2 for height in melody], "Em")
        first = text if not number else first
    (tmp_path / "tunes.abc").write_text(
        text + first + "X:97\nK:C\nV:1\ncdef|\nV:2\nCDEF|\n\nX:98\nK:C\n||\n\nX:99\nT:other\nM:4/4\nK:C\nc2\n"
    )
    (tmp_path / "notes.txt").write_text("no tune")
    return tmp_path


def split_rows(name: str, settings: Chorales | Tunes) -> dict[str, list[dict]]:
    found = {}
    for split, schema, rows in prepare(name, settings, 1):
        found[split] = list(rows)
        assert all(row.keys() == set(schema.names) for row in found[split])
    assert list(found) == ["train", "valid", "test"]
    return found


def test_tunes(tune_folder):
    found = split_rows("tunes", task("tunes", tune_folder))
    rows = {row["id"]: row for own in found.values() for row in own}
    assert len(rows) == sum(map(len, found.values())) == 61
    first = rows["own/tunes-1"]
    assert first["text"].startswith("M:4/4\nL:1/8\nK:C\n")
    assert first["length"] == len(first["text"])
    assert first["collection"] == "own"
    sides = {row["id"]: split for split, own in found.items() for row in own}
    for number in range(1, 60, 2):
        assert sides[f"own/tunes-{number}"] == sides[f"own/tunes-{number + 1}"]  # twins
    assert found == split_rows("tunes", task("tunes", tune_folder))


def test_tunes_from_scores(tmp_path):
    rng = np.random.default_rng(2)
    for number in range(12):
        write(tmp_path / f"song {number}.mid", rng.integers(60, 76, (8, 1)))
    rows = [row for own in split_rows("tunes", task("tunes", tmp_path)).values() for row in own]
    assert {row["id"] for row in rows} == {f"own/song {number}" for number in range(12)}
    assert all(row["text"].startswith("M:4/4\nL:1/8\nK:") for row in rows)


def write(path: Path, pitches: np.ndarray) -> None:
    """A score of quarter notes, pitches (N, K)."""
    voices = np.repeat(pitches, 4, 0).astype(np.int16)
    voices[np.arange(len(voices)) % 4 > 0] *= -1
    names = [f"voice {number}" for number in range(pitches.shape[1])]
    write_voices(path, voices, clock_of("4/4", len(voices)), "4/4", Key(0, "major"), names, 80)


@pytest.fixture
def chorale_folder(tmp_path) -> Path:
    """Twelve scores of four voices; the last is the melody of the first, five semitones higher, over other voices."""
    rng = np.random.default_rng(1)
    scores = [rng.integers([60, 55, 50, 45], [72, 62, 57, 52], (16, 4)) for _ in range(11)]
    twin = rng.integers([60, 55, 50, 45], [72, 62, 57, 52], (16, 4))
    twin[:, 0] = scores[0][:, 0] + 5
    for number, pitches in enumerate([*scores, twin]):
        write(tmp_path / f"{number:02}.mid", pitches)
    return tmp_path


def test_chorales(chorale_folder):
    found = split_rows("chorales", task("chorales", chorale_folder, transpositions=[0, -2, 3]))
    rows = {row["id"]: row for own in found.values() for row in own}
    assert sum(map(len, found.values())) == len(rows)
    pieces = {split: {row["piece"] for row in own} for split, own in found.items()}
    assert sorted(name for own in pieces.values() for name in own) == [f"{number:02}" for number in range(12)]
    assert len(found["train"]) == 3 * len(pieces["train"])
    assert {row["transposition"] for row in found["valid"] + found["test"]} == {0}
    side = {piece: split for split, own in pieces.items() for piece in own}
    assert side["00"] == side["11"]
    piece = found["train"][0]["piece"]
    plain, lower, higher = rows[piece], rows[f"{piece}-2"], rows[f"{piece}+3"]
    assert plain["voices"].shape == (16 * 4 * 4,)
    assert lower["voices"].tolist() == (plain["voices"] - 2 * np.sign(plain["voices"])).tolist()
    assert (np.abs(higher["voices"]) == np.abs(plain["voices"]) + 3).all()
    assert plain["clock"].tolist() == clock_of("4/4", 64).tolist()


def test_a_score_that_has_not_four_voices_is_named(chorale_folder):
    write(chorale_folder / "05a.mid", np.full((8, 3), 60))
    with pytest.raises(UserError, match=r"05a\.mid has 3 voices, 4 needed"):
        split_rows("chorales", task("chorales", chorale_folder))


@pytest.mark.parametrize("name", ["chorales", "tunes"])
def test_a_source_without_music_is_named(tmp_path, name):
    with pytest.raises(UserError, match=rf"^params\.yaml: music\.{name}\.source: .* has no "):
        split_rows(name, task(name, tmp_path))


def test_too_few_tunes_are_refused(tmp_path):
    (tmp_path / "one.abc").write_text(tune(1, [0, 1, 2, 3], "C"))
    with pytest.raises(UserError, match="too few tunes for the split"):
        split_rows("tunes", task("tunes", tmp_path))


@pytest.mark.parametrize("transpositions", [[1, 2], [0, 0], []])
def test_transpositions_are_checked(transpositions):
    with pytest.raises(ValueError, match="transpositions"):
        task("chorales", Path("."), transpositions=transpositions)


def test_every_key_is_brought_home_by_the_shorter_way():
    for mode, home in (("major", 0), ("minor", 9)):
        steps = [normalising(Key(tonic, mode)) for tonic in range(12)]
        assert sorted(steps) == list(range(-5, 7))
        assert {(tonic + step) % 12 for tonic, step in enumerate(steps)} == {home}


def test_transposing_keeps_rests_and_holds():
    voices = np.array([[60, -60], [0, 62]], np.int16)
    assert transposed(voices, 3).tolist() == [[63, -63], [0, 65]]
    assert transposed(voices, -3).tolist() == [[57, -57], [0, 59]]


def test_families():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 12, 40), rng.integers(0, 12, 40)
    variant = np.append(one[:25] + 7, rng.integers(0, 12, 15))  # its first half, in another key
    both = np.append(one[:20], other[20:])  # related to either, which joins them
    melodies = [one, variant, rng.integers(0, 12, 40), other]
    assert families(melodies, 6, 0.3).tolist() == [0, 0, 1, 2]
    assert families([*melodies, both], 6, 0.3).tolist() == [0, 0, 1, 0, 0]
    assert families(melodies, 6, 0.9).tolist() == [0, 1, 2, 3]


def test_short_melodies_are_compared_whole():
    assert families([[1, 2], [5, 6], [1, 3], [4], [9]], 6, 0.3).tolist() == [0, 0, 1, 2, 2]


def test_families_stay_whole_and_the_shares_are_kept():
    rng = np.random.default_rng(3)
    number = np.sort(rng.integers(0, 300, 1000))
    number = np.unique(number, return_inverse=True)[1]
    sides = assigned(number, 0.1, 0.2, seed=5)
    members = defaultdict(set)
    for family, side in zip(number.tolist(), sides, strict=True):
        members[family].add(side)
    assert all(len(own) == 1 for own in members.values())
    assert 200 <= sides.count("test") < 215
    assert 85 <= sides.count("valid") < 115
    assert sides == assigned(number, 0.1, 0.2, seed=5)
    assert sides != assigned(number, 0.1, 0.2, seed=6)


def test_the_voices_of_the_table_are_said(chorale_folder):
    _, schema, _ = next(prepare("chorales", task("chorales", chorale_folder), 0))
    assert schema.metadata == {b"streams": b"4"}

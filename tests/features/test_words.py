import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples, params
from unroll.errors import UserError
from unroll.features.words import Vocabulary, Words, featurize, learn

SETTINGS = Words(vocabulary=3, letters=4)
LISTED = pa.list_(pa.string())


def table(words: list[list[str]], **tags: list[list[str]]) -> pa.Table:
    columns = {"id": [str(number) for number in range(len(words))], "words": pa.array(words, LISTED)}
    return pa.table(columns | {kind: pa.array(own, LISTED) for kind, own in tags.items()})


TRAIN = table([["Ed", "saw", "ed", "in", "1984"], ["in", "US"]], pos=[["N", "V", "N", "P", "C"], ["P", "N"]])


def test_a_vocabulary_literally():
    known = learn(TRAIN, SETTINGS).vocabulary
    assert known.symbols == ("ed", "in", "0000")  # twice each, and of the others the first of the alphabet
    assert known.letters == "1489ESUadeinsw"
    assert known.longest == 4
    assert known.encode(["Ed", "2001", "US"]).tolist() == [
        [0, 1, 5, 9, 0, 0],
        [2, 0, 15, 15, 15, 1],
        [3, 4, 7, 6, 0, 0],
    ]
    assert known.encode([]).shape == (0, 6)


@pytest.mark.parametrize(
    ("word", "capitals"),
    [
        ("ed", 0),
        ("1984", 0),
        ("--", 0),
        ("ה", 0),
        ("Ed", 1),
        ("A", 1),
        ("eBay", 2),
        ("McBain", 3),
        ("US", 4),
        ("U.S.", 4),
    ],
)
def test_capitals(word, capitals):
    assert Vocabulary((), "", 1).encode([word])[0, 1] == capitals


def test_long_words_are_read_from_both_ends():
    for longest, read in ((1, "u"), (2, "uy"), (3, "uny"), (4, "unly"), (5, "unhly"), (9, "unhappily")):
        known = Vocabulary((), "unhapily", longest)
        assert known.encode(["unhappily"])[0, 2:].tolist() == ["unhapily".find(letter) + 1 for letter in read]


@pytest.mark.parametrize("word", ["e\u0301te\u0301", "שלום", "\U0001f600", "\x00", ""])
def test_any_word_has_codes(word):
    known = Vocabulary.learn([word, "a"], Words(5, 8))
    (row,) = known.encode([word]).tolist()
    assert row[0] == known.symbols.index(word)
    assert "".join(known.letters[code - 1] for code in row[2:] if code) == word


def test_a_vocabulary_goes_through_json():
    known = learn(TRAIN, SETTINGS).vocabulary
    again = Vocabulary.of(json.loads(json.dumps(known.plain())))
    assert again == known
    assert again.encode(["saw", "Ed"]).tolist() == known.encode(["saw", "Ed"]).tolist()


def test_words_get_codes_and_numbers_of_tags(tmp_path):
    entities = [["B", "O", "B", "O", "O"], ["O", "B"]]
    train = table(TRAIN["words"].to_pylist(), pos=TRAIN["pos"].to_pylist(), entity=entities)
    other = table([["Ed", "left"], []], pos=[["N", "X"], []], entity=[["B", "O"], []])
    other = other.replace_schema_metadata({"kept": "1"})
    learned = learn(train, SETTINGS)
    examples.write(tmp_path / "test.arrow", *featurize(other, SETTINGS, learned))
    made = examples.read(tmp_path / "test.arrow")
    assert made.column_names == ["id", "words", "pos", "entity", "codes", "labels"]
    assert made.schema.field("codes").type == examples.matrix_type(6, pa.int32())
    assert [row.tolist() for row in examples.matrices(made["labels"])] == [[[1, 0], [-1, 1]], []]
    assert [row.tolist() for row in examples.matrices(made["codes"])] == [
        learned.vocabulary.encode(["Ed", "left"]).tolist(),
        [],
    ]
    metadata = {key.decode(): value.decode() for key, value in made.schema.metadata.items()}
    assert (metadata["kept"], metadata["featurizer"]) == ("1", "words")
    assert json.loads(metadata["settings"]) == {"vocabulary": 3, "letters": 4}
    assert json.loads(metadata["labels"]) == {"pos": ["C", "N", "P", "V"], "entity": ["B", "O"]}
    assert Vocabulary.of(json.loads(metadata["vocabularies"])["text"]) == learned.vocabulary


def test_words_without_tags_have_no_labels():
    plain = table([["Ed", "saw"]])
    schema, rows = featurize(plain, SETTINGS, learn(plain, SETTINGS))
    assert "labels" not in schema.names
    assert b"labels" not in schema.metadata
    (row,) = rows
    assert row["codes"].dtype == np.int32


def test_learning_twice_gives_the_same_bytes():
    many = table([[f"{word}{number}" for number in range(50) for word in ("Alpha", "beta", "ümlaut")]])
    first, second = (json.dumps(learn(many, Words(40, 5)).vocabulary.plain()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("key", ["vocabulary", "letters"])
def test_settings_are_checked(key):
    with pytest.raises(UserError, match=rf"words: {key}: should be greater than 0"):
        params.check(Words, {"vocabulary": 3, "letters": 4} | {key: 0}, "words")

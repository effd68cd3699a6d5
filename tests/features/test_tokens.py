import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples, params
from unroll.errors import UserError
from unroll.features.placeholders import SLOTS
from unroll.features.tokens import UNKNOWN, Tokens, Vocabulary, featurize, learn

TEXTS = ["Copy this page", "Copy the selected pages", "Copier cette page", "Copier les pages sélectionnées"] * 5
CHARACTERS = Vocabulary.learn(["abba", "cab"], "characters", 0)
WORDS = Vocabulary.learn(["K AA1 P IY0", "P EY1 JH"], "words", 0)
BPE = Vocabulary.learn(TEXTS, "bpe", 310)


def test_characters_and_words_literally():
    assert CHARACTERS.symbols == (UNKNOWN, "a", "b", "c")
    assert CHARACTERS.encode("bad").tolist() == [2, 1, 0]
    assert CHARACTERS.decode([2, 1, 0]) == "ba\ufffd"
    assert WORDS.symbols == (UNKNOWN, "AA1", "EY1", "IY0", "JH", "K", "P")
    assert WORDS.encode(" P  AA1 ZH").tolist() == [6, 1, 0]
    assert WORDS.decode([6, 1, 0]) == "P AA1 \ufffd"


def test_bpe_begins_with_the_unknown_the_slots_and_all_bytes():
    assert BPE.symbols[:17] == (UNKNOWN, *SLOTS)
    assert BPE.size == 310 == len(set(BPE.symbols))
    assert all(left + right in BPE.symbols for left, right in BPE.merges)
    assert len(BPE.merges) == 310 - 17 - 256


def test_bpe_learns_what_is_frequent_and_begins_words_alike_everywhere():
    first, *_, last = BPE.encode("page Copy page").tolist()
    assert first == last
    assert BPE.decode([first]) == "page"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Copy",
        "  two  blanks ",
        "Ünïcode — 日本語 \U0001f600\n\ttab",
        "\ue000 of\ue001, \ue000",
        "a\x00b",
        "\ufffd",
    ],
)
def test_bpe_can_write_anything(text):
    codes = BPE.encode(text)
    assert codes.dtype == np.int32
    assert BPE.decode(codes) == text


def test_a_slot_is_one_symbol_whatever_stands_beside_it():
    codes = BPE.encode("pages\ue001pages").tolist()
    assert codes.count(BPE.symbols.index("\ue001")) == 1
    assert BPE.decode(codes[: codes.index(2)]) == "pages"


def test_bytes_that_are_no_text_are_written_as_unknown():
    half = BPE.encode("ñ").tolist()[-1]
    assert BPE.decode([half]) == "\ufffd"


@pytest.mark.parametrize("vocabulary", [CHARACTERS, WORDS, BPE], ids=lambda own: own.units)
def test_a_vocabulary_goes_through_json(vocabulary):
    again = Vocabulary.of(json.loads(json.dumps(vocabulary.plain())))
    assert again == vocabulary
    assert again.encode("cab K pages").tolist() == vocabulary.encode("cab K pages").tolist()


@pytest.mark.parametrize("units", ["characters", "words", "bpe"])
def test_learning_twice_gives_the_same_bytes(units):
    texts = [f"{word}{number} {word}" for number in range(50) for word in ("alpha", "beta", "ümlaut", "\ue000")]
    first, second = (json.dumps(Vocabulary.learn(texts, units, 400).plain()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": {"source": "bpe", "target": "bpe"}, "size": 299, "placeholders": True}, "size should be at least"),
        ({"units": {"text": "characters"}, "size": 300, "placeholders": False}, "size should be 0"),
        ({"units": {"source": "words"}, "size": 0, "placeholders": False}, "units should name"),
        ({"units": {"text": "words"}, "size": 0, "placeholders": True}, "placeholders should be false"),
        ({"units": {"text": "letters"}, "size": 0, "placeholders": False}, "'characters', 'words' or 'bpe'"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(UserError, match=message):
        params.check(Tokens, settings, "tokens")


def table(**columns: list[str]) -> pa.Table:
    count = len(next(iter(columns.values())))
    return pa.table({"id": [str(number) for number in range(count)], **columns}).replace_schema_metadata({"kept": "1"})


def metadata_of(schema: pa.Schema) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in schema.metadata.items()}


def test_pairs_get_codes_and_slots(tmp_path):
    settings = Tokens({"source": "bpe", "target": "bpe"}, 300, True)
    pairs = table(source=["Copy %s to <b>%d</b>", "None"], target=["<b>%d</b> : copier %s {x}", "%s"])
    learned = learn(pairs, settings)
    assert learned["source"] is learned["target"]
    examples.write(tmp_path / "train.arrow", *featurize(pairs, settings, learned))
    made = examples.read(tmp_path / "train.arrow")
    assert made.column_names == ["id", "source", "target", "source_codes", "target_codes", "slots"]
    assert made["slots"].to_pylist() == [["%s", "<b>", "%d", "</b>"], []]
    assert made.schema.field("target_codes").type == pa.large_list(pa.int32())
    metadata = metadata_of(made.schema)
    assert metadata["kept"] == "1"
    assert metadata["featurizer"] == "tokens"
    assert json.loads(metadata["settings"]) == {
        "units": {"source": "bpe", "target": "bpe"},
        "size": 300,
        "placeholders": True,
    }
    vocabulary = Vocabulary.of(json.loads(metadata["vocabularies"])["target"])
    assert vocabulary.decode(made["target_codes"][0].as_py()) == "\ue001\ue002\ue003 : copier \ue000 {x}"
    assert vocabulary.decode(made["target_codes"][1].as_py()) == "%s"


def test_columns_of_other_units_have_vocabularies_of_their_own():
    settings = Tokens({"source": "characters", "target": "words"}, 0, False)
    words = table(source=["cab", "bee"], target=["K AE1 B", "B IY1"])
    learned = learn(words, settings)
    assert learned["source"].symbols == (UNKNOWN, "a", "b", "c", "e")
    schema, rows = featurize(table(source=["bead"], target=["B IY1 D"]), settings, learned)
    assert "slots" not in schema.names
    (row,) = rows
    assert row["source_codes"].tolist() == [2, 4, 1, 0]
    assert row["target_codes"].tolist() == [2, 3, 0]


def test_a_text_says_how_many_codes_there_are():
    settings = Tokens({"text": "characters"}, 0, False)
    tunes = table(text=["abc", "ca"])
    schema, rows = featurize(tunes, settings, learn(tunes, settings))
    metadata = metadata_of(schema)
    assert (metadata["codes"], metadata["streams"], metadata["clocks"]) == ("4", "1", "0")
    assert [row["codes"].tolist() for row in rows] == [[1, 2, 3], [3, 1]]

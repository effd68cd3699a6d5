from types import SimpleNamespace

import pytest

from unroll.decoding.beam import Beam
from unroll.errors import UserError
from unroll.fields.translation import own
from unroll.patterns.translator import Translation


class Stub:
    """Writes a text in upper case, a second best way without its placeholders first; knows the letters a to z."""

    settings = SimpleNamespace(beam=Beam(3, 0.0), longest=160)

    def __init__(self):
        self.asked = []

    def translate(self, texts, n_best=1):
        self.asked += texts
        return [self._translation(text, n_best) for text in texts]

    def source_symbols(self, text):
        return [*(letter if "a" <= letter <= "z" else "\ufffd" for letter in text), "■"]

    def _translation(self, text, n_best):
        ways = [(text.replace("%s", "").upper(), -1.0), (text.upper().replace("%S", "%s"), -2.0), (text, -3.0)][:n_best]
        return Translation(*ways[0], ways, [], None)


def test_the_best_way_that_keeps_the_placeholders_comes_first():
    assert own.translate(Stub(), ["open", "open %s"], 2) == [
        [("OPEN", -1.0), ("OPEN", -2.0)],
        [("OPEN %s", -2.0), ("open %s", -3.0)],
    ]


def test_the_model_reads_texts_as_it_learned_them():
    stub = Stub()
    own.translate(stub, [" _Don’t  open\tit "])
    assert stub.asked == ["Don't open it"]


@pytest.mark.parametrize("text", ["", "  ", "\n", "%s: 12", "<b>—</b>"])
def test_what_has_no_letters_stays_and_is_not_asked_for(text):
    stub = Stub()
    assert own.translate(stub, [text]) == [[(text, 0.0)]]
    assert stub.asked == []


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("open", False),
        ("ab日", False),
        ("a日", True),
        ("你好，世界", True),
        ("", False),
        ("12 %(日本)s", False),
        ("%s 日", True),
    ],
)
def test_a_text_is_foreign_of_whose_letters_a_third_was_never_met(text, foreign):
    assert own.is_foreign(Stub(), text) == foreign


def test_lines_and_blanks_keep_their_places():
    (((text, log_prob),),) = own.translate(Stub(), ["\n  one %s\n\n two\r\n"], 3)
    assert (text, log_prob) == ("\n  ONE %s\n\n TWO\r\n", -3.0)


def test_a_long_line_is_cut_into_sentences_and_these_into_parts():
    text = "One two. Three four five six seven! <a href='x y'>Eight</a> nine."
    assert own.cut(text, 4) == [
        "One two.", " ", "Three four", " ", "five six seven!", " ", "<a href='x y'>Eight</a> nine."
    ]  # fmt: skip
    assert own.cut(text, 40) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "word " * 5000,
        "a" * 100_000,
        "日本語。" * 3000,
        "\n\n a. b\n",
        "%s " * 50,
        "x" + " " * 20_000 + "x",
        "{{" * 9000,
    ],
)
def test_pieces_are_short_and_are_the_text(text):
    pieces = own.cut(text, 40)
    assert "".join(pieces) == text
    assert max(len(piece.split()) for piece in pieces) <= 40
    assert all(len("".join(piece.split())) <= 4000 for piece in pieces)


def test_a_line_of_many_words_is_translated():
    (((text, log_prob),),) = own.translate(Stub(), ["word " * 5000])
    assert text == "WORD " * 5000
    assert log_prob == -125


@pytest.mark.parametrize(
    ("source", "target", "kept"),
    [
        ("%s of %d", "%s de %d", True),
        ("%s of %d", "%d de %s", False),
        ("%1$s of %2$s", "%2$s de %1$s", True),
        ("%(a)s %(a)s", "%(a)s", False),
        ("{} {a}", "{a} {}", True),
        ("50%% of it", "50%% de cela", True),
        ("50% of it", "la moitié", False),
        ("it", "ce {", False),
        ("<b>it</b>", "<b>ce</b>", True),
        ("<b>it</b>", "<i>ce</i>", False),
        ("it\n", "c\ufffd", True),
    ],
)
def test_placeholders_are_kept_or_not(source, target, kept):
    assert own.keeps_placeholders(source, target) == kept


@pytest.mark.parametrize(
    ("source", "target", "faithful"),
    [("it\n", "ce\n", True), ("it\n", "ce", False), ("it", "\nce", False), ("it", "c\ufffd", False), ("%s", "", False)],
)
def test_translations_are_faithful_or_not(source, target, faithful):
    assert own.is_faithful(source, target) == faithful


def test_words_are_pronounced_as_they_are_spelled():
    assert own.pronounce(Stub(), "Naïve", 2) == [("NAIVE", -1.0), ("NAIVE", -2.0)]
    with pytest.raises(UserError, match=r"'日本2': the model never met '日', '本', '2': spell it"):
        own.pronounce(Stub(), "日本2")


def test_a_word_too_long_to_be_written_out_is_refused():
    assert own.pronounce(Stub(), "a" * 160) == [("A" * 160, -1.0)]
    with pytest.raises(UserError, match=r"'a{160}'… has 161 letters: the model pronounces words of 160 at the most"):
        own.pronounce(Stub(), "a" * 161)

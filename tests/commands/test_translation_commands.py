import io
import sys
from types import SimpleNamespace

import pytest

from unroll import cli
from unroll.decoding.beam import Beam
from unroll.patterns.translator import Translation
from unroll.stages import settings, use

CATALOGUE = """msgid ""
msgstr ""
"Language: fr\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

msgid "Open"
msgstr "Ouvrir"

#, python-format
msgid "%d file"
msgid_plural "%d files"
msgstr[0] ""
msgstr[1] ""

msgid "Lost %s"
msgstr ""
"""


class Stub:
    """Writes a text in upper case and, less probably, as it is; %s is lost in both. Knows the letters a to z."""

    settings = SimpleNamespace(beam=Beam(4, 0.0), longest=16)

    def translate(self, texts, n_best=1):
        ways = [[(text.replace("%s", "").upper().replace("%D", "%d"), -0.5), (text[::-1], -1.25)] for text in texts]
        return [Translation(*own[0], own[:n_best], [], None) for own in ways]

    def source_symbols(self, text):
        return [*(letter if "a" <= letter <= "z" else "\ufffd" for letter in text), "■"]


@pytest.fixture
def run(root, capsys, monkeypatch):
    """Runs the command on the stub, with standard input where given: status, standard output and error."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(use, "trained", lambda task, model, kind: Stub())
    blocks = {
        "translation/interface": SimpleNamespace(longest_words=4, source="data/raw/interface-strings"),
        "translation/own": SimpleNamespace(longest_words=4, source="/data/own.tsv"),
    }
    monkeypatch.setattr(settings, "of_task", lambda task: (None, None, blocks.get(task)))

    def command(*words: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["unroll", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code or 0, *capsys.readouterr()

    return command


def test_texts_are_translated_a_line_each(run):
    assert run("translate", "Copy this page", "bonjour") == (0, "COPY THIS PAGE\nBONJOUR\n", "")


def test_lines_of_standard_input_stay_lines(run):
    assert run("translate", "-", stdin=b"one\n\ntwo\r\n  \n") == (0, "ONE\n\nTWO\n  \n", "")


@pytest.mark.parametrize("before", [2, 200, 201])
def test_a_line_that_cannot_be_read_comes_after_those_before_it(run, before):
    status, out, err = run("translate", "-", stdin=b"one\n" * before + b"\xff\nfour\n")
    assert (status, out) == (2, "ONE\n" * before)
    assert err == f"error: standard input, line {before + 1} is not UTF-8: convert it, as with `iconv -t UTF-8`\n"


def test_foreign_letters_are_said(run):
    status, out, err = run("translate", "open", "你好，世界", "open 世")
    assert (status, out) == (0, "OPEN\n你好，世界\nOPEN 世\n")
    assert err == "note: text 2: its letters are foreign to the model, so the translation means nothing\n"


def test_the_best_few_have_numbers_and_probabilities(run):
    assert run("translate", "ab", "", "--n-best", 2)[1] == "1\t-0.500\tAB\n1\t-1.250\tba\n2\t0.000\t\n"


def test_a_long_line_is_translated_in_pieces_and_says_so(run):
    status, out, err = run("translate", "-", stdin=b"short\n" + b"word " * 5000)
    assert (status, out) == (0, "SHORT\n" + "WORD " * 5000 + "\n")
    assert err == (
        "note: text 2 has 5,000 words, and the model translates 4 at a time: it is translated in 1,250 pieces\n"
    )


def test_a_placeholder_that_was_lost_is_said(run):
    status, out, err = run("translate", "open", "open %s", "%d files", "copy %s")
    assert (status, out) == (0, "OPEN\nOPEN \n%d FILES\nCOPY \n")
    assert err == (
        "note: text 2: a placeholder was lost or invented\nnote: text 4: a placeholder was lost or invented\n"
    )


def test_a_catalogue_is_filled(run, tmp_path):
    path, output = tmp_path / "messages.po", tmp_path / "fr.po"
    path.write_text(CATALOGUE)
    status, out, err = run("translate", "--po", path, "-o", output)
    assert (status, out) == (0, "")
    assert err.endswith(
        "messages.po: entries filled and marked fuzzy: 1; left empty, since foreign or lest a placeholder be lost or"
        " invented: 1; translated before: 1\n"
        "note: look through what is fuzzy and remove the flags: until then msgfmt passes these entries over\n"
    )
    assert output.read_text() == CATALOGUE.replace("#, python-format", "#, fuzzy, python-format").replace(
        'msgstr[0] ""\nmsgstr[1] ""', 'msgstr[0] "%d FILE"\nmsgstr[1] "%d FILES"'
    )
    assert run("translate", "--po", path)[1] == output.read_text()


def test_what_is_foreign_in_a_catalogue_stays_empty(run, tmp_path):
    path = tmp_path / "messages.po"
    text = CATALOGUE.replace("Lost %s", "你好")
    path.write_text(text.replace("%d file", "%d 世"))
    status, out, err = run("translate", "--po", path)
    assert (status, out) == (0, path.read_text())
    assert err.startswith("note: messages.po: texts in letters that are foreign to the model, left empty: 3\n")
    assert "marked fuzzy: 0; left empty, since foreign or lest a placeholder be lost or invented: 2; " in err
    assert "look through" not in err


def test_a_model_of_ones_own_data_writes_what_the_user_says(run, tmp_path):
    path = tmp_path / "messages.po"
    path.write_text(CATALOGUE.replace("Language: fr", "Language: de"))
    own = ("translate", "--task", "translation/own", "--po", path)
    assert run(*own, "--language", "de_AT")[0] == 0
    status, _, err = run(*own)
    assert status == 2
    assert "its language is de, and the model writes fr: name another catalogue, or with --language" in err


@pytest.mark.parametrize("command", [["translate", "--po", "none.po"], ["translate", "a"], ["pronounce", "a"]])
def test_a_place_where_nothing_can_be_written_is_refused_before_all_else(run, tmp_path, command):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "fr.po"
    assert run(*command, "-o", place) == (2, "", f"error: {place}: Not a directory: name another place\n")
    assert run(*command, "-o", tmp_path) == (2, "", f"error: {tmp_path} is a folder: name a file\n")


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        ([], b"", "name texts, or - for the lines of standard input, or a catalogue with --po"),
        (["text", "--po", "a.po"], b"", "and not both"),
        (["text", "--n-best", 5], b"", "--n-best 5 is too many: the search of this model keeps 4"),
        (["-"], b"one\n\xff\n", "standard input, line 2 is not UTF-8"),
        (["fine", "\udcff"], b"", "text 2 is not UTF-8"),
        (["--po", "a.po", "--n-best", 2], b"", "a catalogue has room for one translation: leave out --n-best"),
        (["--po", "none.po"], b"", "none.po cannot be read"),
        (["text", "--language", "fr"], b"", "--language is written into a catalogue: leave it out, or name"),
        (["--po", "a.po", "--language", "de"], b"", "learned from data/raw/interface-strings and writes fr"),
        (["text", "--task", "translation/pronunciation"], b"", "for the phones of words there is `unroll pronounce`"),
    ],
)
def test_what_cannot_be_translated_is_refused(run, words, stdin, said):
    status, _, err = run("translate", *words, stdin=stdin)
    assert status == 2
    assert err.startswith("error: ")
    assert said in err


def test_a_broken_catalogue_is_refused_by_line_and_nothing_is_written(run, tmp_path):
    path, output = tmp_path / "messages.po", tmp_path / "fr.po"
    path.write_text(CATALOGUE.replace('"Open"', '"Op\\en"'))
    status, _, err = run("translate", "--po", path, "-o", output)
    assert status == 2
    assert f"{path}, line 7: " in err
    assert not output.exists()


def test_words_are_pronounced_in_the_form_of_the_dictionary(run):
    status, out, err = run("pronounce", "Tea", "-", "--n-best", 2, stdin=b"a b\n")
    assert (status, err) == (0, "")
    assert out == "Tea  TEA\nTea(2)  aet\na  A\na(2)  a\nb  B\nb(2)  b\n"


def test_a_word_that_cannot_be_spelled_is_named_and_the_others_pronounced(run):
    status, out, err = run("pronounce", "one", "日", "two")
    assert (status, out) == (2, "one  ONE\ntwo  TWO\n")
    assert err == "error: '日': the model never met '日': spell it with letters alone\n"


def test_a_very_long_word_is_named_and_the_others_pronounced(run):
    status, out, err = run("pronounce", "a" * 17, "a" * 16)
    assert (status, out) == (2, f"{'a' * 16}  {'A' * 16}\n")
    assert err == "error: 'aaaaaaaaaaaaaaaa'… has 17 letters: the model pronounces words of 16 at the most\n"

import pytest

from unroll.errors import UserError
from unroll.sources.pronouncing import read


def test_variants_belong_to_their_word_and_comments_to_nobody(tmp_path):
    path = tmp_path / "words.dict"
    path.write_text(
        ";;; an older comment\n"
        "'bout B AW1 T\n"
        "a AH0\n"
        "a(2) EY1\n"
        "a(3) EY1\n\n"
        "aalen AE1 L AH0 N # place, german\n"
        "COPY  K AA1 P IY0\n"
    )
    assert read(path) == {
        "'bout": ["B AW1 T"],
        "a": ["AH0", "EY1"],
        "aalen": ["AE1 L AH0 N"],
        "copy": ["K AA1 P IY0"],
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("copy", r"words\.dict, line 2: 'copy' has no phones"),
        ("copy K aa1 P", r"words\.dict, line 2: 'aa1' is no phone"),
        ("copy K AA3 P", r"words\.dict, line 2: 'AA3' is no phone"),
    ],
)
def test_lines_that_are_no_entry_are_refused(tmp_path, line, message):
    path = tmp_path / "words.dict"
    path.write_text(f"a AH0\n{line}\n")
    with pytest.raises(UserError, match=message):
        read(path)


def test_a_file_without_words_is_refused(tmp_path):
    path = tmp_path / "words.dict"
    path.write_text(";;; nothing\n")
    with pytest.raises(UserError, match=r"words\.dict has no words"):
        read(path)

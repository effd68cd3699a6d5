from pathlib import Path

import pytest

from unroll.errors import UserError
from unroll.sources import line_folder
from unroll.sources.line_folder import Line


@pytest.fixture
def folder(tmp_path):
    """Writes files by their names; of a text its bytes."""

    def written(files: dict[str, bytes | str]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return written


def test_a_picture_has_the_text_beside_it(folder):
    root = folder({"b.PNG": "", "b.gt.txt": "two", "a/1.jpg": "", "a/1.gt.txt": "one\n", "notes.txt": "none"})
    assert line_folder.read(root) == [
        Line("a/1", root / "a/1.jpg", "one"),
        Line("b", root / "b.PNG", "two"),
    ]


def test_what_ocropus_made_of_a_picture_has_its_text(folder):
    root = folder({"010001.bin.png": "", "010001.gt.txt": "1", "v1.2.tif": "", "v1.2.gt.txt": "2"})
    assert [(line.name, line.text) for line in line_folder.read(root)] == [("010001", "1"), ("v1.2", "2")]


def test_a_text_is_composed_with_single_blanks(folder):
    root = folder({"a.png": "", "a.gt.txt": b"\xef\xbb\xbf  Cafe\xcc\x81 \t au  lait \r\n\r\n"})
    assert line_folder.read(root)[0].text == "Café au lait"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.png": "", "b.png": "", "b.gt.txt": "b"}, r"a\.png has no text: write what it says into a\.gt\.txt beside"),
        ({"a.png": "", "a.gt.txt": "a", "c.gt.txt": "c"}, r"c\.gt\.txt has no picture of its name beside it"),
        ({"a.png": "", "a.bin.png": "", "a.gt.txt": "a"}, r"a\.bin\.png and .*a\.png are of one line: keep one"),
        ({"a.png": "", "a.gt.txt": " \n"}, r"a\.gt\.txt is empty"),
        ({"a.png": "", "a.gt.txt": "one\ntwo\n"}, r"a\.gt\.txt has 2 lines of text"),
        ({"a.png": "", "a.gt.txt": b"na\xefve"}, r"a\.gt\.txt is not text in UTF-8"),
    ],
)
def test_what_does_not_fit_is_named(folder, files, message):
    with pytest.raises(UserError, match=message):
        line_folder.read(folder(files))


def test_what_is_hidden_is_passed_over(folder):
    hidden = {"._1.png": "", "._1.gt.txt": "", ".ipynb_checkpoints/1.png": "", "a/.b/c.gt.txt": "c"}
    root = folder(hidden)
    assert not line_folder.has_texts(root)
    folder({"1.png": "", "1.gt.txt": "one"})
    assert line_folder.read(root) == [Line("1", root / "1.png", "one")]
    assert line_folder.pictures([root]) == [root / "1.png"]
    assert line_folder.pictures([root / "._1.png"]) == [root / "._1.png"]  # asked for by name


def test_texts_are_found_in_any_depth(folder):
    assert not line_folder.has_texts(folder({"a.png": "", "a.txt": "a"}))
    assert line_folder.has_texts(folder({"train/book/a.gt.txt": "a"}))


def test_a_folder_stands_for_its_pictures(folder):
    root = folder({"x/b.png": "", "x/a.tiff": "", "x/a.gt.txt": "a", "y/z.txt": ""})
    single = root / "whatever.pdf"
    assert line_folder.pictures([single, root / "x"]) == [single, root / "x/a.tiff", root / "x/b.png"]
    with pytest.raises(UserError, match="y is a folder without pictures"):
        line_folder.pictures([root / "y"])

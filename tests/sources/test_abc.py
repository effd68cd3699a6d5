import pytest

from unroll.errors import UserError
from unroll.sources import abc
from unroll.sources.abc import Tune, heights, plain_key, plain_metre, read_tunes

FILE = """\
%abc-2.1
% a comment
R:reel
M:C|

X:1
T:First tune
T:Second title
K:E Minor % hexatonic
"Em"EF|!trill!GABc~d.e|
w:words that are sung
P:B
K:G
[M:3/4] G3`2 [P:C]| vA2"4"uB2 \\
Tc2|:d6:|

This is no tune.

X:2
M:6/8
L: 1/8
K:D Mixolydian
d3 d3|
X:3
M: 2+3/8
Y:unknown
K:
c:|
"""


@pytest.fixture
def tunes(tmp_path) -> list[Tune]:
    (tmp_path / "tunes.abc").write_text(FILE)
    return read_tunes(tmp_path / "tunes.abc")


def test_tunes_of_a_file(tunes):
    assert [tune.headers["X"] for tune in tunes] == ["1", "2", "3"]
    assert tunes[0].headers == {"R": "reel", "M": "C|", "X": "1", "T": "First tune", "K": "E Minor"}
    assert tunes[1].headers["M"] == "6/8"
    assert tunes[1].body == "d3 d3|"


def test_the_text_is_the_melody_alone(tunes):
    assert tunes[0].text == "M:2/2\nL:1/8\nK:Em\nEF|GABcde|\nK:G\n[M:3/4] G32 | A2B2 c2|:d6:|\n"
    assert tunes[1].text == "M:6/8\nL:1/8\nK:Dmix\nd3 d3|\n"
    assert tunes[2].text == "M:5/8\nL:1/16\nK:none\nc:|\n"


def test_bar_lines_with_nothing_between_are_one():
    assert (
        Tune({"M": "3/4", "K": "F"}, "| | | F3G | A4 |\n| B4 ||").text == "M:3/4\nL:1/8\nK:F\n| F3G | A4 |\n| B4 ||\n"
    )


@pytest.mark.parametrize(
    ("written", "plain"),
    [("4/4", "4/4"), ("C", "4/4"), ("C|", "2/2"), (" 6 / 8 ", "6/8"), ("(2+2+3)/8", "7/8"), ("9/8 % odd", "9/8")]
    + [(strange, "none") for strange in ("none", "", "0/4", "4/0", "free 4/4", "4")],
)
def test_metres(written, plain):
    assert plain_metre(written) == plain


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("G", "G"), ("E Minor", "Em"), ("Em", "Em"), ("EM", "Em"), ("EMin", "Em"), ("D Major", "D"), ("F#m", "F#m"),
        ("Bb", "Bb"), ("Ador", "Ador"), ("A Dorian % hexatonic", "Ador"), ("GMix", "Gmix"), ("C clef=bass", "C"),
        ("Hp", "Hp"), ("none", "none"), ("", "none"), ("H", "none"),
    ],
)  # fmt: skip
def test_keys(written, plain):
    assert plain_key(written) == plain


def test_the_unit_is_by_the_metre_where_none_is_named():
    assert [Tune({"M": metre}, "c").text.split("\n")[1] for metre in ("2/4", "3/4", "C", "none", "5/8")] == [
        "L:1/16",
        "L:1/8",
        "L:1/8",
        "L:1/8",
        "L:1/16",
    ]


def test_several_voices_are_seen():
    assert Tune({"V": "1"}, "c").has_voices
    assert Tune({}, "V:2\nc").has_voices
    assert Tune({}, "[V:2] c").has_voices
    assert not Tune({}, "[P:V] VcV:|").has_voices


def test_old_files_are_latin_1(tmp_path):
    (tmp_path / "old.abc").write_bytes("X:1\nT:Für\nK:C\nc\n".encode("latin-1"))
    assert read_tunes(tmp_path / "old.abc")[0].headers["T"] == "Für"


@pytest.mark.parametrize("content", [b"", b"no tune\n", b"T:x\nK:C\nccc\n", b"X:1\0\0"])
def test_a_file_without_a_tune_is_named(tmp_path, content):
    (tmp_path / "empty.abc").write_bytes(content)
    with pytest.raises(UserError, match=r"empty\.abc has no tune in ABC notation"):
        read_tunes(tmp_path / "empty.abc")


@pytest.mark.parametrize("signs", ["[K:" * 50_000, "^" * 50_000, "{" * 50_000, "[" * 50_000, "[K:" + " " * 50_000])
def test_what_is_never_closed_is_read_all_the_same(signs):
    tune = Tune({}, f"{signs}\nEF")
    assert tune.text.endswith("\nEF\n")
    assert heights(f"{signs}\nEF") == [2, 3]


def test_heights():
    assert heights("M:4/4\nL:1/8\nK:C\nC, C c c' ^D{ef}[K:G]z x[CE]\nK:Em\nB,,") == [-7, 0, 7, 14, 1, 0, 2, -8]


def test_heights_are_the_same_in_another_key():
    in_c, in_g = heights("K:C\nCDEF GABc|^FG"), heights("K:G\nGABc defg|^cd")
    assert [high - 4 for high in in_g] == in_c


def test_a_file_of_a_text_reads_as_that_text(tmp_path):
    text = "M:6/8\nL:1/8\nK:Gm\nG3 A3|\n"
    (tmp_path / "one.abc").write_text(abc.file_of(text, "A title"))
    (tune,) = read_tunes(tmp_path / "one.abc")
    assert tune.text == text
    assert tune.headers["T"] == "A title"

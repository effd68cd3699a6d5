import json

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources.ink import Ink, read_ink

NAMESPACE = 'xmlns="http://www.w3.org/2003/InkML"'


def write(tmp_path, text: str | bytes, name: str = "a.inkml"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def ink(tmp_path, inner: str) -> Ink:
    return read_ink(write(tmp_path, f"<ink {NAMESPACE}>{inner}</ink>"))


def strokes(found: Ink) -> list:
    return [stroke.tolist() for stroke in found.strokes]


def test_reads_json(tmp_path):
    sample = {"label": "ä", "strokes": [[[0, 1.5], [2, 3, 100]], [], [[4, -5]]], "writer": "anna"}
    found = read_ink(write(tmp_path, json.dumps(sample), "a.json"))
    assert found.label == "ä"
    assert strokes(found) == [[[0, 1.5], [2, 3]], [[4, -5]]]
    assert {stroke.dtype for stroke in found.strokes} == {np.dtype(np.float64)}
    assert read_ink(write(tmp_path, '{"strokes": [[[0, 1]]]}', "b.json")).label is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r" is not JSON"),
        (b"\xff\xfe\x00", r" is not JSON"),
        ("[" * 100_000, r" is not JSON"),
        ("[]", r": no ink: write"),
        ('{"label": "a"}', r": no ink: write"),
        ('{"label": 7, "strokes": []}', r": no ink: write"),
        ('{"strokes": []}', r" has no stroke with a point"),
        ('{"strokes": [[], []]}', r" has no stroke with a point"),
        ('{"strokes": [[[0, 1]], "a"]}', r", stroke 2: not a list of points"),
        ('{"strokes": [[[0, 1], [2]]]}', r", stroke 1, point 2: \[2\] are no two numbers"),
        ('{"strokes": [[[0, "1"]]]}', r", stroke 1, point 1: .* are no two numbers"),
        ('{"strokes": [[[0, NaN]]]}', r", stroke 1, point 1: \[0, nan\] are no two numbers"),
        ('{"strokes": [[[Infinity, 0]]]}', r", stroke 1, point 1: \[inf, 0\] are no two numbers"),
        (f'{{"strokes": [[[0, 1{"0" * 400}]]]}}', r", stroke 1, point 1: .* are no two numbers"),
    ],
)
def test_refuses_json_by_its_place(tmp_path, text, message):
    with pytest.raises(UserError, match=rf"own\.json{message}") as refused:
        read_ink(write(tmp_path, text, "own.json"))
    assert len(str(refused.value)) < len(str(tmp_path)) + 200


def test_reads_inkml(tmp_path):
    found = ink(
        tmp_path,
        """
        <annotation type="writer">anna</annotation>
        <annotation type="truth"> ab </annotation>
        <trace id="t1">10 0, 9 14, 8 28</trace>
        <traceGroup><trace>
            .5 -1.5,
            2.  -3,
        </trace><trace></trace></traceGroup>
        """,
    )
    assert found.label == "ab"
    assert strokes(found) == [[[10, 0], [9, 14], [8, 28]], [[0.5, -1.5], [2, -3]]]


def test_reads_the_differences_of_the_recommendation(tmp_path):
    """The example of section 3.2.1 and the table of what it means."""
    found = ink(
        tmp_path,
        """
        <traceFormat>
          <channel name="X" type="decimal"/><channel name="Y" type="decimal"/>
          <intermittentChannels>
            <channel name="B1" type="boolean" default="F"/><channel name="B2" type="boolean" default="F"/>
          </intermittentChannels>
        </traceFormat>
        <trace id="id4525abc">
          1125 18432,'23'43,"7"-8,3-5,7 -3,6 2,6 8,3 6 T,2 4*T,3 6,3-6 F F
        </trace>
        """,
    )
    assert strokes(found) == [
        [
            [1125, 18432],
            [1148, 18475],
            [1178, 18510],
            [1211, 18540],
            [1251, 18567],
            [1297, 18596],
            [1349, 18633],
            [1404, 18676],
            [1461, 18723],
            [1521, 18776],
            [1584, 18823],
        ]
    ]


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("5 7, * 8, 6 *", [[5, 7], [5, 8], [6, 8]]),  # the last value
        ("5 7, '2'1, * *, * 3", [[5, 7], [7, 8], [9, 9], [11, 12]]),  # the last change
        ("""5 7, '2'1, "1"1, * *""", [[5, 7], [7, 8], [10, 10], [14, 13]]),  # the last change of it
        ("0 0, '2'2, !9!9, 8 8", [[0, 0], [2, 2], [9, 9], [8, 8]]),  # back to explicit values
        ("#ff #10, 1e2 -2", [[255, 16], [100, -2]]),
    ],
)
def test_reads_every_way_to_write_a_value(tmp_path, text, points):
    assert strokes(ink(tmp_path, f"<trace>{text}</trace>")) == [points]


def test_channels_are_found_by_name_and_orientation(tmp_path):
    form = """<definitions><traceFormat xml:id="f">
        <channel name="T" type="integer"/><channel name="Y" orientation="-ve"/><channel name="X"/><channel name="F"/>
        </traceFormat><trace>0 0 0 0</trace></definitions>"""
    found = ink(tmp_path, form + "<trace>1 2 3 4, 5 6 7 ?</trace>")
    assert strokes(found) == [[[3, -2], [7, -6]]]


def test_a_lifted_pen_leaves_no_ink_and_a_trace_may_go_on(tmp_path):
    found = ink(
        tmp_path,
        """<trace xml:id="a" continuation="begin">0 0, 1 1</trace>
        <trace type="penUp">1 1, 5 5</trace>
        <trace xml:id="other">9 9</trace>
        <trace xml:id="b" continuation="middle" priorRef="#a">2 2</trace>
        <trace continuation="end" priorRef="#b">3 3</trace>""",
    )
    assert strokes(found) == [[[0, 0], [1, 1], [2, 2], [3, 3]], [[9, 9]]]


@pytest.mark.parametrize(
    ("inner", "label"),
    [
        ("", None),
        ('<annotation type="truth"> </annotation>', None),
        ('<annotation type="label">x</annotation>', "x"),
        ('<traceGroup><annotation type="truth">y</annotation></traceGroup>', "y"),
        ('<traceGroup><annotation type="truth">y</annotation></traceGroup><traceGroup/>', None),
    ],
)
def test_the_label_is_that_of_the_whole(tmp_path, inner, label):
    assert ink(tmp_path, inner + "<trace>0 0</trace>").label == label


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("", r" has no stroke with a point"),
        ("<trace>0 0</trace><trace>0 0, 1 x</trace>", r", trace 2, point 2: 'x' is no value of InkML"),
        ("<trace>0 0, 1</trace>", r", trace 1, point 2 has 1 values for 2 channels: '1'"),
        ("<trace>0 0 0</trace>", r", trace 1, point 1 has 3 values for 2 channels"),
        ("<trace>0 0,,1 1</trace>", r", trace 1, point 2 has 0 values for 2 channels"),
        ("<trace>'1'1</trace>", r", trace 1, point 1: '1 does not say where the pen is"),
        ("<trace>* 0</trace>", r", trace 1, point 1: \* does not say where the pen is"),
        ("<trace>0 0, T 0</trace>", r", trace 1, point 2: T does not say where the pen is"),
        ("<trace>1e999 0</trace>", r", trace 1, point 1: inf is beyond 1e\+09"),
        ("<trace>0 0, '1e9'0, * *</trace>", r", trace 1, point 3: 2e\+09 is beyond 1e\+09"),
        ('<trace continuation="end" priorRef="#a">0 0</trace>', r", trace 1 goes on from a: name the id"),
        ('<traceFormat><channel name="X"/></traceFormat>', r": its trace format has no channels X and Y"),
        (
            '<traceFormat><channel name="X"/><channel name="Y"/></traceFormat>'
            '<traceFormat><channel name="Y"/><channel name="X"/></traceFormat>',
            r" has several trace formats",
        ),
    ],
)
def test_refuses_inkml_by_its_place(tmp_path, inner, message):
    with pytest.raises(UserError, match=rf"own\.inkml{message}"):
        read_ink(write(tmp_path, f"<ink {NAMESPACE}>{inner}</ink>", "own.inkml"))


def test_refuses_what_leads_to_other_files_or_grows(tmp_path):
    secret = write(tmp_path, "secret", "secret.txt")
    for declared in (
        f'<!DOCTYPE ink [<!ENTITY e SYSTEM "{secret.as_uri()}">]>',
        '<!DOCTYPE ink [<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;&a;&a;">]>',
        f'<!DOCTYPE ink SYSTEM "{secret.as_uri()}">',
    ):
        text = f'<?xml version="1.0"?>{declared}<ink><annotation type="truth">&e;</annotation></ink>'
        with pytest.raises(UserError, match=r"a\.inkml declares a document type, .*: delete <!DOCTYPE \.\.\.>"):
            read_ink(write(tmp_path, text))
    with pytest.raises(UserError, match=r"a\.inkml is not whole XML \(undefined entity"):
        ink(tmp_path, "<trace>&e;</trace>")


@pytest.mark.parametrize("text", ["", "no XML", "<ink><trace>0 0</trace>", '<?xml version="1.0" encoding="x"?><ink/>'])
def test_refuses_what_is_not_whole_xml(tmp_path, text):
    with pytest.raises(UserError, match=r"a\.inkml is not whole XML"):
        read_ink(write(tmp_path, text))


def test_refuses_what_is_no_ink(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"a\.inkml is no InkML: its outermost element is svg, not ink"):
        read_ink(write(tmp_path, "<svg/>"))
    with pytest.raises(UserError, match=r"a\.svg: the ending says the format: one of \.inkml, \.json"):
        read_ink(write(tmp_path, "<svg/>", "a.svg"))
    with pytest.raises(UserError, match=r"gone\.json is missing, or no file"):
        read_ink(tmp_path / "gone.json")
    monkeypatch.setattr("unroll.sources.ink.MOST_BYTES", 10)
    with pytest.raises(UserError, match=r"a\.inkml has 15 bytes, more than 10"):
        read_ink(write(tmp_path, "<ink></ink>    "))


def test_deep_nesting_is_no_trouble(tmp_path):
    depth = 50_000
    found = ink(tmp_path, "<traceGroup>" * depth + "<trace>1 2</trace>" + "</traceGroup>" * depth)
    assert strokes(found) == [[[1, 2]]]

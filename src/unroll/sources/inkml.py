"""Ink Markup Language (W3C Recommendation, 20 September 2011): the traces of a file as points.

Read are traces of X and Y with all of their encodings (section 3.2.1), the channels of a trace format (3.1), traces
that go on in another element, and what the ink says by an annotation of the type ``truth`` or ``label``. Brushes,
timestamps and other channels are passed over, as are traces of a pen in the air. A document type is refused: without
one an XML file can neither name other files nor define entities that grow without end.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat

from unroll.errors import UserError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Strokes = tuple[str | None, list[list[tuple[float, float]]]]  # the label, and the points of each stroke
LARGEST = 1e9  # of a coordinate in the file's own unit
_ORDERS = "!'\""  # explicit, first and second difference
_VALUE = re.compile(r"\s*([!'\"]?)\s*(-?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|#[0-9A-Fa-f]+|[TF*?])")
_LABELS = ("truth", "label")


def parse(content: bytes, where: str) -> Strokes:
    """The label (None where there is none) and the strokes of an InkML file; y grows downwards.

    Raises ``UserError`` that begins with ``where`` for what is no InkML.
    """
    ink = _tree(content, where)
    if ink.tag != "ink":
        raise UserError(f"{where} is no InkML: its outermost element is {ink.tag}, not ink")
    axes = _axes(ink, where)
    strokes: list[list[tuple[float, float]]] = []
    places: dict[str, int] = {}  # of the stroke that a trace belongs to, by the trace's id
    for number, trace in enumerate(_traces(ink), 1):
        at = f"{where}, trace {number}"
        points = list(_points(trace.text or "", axes, at))
        place = len(strokes)
        if trace.get("continuation") in ("middle", "end"):
            before = trace.get("priorRef", "").removeprefix("#")
            if before not in places:
                raise UserError(f"{at} goes on from {before or 'no other one'}: name the id of a trace before it")
            place = places[before]
            strokes[place] += points
        else:
            strokes.append(points)
        places[trace.get("id", "")] = place
    return _label(ink), strokes


class _Axis(NamedTuple):
    """The place of a channel in a point, and 1 where it grows as usual (to the right, downwards), else -1."""

    place: int
    sign: int


class _Axes(NamedTuple):
    """Where X and Y are among the channels; ``needed`` of them are in every point, the others, intermittent, not."""

    x: _Axis
    y: _Axis
    needed: int
    channels: int


def _tree(content: bytes, where: str) -> "Element":
    """The outermost element, all names without their namespace."""
    from xml.etree.ElementTree import TreeBuilder

    def start(name: str, attributes: dict[str, str]) -> None:
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def refuse(*_: object) -> None:
        raise UserError(f"{where} declares a document type, which could lead to other files: delete <!DOCTYPE ...>")

    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: builder.end(_local(name))
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # an encoding that is unknown is one of the latter
        raise UserError(f"{where} is not whole XML ({error}): save it anew") from None
    return builder.close()


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def _traces(ink: "Element") -> list["Element"]:
    """The traces that show: not those that definitions keep for others to refer to, nor those of a lifted pen."""
    kept = {trace for definitions in ink.iter("definitions") for trace in definitions.iter("trace")}
    return [trace for trace in ink.iter("trace") if trace not in kept and trace.get("type") != "penUp"]


def _label(ink: "Element") -> str | None:
    """What the ink as a whole is said to be, or its only trace group."""
    groups = ink.findall("traceGroup")
    for element in (ink, *(groups if len(groups) == 1 else ())):
        for annotation in element.findall("annotation"):
            if annotation.get("type") in _LABELS and (text := (annotation.text or "").strip()):
                return text
    return None


def _axes(ink: "Element", where: str) -> _Axes:
    """The channels of the file's trace format; X and Y where there is none (3.1.1)."""
    formats = {_format(element, where) for element in ink.iter("traceFormat")}
    if len(formats) > 1:
        raise UserError(f"{where} has several trace formats: write the ink of each to a file of its own")
    return formats.pop() if formats else _Axes(_Axis(0, 1), _Axis(1, 1), 2, 2)


def _format(element: "Element", where: str) -> _Axes:
    channels = list(element.iter("channel"))
    intermittent = [channel for group in element.iter("intermittentChannels") for channel in group.iter("channel")]
    channels = [channel for channel in channels if channel not in intermittent] + intermittent
    names = [channel.get("name") for channel in channels]
    needed = len(channels) - len(intermittent)
    if not {"X", "Y"} <= set(names[:needed]):
        raise UserError(f"{where}: its trace format has no channels X and Y: convert it to these")

    def axis(name: str) -> _Axis:
        place = names.index(name)
        return _Axis(place, -1 if channels[place].get("orientation") == "-ve" else 1)

    return _Axes(axis("X"), axis("Y"), needed, len(channels))


def _points(text: str, axes: _Axes, where: str) -> Iterator[tuple[float, float]]:
    """The points of a trace's text, such as ``1125 18432,'23'43,"7"-8,3-5``."""
    x, y = _Channel(), _Channel()
    for number, point in enumerate(text.strip().removesuffix(",").split(",") if text.strip() else [], 1):
        at = f"{where}, point {number}"
        values = _values(point, at)
        if not axes.needed <= len(values) <= axes.channels:
            raise UserError(f"{at} has {len(values)} values for {axes.needed} channels: {point.strip()[:40]!r}")
        yield axes.x.sign * x.next(*values[axes.x.place], at), axes.y.sign * y.next(*values[axes.y.place], at)


def _values(point: str, where: str) -> list[tuple[str, str]]:
    """The values of a point, each with the prefix that tells the order of its difference, or ""."""
    found, place, end = [], 0, len(point.rstrip())
    while place < end:
        match = _VALUE.match(point, place)
        if not match:
            raise UserError(f"{where}: {point[place:].strip()[:40]!r} is no value of InkML")
        found.append(match.groups())
        place = match.end()
    return found


class _Channel:
    """A channel along a trace: its last value, and how much that was more than the one before.

    A prefix holds until the next one: after ``'`` values are changes, after ``"`` changes of the change.
    """

    def __init__(self) -> None:
        self.order, self.value, self.change, self.bend = "!", None, 0.0, 0.0

    def next(self, prefix: str, text: str, where: str) -> float:
        """The channel's value at the next point; ``*`` repeats what was last written."""
        self.order = prefix or self.order
        if text in "TF?" or (self.value is None and (text == "*" or self.order != "!")):
            raise UserError(f"{where}: {prefix}{text} does not say where the pen is: write a number")
        before, change = self.value, self.change
        number = None if text == "*" else _number(text)
        match self.order:
            case "!":
                self.value = before if number is None else number
                self.change = 0.0 if before is None else self.value - before
            case "'":
                self.change = change if number is None else number
                self.value = before + self.change
            case '"':
                self.bend = self.bend if number is None else number
                self.change = change + self.bend
                self.value = before + self.change
        if not abs(self.value) <= LARGEST:
            raise UserError(f"{where}: {self.value:g} is beyond {LARGEST:g}: no pen gets there")
        return self.value


def _number(text: str) -> float:
    return float(int(text[1:], 16)) if text.startswith("#") else float("".join(text.split()))

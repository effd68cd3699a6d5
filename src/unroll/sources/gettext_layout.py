"""The entries of a .po file with the lines they stand on, so that a few can be written and all else stay as it is.

The libraries that read the format write it anew: they wrap lines, move comments and drop what they do not know. Here
a file is its lines; what is not filled keeps its bytes. Strings are read and written by babel. The format is that of
the manual of GNU gettext, "The Format of PO Files".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError

_STRING = r'"(?:[^"\\]|\\[ntr"\\])*"'
_LINE = re.compile(rf"(?:(msgctxt|msgid|msgid_plural|msgstr|msgstr\[\d\])\s*)?({_STRING})")
_HEADER = ["MIME-Version: 1.0\n", "Content-Type: text/plain; charset=UTF-8\n", "Content-Transfer-Encoding: 8bit\n"]


class Lines(NamedTuple):
    """A keyword's string: its text, and the lines ``start`` up to ``stop`` of the file."""

    text: str
    start: int
    stop: int


class Entry(NamedTuple):
    """A message, and its translation as ``forms``: ``msgstr``, or every ``msgstr[i]`` where there is a ``plural``.

    ``flags_line`` is where its flags stand, if it has any, and ``flags_place`` where they would.
    """

    source: str
    plural: str | None
    context: str | None
    forms: list[Lines]
    flags: list[str]
    flags_line: int | None
    flags_place: int


class Catalogue(NamedTuple):
    """A file: its lines without their ends, of which ``newline`` is the one for new lines, and its entries.

    The ``header`` is the entry of the empty source; obsolete entries are lines only.
    """

    lines: list[str]
    newline: str
    header: Entry | None
    entries: list[Entry]

    def stated(self, key: str) -> str:
        """What the header says of a ``key`` such as ``Language``; nothing where it does not."""
        found = re.search(rf"^{key}:(.*)$", self.header.forms[0].text, re.MULTILINE) if self.header else None
        return found[1].strip() if found else ""


def read(path: Path) -> Catalogue:
    """The entries of a .po file in UTF-8. ``UserError`` names file and line of what is broken or encoded otherwise."""
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        lines = content.decode("utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a .po file") from None
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {number} is not UTF-8: convert it with `msgconv --to-code=UTF-8`") from None
    everything = list(_entries(path, lines))
    header = next((entry for entry in everything if not entry.source and entry.context is None), None)
    newline = "\r\n" if lines[0].endswith("\r") else "\n"
    found = Catalogue(lines, newline, header, [entry for entry in everything if entry is not header])
    charset = re.search(r"charset=([\w.:-]+)", found.stated("Content-Type"))
    if charset and charset[1].lower() not in ("utf-8", "utf8", "charset"):
        raise UserError(f"{path} is in {charset[1]}: convert it with `msgconv --to-code=UTF-8`")
    return found


def written(catalogue: Catalogue, fillings: Mapping[int, Sequence[str]], header: Mapping[str, str]) -> str:
    """The text of the file with some entries filled, by their place in ``entries``, and marked fuzzy.

    A filling has a text a form; forms that are not empty stay as they are. ``header`` is what its header must state.
    """
    edits: list[tuple[int, int, list[str]]] = []
    for number, texts in fillings.items():
        entry = catalogue.entries[number]
        start, stop = min(form.start for form in entry.forms), max(form.stop for form in entry.forms)
        edits += [(start, stop, _forms(catalogue, entry, texts)), *_fuzzy(catalogue, entry)]
    if header:
        edits.append(_header(catalogue, header))  # last, so that a new one comes above all else
    lines, end = list(catalogue.lines), catalogue.newline[:-1]
    for start, stop, fresh in sorted(edits, key=itemgetter(0), reverse=True):  # from the bottom up, so that places hold
        lines[start:stop] = [line.rstrip("\r") + end for line in fresh]
    return "\n".join(lines)


def _entries(path: Path, lines: Sequence[str]) -> Iterator[Entry]:
    """The entries, obsolete ones left out; a comment, or the keyword of a source, begins the next."""
    comments: list[int] = []
    strings: dict[str, list[tuple[int, str]]] = {}
    keyword = ""
    for number, raw in enumerate([*lines, "#"]):
        line = raw.strip()
        comment, said = line.startswith("#"), _LINE.fullmatch(line)
        if not line:
            continue
        if not comment and not said:
            raise UserError(
                f"{path}, line {number + 1}: {line[:60]!r} is no keyword with a string in quotes, or has an escape"
                ' other than \\n, \\t, \\r, \\" and \\\\'
            )
        if strings and (comment or (said[1] in ("msgctxt", "msgid") and "msgstr" in keyword)):
            yield _entry(path, lines, comments, strings)
            comments, strings, keyword = [], {}, ""
        if comment:
            comments = [] if line.startswith("#~") else [*comments, number]
            continue
        keyword = said[1] or keyword
        if not keyword or (said[1] and keyword in strings):
            raise UserError(f"{path}, line {number + 1}: {line[:60]!r} belongs to no entry")
        strings.setdefault(keyword, []).append((number, said[2]))


def _entry(path: Path, lines: Sequence[str], comments: list[int], strings: Mapping[str, list]) -> Entry:
    from babel.messages import pofile

    parts = {
        keyword: Lines("".join(pofile.unescape(said) for _, said in found), found[0][0], found[-1][0] + 1)
        for keyword, found in strings.items()
    }
    first = min(part.start for part in parts.values())
    numbered = sum(keyword.startswith("msgstr[") for keyword in parts)
    forms = [f"msgstr[{number}]" for number in range(max(1, numbered))] if "msgid_plural" in parts else ["msgstr"]
    if parts.keys() - {"msgctxt", "msgid_plural"} != {"msgid", *forms}:
        raise UserError(f"{path}, line {first + 1}: the entry needs a msgid, and a msgstr or all of its plural forms")
    texts = {keyword: part.text for keyword, part in parts.items()}
    flagged = [number for number in comments if lines[number].startswith("#,")]
    before = [number for number in comments if lines[number].startswith("#|")]
    return Entry(
        texts["msgid"],
        texts.get("msgid_plural"),
        texts.get("msgctxt"),
        [parts[form] for form in forms],
        [flag.strip() for number in flagged for flag in lines[number][2:].split(",")],
        flagged[0] if flagged else None,
        before[0] if before else first,
    )


def _header(catalogue: Catalogue, stated: Mapping[str, str]) -> tuple[int, int, list[str]]:
    """The edit that makes the header state what it should: each in the place of its key, or else at the end."""
    text = catalogue.header.forms[0].text if catalogue.header else "".join(_HEADER)
    for key, value in stated.items():
        line = f"{key}: {value}\n"
        text, count = re.subn(rf"^{key}:.*\n?", lambda _, line=line: line, text, flags=re.MULTILINE)
        if not count:
            text = text.rstrip("\n") + "\n" * bool(text.strip()) + line
    if catalogue.header:
        form = catalogue.header.forms[0]
        return form.start, form.stop, _keyword("msgstr", text)
    return 0, 0, ['msgid ""', *_keyword("msgstr", text), ""]


def _forms(catalogue: Catalogue, entry: Entry, texts: Sequence[str]) -> list[str]:
    fresh: list[str] = []
    for number, text in enumerate(texts):
        if number < len(entry.forms) and entry.forms[number].text:
            fresh += catalogue.lines[entry.forms[number].start : entry.forms[number].stop]
        else:
            fresh += _keyword("msgstr" if entry.plural is None else f"msgstr[{number}]", text)
    return fresh


def _fuzzy(catalogue: Catalogue, entry: Entry) -> list[tuple[int, int, list[str]]]:
    if "fuzzy" in entry.flags:
        return []
    if entry.flags_line is None:
        return [(entry.flags_place, entry.flags_place, ["#, fuzzy"])]
    flagged = catalogue.lines[entry.flags_line].replace("#,", "#, fuzzy,", 1)
    return [(entry.flags_line, entry.flags_line + 1, [flagged])]


def _keyword(keyword: str, text: str) -> list[str]:
    from babel.messages import pofile

    return f"{keyword} {pofile.normalize(text)}".split("\n")

"""Fills the untranslated entries of a gettext catalogue, so that ``msgfmt --check-format`` accepts it."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError
from unroll.features import placeholders
from unroll.fields.translation.own import has_letters, is_faithful
from unroll.sources import gettext_layout
from unroll.sources.gettext_layout import Catalogue, Entry

MOST_FORMS = 6  # that any language has
KNOWN = {"c-format", "python-format", "python-brace-format"}  # whose placeholders are found

Translate = Callable[[Sequence[str]], Sequence[str]]  # a translation for each text


class Filled(NamedTuple):
    """The text of the catalogue, and how many entries were filled, left empty, and had a translation before."""

    text: str
    filled: int
    left: int
    before: int


def fill(path: Path, translate: Translate, language: str) -> Filled:
    """The catalogue with its untranslated entries filled by ``translate`` and marked fuzzy; all else as it stands.

    An entry is left empty whose translation is empty or would lose or invent a placeholder, and so is one that may have
    some of a format unknown here, such as ``%1`` of qt-format. ``language`` is what ``translate`` writes, as in ``fr``:
    a catalogue of another is refused, and a header that names none is completed.
    """
    catalogue = gettext_layout.read(path)
    header = _missing(path, catalogue, language)
    forms = _number_of_forms(path, header.get("Plural-Forms") or catalogue.stated("Plural-Forms"))
    sources = {
        number: _sources(entry, forms)
        for number, entry in enumerate(catalogue.entries)
        if not all(form.text for form in entry.forms)
    }
    texts = list(dict.fromkeys(text for own in sources.values() for text in own if has_letters(text)))
    targets = dict(zip(texts, translate(texts), strict=True))
    fillings = {
        number: [targets.get(text, text) for text in own]
        for number, own in sources.items()
        if all(_fits(text, targets.get(text, text), catalogue.entries[number].flags) for text in own)
    }
    text = gettext_layout.written(catalogue, fillings, header)
    return Filled(text, len(fillings), len(sources) - len(fillings), len(catalogue.entries) - len(sources))


def spoken(locale: str) -> str:
    """The language of a locale: ``pt`` of ``pt_BR``."""
    return re.split("[-_@]", locale)[0].lower()


def _missing(path: Path, catalogue: Catalogue, language: str) -> dict[str, str]:
    """What the header has yet to state, as in a template, for ``language`` and its plural forms."""
    from babel import UnknownLocaleError
    from babel.messages.plurals import get_plural

    stated = catalogue.stated("Language")
    if stated and spoken(stated) != spoken(language):
        raise UserError(
            f"{path}: its language is {stated}, and the model writes {language}: name another catalogue, or with"
            " --language what a model of your own data writes"
        )
    missing = {} if stated else {"Language": language}
    if catalogue.stated("Content-Type").partition("charset=")[2] in ("", "CHARSET"):
        missing["Content-Type"] = "text/plain; charset=UTF-8"
    plural = any(entry.plural is not None for entry in catalogue.entries)
    if plural and not re.search(r"nplurals\s*=\s*\d", catalogue.stated("Plural-Forms")):
        try:
            missing["Plural-Forms"] = str(get_plural(language.replace("-", "_")))
        except (UnknownLocaleError, ValueError):
            raise UserError(f"{language!r} is no language: write it as fr or pt_BR") from None
    return missing


def _number_of_forms(path: Path, stated: str) -> int:
    found = re.search(r"nplurals\s*=\s*(\d+)", stated)
    count = int(found[1]) if found else 2
    if not 1 <= count <= MOST_FORMS:
        raise UserError(f"{path}: Plural-Forms states {count} forms, and languages have 1 to {MOST_FORMS}")
    return count


def _sources(entry: Entry, forms: int) -> list[str]:
    """What each form is translated from.

    The first form is that of the singular, unless that lacks a placeholder of the plural ("one file", "%d files"):
    where the form is of several numbers, as in French of 0 and 1, msgfmt demands it.
    """
    if entry.plural is None:
        return [entry.source]
    forms = max(forms, len(entry.forms))
    alike = Counter(placeholders.find(entry.source)) == Counter(placeholders.find(entry.plural))
    first = entry.source if alike and forms > 1 else entry.plural
    return [first, *[entry.plural] * (forms - 1)]


def _fits(source: str, target: str, flags: Sequence[str]) -> bool:
    """Whether a program can use the target; of printf formats babel knows more than can be seen of placeholders."""
    from babel.messages import Message

    if not target.strip() or not is_faithful(source, target):
        return False
    strange = {flag for flag in flags if flag.endswith("-format") and not flag.startswith("no-")} - KNOWN
    if strange and re.search(r"[%$~{]", source):
        return False
    printf = {"c-format", "python-format"} & set(flags)
    return not (printf and any(Message(source, target, flags=["python-format"]).check()))

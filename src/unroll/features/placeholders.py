"""Placeholders of interface strings as slots: single characters that a translation has to carry over.

A placeholder is what a program fills in or a machine reads: printf's and Python's formats (``%s``, ``%(name)d``,
``%1$s``, ``%%``, ``{name}``, ``{0:.2f}``), templates (``{{ x }}``, ``{% x %}``, ``${x}``), tags of HTML (``<b>``,
``<a href="...">``), entities (``&nbsp;``), and addresses (URLs, e-mail). The first distinct one of a string becomes
the private-use character U+E000, the next U+E001, and so on.

An accelerator is the mark before the letter that chooses a menu entry by the keyboard, ``_File`` or ``&File``. Which
letter that is has to be chosen anew in each language, menu by menu, so accelerators are dropped and not translated.
"""

import re
from collections.abc import Sequence

MOST = 16  # slots; further placeholders stay text
SLOTS = tuple(chr(0xE000 + number) for number in range(MOST))
_STRAY = re.compile(f"[{SLOTS[0]}-{SLOTS[-1]}]")
# Tags that stand in texts: Gramps has words to be translated in the like of tags, such as <person>.
_TAGS = (
    "abbr|a|br|big|button|b|code|div|em|form|h[1-6]|hr|img|input|i|kbd|label|li|ol|option|pre|p|q|samp|select|small"
    "|span|strong|sub|sup|s|table|tbody|td|thead|th|tr|tt|ul|u|var"
)
_PLACEHOLDER = re.compile(
    rf"""
      \{{\{{[^{{}}]*\}}\}} | \{{%[^{{}}]*%\}}                            # templates
    | </?(?:{_TAGS})(?:\s[^<>]*)?/?>                                     # HTML
    | https?://[^\s<>"'()]*[\w/}}] | (?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+  # addresses
    | &(?:[A-Za-z]+\d*|\#\d+|\#x[0-9A-Fa-f]+);                           # entities
    | %(?:\(\w+\)|\d{{1,2}}\$)?[-+\#0']*(?:\*|[1-9]\d*)?(?:\.(?:\*|\d+))?   # formats, but for the flag of a blank:
      (?:hh|ll|[hlLqjzt])?[diouxXeEfFgGaAcCsSpmr] | %%                     # "50 % of" has none
    | \$\{{[^{{}}]*\}} | \{{[^{{}}\s]*\}}
    """,
    re.VERBOSE,
)
_ACCELERATOR = re.compile(r"(?<![\w&])[_&](?=[^\W\d_])")
_INSIDE = re.compile(r"[_&](?=[^\W\d_])")


def find(text: str) -> list[str]:
    """The placeholders of a text in their order, each as often as it occurs."""
    return _PLACEHOLDER.findall(text)


def mask(text: str, slots: Sequence[str] | None = None) -> tuple[str, list[str]]:
    """The text with its placeholders as slots, and what stands in each slot.

    ``slots``: those of the source, for a target: what else it has stays text. Otherwise they are those of the text.
    """
    text = _STRAY.sub("\ufffd", text)  # a slot's character that came with the text means nothing
    if slots is None:
        slots = list(dict.fromkeys(find(text)))[:MOST]
    place = dict(zip(slots, SLOTS, strict=False))
    return _PLACEHOLDER.sub(lambda match: place.get(match[0], match[0]), text), list(slots)


def restore(text: str, slots: Sequence[str]) -> str:
    """The text with what stands in its slots; a slot that there is not vanishes."""
    filled = dict(zip(SLOTS, slots, strict=False))
    return _STRAY.sub(lambda match: filled.get(match[0], ""), text)


def without_accelerator(text: str) -> str:
    """The text without its accelerator, a mark at the beginning of a word; as it is where it has none or several."""
    return _unmarked(text, _ACCELERATOR)


def without_accelerators(source: str, target: str) -> tuple[str, str]:
    """Both without theirs. That of a target may lie inside a word; without one in the source, a mark there is text."""
    plain = without_accelerator(source)
    return plain, target if plain == source else _unmarked(target, _INSIDE)


def _unmarked(text: str, sign: re.Pattern[str]) -> str:
    masked, slots = mask(text)
    return restore(sign.sub("", masked), slots) if len(sign.findall(masked)) == 1 else text

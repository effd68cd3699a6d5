"""What happens in a clip, in words: sentences from templates, in many wordings, and what such a sentence says.

Every wording names the actions in the order in which they happen.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# What somebody does, as ``a person`` is followed by it and as ``after`` is.
PHRASES = {
    "backflip": [("does a backflip", "doing a backflip"), ("flips backwards", "flipping backwards")],
    "cartwheel": [("turns a cartwheel", "turning a cartwheel"), ("wheels sideways", "wheeling sideways")],
    "crawl": [("crawls", "crawling"), ("creeps along the ground", "creeping along the ground")],
    "dance_a": [
        ("dances with wide swings", "dancing with wide swings"),
        ("dances bending low", "dancing bending low"),
    ],
    "dance_b": [
        ("dances on the spot", "dancing on the spot"),
        ("dances from foot to foot", "dancing from foot to foot"),
    ],
    "getup_facedown": [
        ("gets up from the belly", "getting up from the belly"),
        ("rises from lying face down", "rising from lying face down"),
    ],
    "getup_faceup": [
        ("gets up from the back", "getting up from the back"),
        ("rises from lying face up", "rising from lying face up"),
    ],
    "jump": [("jumps", "jumping"), ("leaps", "leaping")],
    "kick": [("kicks", "kicking"), ("throws a kick", "throwing a kick")],
    "punch": [("punches", "punching"), ("throws a punch", "throwing a punch")],
    "roll": [("rolls forwards", "rolling forwards"), ("does a forward roll", "doing a forward roll")],
    "run": [("runs", "running"), ("sprints", "sprinting")],
    "spin": [
        ("whirls through the air", "whirling through the air"),
        ("does a butterfly turn", "doing a butterfly turn"),
    ],
    "spinkick": [("throws a spinning kick", "throwing a spinning kick"), ("kicks in a spin", "kicking in a spin")],
    "walk": [("walks", "walking"), ("strolls", "strolling")],
}
LABELS = sorted(PHRASES)  # of frames, by their numbers
SUBJECTS = ["a person", "someone", "somebody"]
TIMES = {1: "", 2: " twice"}


class Done(NamedTuple):
    """An action, and how many times it is done in a row."""

    action: str
    times: int


def words(label: str) -> str:
    """A label as it is read: ``getup_faceup`` is ``getup faceup``."""
    return label.replace("_", " ")


def wordings(rng: np.random.Generator, done: Sequence[Done], count: int) -> list[str]:
    """``count`` different sentences that say what is done, two actions or more, in random words."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[_worded(rng, done)] = None
    return list(found)


def told(sentence: str) -> list[Done]:
    """What a sentence says is done, in its order; words that say nothing of an action are passed over."""
    return [Done(_ACTIONS[match["phrase"]], 2 if match["twice"] else 1) for match in _PATTERN.finditer(sentence)]


def _worded(rng: np.random.Generator, done: Sequence[Done]) -> str:
    """One sentence, its subject, its form and the words for each action drawn at random."""
    pairs = [PHRASES[one.action][rng.integers(len(PHRASES[one.action]))] for one in done]
    does = [finite + TIMES[one.times] for (finite, _), one in zip(pairs, done, strict=True)]
    doing = [gerund + TIMES[one.times] for (_, gerund), one in zip(pairs, done, strict=True)]
    who = SUBJECTS[rng.integers(len(SUBJECTS))]
    match rng.integers(5):
        case 0:
            return f"{who} {', then '.join(does)}"
        case 1:
            return f"{who} {', '.join(does[:-1])} and then {does[-1]}"
        case 2:
            return f"first {who} {', then '.join(does[:-1])} and finally {does[-1]}"
        case 3:
            return f"after {doing[0]}, {who} {', then '.join(does[1:])}"
        case _:
            return f"{who} {', then '.join(does[:-1])} before {doing[-1]}"


_ACTIONS = {phrase: action for action, pairs in PHRASES.items() for pair in pairs for phrase in pair}
_PATTERN = re.compile(rf"\b(?P<phrase>{'|'.join(sorted(_ACTIONS, key=len, reverse=True))})\b(?P<twice> twice)?")

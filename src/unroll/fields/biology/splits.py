"""Which side of a split something lies on, so that relatives never meet."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa

Name = Literal["train", "valid", "test"]
SPLITS: tuple[Name, ...] = ("train", "valid", "test")
Split = tuple[Name, pa.Schema, Iterator[Mapping[str, Any]]]  # its name, and its examples
TEST, VALID = 0.2, 0.08  # shares of the families
WORD = 10  # residues that chance hardly repeats
SHARED = 0.1  # of a sequence's words that a stranger does not have


def drawn(family: str, seed: int) -> Name:
    """The split of a family: a hash of its name, so the same for every task and whatever other families there are.

    A model that starts from another task's therefore never meets its own test families there.
    """
    place = rank(family, seed)
    return "test" if place < TEST else "valid" if place < TEST + VALID else "train"


def rank(text: str, seed: int) -> float:
    """A number from 0 to 1 that is random but always the same for a text and a seed."""
    return int.from_bytes(hashlib.sha256(f"{seed} {text}".encode()).digest()[:8]) / 2**64


def strangers(sequences: Collection[str], others: Collection[str], shared: float = SHARED) -> set[str]:
    """Those of the sequences that share at most a tenth of their ten-letter words with all others together.

    ``shared``: another share; 0 for not a single word.
    """
    known = {word for other in others for word in _words(other)}
    return {one for one in sequences if len(_words(one) & known) <= shared * len(_words(one))}


def apart(sequences: Collection[str], seed: int) -> dict[str, Name]:
    """A split for each sequence of unknown families; those left out would have relatives on another side.

    What resembles the test is left out of valid, and what resembles either out of train.
    """
    sides: dict[Name, set[str]] = {"train": set(), "valid": set(), "test": set()}
    for one in sequences:
        sides[drawn(one, seed)].add(one)
    sides["valid"] = strangers(sides["valid"], sides["test"])
    sides["train"] = strangers(sides["train"], sides["test"] | sides["valid"])
    return {one: side for side, own in sides.items() for one in own}


def _words(sequence: str) -> set[str]:
    return {sequence[at : at + WORD] for at in range(len(sequence) - WORD + 1)}

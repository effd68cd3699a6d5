"""Which texts and words are relatives, and on which side of a split they lie together."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from unroll.errors import UserError

Name = Literal["train", "valid", "test"]
SPLITS: tuple[Name, ...] = ("train", "valid", "test")
Split = tuple[Name, pa.Schema, Iterator[Mapping[str, Any]]]  # its name, and its examples
# Similarities from which on two texts are near-duplicates, as they are and with their words sorted. At 0.7 a tenth of
# all texts are in one group, which chains of short ones hold together.
ALIKE, REORDERED = 0.75, 0.79
LARGEST = 20  # members of a group that may be tested on: larger ones would fill the test with one phrase
TOGETHER = 512  # texts that are compared with all others at once
COMPARED = 100_000  # texts at the most: all pairs of them take minutes
PREFIX = 8  # first letters that only relatives share
SHORTEST = 3  # letters of a word that an ending is added to
# fmt: off
ENDINGS = (
    "'s", "'", "s", "es", "d", "ed", "ing", "ings", "y", "ies", "ied", "er", "ers", "or", "ors", "ier", "iers",
    "est", "iest", "ly", "ily", "al", "als", "ally", "ness", "ment", "ments", "able", "ful", "less", "ship",
    "ships", "ish", "ism", "ist", "ists", "ity", "ize", "izes", "ized", "izing", "ion", "ions", "ation", "ations",
    "ian", "ians", "an", "man", "men", "ic", "ive", "ous",
)
# fmt: on


def drawn(groups: Sequence[int], valid: int, test: int, seed: int, where: str) -> list[Name]:
    """A split for each member of ``groups`` (the number of its group), such that no group is on two sides.

    Groups are drawn in random order until ``test`` members are tested, then as many as ``valid``; large ones are
    trained on. ``UserError`` naming ``where`` they come from when less than half would be left to train on.
    """
    if valid + test > len(groups) / 2:
        raise UserError(
            f"{where}: {len(groups)} are too few to validate on {valid} and test on {test}: lower"
            " the keys valid and test"
        )
    sizes = np.bincount(groups)
    side = np.full(len(sizes), "train", object)
    left: dict[Name, int] = {"test": test, "valid": valid}
    for group in np.random.default_rng(seed).permutation(np.flatnonzero((sizes > 0) & (sizes <= LARGEST))):
        split = next((name for name, room in left.items() if sizes[group] <= room), None)
        if split:
            side[group] = split
            left[split] -= sizes[group]
    return [side[group] for group in groups]


def near_duplicates(texts: Sequence[str], where: str) -> list[int]:
    """The number of the group of each text: the same for texts that a chain of near-duplicates links.

    Near-duplicates have similar letters (see :func:`plain`), in this order of words or sorted: the similarity is one
    less Levenshtein's distance over the longer of the two. All pairs are compared: 20,000 texts take some seconds, and
    five times as many 25 times that; ``UserError`` naming ``where`` they come from when there are more.
    """
    spelled = [plain(text) for text in texts]
    different = sorted(set(spelled))
    if len(different) > COMPARED:
        raise UserError(
            f"{where}: {len(different):,} different texts are too many to find near-duplicates among (at most"
            f" {COMPARED:,}): state the splits yourself, in parallel files train.*, valid.* and test.*"
        )
    reordered = [" ".join(sorted(text.split())) for text in different]
    groups = _linked(np.concatenate((_alike(different, ALIKE), _alike(reordered, REORDERED))), len(different))
    number = dict(zip(different, groups, strict=True))
    return [number[text] for text in spelled]


def _alike(texts: Sequence[str], least: float) -> np.ndarray:
    """int (L, 2): the places of every two texts at least so similar."""
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    lengths = np.array([len(text) for text in texts])
    order = np.argsort(lengths, kind="stable")
    texts, lengths = [texts[place] for place in order], lengths[order]
    links = []
    for first in range(0, len(texts), TOGETHER):
        some = texts[first : first + TOGETHER]
        stop = np.searchsorted(lengths, len(some[-1]) / least, "right")  # longer ones cannot be that similar
        similar = process.cdist(
            some, texts[first:stop], scorer=Levenshtein.normalized_similarity, score_cutoff=least, dtype=np.float32
        )
        links.append(order[np.argwhere(similar) + first])
    return np.concatenate(links)


def plain(text: str) -> str:
    """The words of a text in lower case, without the endings of plurals, and nothing but letters."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    return " ".join(re.sub(r"(?<=\w\w[^s])s$", "", re.sub(r"(?<=\w\w)ies$", "y", word)) for word in words)


def families(words: Sequence[str]) -> list[int]:
    """The number of the family of each word.

    Relatives are a word and another that is it with an ending (abandon, abandoned, abandonment), be it that an e or y
    is lost or a consonant doubled (hope, hoping; stop, stopped), and words with the same first eight letters.
    """
    place = {word: number for number, word in enumerate(words)}
    links = [(number, place[base]) for word, number in place.items() for base in _bases(word) if base in place]
    first: dict[str, int] = {}
    links += [
        (number, first.setdefault(word[:PREFIX], number)) for word, number in place.items() if len(word) >= PREFIX
    ]
    return _linked(np.array(links, np.int64).reshape(-1, 2), len(words))


def _bases(word: str) -> Iterator[str]:
    """What a word would be an ending added to, whether or not that is a word."""
    for ending in ENDINGS:
        base = word.removesuffix(ending)
        if base != word and len(base) >= SHORTEST:
            yield base
            yield base + "e"
            yield base + "y"
            if base[-1] == base[-2]:
                yield base[:-1]


def _linked(links: np.ndarray, count: int) -> list[int]:
    """The number of the connected component of each of ``count`` nodes; links int (L, 2)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(links), bool), (links[:, 0], links[:, 1])), (count, count))
    return connected_components(graph, directed=False)[1].tolist()

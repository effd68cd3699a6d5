"""Which side of a split a piece lies on, so that two forms of one melody never meet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

Name = Literal["train", "valid", "test"]
SPLITS: tuple[Name, ...] = ("train", "valid", "test")
Split = tuple[Name, pa.Schema, Iterator[Mapping[str, Any]]]  # its name, and its examples


def families(melodies: Sequence[Sequence[int]], notes: int, shared: float) -> np.ndarray:
    """int (N,): for each melody, as the heights of its notes, the number of its family.

    A melody's words are all runs of ``notes`` intervals in it, so neither key, rhythm nor metre tells two forms of it
    apart. Two melodies that share at least ``shared`` of the words of the one that has fewer are of one family, and
    so is what is related to either.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    words = [_words(np.diff(np.asarray(melody, np.int16)), notes) for melody in melodies]
    column: dict[bytes, int] = {}
    places = [(row, column.setdefault(word, len(column))) for row, own in enumerate(words) for word in sorted(own)]
    rows, columns = np.array(places, np.int64).T
    table = coo_array((np.ones(len(rows), np.int32), (rows, columns)), (len(words), len(column))).tocsr()
    common = (table @ table.T).tocoo()  # words that two melodies share, of those that share any
    sizes = np.array([len(own) for own in words])
    kin = common.data >= shared * np.minimum(sizes[common.row], sizes[common.col])
    related = coo_array((kin[kin], (common.row[kin], common.col[kin])), common.shape)
    return connected_components(related, directed=False)[1]


def assigned(families: np.ndarray, valid: float, test: float, seed: int) -> list[Name]:
    """The split of each piece, given its family's number: whole families, drawn at random until the shares are full."""
    sizes = np.bincount(families)
    order = np.random.default_rng(seed).permutation(len(sizes))
    before = np.cumsum(sizes[order]) - sizes[order]  # pieces in the families drawn earlier
    first, second = test * len(families), (test + valid) * len(families)
    sides = np.where(before < first, "test", np.where(before < second, "valid", "train"))
    side = dict(zip(order.tolist(), sides.tolist(), strict=True))
    return [side[family] for family in families.tolist()]


def _words(intervals: np.ndarray, notes: int) -> set[bytes]:
    """Every run of ``notes`` intervals; of a shorter melody all that there are."""
    return {intervals[at : at + notes].tobytes() for at in range(max(1, len(intervals) - notes + 1))}

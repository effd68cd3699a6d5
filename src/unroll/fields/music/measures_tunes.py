"""How well a model expects the letters of tunes, and whether what it writes itself are tunes, and new ones."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from unroll.fields.music import writing
from unroll.fields.music.writing import Model
from unroll.sources import abc_bars

Rows = Sequence[Mapping[str, Any]]
TUNES, LONGEST = 200, 1500  # that are written to be judged, from the seed 0, and the most letters of one
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # of a rolling hash: odd, so that no letter is ever lost


def measure(rows: Rows, seconds: float, models: Mapping[str | None, Model], train: pa.Table) -> dict[str, float]:
    """Metrics of predicted rows, which took ``seconds`` to predict; ``train`` are the tunes that were learned from.

    Bits per character, the end of a tune counted as one, of all and by collection; then, of tunes that the model
    writes, the share of inner bars that are as long as their metre says, beside that of the real tunes and of these
    with their letters below the head shuffled; the median over the tunes of the longest stretch of letters that is in
    the training set too; and the share of the tunes that are neither there nor written twice.
    """
    drawn = writing.tunes(models[None], TUNES, LONGEST, writing.at(writing.TEMPERATURE), writing.seeded(0))
    written, real, known = [tune.text for tune in drawn], [row["text"] for row in rows], train["text"].to_pylist()
    letters = sum(len(row["prediction"].nats) for row in rows)
    collections = sorted({row["collection"] for row in rows})
    by_collection = {name: [row for row in rows if row["collection"] == name] for name in collections}
    scores = {
        "bits_per_character": bits(rows),
        **{f"bits_per_character_{name}": bits(own) for name, own in by_collection.items()},
        "bars_right": right_bars(written),
        "bars_right_real": right_bars(real),
        "bars_right_shuffled": right_bars(map(shuffled, real)),
        "longest_overlap": float(np.median(longest_overlaps(written, known))),
        "new_share": new(written, known),
        "predict_seconds_per_character": seconds / letters,
    }
    return {name: round(float(value), 9 if "seconds" in name else 6) for name, value in scores.items()}


def as_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line per tune: how surprising it was."""
    return [
        {
            "id": row["id"],
            "collection": row["collection"],
            "length": row["length"],
            "bits_per_character": round(bits([row]), 4),
        }
        for row in rows
    ]


def bits(rows: Rows) -> float:
    """Bits per character, the end of each tune counted as one."""
    nats = sum(row["prediction"].nats.sum(dtype=np.float64) for row in rows)
    return float(nats / math.log(2) / sum(len(row["prediction"].nats) for row in rows))


def right_bars(texts: Iterable[str]) -> float:
    """The share of all inner bars of some tunes that are as long as their metre says."""
    counts = [abc_bars.inner_bars(text) for text in texts]
    return sum(right for right, _ in counts) / max(1, sum(bars for _, bars in counts))


def shuffled(text: str) -> str:
    """A tune with its letters in another order, but for the head; always the same one for a text."""
    *head, body = text.split("\n", 3)
    letters = list(body)
    random.Random(text).shuffle(letters)
    return "\n".join([*head, "".join(letters)])


def new(written: Sequence[str], known: Iterable[str]) -> float:
    """The share of what was written that is not ``known`` and was written but once."""
    times, old = Counter(written), set(known)
    return sum(times[text] == 1 and text not in old for text in written) / len(written)


def longest_overlaps(texts: Sequence[str], known: Sequence[str]) -> list[int]:
    """For each text the length of the longest stretch of it that stands in one of the ``known`` too.

    All stretches of a length are compared at once, by their hashes, with those that had a match at the length before.
    """
    ours, theirs = _Stretches.of(texts), _Stretches.of(known)
    found = np.zeros(len(texts), np.int64)
    for length in range(1, max(map(len, texts), default=0) + 1):
        ours, theirs = ours.longer(), theirs.longer()
        ours = ours.among(theirs)
        if not len(ours.ends):
            break
        theirs = theirs.among(ours)
        found[ours.owners] = length
    return found.tolist()


class _Stretches:
    """Stretches of one length of some texts, which stand one behind the other, each before a 0.

    ``ends``, ``hashes`` and ``owners`` (N,): where each ends, its hash, and the number of its text.
    """

    def __init__(self, letters: np.ndarray, ends: np.ndarray, hashes: np.ndarray, owners: np.ndarray) -> None:
        self.letters, self.ends, self.hashes, self.owners = letters, ends, hashes, owners

    @classmethod
    def of(cls, texts: Sequence[str]) -> "_Stretches":
        """Those of no letters."""
        letters = np.frombuffer("".join(f"{text}\0" for text in texts).encode("utf-32-le"), np.uint32)
        owners = np.repeat(np.arange(len(texts)), [len(text) + 1 for text in texts])
        return cls(letters, np.arange(len(letters)), np.zeros(len(letters), np.uint64), owners)

    def longer(self) -> "_Stretches":
        """Those of one letter more, as far as they lie within their text."""
        inside = self.letters[self.ends] != 0
        ends, hashes = self.ends[inside], self.hashes[inside]
        hashes = (hashes ^ (hashes >> np.uint64(29))) * FACTOR + self.letters[ends] + np.uint64(1)
        return _Stretches(self.letters, ends + 1, hashes, self.owners[inside])

    def among(self, others: "_Stretches") -> "_Stretches":
        """Those whose letters are those of one of the others."""
        kept = np.isin(self.hashes, np.unique(others.hashes))
        return _Stretches(self.letters, self.ends[kept], self.hashes[kept], self.owners[kept])

"""Cutting a line of writing where it is blank and telling each piece by itself: reading without a sequence.

This is how lines were read before networks read them whole (Casey & Lecolinet 1996, "A survey of methods and strategies
in character segmentation"): what touches is one piece, so a glyph of it is lost.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.examples import matrices
from unroll.params import STRICT, Count, Positive
from unroll.patterns import transcriber
from unroll.patterns.transcriber import Example, Transcript, Word, transcript_of

PATTERN = "transcriber"
SIDE = 28  # pixels of the picture that a piece is scaled to
INK = 110  # of 255: a column without a pixel so dark is blank, whatever the noise
NARROWEST = 2  # columns of a piece: what is narrower is a speck
ROUNDS = 300  # of the optimiser, at most


@dataclass(frozen=True, config=STRICT)
class Settings:
    """``glyphs``: the most that it learns from; ``penalty``: how strongly large weights count against the fit (L2)."""

    method: Literal["glyph_regression"]
    glyphs: Count
    penalty: Positive


class Piece(NamedTuple):
    """The columns ``start`` up to ``stop`` of a line, and its ink as a picture, float32 (28 * 28,), 0 to 1."""

    start: int
    stop: int
    picture: np.ndarray


class Baseline:
    """Logistic regression of the pixels of a piece, learned from lines of as many pieces as their text has letters."""

    def __init__(self, settings: Settings, seed: int) -> None:
        from sklearn.linear_model import LogisticRegression  # slow to import, and only needed here

        self.settings = settings
        self.model = LogisticRegression(C=1 / settings.penalty, max_iter=ROUNDS, tol=1e-3, random_state=seed)

    @classmethod
    def for_examples(cls, table: pa.Table, task: transcriber.Settings, settings: Settings, seed: int) -> "Baseline":
        """Fitted to the glyphs of the training ``table`` that stand by themselves."""
        new = cls(settings, seed)
        glyphs = list(islice(_apart(new.examples(table)), settings.glyphs))
        letters = [letter for letter, _ in glyphs]
        if len(set(letters)) < 2:
            raise UserError("glyph_regression: no two glyphs stand apart in the training lines: leave it out")
        new.model.fit(np.stack([picture for _, picture in glyphs]), letters)
        return new

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.model.coef_.size + self.model.intercept_.size

    def examples(self, table: pa.Table) -> list[Example]:
        """Those of the transcriber."""
        columns = (table["id"].to_pylist(), matrices(table["frames"]), table["text"].to_pylist())
        return [Example(*row) for row in zip(*columns, strict=True)]

    def predict(self, examples: Sequence[Example]) -> list[Transcript]:
        """The letters of the pieces of each line; blanks between words are not read."""
        return [self._read(cut(example.frames)) for example in examples]

    def _read(self, pieces: Sequence[Piece]) -> Transcript:
        if not pieces:
            return transcript_of([])
        probabilities = self.model.predict_proba(np.stack([piece.picture for piece in pieces]))
        best = self.model.classes_[probabilities.argmax(1)]
        symbols = [
            Word(str(letter), float(piece.start), float(piece.stop), float(sure))
            for letter, piece, sure in zip(best, pieces, probabilities.max(1), strict=True)
        ]
        text = "".join(symbol.text for symbol in symbols)
        sure = float(np.mean([symbol.confidence for symbol in symbols]))
        return transcript_of([Word(text, symbols[0].start, symbols[-1].stop, sure)], symbols)


def cut(line: np.ndarray) -> list[Piece]:
    """The pieces of a line, uint8 (T, H) with ink high, between columns that are blank."""
    inked = np.concatenate([[False], (line >= INK).any(1), [False]])
    starts, stops = np.flatnonzero(np.diff(inked.astype(np.int8))).reshape(-1, 2).T
    return [
        Piece(int(start), int(stop), _framed(line[start:stop]))
        for start, stop in zip(starts, stops, strict=True)
        if stop - start >= NARROWEST
    ]


def _apart(examples: Sequence[Example]) -> Iterator[tuple[str, np.ndarray]]:
    """The letters and the pictures of the pieces of those lines that have as many pieces as letters."""
    for example in examples:
        pieces, letters = cut(example.frames), "".join(example.text.split())
        if len(pieces) == len(letters):
            yield from zip(letters, (piece.picture for piece in pieces), strict=True)


def _framed(piece: np.ndarray) -> np.ndarray:
    """float32 (28 * 28,): a piece (T, H), without blank rows, scaled to fit the middle of a square."""
    from PIL import Image

    rows = np.flatnonzero((piece >= INK).any(0))
    ink = piece[:, rows[0] : rows[-1] + 1].T
    height, width = (max(1, round(side * SIDE / max(ink.shape))) for side in ink.shape)
    scaled = Image.fromarray(np.ascontiguousarray(ink)).resize((width, height), Image.Resampling.BILINEAR)
    framed = np.zeros((SIDE, SIDE), np.float32)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    framed[top : top + height, left : left + width] = np.asarray(scaled, np.float32) / 255
    return framed.ravel()

"""What the report shows of the reading of lines: what is taken for what, and lines with the reading below."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein

from unroll.patterns.transcriber import Transcriber, Word
from unroll.reports import figures, reading
from unroll.reports.exhibits import Exhibit
from unroll.reports.reading import Glyph

MOST_SYMBOLS = 40  # in a figure
MOST_COLUMNS = 900  # of a line that is shown: in a longer one no glyph could be told
COLOURS = "Under the line what is read: green is right, orange wrong, and the paler the less sure."
SURE = (
    "The percentage is the mean probability of the symbols read, taken word by word. It is not calibrated: lines read"
    " wrongly are often as sure."
)
EACH = 4  # of the lines that were read wrongly, and of those that were read rightly


def confusions(pairs: Counter[tuple[str, str]], folder: Path) -> list[Exhibit]:
    """How often each written symbol was read as which; the last row and column are nothing at all."""
    symbols = sorted({symbol for pair in pairs for symbol in pair if symbol})
    if len(symbols) > MOST_SYMBOLS:
        return []
    counts = np.array([[pairs[written, read] for read in [*symbols, ""]] for written in [*symbols, ""]])
    names = [*symbols, "–"]
    figures.heatmap(folder / "confusions.png", counts, names, names, "written", "read")
    caption = "Symbols written (rows) and read; – is nothing: a symbol passed over, or one too many."
    return [Exhibit("Errors", "What was taken for what", caption, "confusions.png")]


def by_length(rates: Mapping[str, float], folder: Path) -> Exhibit:
    """The error rate of characters by the name of a range of lengths."""
    figures.bars(folder / "length.png", list(rates), list(rates.values()), "character_error_rate")
    return Exhibit("Errors", "Character error rate by length", "By the characters of a line.", "length.png")


def telling(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Some that were read wrongly, from the surest on, and some that were read rightly, from the least sure on."""
    short = [row for row in rows if len(row["example"].frames) <= MOST_COLUMNS]
    wrong = [row for row in short if row["prediction"].text != row["text"]]
    right = [row for row in short if row["prediction"].text == row["text"]]
    wrong.sort(key=lambda row: -row["prediction"].confidence)
    right.sort(key=lambda row: row["prediction"].confidence)
    return [*wrong[:EACH], *right[:EACH]]


def line(row: Mapping[str, Any], pattern: Transcriber, folder: Path) -> Exhibit:
    """A line with the reading under its glyphs and the probabilities of CTC.

    The line is the row's ``frames``, where it has any, or else what the pattern reads, if that is columns of pixels.
    """
    written, found = row["text"], row["prediction"]
    image, caption = None, SURE
    if "frames" in row or pattern.shape[0] == pattern.shape[2] == 1:
        image = f"{row['id'].replace('/', '-')}.png"
        _draw(folder / image, row, pattern)
        caption = f"{COLOURS} {SURE} The curves have one value for every {_step(row, pattern):.0f} columns of pixels."
    lines = [("written", written), ("read", f"{found.text or '(nothing)'} ({found.confidence:.0%})")]
    return Exhibit("Examples", row["id"], caption, image, None, lines, found.text == written)


def glyphs(written: str, symbols: Sequence[Word], columns: float) -> list[Glyph]:
    """The symbols read, each with its middle and whether it is what is written there.

    ``columns``: of the picture, for one of those that places are counted in.
    """
    read = "".join(symbol.text for symbol in symbols)
    right = set()
    for block in Levenshtein.opcodes(written, read):
        if block.tag == "equal":
            right |= set(range(block.dest_start, block.dest_end))
    return [
        Glyph(symbol.text, columns * (symbol.start + symbol.stop) / 2, symbol.confidence, number in right)
        for number, symbol in enumerate(symbols)
    ]


@torch.no_grad()
def _draw(to: Path, row: Mapping[str, Any], pattern: Transcriber) -> None:
    example = row["example"]
    batch = pattern.batch([example])
    log_probs, _ = pattern(batch.frames, batch.lengths)
    picture = row.get("frames", example.frames)
    step = _step(row, pattern)
    found = glyphs(row["text"], row["prediction"].symbols, step / pattern.settings.stack)
    reading.reading(to, picture, found, log_probs[0].exp().numpy(), step, pattern.symbols)


def _step(row: Mapping[str, Any], pattern: Transcriber) -> float:
    """Columns of the picture for one step of the probabilities."""
    frames = row["example"].frames
    return len(row.get("frames", frames)) / len(frames) * pattern.settings.stack

"""What the report shows of music: what a model writes, to read, to see and to hear, always the same by its seeds."""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from unroll.errors import UserError
from unroll.fields.music import composing, writing
from unroll.fields.music.chorales import VOICES
from unroll.fields.music.composing import Wish
from unroll.fields.music.measures_chorales import voices_of
from unroll.fields.music.writing import Model
from unroll.reports import charts, sound
from unroll.reports.exhibits import Exhibit
from unroll.sources import abc, limited, scores
from unroll.sources.clock import bar_lines
from unroll.sources.scores import Score

Rows = Sequence[Mapping[str, Any]]
TUNE_SEEDS, TUNE_BARS, TUNE_TEMPO = range(1, 6), 16, 120  # quarter notes a minute
CHORALE_SEEDS, CHORALE_BARS = range(1, 3), 8
LETTERS = 400  # of a text that is no tune
BEST_TUNE = "The best drawn: the one with most bars as long as the metre says, rather one that ends on the tonic."
BEST_CHORALE = (
    f"The best of {writing.CHORALES} drawn: one with the tonic in the bass at the end, with the fewest parallel fifths"
    " and octaves."
)
NO_TUNE = "None of the tunes drawn was long enough: the first letters of one."
GIVEN = 128  # sixteenths, about as many as the test piece that is harmonised should have


def tunes(models: Mapping[str | None, Model], folder: Path) -> list[Exhibit]:
    """Tunes that the model wrote, head and all, as ABC text and piano roll and to listen to."""
    shown = []
    written = [_written(models[None], seed) for seed in TUNE_SEEDS]
    heard = _played([text for text, _ in written])
    for seed, (text, caption), played in zip(TUNE_SEEDS, written, heard, strict=True):
        image, audio = None, None
        if played is None:
            caption += " music21 cannot read it."
        else:
            image, audio = _drawn(f"tune-{seed}", played.voices[:, :1], played.clock, ["melody"], TUNE_TEMPO, folder)
        lines = [("seed", str(seed)), ("ABC", text.strip())]
        shown.append(Exhibit("Written by the model", f"Tune {seed}", caption, image, audio, lines))
    return shown


def chorales(rows: Rows, models: Mapping[str | None, Model], folder: Path) -> list[Exhibit]:
    """Chorales that the model wrote, and a soprano of the test that it harmonised beside what Bach made of it."""
    model, shown = models[None], []
    for seed in CHORALE_SEEDS:
        piece = composing.chorale(model, Wish("C", "", CHORALE_BARS, writing.at(writing.TEMPERATURE), seed))
        image, audio = _drawn(f"chorale-{seed}", piece.voices, piece.clock, VOICES, composing.TEMPO, folder)
        lines = [("seed", str(seed))]
        shown.append(Exhibit("Written by the model", f"Chorale {seed}", BEST_CHORALE, image, audio, lines))
    row = min(rows, key=lambda row: (abs(len(row["example"].codes) - GIVEN), row["id"]))
    bach, clock = voices_of(row["example"], model), row["example"].clock[:-1]
    own = writing.harmonised(model, bach[:, 0], clock)
    for name, voices, caption in (
        ("model", own, "The melody was given; alto, tenor and bass are the model's."),
        ("bach", bach, "What Bach wrote; the model has met no piece with this melody."),
    ):
        image, audio = _drawn(f"harmonised-{name}", voices, clock, VOICES, composing.TEMPO, folder)
        by = "by the model" if name == "model" else "by Bach"
        shown.append(Exhibit("A melody harmonised", f"{row['title']}, {by}", caption, image, audio))
    return shown


def _written(model: Model, seed: int) -> tuple[str, str]:
    """A tune of so many bars, or of a model that writes none the first letters it does write; and how it was chosen."""
    sampling = writing.at(writing.TEMPERATURE)
    try:
        return writing.tune(model, "", TUNE_BARS, sampling, writing.seeded(seed)), BEST_TUNE
    except UserError:
        return writing.tunes(model, 1, LETTERS, sampling, writing.seeded(seed))[0].text, NO_TUNE


def _played(texts: Sequence[str]) -> list[Score | None]:
    """The notes of tunes as music21 reads them; None where it cannot."""
    found: list[Score | None] = []
    with tempfile.TemporaryDirectory() as folder, suppress(UserError):  # that reading takes too long
        paths = [Path(folder) / f"{number}.abc" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(abc.file_of(text, ""), encoding="utf-8")
        found.extend(limited.each(_attempted, paths))
    return found + [None] * (len(texts) - len(found))


def _attempted(path: Path) -> Score | None:
    try:
        return scores.parse(path)
    except UserError:
        return None


def _drawn(
    name: str, voices: np.ndarray, clock: np.ndarray, names: Sequence[str], tempo: int, folder: Path
) -> tuple[str, str]:
    """Names of the files that hold music, at so many quarter notes a minute, as a piano roll and as sound."""
    image, audio = f"{name}.png", f"{name}.mp3"
    lines = bar_lines(clock)
    upbeat = len(lines) > 2 and lines[1] - lines[0] < lines[2] - lines[1]
    charts.piano_roll(folder / image, sound.notes(voices), len(voices), names, lines[upbeat:-1])
    sound.write(folder / audio, sound.render(voices, 60 / tempo / 4))
    return image, audio

"""What the report shows of music: what a model writes, to read, to see and to hear, always the same by its seeds."""

import tempfile
from collections.abc import Mapping, Sequence
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
from unroll.sources import score_writing, scores
from unroll.sources.clock import ends_bar

Rows = Sequence[Mapping[str, Any]]
TUNE_SEEDS, TUNE_BARS, TUNE_TEMPO = range(1, 6), 16, 120  # quarter notes a minute
CHORALE_SEEDS, CHORALE_BARS = range(1, 3), 8
GIVEN = 128  # sixteenths, about as many as the test piece that is harmonised should have


def tunes(models: Mapping[str | None, Model], folder: Path) -> list[Exhibit]:
    """Tunes that the model wrote, head and all, as ABC text and piano roll and to listen to."""
    shown = []
    for seed in TUNE_SEEDS:
        text = writing.tune(models[None], "", TUNE_BARS, writing.at(writing.TEMPERATURE), writing.seeded(seed))
        lines = [("seed", str(seed)), ("abc", text.strip())]
        title = f"Tune {seed}"
        played = _played(text)
        if played is None:
            shown.append(Exhibit("Written by the model", title, "Not to be read as music.", lines=lines))
            continue
        image, audio = _drawn(f"tune-{seed}", played.voices[:, :1], played.clock, ["melody"], TUNE_TEMPO, folder)
        shown.append(Exhibit("Written by the model", title, "", image, audio, lines))
    return shown


def chorales(rows: Rows, models: Mapping[str | None, Model], folder: Path) -> list[Exhibit]:
    """Chorales that the model wrote, and a soprano of the test that it harmonised beside what Bach made of it."""
    model, shown = models[None], []
    for seed in CHORALE_SEEDS:
        piece = composing.chorale(model, Wish("C", "", CHORALE_BARS, writing.TEMPERATURE, seed))
        image, audio = _drawn(f"chorale-{seed}", piece.voices, piece.clock, VOICES, composing.TEMPO, folder)
        lines = [("seed", str(seed))]
        shown.append(Exhibit("Written by the model", f"Chorale {seed}", "", image, audio, lines))
    row = min(rows, key=lambda row: (abs(len(row["example"].codes) - GIVEN), row["id"]))
    bach, clock = voices_of(row["example"], model), row["example"].clock
    own = writing.harmonised(model, bach[:, 0], clock)
    for name, voices, caption in (
        ("model", own, "The melody was given; alto, tenor and bass are the model's."),
        ("bach", bach, "What Bach wrote; the model has met no piece with this melody."),
    ):
        image, audio = _drawn(f"harmonised-{name}", voices, clock, VOICES, composing.TEMPO, folder)
        by = "by the model" if name == "model" else "by Bach"
        shown.append(Exhibit("A melody harmonised", f"{row['title']}, {by}", caption, image, audio))
    return shown


def _played(text: str) -> scores.Score | None:
    """A tune's notes, as music21 reads them; None where it can not."""
    with tempfile.TemporaryDirectory() as beside:
        path = Path(beside) / "tune.abc"
        score_writing.write_tune(path, text, "")
        try:
            (score,) = scores.read_scores([path])
        except UserError:
            return None
    return score


def _drawn(
    name: str, voices: np.ndarray, clock: np.ndarray, names: Sequence[str], tempo: int, folder: Path
) -> tuple[str, str]:
    """Names of the files that hold music, at so many quarter notes a minute, as a piano roll and as sound."""
    image, audio = f"{name}.png", f"{name}.mp3"
    lines = (np.flatnonzero(ends_bar(clock)) + 1).tolist()
    upbeat = len(lines) > 1 and lines[0] < lines[1] - lines[0]
    bars = [line for line in ([] if upbeat else [0]) + lines if line < len(clock)]
    charts.piano_roll(folder / image, voices, names, bars)
    sound.write(folder / audio, sound.render(voices, 60 / tempo / 4))
    return image, audio

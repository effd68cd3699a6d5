"""music/chorales: four-part chorales of J. S. Bach, written sixteenth by sixteenth in four voices.

An example is a piece, or a transposition of one: its ``voices``, flat, sixteenth by sixteenth, soprano, alto, tenor,
bass; its ``clock`` (``unroll.sources.scores.Score`` says what the numbers mean); ``piece``, ``title`` and
``transposition``, in semitones from C major or A minor, where every piece is first put by its key. The data are the
scores of the library music21 that have exactly four parts. Pieces whose sopranos share 30 % of their runs of six
intervals are of one family, since Bach set many a melody more than once; a family lies on one side of the split whole.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import hold, ngram_counts, voice_counts
from unroll.errors import UserError
from unroll.features.notes import Notes
from unroll.fields.music import splits
from unroll.fields.music.splits import Split
from unroll.params import STRICT, Name, Train
from unroll.patterns import language_model
from unroll.patterns.language_model import LanguageModelModel
from unroll.sources import scores
from unroll.sources.scores import Key, Score

FOLDER = Path("music21/corpus/bach")  # inside the wheel
VOICES = ("soprano", "alto", "tenor", "bass")
INTERVALS, SHARED = 6, 0.3  # of a family: see ``splits.families``
VALID, TEST = 0.1, 0.1
TONIC = {"major": 0, "minor": 9}  # C major and A minor
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("piece", pa.string()),
        ("title", pa.string()),
        ("transposition", pa.int32()),
        ("voices", pa.large_list(pa.int16())),
        ("clock", pa.large_list(pa.int32())),
    ],
    {"streams": str(len(VOICES))},
)
Semitones = Annotated[int, Field(ge=-11, le=11)]


@dataclass(frozen=True, config=STRICT)
class Chorales:
    """``source``: the fetched data set, or a folder of one's own with scores of four parts in MusicXML, MIDI or ABC.

    ``transpositions``: how many semitones from C major or A minor the pieces are trained at; 0 is the key itself.
    """

    source: str
    transpositions: Annotated[list[Semitones], Field(min_length=1)]
    notes: Notes
    language_model: language_model.Settings
    train: Train
    models: Annotated[dict[Name, LanguageModelModel], Field(min_length=1)]
    baselines: dict[
        Name,
        Annotated[hold.Settings | ngram_counts.Settings | voice_counts.Settings, Field(discriminator="method")],
    ]

    def __post_init__(self) -> None:
        if 0 not in self.transpositions or len(set(self.transpositions)) < len(self.transpositions):
            raise ValueError("transpositions should name 0, the key itself, and none twice")


def prepare(settings: Chorales, seed: int) -> Iterator[Split]:
    """The pieces of each split, in C major or A minor; those of train in the other transpositions too."""
    source = Path(settings.source)
    pieces = _pieces(source)
    melodies = [score.voices[:, 0] for score in pieces.values()]
    families = splits.families([melody[melody > 0] for melody in melodies], INTERVALS, SHARED)
    sides = splits.assigned(families, VALID, TEST, seed)
    for split in splits.SPLITS:
        own = [name for name, side in zip(pieces, sides, strict=True) if side == split]
        if not own:
            raise UserError(
                f"params.yaml: music.chorales.source: {source}: too few scores for the split {split}: add more"
            )
        steps = settings.transpositions if split == "train" else [0]
        yield split, SCHEMA, (_row(name, pieces[name], step) for name in own for step in steps)


def _pieces(source: Path) -> dict[str, Score]:
    """The four-part scores of a folder by name; of one's own, one that has not four parts is refused."""
    corpus = source / FOLDER
    folder = corpus if corpus.is_dir() else source
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in scores.SUFFIXES)
    found = {}
    for path, score in zip(paths, scores.read_scores(paths), strict=True):
        if score.voices.shape[1] == len(VOICES):
            found[path.relative_to(folder).with_suffix("").as_posix()] = score
        elif folder == source:
            scores.check_voices(path, score, len(VOICES))
    if not found:
        raise UserError(f"params.yaml: music.chorales.source: {source} has no scores in MusicXML, MIDI or ABC")
    return found


def normalising(key: Key) -> int:
    """How many semitones bring a piece in this key to C major or A minor, by the shorter way: -5 ... 6.

    >>> normalising(Key(7, "major")), normalising(Key(6, "minor"))
    (5, 3)
    """
    return (TONIC[key.mode] - key.tonic + 5) % 12 - 5


def transposed(voices: np.ndarray, semitones: int) -> np.ndarray:
    """int16 (T, K): the same notes so many semitones higher."""
    return (voices + np.sign(voices) * semitones).astype(np.int16)


def _row(name: str, score: Score, semitones: int) -> Mapping[str, Any]:
    return {
        "id": f"{name}{semitones:+d}" if semitones else name,
        "piece": name,
        "title": score.title,
        "transposition": semitones,
        "voices": transposed(score.voices, normalising(score.key) + semitones).ravel(),
        "clock": score.clock,
    }

"""music/tunes: folk tunes in ABC notation, written letter by letter.

An example is a tune: its ``text``, head and notes, the ``collection`` it stands in, and its ``length`` in letters. The
data are four collections of the library music21, 12,762 tunes, of which 12,667 remain once those in several voices
and repetitions of a text are left out. Tunes that share 30 % of their runs of ten intervals are of one family, which
lies on one side of the split whole.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import ngram_counts
from unroll.errors import UserError
from unroll.features.tokens import Tokens
from unroll.fields.music import splits
from unroll.fields.music.splits import Split
from unroll.params import STRICT, Name, Train
from unroll.patterns import language_model
from unroll.patterns.language_model import LanguageModelModel
from unroll.sources import abc, scores
from unroll.sources.abc_writing import to_abc

CORPUS = Path("music21/corpus")  # inside the wheel
COLLECTIONS = {"essenFolksong": "essen", "oneills1850": "oneill", "airdsAirs": "aird", "ryansMammoth": "ryan"}
INTERVALS, SHARED = 10, 0.3  # of a family: see ``splits.families``
VALID, TEST = 0.04, 0.06
SCHEMA = pa.schema([("id", pa.string()), ("collection", pa.string()), ("length", pa.int32()), ("text", pa.string())])


@dataclass(frozen=True, config=STRICT)
class Tunes:
    """``source``: the fetched data set, or a folder of one's own with melodies in ABC, MIDI or MusicXML."""

    source: str
    tokens: Tokens
    language_model: language_model.Settings
    train: Train
    models: Annotated[dict[Name, LanguageModelModel], Field(min_length=1)]
    baselines: dict[Name, ngram_counts.Settings]


def prepare(settings: Tunes, seed: int) -> Iterator[Split]:
    """The tunes of a folder, those without notes, in several voices, or with the text of an earlier one left out."""
    source = Path(settings.source)
    corpus = source / CORPUS
    folders = {corpus / folder: name for folder, name in COLLECTIONS.items() if (corpus / folder).is_dir()}
    tunes: dict[str, dict] = {}
    for folder, collection in (folders or {source: "own"}).items():
        for name, text in _texts(folder):
            row = {"id": f"{collection}/{name}", "collection": collection, "length": len(text), "text": text}
            tunes.setdefault(text, row)
    melodies = [abc.heights(text) for text in tunes]
    if not melodies:
        raise UserError(f"params.yaml: music.tunes.source: {source} has no melody in ABC, MIDI or MusicXML")
    families = splits.families(melodies, INTERVALS, SHARED)
    sides = splits.assigned(families, VALID, TEST, seed)
    for split in splits.SPLITS:
        rows = [row for row, side in zip(tunes.values(), sides, strict=True) if side == split]
        if not rows:
            raise UserError(f"params.yaml: music.tunes.source: {source}: too few tunes for the split {split}: add more")
        yield split, SCHEMA, iter(rows)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """A name and the text of each melody in a folder, in the order of the files' names."""
    paths = sorted(folder.rglob("*"))
    for path in paths:
        if path.suffix.lower() == ".abc":
            name = path.relative_to(folder).with_suffix("").as_posix()
            for number, tune in enumerate(abc.read_tunes(path), 1):
                if not tune.has_voices and abc.heights(tune.text):
                    yield f"{name}-{number}", tune.text
    others = [path for path in paths if path.suffix.lower() in scores.SUFFIXES and path.suffix.lower() != ".abc"]
    for path, score in zip(others, scores.read_scores(others), strict=True):
        name = path.relative_to(folder).with_suffix("").as_posix()
        yield name, to_abc(score.voices[:, 0], score.clock, score.metre, score.key)

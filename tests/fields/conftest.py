"""What the tests of music share: models that counted a little music, which read and write as trained ones do."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.baselines import ngram_counts, voice_counts
from unroll.baselines.counts import Counts
from unroll.features import notes, tokens
from unroll.features.notes import Notes
from unroll.features.tokens import Tokens
from unroll.patterns import language_model

TASK = language_model.Settings(window=100, carry=False)


@pytest.fixture
def letters(tmp_path) -> Callable[..., tuple[pa.Table, Counts]]:
    """The table of some tunes, a text each, and a model of n letters that learned it."""

    def made(texts: list[str], order: int = 8) -> tuple[pa.Table, Counts]:
        settings = Tokens({"text": "characters"}, size=0, placeholders=False)
        columns = {
            "id": [f"own/{number}" for number in range(len(texts))],
            "collection": ["own" if number % 2 else "other" for number in range(len(texts))],
            "length": [len(text) for text in texts],
            "text": texts,
        }
        plain = pa.table(columns)
        learned = tokens.learn(plain, settings)
        examples.write(tmp_path / "tunes.arrow", *tokens.featurize(plain, settings, learned))
        table = examples.read(tmp_path / "tunes.arrow")
        return table, ngram_counts.Baseline.for_examples(
            table, TASK, ngram_counts.Settings("ngram_counts", order=order), 0
        )

    return made


@pytest.fixture
def choir(tmp_path) -> Callable[..., tuple[pa.Table, Counts]]:
    """The table of some pieces, voices (T, K) and clock (T,) each, and a model that counted them."""

    def made(pieces: list[tuple[np.ndarray, np.ndarray]]) -> tuple[pa.Table, Counts]:
        voices, clocks = zip(*pieces, strict=True)
        plain = pa.table(
            {
                "id": [f"piece{number}" for number in range(len(pieces))],
                "title": [f"Piece {number}" for number in range(len(pieces))],
                "voices": pa.array([each.ravel() for each in voices], pa.large_list(pa.int16())),
                "clock": pa.array(clocks, pa.large_list(pa.int32())),
            }
        ).replace_schema_metadata({"streams": str(voices[0].shape[1])})
        examples.write(tmp_path / "choir.arrow", *notes.featurize(plain, Notes(lowest=36, highest=84)))
        table = examples.read(tmp_path / "choir.arrow")
        settings = voice_counts.Settings("voice_counts", novelty=1.0)
        return table, voice_counts.Baseline.for_examples(table, TASK, settings, 0)

    return made

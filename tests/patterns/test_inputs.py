import json
from dataclasses import asdict

import pyarrow as pa
import pytest
import torch

from unroll import examples, params
from unroll.errors import UserError
from unroll.features import tokens
from unroll.features.kmers import Kmers
from unroll.features.tokens import Tokens
from unroll.params import Recurrent
from unroll.patterns.classifier import ClassifierModel
from unroll.patterns.encoder import CodeEncoder, Embedding
from unroll.patterns.inputs import Inputs, rows_of
from unroll.patterns.vision import FrameEncoder, Vision
from unroll.patterns.words import WordEmbedding, WordEncoder

RECURRENT = Recurrent("gru", 3, 1, False, 0.0)
EMBEDDING = Embedding(4, 0.5)
VISION = Vision(channels=[2], features=0, steps=2, shift=0, mirror=False)
PIXELS = {"size": 0, "background": False, "difference": False, "reduce": 1}
CODES = Inputs("kmers", {"alphabet": "dna", "k": 2})
FRAMES = Inputs("pixels", PIXELS, [1, 2, 3], 12.5)
SPELLED = WordEmbedding(4, 0.5, letters=3)
WORDS = Inputs(
    "words", {"vocabulary": 2, "letters": 5}, vocabulary={"symbols": ["a", "b"], "letters": "abc", "longest": 5}
)


def table() -> pa.Table:
    metadata = {
        "featurizer": "pixels",
        "settings": json.dumps(PIXELS),
        "shape": "[1, 2, 3]",
        "frames_per_second": "12.5",
    }
    column = pa.array([[[1, 2, 3, 4, 5, 6]], []], examples.matrix_type(6, pa.uint8()))
    return pa.table({"frames": column}).replace_schema_metadata(metadata)


def test_as_a_table_says():
    assert Inputs.of(table()) == FRAMES
    assert [row.tolist() for row in rows_of(table())] == [[[1, 2, 3, 4, 5, 6]], []]
    codes = pa.table({"codes": pa.array([[1, 2], [3]], pa.large_list(pa.int16()))})
    codes = codes.replace_schema_metadata({"featurizer": "kmers", "settings": json.dumps(CODES.feature_settings)})
    assert Inputs.of(codes) == CODES
    assert CODES.features == Kmers("dna", 2)
    assert [row.tolist() for row in rows_of(codes)] == [[1, 2], [3]]


@pytest.mark.parametrize("inputs", [CODES, FRAMES, WORDS])
def test_a_checkpoint_restores_them(inputs):
    assert Inputs.restored(inputs.plain()) == inputs


def test_each_has_its_encoder():
    codes = CODES.encoder(RECURRENT, EMBEDDING, masked=0.1, stack=3)
    assert isinstance(codes, CodeEncoder)
    assert (codes.codes, codes.stack, codes.masked) == (17, 3, 0.1)
    frames = FRAMES.encoder(RECURRENT, VISION, stack=2)
    assert isinstance(frames, FrameEncoder)
    assert (frames.shape, frames.stack) == ((1, 2, 3), 2)
    words = WORDS.encoder(RECURRENT, SPELLED, masked=0.1, stack=1)
    assert isinstance(words, WordEncoder)
    assert (words.words, words.masked) == (3, 0.1)
    assert words.spelling.table.num_embeddings == 3 * 5


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match="kmers makes codes: their models want an embedding of features and spread"):
        CODES.encoder(RECURRENT, VISION)
    with pytest.raises(UserError, match="pixels makes frames: their models want the settings of a vision"):
        FRAMES.encoder(RECURRENT, EMBEDDING)
    with pytest.raises(UserError, match="words makes words: their models want an embedding of features, spread and"):
        WORDS.encoder(RECURRENT, EMBEDDING)
    with pytest.raises(UserError, match="kmers makes codes: their models want an embedding of features and spread"):
        CODES.encoder(RECURRENT, SPELLED)
    with pytest.raises(UserError, match="stack: 2 words are no step, but one is: set it to 1"):
        WORDS.encoder(RECURRENT, SPELLED, stack=2)
    with pytest.raises(UserError, match="stack: 1 inputs are a step of the task, but 2 of this model's vision"):
        FRAMES.encoder(RECURRENT, VISION, stack=1)
    with pytest.raises(UserError, match="masked: frames are hidden by the vision of a model: set it to 0"):
        FRAMES.encoder(RECURRENT, VISION, masked=0.1)


def test_an_encoder_starts_from_one_that_reads_the_same():
    other = FRAMES.encoder(RECURRENT, VISION)
    weights = {f"encoder.{name}": weight for name, weight in other.state_dict().items()}
    encoder = FRAMES.encoder(RECURRENT, VISION)
    FRAMES.start(encoder, {"inputs": FRAMES.plain(), "weights": weights}, "video/actions/gru")
    assert all((encoder.state_dict()[name] == weight).all() for name, weight in other.state_dict().items())
    smaller = Inputs("pixels", PIXELS | {"size": 2}, [1, 2, 2], 12.5)
    with pytest.raises(UserError, match=r"video/actions/gru cannot start this model: it reads pixels with .*'size': 2"):
        FRAMES.start(encoder, {"inputs": smaller.plain(), "weights": weights}, "video/actions/gru")
    with pytest.raises(UserError, match=r"music/tunes/lstm cannot start this model: it reads text with \{\}"):
        FRAMES.start(encoder, {"weights": weights}, "music/tunes/lstm")


def texts(words: list[str]) -> tuple[Inputs, dict[str, str]]:
    """What a model of letters reads, and the words of the featurizer about it."""
    settings = Tokens({"text": "characters"}, size=0, placeholders=False)
    rows = pa.table({"text": words})
    schema, _ = tokens.featurize(rows, settings, tokens.learn(rows, settings))
    return Inputs.of(schema.empty_table()), {key.decode(): value.decode() for key, value in schema.metadata.items()}


def test_a_text_has_a_vocabulary():
    inputs, made = texts(["cab", "a"])
    assert inputs == Inputs.made(made) == Inputs.restored(inputs.plain())
    assert inputs.vocabulary["symbols"] == ["\ufffd", "a", "b", "c"]
    assert inputs.codes == 5
    assert inputs.encoder(RECURRENT, EMBEDDING).embedding.weight.shape == (5, 4)
    assert CODES.codes == 17


def test_an_encoder_of_text_starts_from_a_language_model():
    inputs, made = texts(["cab"])
    other = inputs.encoder(RECURRENT, EMBEDDING)
    weights = other.state_dict() | {"heads.0.output.weight": torch.zeros(5, 3)}
    model = {"pattern": "language_model", "model": {"ngrams": None}, "codes": {"made": made}, "weights": weights}
    encoder = inputs.encoder(RECURRENT, EMBEDDING)
    inputs.start(encoder, model, "text/words/lstm")
    assert all(torch.equal(encoder.state_dict()[name], weight) for name, weight in other.state_dict().items())
    stranger, _ = texts(["dab"])
    with pytest.raises(UserError, match=r"^text/words/lstm cannot start this model: .* have another vocabulary"):
        stranger.start(stranger.encoder(RECURRENT, EMBEDDING), model, "text/words/lstm")
    with pytest.raises(UserError, match=r"^text/words/lstm cannot start this model: it reads tokens with .* not kmers"):
        CODES.start(CODES.encoder(RECURRENT, EMBEDDING), model, "text/words/lstm")


def test_a_mistake_in_one_kind_is_not_explained_as_one_in_the_other():
    model = {"recurrent": asdict(RECURRENT), "steps": 1, "learning_rate": 0.1, "start": "", "frozen": False}
    for reading, said in (
        ({"channels": [2], "features": 0, "steps": 0, "shift": 0, "mirror": False}, "steps: .* 0"),
        ({"features": 4}, "spread: this key is missing"),
        ({"features": 4, "letters": 0, "spread": 1.0}, "letters: .* 0"),
    ):
        with pytest.raises(UserError, match=rf"^lstm: embedding\.\w+\.{said}$"):
            params.check(ClassifierModel, model | {"embedding": reading}, "lstm")
    for reading in (VISION, EMBEDDING, SPELLED):
        assert params.check(ClassifierModel, model | {"embedding": asdict(reading)}, "lstm").embedding == reading

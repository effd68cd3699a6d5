import json
from dataclasses import asdict

import pyarrow as pa
import pytest

from unroll import examples, params
from unroll.errors import UserError
from unroll.features.kmers import Kmers
from unroll.params import Recurrent
from unroll.patterns.classifier import ClassifierModel
from unroll.patterns.encoder import CodeEncoder, Embedding
from unroll.patterns.inputs import Inputs, rows_of
from unroll.patterns.vision import FrameEncoder, Vision

RECURRENT = Recurrent("gru", 3, 1, False, 0.0)
EMBEDDING = Embedding(4, 0.5)
VISION = Vision(channels=[2], features=0, steps=2, shift=0, mirror=False)
PIXELS = {"size": 0, "background": False, "difference": False, "reduce": 1}
CODES = Inputs("kmers", {"alphabet": "dna", "k": 2})
FRAMES = Inputs("pixels", PIXELS, [1, 2, 3], 12.5)


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


@pytest.mark.parametrize("inputs", [CODES, FRAMES])
def test_a_checkpoint_restores_them(inputs):
    assert Inputs.restored(inputs.plain()) == inputs


def test_each_has_its_encoder():
    codes = CODES.encoder(RECURRENT, EMBEDDING, masked=0.1, stack=3)
    assert isinstance(codes, CodeEncoder)
    assert (codes.codes, codes.stack, codes.masked) == (17, 3, 0.1)
    frames = FRAMES.encoder(RECURRENT, VISION, stack=2)
    assert isinstance(frames, FrameEncoder)
    assert (frames.shape, frames.stack) == ((1, 2, 3), 2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(UserError, match="kmers makes codes: their models want an embedding of features and spread"):
        CODES.encoder(RECURRENT, VISION)
    with pytest.raises(UserError, match="pixels makes frames: their models want the settings of a vision"):
        FRAMES.encoder(RECURRENT, EMBEDDING)
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


def test_a_mistake_in_one_kind_is_not_explained_as_one_in_the_other():
    model = {"recurrent": asdict(RECURRENT), "steps": 1, "learning_rate": 0.1, "start": "", "frozen": False}
    for reading, said in (
        ({"channels": [2], "features": 0, "steps": 0, "shift": 0, "mirror": False}, "steps: .* 0"),
        ({"features": 4}, "spread: this key is missing"),
    ):
        with pytest.raises(UserError, match=rf"^lstm: embedding\.\w+\.{said}$"):
            params.check(ClassifierModel, model | {"embedding": reading}, "lstm")
    for reading in (VISION, EMBEDDING):
        assert params.check(ClassifierModel, model | {"embedding": asdict(reading)}, "lstm").embedding == reading

import json

import numpy as np
import pyarrow as pa
import pytest
import torch

from unroll import examples
from unroll.errors import UserError
from unroll.examples import matrix_type
from unroll.features import frames
from unroll.features.efficientnet import EfficientNetLite0
from unroll.features.frames import Frames


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    """A file of weights of the first two stages, drawn at random."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(EfficientNetLite0(2).state_dict(), path)
    return str(path)


def drawn(count: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, width), np.uint8)


def test_a_picture_becomes_means_and_maxima(weights):
    found, shape = frames.encode(drawn(5, 400), (1, 20, 20), Frames(weights, stages=2, size=32, reduce=1))
    assert (found.shape, found.dtype, shape) == ((5, 48), np.float32, [48, 1, 1])
    assert (found[:, :24] <= found[:, 24:]).all()
    assert (found[:, :24] < found[:, 24:]).any()


def test_a_picture_is_seen_alone(weights):
    settings = Frames(weights, stages=1, size=16, reduce=1)
    pictures = drawn(frames.BATCH + 6, 256)
    whole, _ = frames.encode(pictures, (1, 16, 16), settings)
    for number in (0, frames.BATCH - 1, frames.BATCH, frames.BATCH + 5):
        (alone,), _ = frames.encode(pictures[number : number + 1], (1, 16, 16), settings)
        np.testing.assert_allclose(whole[number], alone, atol=1e-5)


def test_pictures_are_left_out(weights):
    pictures, (every, third) = drawn(7, 256), (Frames(weights, 1, 16, reduce) for reduce in (1, 3))
    whole, few = (frames.encode(pictures, (1, 16, 16), settings)[0] for settings in (every, third))
    np.testing.assert_allclose(few, whole[[0, 3, 6]], atol=1e-5)


def test_a_line_is_one_picture_whose_columns_are_steps(weights):
    settings = Frames(weights, stages=2, size=32, reduce=1)
    found, shape = frames.encode(drawn(40, 16), (1, 16, 1), settings)
    assert (found.shape, shape) == ((20, 192), [192, 1, 1])  # 80 pixels wide, of which a step is four; 24 × 8 features
    few, _ = frames.encode(drawn(40, 16), (1, 16, 1), Frames(weights, stages=2, size=32, reduce=2))
    assert (few == found[::2]).all()


def test_ink_is_seen_where_it_is(weights):
    line = np.zeros((64, 16), np.uint8)
    line[40:44, 4:12] = 255
    settings = Frames(weights, stages=1, size=16, reduce=1)
    found, _ = frames.encode(line, (1, 16, 1), settings)
    blank, _ = frames.encode(np.zeros_like(line), (1, 16, 1), settings)
    changed = np.flatnonzero(np.abs(found - blank).max(1) > 1e-6)
    assert len(found) == 32
    assert set(changed) <= set(range(18, 25))
    assert {20, 21} <= set(changed)


@pytest.mark.parametrize(
    ("steps", "shape"),
    [
        (np.zeros((4, 6), np.float32), (6, 1, 1)),
        (np.zeros((28, 28), np.uint8), (1, 1, 28)),
        (np.zeros((5, 32), np.uint8), (2, 4, 4)),
    ],
)
def test_what_is_no_picture_is_refused(weights, steps, shape):
    with pytest.raises(UserError, match="frames reads grey pictures and lines"):
        frames.encode(steps, shape, Frames(weights, stages=1, size=16, reduce=1))


def test_a_table_keeps_what_else_it_has(tmp_path, weights):
    columns = [("id", pa.string()), ("labels", pa.large_list(pa.int8())), ("frames", matrix_type(64, pa.uint8()))]
    known = {"shape": "[1, 8, 8]", "frames_per_second": "12", "labels": '["run", "walk"]'}
    rows = [
        {"id": "a", "labels": [0, 0, 1, 1, 1], "frames": drawn(5, 64)},
        {"id": "b", "labels": [1, 0], "frames": drawn(2, 64, seed=1)},
    ]
    examples.write(tmp_path / "examples.arrow", pa.schema(columns, known), rows)
    settings = Frames(weights, stages=1, size=16, reduce=2)
    for name in ("once", "again"):
        examples.write(tmp_path / name, *frames.featurize(examples.read(tmp_path / "examples.arrow"), settings))
    assert (tmp_path / "once").read_bytes() == (tmp_path / "again").read_bytes()
    table = examples.read(tmp_path / "once")
    assert table["id"].to_pylist() == ["a", "b"]
    assert table["labels"].to_pylist() == [[0, 1, 1], [1]]
    for row, found in zip(rows, examples.matrices(table["frames"]), strict=True):
        np.testing.assert_array_equal(found, frames.encode(row["frames"], (1, 8, 8), settings)[0])
    described = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert json.loads(described.pop("settings")) == {"weights": weights, "stages": 1, "size": 16, "reduce": 2}
    assert described == {
        "featurizer": "frames",
        "shape": "[32, 1, 1]",
        "frames_per_second": "6",
        "labels": '["run", "walk"]',
    }


def test_a_table_without_labels_or_time_stays_so(weights):
    schema = pa.schema([("text", pa.string()), ("frames", matrix_type(8, pa.uint8()))])
    table = pa.table({"text": ["7"], "frames": pa.array([drawn(3, 8).tolist()], matrix_type(8, pa.uint8()))}, schema)
    table = table.replace_schema_metadata({"shape": "[1, 8, 1]", "frames_per_second": "0"})
    made, rows = frames.featurize(table, Frames(weights, stages=1, size=8, reduce=1))
    (row,) = rows
    assert made.metadata[b"frames_per_second"] == b"0"
    assert (row["text"], row["frames"].shape) == ("7", (2, 64))
    assert made.field("frames").type == matrix_type(64)

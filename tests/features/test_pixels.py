import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples, params
from unroll.errors import UserError
from unroll.features.pixels import Pixels, encode, featurize

AS_IT_IS = Pixels(0, False, False, 1)
# Three pictures of 2 × 2 pixels: a spot of 200 on paper of 40 goes through three corners.
CLIP = np.array([[200, 40, 40, 40], [40, 200, 40, 40], [40, 40, 200, 40]], np.uint8)


def noise(steps: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (steps, int(np.prod(shape))), np.uint8)


def test_as_it_is():
    made, shape = encode(CLIP, [1, 2, 2], AS_IT_IS)
    np.testing.assert_array_equal(made, CLIP, strict=True)
    assert shape == [1, 2, 2]


def test_the_background_literally():
    made, shape = encode(CLIP, [1, 2, 2], Pixels(0, True, False, 1))
    assert made.dtype == np.uint8
    assert made.tolist() == [[208, 128, 128, 128], [128, 208, 128, 128], [128, 128, 208, 128]]
    assert shape == [1, 2, 2]


def test_the_difference_literally():
    made, shape = encode(CLIP, [1, 2, 2], Pixels(0, False, True, 1))
    assert shape == [2, 2, 2]
    assert made[:, :4].tolist() == CLIP.tolist()
    assert made[:, 4:].tolist() == [[128] * 4, [48, 208, 128, 128], [128, 48, 208, 128]]


def test_the_largest_differences_fit():
    flash = np.array([[0, 255], [255, 0]], np.uint8)
    assert encode(flash, [1, 1, 2], Pixels(0, False, True, 1))[0][:, 2:].tolist() == [[128, 128], [255, 0]]


def test_the_difference_is_from_the_step_that_is_kept():
    steps = np.array([[10], [90], [50], [90], [70]], np.uint8)
    made, _ = encode(steps, [1, 1, 1], Pixels(0, True, True, 2))
    assert made.tolist() == [[108, 128], [128, 148], [138, 138]]


def test_a_light_that_stays_goes_with_the_background():
    moving, still = noise(5, 8, 8) // 2, noise(1, 8, 8) // 2
    lit, _ = encode(moving + still, [1, 8, 8], Pixels(0, True, True, 1))
    unlit, _ = encode(moving, [1, 8, 8], Pixels(0, True, True, 1))
    np.testing.assert_array_equal(lit, unlit)


def test_scaling_literally():
    picture = np.array([[0, 100, 200], [0, 100, 200], [90, 90, 90]], np.uint8)
    made, shape = encode(picture.reshape(1, 9), [1, 3, 3], Pixels(2, False, False, 1))
    # Each of the four covers 1.5 × 1.5 pixels, the one in the middle being shared by all.
    assert made.tolist() == [[33, 167, 71, 116]]
    assert shape == [1, 2, 2]


@pytest.mark.parametrize(("side", "size"), [(48, 24), (48, 32), (28, 14), (20, 33)])
def test_scaling_keeps_the_mean_and_one_colour(side, size):
    pictures = noise(3, 2, side, side)
    made, shape = encode(pictures, [2, side, side], Pixels(size, False, False, 1))
    assert shape == [2, size, size]
    np.testing.assert_allclose(made.reshape(6, -1).mean(1), pictures.reshape(6, -1).mean(1), atol=0.1)
    plain = np.full((1, side * side), 77, np.uint8)
    assert set(encode(plain, [1, side, side], Pixels(size, False, False, 1))[0].ravel().tolist()) == {77}


def test_scaling_to_a_half_is_the_mean_of_four():
    pictures = noise(2, 6, 6)
    made, _ = encode(pictures, [1, 6, 6], Pixels(3, False, False, 1))
    means = pictures.reshape(2, 3, 2, 3, 2).mean((2, 4))
    np.testing.assert_array_equal(made.reshape(2, 3, 3), np.rint(means))


def test_a_clip_without_a_step():
    made, shape = encode(np.zeros((0, 16), np.uint8), [1, 4, 4], Pixels(2, True, True, 2))
    assert (made.shape, made.dtype, shape) == ((0, 8), np.uint8, [2, 2, 2])


def test_numbers_pass_unchanged_but_for_the_steps():
    sensors = np.arange(12, dtype=np.float32).reshape(4, 3)
    made, shape = encode(sensors, [3, 1, 1], Pixels(0, False, False, 3))
    np.testing.assert_array_equal(made, sensors[[0, 3]], strict=True)
    assert shape == [3, 1, 1]
    for settings in (Pixels(2, False, False, 1), Pixels(0, True, False, 1), Pixels(0, False, True, 1)):
        with pytest.raises(UserError, match="the steps are float32, no pictures: set size 0"):
            encode(sensors, [3, 1, 1], settings)


@pytest.mark.parametrize("shape", [[1, 28, 1], [1, 1, 28]])
def test_a_row_or_column_is_not_scaled(shape):
    assert encode(noise(5, 28), shape, AS_IT_IS)[1] == shape
    with pytest.raises(UserError, match=r"pixels: the steps are \d+ × \d+ pixels, .*: set size 0"):
        encode(noise(5, 28), shape, Pixels(14, False, False, 1))


def test_settings_are_checked():
    with pytest.raises(UserError, match=r"pixels: reduce: should be greater than 0, not 0"):
        params.check(Pixels, {"size": 0, "background": True, "difference": True, "reduce": 0}, "pixels")


def table(dtype: pa.DataType) -> pa.Table:
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("frames", examples.matrix_type(16, dtype)),
            ("labels", pa.large_list(pa.int8())),
            ("references", pa.list_(pa.string())),
        ],
        {"shape": "[1, 4, 4]", "frames_per_second": "12", "labels": '["walk", "kick"]'},
    )
    rows = [
        {"id": "a", "frames": noise(5, 16).tolist(), "labels": [0, 0, 1, 1, 0], "references": ["it walks"]},
        {"id": "b", "frames": [], "labels": [], "references": []},
    ]
    return pa.Table.from_pylist(rows, schema)


def test_featurized_tables_keep_what_they_were_and_go_through_a_file(tmp_path):
    before, settings = table(pa.uint8()), Pixels(2, True, True, 2)
    examples.write(tmp_path / "train.arrow", *featurize(before, settings))
    after = examples.read(tmp_path / "train.arrow")
    assert after.schema.field("frames").type == examples.matrix_type(8, pa.uint8())
    assert after.select(["id", "references"]).equals(before.select(["id", "references"]))
    assert after["labels"].to_pylist() == [[0, 1, 0], []]
    first, second = examples.matrices(after["frames"])
    np.testing.assert_array_equal(first, encode(noise(5, 16), [1, 4, 4], settings)[0], strict=True)
    assert second.shape == (0, 8)
    metadata = {key.decode(): value.decode() for key, value in after.schema.metadata.items()}
    assert json.loads(metadata.pop("settings")) == {"size": 2, "background": True, "difference": True, "reduce": 2}
    assert metadata == {
        "featurizer": "pixels",
        "shape": "[2, 2, 2]",
        "frames_per_second": "6",
        "labels": '["walk", "kick"]',
    }


def test_featurize_refuses_before_it_begins():
    with pytest.raises(UserError, match="the steps are float32"):
        featurize(table(pa.float32()), Pixels(2, True, True, 2))
    with pytest.raises(UserError, match="pixels: the examples have no column of frames with a shape"):
        featurize(table(pa.uint8()).replace_schema_metadata({}), AS_IT_IS)
    with pytest.raises(UserError, match="no column of frames"):
        featurize(table(pa.uint8()).drop_columns(["frames"]), AS_IT_IS)

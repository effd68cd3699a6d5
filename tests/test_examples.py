from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.errors import UserError

SCHEMA = pa.schema([("id", pa.string()), ("frames", examples.matrix_type(2))], {"featurizer": "mfcc"})
LENGTHS = (3, 0, 1, 0, 2, 5)


def rows(count: int) -> list[dict]:
    """Ragged rows, some without a step, with a number of its own in every cell."""
    starts = np.cumsum([0, *(LENGTHS[i % len(LENGTHS)] for i in range(count))])
    return [
        {"id": f"row {i}", "frames": np.arange(2 * start, 2 * stop, dtype=np.float32).reshape(-1, 2)}
        for i, (start, stop) in enumerate(pairwise(starts))
    ]


@pytest.fixture
def written(tmp_path):
    def write(given: list[dict], name: str = "train.arrow"):
        examples.write(tmp_path / name, SCHEMA, iter(given))
        return tmp_path / name

    return write


def assert_same(table: pa.Table, expected: list[dict]) -> None:
    assert table["id"].to_pylist() == [row["id"] for row in expected]
    found = examples.matrices(table["frames"])
    assert [matrix.dtype for matrix in found] == [np.float32] * len(expected)
    for matrix, row in zip(found, expected, strict=True):
        np.testing.assert_array_equal(matrix, row["frames"], strict=True)


@pytest.mark.parametrize("count", [0, 1, 6, 255, 256, 257, 700])
def test_what_is_written_is_read(written, count):
    table = examples.read(written(rows(count)))
    assert_same(table, rows(count))
    assert table.schema.equals(SCHEMA, check_metadata=True)


def test_a_slice_and_a_choice_of_rows_keep_their_own_matrices(written):
    table, given = examples.read(written(rows(600))), rows(600)
    assert_same(table.slice(250, 10), given[250:260])
    assert_same(table.slice(599), given[599:])
    assert_same(table.slice(0, 0), [])
    assert_same(table.filter(pa.array([i % 7 == 0 for i in range(600)])), given[::7])
    assert_same(table.take([300, 2, 299]), [given[300], given[2], given[299]])


def test_only_matrices_without_a_step(written):
    empty = [{"id": name, "frames": np.zeros((0, 2), np.float32)} for name in "ab"]
    assert_same(examples.read(written(empty)), empty)


def test_matrices_are_views_of_the_mapped_file(written):
    before = pa.total_allocated_bytes()
    table = examples.read(written(rows(300)))
    matrices = examples.matrices(table["frames"])
    assert not matrices[0].flags.owndata
    assert pa.total_allocated_bytes() == before


@pytest.mark.parametrize("kind", ["int16", "int32", "float32"])
def test_columns_of_numbers_are_read_as_views(tmp_path, kind):
    lengths = [LENGTHS[i % len(LENGTHS)] for i in range(300)]  # more than a chunk
    given = [list(range(i, i + length)) for i, length in enumerate(lengths)]
    schema = pa.schema([("codes", pa.large_list(pa.from_numpy_dtype(kind)))])
    examples.write(tmp_path / "train.arrow", schema, ({"codes": row} for row in given))
    before = pa.total_allocated_bytes()
    column = examples.read(tmp_path / "train.arrow")["codes"]
    found = examples.vectors(column)
    assert pa.total_allocated_bytes() == before
    assert [view.tolist() for view in found] == given
    assert {view.dtype for view in found} == {np.dtype(kind)}
    assert not found[0].flags.owndata
    assert [view.tolist() for view in examples.vectors(column.slice(250, 10))] == given[250:260]
    assert [view.tolist() for view in examples.vectors(column.slice(0, 0))] == []
    assert [view.tolist() for view in examples.vectors(column.take([299, 0]))] == [given[299], given[0]]


def test_nested_rows_of_numbers_serve_as_a_matrix(written):
    table = examples.read(written([{"id": "a", "frames": [[1.0, 2.0], [3.0, 4.0]]}]))
    np.testing.assert_array_equal(examples.matrices(table["frames"])[0], [[1, 2], [3, 4]])


PICTURES = pa.schema([("frames", examples.matrix_type(3, pa.uint8()))], {"shape": "[1, 3, 1]"})


def test_pictures_stay_bytes_and_are_read_as_views(tmp_path):
    rng = np.random.default_rng(0)
    given = [rng.integers(0, 256, (LENGTHS[i % len(LENGTHS)], 3), np.uint8) for i in range(300)]  # more than a chunk
    examples.write(tmp_path / "train.arrow", PICTURES, ({"frames": frames} for frames in given))
    before = pa.total_allocated_bytes()
    table = examples.read(tmp_path / "train.arrow")
    found = examples.matrices(table["frames"])
    assert pa.total_allocated_bytes() == before
    assert table.schema.equals(PICTURES, check_metadata=True)
    for one, other in zip(found, given, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    assert not found[0].flags.owndata


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_other_numbers_are_not_cut_down_to_bytes(tmp_path, kind):
    with pytest.raises(TypeError, match="Cannot cast"):
        examples.write(tmp_path / "train.arrow", PICTURES, [{"frames": np.full((2, 3), 7, kind)}])
    assert list(tmp_path.iterdir()) == []


def test_the_same_rows_give_the_same_bytes(written):
    first, second = written(rows(300), "a.arrow"), written(rows(300), "b.arrow")
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != written(rows(299)).read_bytes()


def test_a_fault_in_the_rows_leaves_the_old_file(written, tmp_path):
    path = written(rows(3))
    with pytest.raises(KeyError, match="frames"):
        written([*rows(300), {"id": "without frames"}])
    assert_same(examples.read(path), rows(3))
    assert [entry.name for entry in tmp_path.iterdir()] == ["train.arrow"]


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_refused_by_name(written, kept):
    path = written(rows(300))
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(UserError, match=r"train\.arrow is not a whole Arrow file .*: delete it and run `dvc repro`$"):
        examples.read(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"valid\.arrow is missing: run `dvc repro` to make it$"):
        examples.read(tmp_path / "valid.arrow")

"""Tables of examples between stages: Arrow files, a row per example, memory-mapped when read.

Sequences are list columns. A matrix of ``T`` steps by ``D`` features is a column of
``large_list<fixed_size_list<float32, D>>``, of uint8 where the steps are pictures, see :func:`matrix_type`. Such a
table's metadata say what a step is: ``shape``, the ``[C, H, W]`` in JSON of the picture whose ``D = C * H * W`` numbers
it holds row by row, and ``frames_per_second``, 0 where time has no unit. The same rows give the same bytes.
"""

from collections.abc import Iterable, Mapping
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from unroll.errors import UserError
from unroll.files import written_whole

ROWS_PER_CHUNK = 256
FLOAT32 = pa.float32()


def matrix_type(features: int, dtype: pa.DataType = FLOAT32) -> pa.DataType:
    """The column type of a ragged matrix with ``features`` columns of numbers of a ``dtype``."""
    return pa.large_list(pa.list_(dtype, features))


def write(path: Path, schema: pa.Schema, rows: Iterable[Mapping]) -> None:
    """Writes ``rows`` as one Arrow file, a chunk at a time, whole or not at all.

    A value of a matrix column is an array of shape (T, D). Its numbers become those of the column's type where they
    are of the same kind; others are never cut down to bytes (``TypeError``).
    """
    rows = iter(rows)
    with written_whole(path) as fresh, pa.OSFile(str(fresh), "wb") as sink, pa.ipc.new_file(sink, schema) as out:
        while chunk := list(islice(rows, ROWS_PER_CHUNK)):
            columns = [_column([row[field.name] for row in chunk], field.type) for field in schema]
            out.write_batch(pa.record_batch(columns, schema=schema))


def read(path: Path) -> pa.Table:
    """The table in an Arrow file, memory-mapped: only the rows that are touched are read from the disk."""
    if not path.is_file():
        raise UserError(f"{path} is missing: run `dvc repro` to make it")
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as error:
        raise UserError(f"{path} is not a whole Arrow file ({error}): delete it and run `dvc repro`") from None


def matrices(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The arrays (T, D) of a matrix column, of its own dtype, as views of the mapped file where there is one."""
    views = []
    for chunk in column.chunks:
        steps = chunk.values.flatten().to_numpy().reshape(-1, chunk.type.value_type.list_size)
        offsets = chunk.offsets.to_numpy()
        views += [steps[start:stop] for start, stop in pairwise(offsets)]
    return views


def vectors(column: pa.ChunkedArray) -> list[np.ndarray]:
    """The arrays (N,) of a column of ``large_list`` of numbers, as views of the mapped file where there is one."""
    views = []
    for chunk in column.chunks:
        values = chunk.values.to_numpy()
        views += [values[start:stop] for start, stop in pairwise(chunk.offsets.to_numpy())]
    return views


def _column(values: list, kind: pa.DataType) -> pa.Array:
    if not (pa.types.is_large_list(kind) and pa.types.is_fixed_size_list(kind.value_type)):
        return pa.array(values, kind)
    steps = kind.value_type
    dtype = steps.value_type.to_pandas_dtype()
    cast = [np.asarray(v).astype(dtype, casting="same_kind", copy=False) for v in values]
    flat = np.concatenate([matrix.reshape(-1, steps.list_size) for matrix in cast])
    offsets = np.cumsum([0, *(len(v) for v in values)], dtype=np.int64)
    inner = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), type=steps)
    return pa.LargeListArray.from_arrays(pa.array(offsets), inner).cast(kind)

"""Tables of examples between stages: Arrow files, a row per example, memory-mapped when read.

Sequences are list columns. A matrix of ``T`` steps by ``D`` features is a column of
``large_list<fixed_size_list<float32, D>>``, see :func:`matrix_type`. The same rows give the same bytes.
"""

from collections.abc import Iterable, Mapping
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from unroll.errors import UserError
from unroll.files import written_whole

ROWS_PER_CHUNK = 256


def matrix_type(features: int) -> pa.DataType:
    """The column type of a ragged float32 matrix with ``features`` columns."""
    return pa.large_list(pa.list_(pa.float32(), features))


def write(path: Path, schema: pa.Schema, rows: Iterable[Mapping]) -> None:
    """Writes ``rows`` as one Arrow file, a chunk at a time, whole or not at all.

    A value of a matrix column is a float32 array of shape (T, D).
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
    """The float32 arrays (T, D) of a matrix column, as views of the mapped file where there is one."""
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
    flat = np.concatenate([np.asarray(v, np.float32).reshape(-1, steps.list_size) for v in values])
    offsets = np.cumsum([0, *(len(v) for v in values)], dtype=np.int64)
    inner = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), type=steps)
    return pa.LargeListArray.from_arrays(pa.array(offsets), inner).cast(kind)

"""What the tests of patterns that see share."""

import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples


@pytest.fixture
def seen(tmp_path):
    """Makes a table of frames (T, D) of a shape, with further columns, as a featurizer leaves it: read from a file."""

    def table(frames: list[np.ndarray], shape: tuple[int, int, int], **columns) -> pa.Table:
        settings = {"size": 0, "background": False, "difference": False, "reduce": 1}
        metadata = {
            "featurizer": "pixels",
            "settings": json.dumps(settings),
            "shape": json.dumps(shape),
            "frames_per_second": "12",
            "labels": json.dumps(["none", "left", "right"]),
        }
        known = {"labels": pa.large_list(pa.int8()), "references": pa.list_(pa.string())}
        kinds = {name: known.get(name, pa.string()) for name in ("id", *columns)}
        kinds["frames"] = examples.matrix_type(int(np.prod(shape)), pa.from_numpy_dtype(frames[0].dtype))
        names = [f"row-{number}" for number in range(len(frames))]
        values = {"id": names, **columns, "frames": frames}
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        examples.write(tmp_path / "rows.arrow", pa.schema(list(kinds.items()), metadata), rows)
        return examples.read(tmp_path / "rows.arrow")

    return table

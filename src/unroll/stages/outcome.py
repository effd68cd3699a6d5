"""What ``evaluate`` and ``baseline`` share: predictions beside what they are of, and the files of results."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from unroll.errors import UserError
from unroll.examples import matrices
from unroll.files import written_whole


def rows(table: pa.Table, examples: Sequence[Any], predictions: Sequence[Any], fold: str | None = None) -> list[dict]:
    """A row per example: the columns of its row in ``table``, and itself as ``example`` with its ``prediction``.

    An example's ``id`` names its row of the table. Columns of the type large_list, which hold a value a step, are
    left out: they are reached through the example.
    """
    short = [field.name for field in table.schema if not pa.types.is_large_list(field.type)]
    known = {row["id"]: row for row in table.select(short).to_pylist()}
    if missing := sorted(known.keys() - {example.id for example in examples}):
        raise UserError(
            f"the test examples {', '.join(missing[:20])} are too short to be predicted: leave them out of the data"
        )
    pairs = zip(examples, predictions, strict=True)
    return [{**known[one.id], "fold": fold, "example": one, "prediction": predicted} for one, predicted in pairs]


def add_frames(rows: Sequence[dict[str, Any]], table: pa.Table) -> None:
    """Gives each row the ``frames`` of the row of ``table`` with its id, views, and their ``frames_per_second``."""
    frames = dict(zip(table["id"].to_pylist(), matrices(table["frames"]), strict=True))
    rate = float(table.schema.metadata[b"frames_per_second"])
    for row in rows:
        row |= {"frames": frames[row["id"]], "frames_per_second": rate}


def write_metrics(path: Path, metrics: Mapping[str, float]) -> None:
    """The metrics as flat JSON, in their order."""
    with written_whole(path) as fresh:
        fresh.write_text(json.dumps(metrics, indent=1) + "\n")


def write_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Lines of one form as CSV; an empty file where there are none."""
    with path.open("w", newline="", encoding="utf-8") as file:
        if not lines:
            return
        table = csv.DictWriter(file, lines[0], lineterminator="\n")
        table.writeheader()
        table.writerows(lines)

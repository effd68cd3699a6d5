"""Learning curves: the histories that ``train`` wrote, and one figure of all models of a task."""

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from unroll.errors import UserError
from unroll.reports import numbers
from unroll.reports.figures import Line, Panel, lines
from unroll.reports.results import lower_is_better

FILE = "history.csv"
LOSS = "train_loss"
History = dict[str, list[float]]


def read(folder: Path) -> list[History]:
    """The histories of a model, each with a list per column: its own, or one per fold in the folders below it."""
    own = folder / FILE
    return [_history(path) for path in ([own] if own.is_file() else sorted(folder.glob(f"*/{FILE}")))]


def draw(models: Mapping[str, Sequence[History]]) -> bytes:
    """A PNG of the first validation score and the training loss against seconds of training; folds are thin lines."""
    scores = [name for histories in models.values() for history in histories for name in history]
    metric = scores[scores.index(LOSS) + 1]
    picture = BytesIO()
    lines(
        picture,
        [
            _panel("validation: " + numbers.label(metric).lower(), models, metric),
            _panel("training: loss", models, LOSS),
        ],
        "seconds of training",
    )
    return picture.getvalue()


def _panel(title: str, models: Mapping[str, Sequence[History]], column: str) -> Panel:
    drawn = [
        Line(
            f"{name}, {len(histories)} folds" if len(histories) > 1 else name,
            history["seconds"],
            history[column],
            thin=len(histories) > 1,
        )
        for name, histories in models.items()
        for history in histories
        if column in history
    ]
    lowest = min(value for line in drawn for value in line.y)
    return Panel(title, column, drawn, logarithmic=lower_is_better(column) and lowest >= 0)


def _history(path: Path) -> History:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        try:
            table = [{name: float(value) for name, value in row.items()} for row in rows]
        except (TypeError, ValueError):
            where = f"{path}, line {rows.line_num}"
            raise UserError(f"{where}: expected only numbers: delete the file and run `dvc repro`") from None
    if not table or "seconds" not in table[0] or LOSS not in list(table[0])[:-1]:
        raise UserError(f"{path} is not a history of training: delete the file and run `dvc repro`")
    return {name: [row[name] for row in table] for name in table[0]}

"""Results as tables: built once, written as Markdown, as plain text, or by the pages as HTML."""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from unroll.reports import numbers
from unroll.reports.results import Row, best, has_best, lower_is_better

BEGIN, END = "<!-- results -->", "<!-- /results -->"


class Cell(NamedTuple):
    """``best`` marks the best score of a column; ``share`` of the largest one (0 to 1) is the length of its bar."""

    text: str
    best: bool = False
    share: float | None = None


class Table(NamedTuple):
    """The first ``labels`` columns name what a row is of; the others are numbers."""

    columns: list[str]
    rows: list[list[Cell]]
    labels: int = 1


def details(rows: Sequence[Row]) -> Table:
    """Everything that was measured for the models of one task, a row each."""
    names = list(dict.fromkeys(name for row in rows for name in row.scores))
    columns = [heading(names[0]), *map(numbers.label, names[1:])] if names else []
    return _table(rows, columns, names)


def brief(rows: Sequence[Row]) -> Table:
    """The headline alone for the models of one task, a row each."""
    return _table(rows, ["Result"], [row.headline for row in rows[:1]])


def overview(tasks: Sequence[Sequence[Row]]) -> Table:
    """The headline alone for all models of all tasks."""
    rows = []
    for task in filter(None, tasks):
        first = best(task)
        names = [Cell(f"{first.field}/{first.task}"), Cell(heading(first.headline))]
        rows += [[*names, *row] for row in brief(task).rows]
    return Table(["Task", "Metric", *brief([]).columns], rows, labels=3)


def heading(metric: str) -> str:
    """The name of a metric with an arrow to where better is."""
    return f"{numbers.label(metric)}\u00a0{'↓' if lower_is_better(metric) else '↑'}"


def markdown(table: Table) -> str:
    """The table for a forge; the best scores are bold."""
    rule = [":--" if i < table.labels else "--:" for i in range(len(table.columns))]
    lines = [[_escaped(name) for name in table.columns], rule]
    for row in table.rows:
        lines.append([f"**{_escaped(cell.text)}**" if cell.best else _escaped(cell.text) for cell in row])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plain(table: Table) -> str:
    """The table for a terminal."""
    lines = [table.columns, *([cell.text for cell in row] for row in table.rows)]
    lines = [[text.replace("\u00a0", " ") for text in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["─" * width for width in widths])
    return "".join("  ".join(_padded(line, widths, table.labels)).rstrip() + "\n" for line in lines)


def readme_block(tasks: Sequence[Sequence[Row]]) -> str:
    """The overview as it stands in a README between its two markers, which are part of it."""
    return f"{BEGIN}\n{markdown(overview(tasks))}{END}"


def _table(rows: Sequence[Row], headings: list[str], scores: Sequence[str]) -> Table:
    columns = [_column(rows, name) for name in scores]
    cells = [[_name(row), *(column[i] for column in columns), *_costs(row)] for i, row in enumerate(rows)]
    return Table(["Model", *headings, "Parameters", "Training", "Speed"], cells)


def _name(row: Row) -> Cell:
    return Cell(f"{row.model} (baseline)" if row.baseline else row.model)


def _column(rows: Sequence[Row], name: str) -> list[Cell]:
    """The cells of one score. The best is marked where there is a choice; bars compare the headlines."""
    values = [row.metrics.get(name, math.nan) for row in rows]
    known = [value for value in values if math.isfinite(value)]
    extremes = {min(known), max(known)} if known and has_best(name) else set()
    winner = (min if lower_is_better(name) else max)(extremes) if len(extremes) == 2 else None
    top = max([0.0, *known])
    cells = []
    for row, value in zip(rows, values, strict=True):
        barred = name == row.headline and len(rows) > 1 and top and math.isfinite(value)
        bar = max(0.0, value) / top if barred else None
        cells.append(Cell(numbers.score(name, value), value == winner, bar))
    return cells


def _costs(row: Row) -> list[Cell]:
    """Parameters, training time and speed."""
    parameters, seconds = row.metrics.get("parameters"), row.metrics.get("train_seconds")
    return [
        Cell(numbers.NONE if parameters is None else numbers.count(parameters)),
        Cell(numbers.NONE if seconds is None else numbers.duration(seconds)),
        Cell(numbers.NONE if row.speed is None else numbers.speed(*row.speed)),
    ]


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*<>\[\]|~&])", r"\\\1", " ".join(text.split()))


def _padded(line: Sequence[str], widths: Sequence[int], labels: int) -> list[str]:
    return [
        text.ljust(width) if i < labels else text.rjust(width)
        for i, (text, width) in enumerate(zip(line, widths, strict=True))
    ]

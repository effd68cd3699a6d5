"""Time series as a table: long CSV with the columns ``unique_id,ds,y`` and any covariates (the form of Nixtla).

A row is the value ``y`` of the series ``unique_id`` at the stamp ``ds``; the other columns are covariates, numbers
that may help. Without ``unique_id`` the file is one series, called after the file. Rows may come in any order, and
rows that are missing become missing values. Covariates that are known beforehand are stated for the future by rows
with an empty ``y``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from unroll.errors import UserError

ID, STAMP, VALUE = "unique_id", "ds", "y"
MISSING = frozenset({"", "na", "nan", "n/a", "null", "none"})
SPARSEST = 20  # steps of the regular grid for each row of the file: more is a mistake in a stamp


class Series(NamedTuple):
    """A series on a regular grid of ``T`` steps, ``step`` seconds apart, the first at ``start`` (UTC, in seconds).

    ``y`` and each covariate: float64 (T,), NaN where missing. The steps from ``known`` on are the future: their
    covariates are stated and their ``y`` is not.
    """

    id: str
    start: np.datetime64
    step: int
    y: np.ndarray
    covariates: dict[str, np.ndarray]
    known: int

    @property
    def stamps(self) -> np.ndarray:
        """datetime64[s] (T,)."""
        return self.start + np.arange(len(self.y)) * np.timedelta64(self.step, "s")


def read_csv(path: Path) -> list[Series]:
    """The series of a file in the order of their first rows; raises ``UserError`` naming the line and the series."""
    cells = _cells(path)
    needed = [name for name in (STAMP, VALUE) if name not in cells]
    if needed:
        raise UserError(f"{path}, line 1: no column {needed[0]}: name the columns [unique_id,]ds,y[,covariates]")
    if cells.empty:
        raise UserError(f"{path} has no rows: write a line `ds,y` for each step")
    ids = cells.pop(ID).str.strip() if ID in cells else pd.Series(path.stem, cells.index)
    stamps = _stamps(path, cells.pop(STAMP))
    numbers = {name: _numbers(path, name, cells[name]) for name in cells}
    table = pd.DataFrame({ID: ids, STAMP: stamps, **numbers}).sort_values(STAMP, kind="stable")
    return [_on_grid(path, str(name), rows.drop(columns=ID)) for name, rows in _groups(table, ids)]


def _cells(path: Path) -> pd.DataFrame:
    """The cells as text, the index being the line in the file."""
    try:
        cells = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False, encoding="utf-8-sig"
        )
    except FileNotFoundError:
        raise UserError(f"{path} is missing: give a CSV file with the columns ds,y") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder: give a CSV file with the columns ds,y") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8 ({error}): save it as UTF-8") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UserError(f"{path} cannot be read as CSV: {' '.join(str(error).split())}") from None
    cells = cells.fillna("")
    names = cells.iloc[0].str.strip()
    twice = names[names.duplicated()]
    if len(twice):
        raise UserError(f"{path}, line 1: two columns are called {twice.iloc[0]!r}: rename or drop one")
    cells = cells.set_axis(names, axis=1).set_axis(np.arange(1, len(cells) + 1)).iloc[1:]
    return cells[(cells != "").any(axis=1)]


def _stamps(path: Path, cells: pd.Series) -> pd.Series:
    """datetime64[s] in UTC; a stamp without a time zone is taken as it is."""
    stamps = pd.to_datetime(cells.str.strip(), format="ISO8601", utc=True, errors="coerce")
    for line in stamps.index[stamps.isna()][:1]:
        raise UserError(f"{path}, line {line}: {cells[line]!r} is not a stamp: write it as 2024-01-31 13:00:00")
    return stamps.dt.tz_localize(None).astype("datetime64[s]")


def _numbers(path: Path, name: str, cells: pd.Series) -> np.ndarray:
    """float64, NaN where missing."""
    text = cells.str.strip()
    stated = ~text.str.lower().isin(MISSING)
    numbers = pd.to_numeric(text.where(stated), errors="coerce").astype(float)
    wrong = stated & ~np.isfinite(numbers)
    for line in wrong.index[wrong][:1]:
        raise UserError(f"{path}, line {line}: {name}: {cells[line]!r} is not a number: leave missing values empty")
    return numbers.to_numpy()


def _groups(table: pd.DataFrame, ids: pd.Series) -> Iterator[tuple[str, pd.DataFrame]]:
    groups = table.groupby(ID, sort=False)
    return ((name, groups.get_group(name)) for name in ids.unique())


def _on_grid(path: Path, name: str, rows: pd.DataFrame) -> Series:
    """The rows of one series, which are in the order of time, with NaN where a step is missing."""
    if len(rows) < 2:
        raise UserError(f"{path}, line {rows.index[0]}: {name} has one row only: a series needs two or more")
    seconds = rows.pop(STAMP).to_numpy().astype(np.int64)
    apart = np.diff(seconds)
    step, steps = _step(apart), seconds - seconds[0]
    for i in np.flatnonzero(apart == 0)[:1]:
        earlier, later = sorted(rows.index[i : i + 2])
        raise UserError(f"{path}, lines {earlier} and {later}: {name} has two rows with the same stamp: keep one")
    for i in np.flatnonzero(apart % step)[:1]:
        raise UserError(
            f"{path}, line {rows.index[i + 1]}: {name} is {apart[i]} s after the row before it, but its steps are"
            f" {step} s: put it on even steps (days, hours, ...; months and years are not)"
        )
    places = steps // step
    count = int(places[-1]) + 1
    if count > SPARSEST * len(rows):
        widest = int(apart.argmax())
        raise UserError(
            f"{path}, line {rows.index[widest + 1]}: {name} jumps by {apart[widest]} s where its steps are {step} s:"
            " mend the stamp, or leave out what lies before the gap"
        )
    columns = {}
    for column in rows:
        columns[column] = np.full(count, np.nan)
        columns[column][places] = rows[column]
    y = columns.pop(VALUE)
    return Series(name, np.datetime64(int(seconds[0]), "s"), step, y, columns, _known(y, columns))


def _step(apart: np.ndarray) -> int:
    """The most common distance in seconds, the shortest of several."""
    values, counts = np.unique(apart[apart > 0], return_counts=True)
    return int(values[counts.argmax()]) if len(values) else 1


def _known(y: np.ndarray, covariates: dict[str, np.ndarray]) -> int:
    """The number of steps before those at the end that have covariates but no ``y``."""
    last = int(np.flatnonzero(np.isfinite(y)).max(initial=-1)) + 1
    stated = any(np.isfinite(values[last:]).any() for values in covariates.values())
    return last if stated else len(y)

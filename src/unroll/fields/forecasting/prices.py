"""How forecasts of prices are judged: by the distribution of the return over one day and over the whole horizon.

A forecast states quantiles of the price; the return to each is the difference from the last price known, in per cent
(100 times the logarithm), so that scores of the price are scores of the return.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from unroll.fields.forecasting import backtest, pictures
from unroll.fields.forecasting.backtest import Rows
from unroll.metrics import forecasts
from unroll.patterns import stretches
from unroll.patterns.stretches import Example
from unroll.reports import charts, figures
from unroll.reports.exhibits import Exhibit

REMEMBERED = 500  # past returns that historical simulation draws from
FANS = 3


class Returns(NamedTuple):
    """Of N forecasts ``days`` ahead in per cent: the truth (N, 1), and quantiles (N, 1, Q) of ours and of the past.

    ``historical``: empirical quantiles of the last ``REMEMBERED`` returns over as many days, known at the time.
    """

    days: int
    truth: np.ndarray
    quantiles: np.ndarray
    historical: np.ndarray

    def skill(self, levels: Sequence[float]) -> float:
        """1 - CRPS / CRPS of historical simulation."""
        return 1 - forecasts.crps(self.truth, self.quantiles, levels) / forecasts.crps(
            self.truth, self.historical, levels
        )


def returns(rows: Rows) -> list[Returns]:
    """Those over one day and over the whole horizon."""
    horizon = rows[0]["example"].horizon
    return [_over(rows, days) for days in sorted({1, horizon})]


def measure(rows: Rows, seconds: float) -> dict[str, float]:
    """The skill in the distribution, averaged over the horizons; and in the median, where none is to be expected."""
    levels, parts = rows[0]["levels"], returns(rows)
    skills = {f"crps_skill_{part.days}_day": part.skill(levels) for part in parts}
    metrics = {"crps_skill_over_historical": float(np.mean(list(skills.values())))} | skills
    for part in parts:
        metrics[f"crps_{part.days}_day"] = forecasts.crps(part.truth, part.quantiles, levels)
    for part in parts:
        median = part.quantiles[..., levels.index(0.5)]
        unchanged = forecasts.mean_absolute_error(part.truth, np.zeros_like(part.truth))
        metrics[f"median_skill_{part.days}_day"] = 1 - forecasts.mean_absolute_error(part.truth, median) / unchanged
    for part in parts:
        shares = backtest.coverages(part.truth, part.quantiles, levels)
        metrics |= {f"{name}_{part.days}_day": share for name, share in shares.items()}
    return backtest.rounded(metrics, rows, seconds)


def as_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line for each return over one day and over the whole horizon, in per cent."""
    lines = []
    for row in rows:
        dates = _dates(row)
        for part in returns([row]):
            whole = zip(dates[:, part.days - 1], part.truth[:, 0], part.quantiles[:, 0], strict=True)
            lines += [
                {"unique_id": row["id"], "ds": str(day), "days": part.days, "return": round(float(truth), 4)}
                | backtest.columns(row["levels"], quantiles)
                for day, truth, quantiles in whole
            ]
    return lines


def exhibits(rows: Rows, folder: Path) -> list[Exhibit]:
    """The most uncertain day of a few stocks, the skill by stock, and the calibration."""
    names = list(dict.fromkeys(row["id"] for row in rows))
    groups = {name: [row for row in rows if row["id"] == name] for name in names}
    fans = [_fan(groups[name], f"fan-{i}.png", folder) for i, name in enumerate(names[:FANS])]
    levels = rows[0]["levels"]
    skills = {name: np.mean([part.skill(levels) for part in returns(own)]) for name, own in groups.items()}
    ordered = sorted(skills, key=skills.get, reverse=True)
    figures.bars(folder / "skill.png", ordered, [skills[name] for name in ordered], "crps_skill")
    caption = "Over historical simulation, averaged over one day and the whole horizon; 0 is no better."
    parts = {f"{part.days} days": (part.truth, part.quantiles) for part in returns(rows)}
    return [
        *fans,
        Exhibit("Errors", "Skill by stock", caption, "skill.png"),
        pictures.calibration(parts, levels, folder),
    ]


def _over(rows: Rows, days: int) -> Returns:
    truth, quantiles, historical = [], [], []
    for row in rows:
        example: Example = row["example"]
        last = example.base[example.forks]
        truth.append(stretches.truth(example)[:, days - 1] - last)
        quantiles.append(row["prediction"].quantiles[:, days - 1] - last[:, None])
        historical.append(_historical(example, days, row["levels"]))
    return Returns(days, *(np.concatenate(parts)[:, None] for parts in (truth, quantiles, historical)))


def _historical(example: Example, days: int, levels: Sequence[float]) -> np.ndarray:
    """Quantiles (F, Q) of the returns over ``days`` that ended in the ``REMEMBERED`` steps before each fork."""
    changes = np.full(len(example.y), np.nan)
    changes[days:] = example.y[days:] - example.y[:-days]
    padded = np.concatenate([np.full(REMEMBERED, np.nan), changes])
    past = sliding_window_view(padded, REMEMBERED)[example.forks]
    quantile = np.nanquantile if np.isnan(past).any() else np.quantile  # the latter is far faster
    return quantile(past, levels, axis=1).T


def _dates(row: Mapping[str, Any]) -> np.ndarray:
    """Of each day ahead of each fork: datetime64[D] (F, H)."""
    example = row["example"]
    steps = example.forks[:, None] + np.arange(example.horizon) - row["origins"][0]
    return np.array(row["dates"], "datetime64[D]")[steps]


def _fan(own: Rows, image: str, folder: Path) -> Exhibit:
    """The forecast whose interval over the whole horizon is widest, after the prices of the weeks before it."""
    levels = own[0]["levels"]
    widths = [row["prediction"].quantiles[:, -1, -1] - row["prediction"].quantiles[:, -1, 0] for row in own]
    row, widest = max(zip(own, widths, strict=True), key=lambda pair: pair[1].max())
    place = int(widest.argmax())
    example, known = row["example"], np.array(row["dates"], "datetime64[D]")
    fork = int(example.forks[place])
    past = np.arange(max(row["origins"][0], fork - 60), fork)
    charts.fan(
        folder / image,
        known[past - row["origins"][0]],
        example.y[past],
        _dates(row)[place],
        stretches.truth(example)[place],
        levels,
        row["prediction"].quantiles[place],
        "100 × log price",
    )
    return Exhibit("Forecasts", f"{row['id']}, {_dates(row)[place][0]}", "The least certain day of the test.", image)

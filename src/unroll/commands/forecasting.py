"""``unroll forecast``: the future of series as distributions; ``unroll watch``: what is odd in them."""

import csv
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from unroll.commands import Model
from unroll.files import opened, written_whole
from unroll.stages.paths import enter_project

app = typer.Typer()
File = Annotated[Path, typer.Argument(help="CSV with the columns [unique_id,]ds,y[,covariates]; rows in any order.")]
Out = Annotated[Path | None, typer.Option("-o", "--output", help="A CSV file to write to; else standard output.")]


@app.command(epilog="Example: `unroll forecast history.csv --horizon 24 --plot fan.png`")
def forecast(
    file: File,
    horizon: Annotated[int | None, typer.Option(help="Steps ahead; else all that the model forecasts.")] = None,
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "forecasting/energy",
    model: Model = "",
    plot: Annotated[Path | None, typer.Option(help="A PNG file for a fan chart of the first series.")] = None,
    output: Out = None,
) -> None:
    """Forecast series: the median and the other quantiles of each step to come."""
    file, plot, output = (path and path.absolute() for path in (file, plot, output))
    enter_project()
    from unroll.fields.forecasting import own
    from unroll.fields.forecasting.backtest import columns
    from unroll.patterns.forecaster import Forecaster
    from unroll.reports import charts
    from unroll.sources import series
    from unroll.stages import use

    found = series.read_csv(file)
    pattern = use.trained(task, model, Forecaster)
    futures = list(own.forecast(pattern, found, horizon))
    levels = pattern.settings.levels
    for one in found:
        if said := _doubt(pattern, one):
            print(said, file=sys.stderr)
    lines = [
        {"unique_id": future.id, "ds": _written(stamp)} | columns(levels, values)
        for future in futures
        for stamp, values in zip(future.stamps, future.quantiles, strict=True)
    ]
    _write(output, lines, list(lines[0]))
    if plot:
        first = futures[0]
        shown = slice(-4 * pattern.features.horizon, None)
        with written_whole(plot) as fresh:
            charts.fan(
                fresh,
                first.past_stamps[shown],
                first.past[shown],
                first.stamps,
                None,
                levels,
                first.quantiles,
                first.id,
            )


@app.command(epilog="Example: `unroll watch series.csv --threshold 6 -o anomalies.csv`")
def watch(
    file: File,
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "forecasting/sensors",
    model: Model = "",
    threshold: Annotated[
        float | None,
        typer.Option(help="The least score of an anomaly: of 10^score steps about one is so odd; 5 if not given."),
    ] = None,
    output: Out = None,
) -> None:
    """Find what is odd in series: the steps that a forecast from those before them did not expect."""
    file, output = (path and path.absolute() for path in (file, output))
    enter_project()
    from unroll.fields.forecasting import own
    from unroll.fields.forecasting.anomalies import THRESHOLD
    from unroll.patterns.forecaster import Forecaster
    from unroll.sources import series
    from unroll.stages import use

    limit = THRESHOLD if threshold is None else threshold
    found = series.read_csv(file)
    lines = []
    for one in own.watch(use.trained(task, model, Forecaster), found):
        odd = (one.score >= limit).nonzero()[0]
        stretches = 1 + int((odd[1:] > odd[:-1] + 1).sum()) if len(odd) else 0
        print(f"{one.id}: {len(odd)} of {len(one.y)} steps odd, in {stretches} stretches", file=sys.stderr)
        lines += [
            {
                "unique_id": one.id,
                "ds": _written(one.stamps[i]),
                "y": round(float(one.y[i]), 6),
                "score": round(float(one.score[i]), 2),
            }
            for i in odd
        ]
    _write(output, lines, ["unique_id", "ds", "y", "score"])


def _doubt(pattern: Any, one: Any) -> str:
    """Says so where the model would have forecast the last steps of a series worse than the week before them did."""
    import numpy as np

    from unroll.fields.forecasting import own

    steps, week = pattern.features.horizon, 7 * 86_400 // one.step
    cut = one.known - steps
    if pattern.features.difference or cut < week + steps:
        return ""
    truth, before = one.y[cut : one.known], one.y[cut - week : one.known - week]
    both = np.isfinite(truth + before)
    seen = one.y[:cut][np.isfinite(one.y[:cut])]
    if not both.any() or not len(seen) or not np.ptp(seen):
        return ""
    (future,) = own.forecast(pattern, [one._replace(y=one.y[:cut], known=cut)], None)
    median = future.quantiles[:, pattern.settings.levels.index(0.5)]
    errors = [float(np.abs(truth - each)[both].mean()) for each in (median, before)]
    if errors[0] <= errors[1]:
        return ""
    return (
        f"note: of the last {steps} steps of {one.id} this model's forecast was off by {errors[0]:.3g} on average, the"
        f" values of the week before by {errors[1]:.3g}: train on series like this one (`source` in params.yaml)"
    )


def _written(stamp: Any) -> str:
    return str(stamp).replace("T", " ")


def _write(output: Path | None, lines: Iterable[Mapping[str, Any]], columns: list[str]) -> None:
    """CSV to a file or to standard output."""
    with opened(output) as out:
        table = csv.DictWriter(out, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(lines)

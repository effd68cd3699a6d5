"""Stage ``evaluate``: a trained model on the held-out split → metrics, predictions and figures.

``python -m unroll.stages.evaluate speech/digits lstm`` writes ``reports/metrics/speech/digits/lstm.json`` and
``reports/figures/speech/digits/lstm/`` (``predictions.csv``, ``exhibits.json`` and what it shows) and completes the
MLflow run. With ``--hold-out speaker`` each fold is judged on the rows whose speaker it never met.
"""

import argparse
import csv
import json
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import nn
from tqdm import tqdm

from unroll import examples
from unroll.errors import UserError, ends_clearly
from unroll.files import written_whole
from unroll.reports import exhibits
from unroll.stages import settings
from unroll.stages.load import load
from unroll.stages.paths import ARTIFACTS, DATABASE, Task
from unroll.training import tracking
from unroll.training.batches import in_order

BATCH_STEPS = 4000
SERVED = Path(__file__).parent / "served"  # how MLflow runs the models of each field


def main() -> None:
    """Runs the stage for the task and model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", help="such as speech/digits")
    parser.add_argument("model", help="a model of the task in params.yaml, such as lstm")
    parser.add_argument("--features", help="take the features of this task instead", metavar="TASK")
    parser.add_argument("--hold-out", help="the column whose values name the folds", metavar="COLUMN")
    with ends_clearly():
        evaluate(parser.parse_args())


def evaluate(arguments: argparse.Namespace) -> None:
    """Predicts the test split, lets the field measure and show the predictions, and writes what comes of it."""
    run, task, block = settings.of_task(arguments.task)
    torch.set_num_threads(run.threads)
    field = import_module(f"unroll.fields.{task.field}")
    table = examples.read(Task.parse(arguments.features or arguments.task).features / "test.arrow")
    folds = block.folds if arguments.hold_out else [None]
    parts, records, patterns = {}, {}, {}
    for fold in folds:
        patterns[fold], records[fold] = load(task.model(arguments.model, fold))
        rows = table.filter(pc.equal(table[arguments.hold_out], fold)) if fold else table
        found, seconds = _predict(patterns[fold], rows, fold or "test")
        parts[fold] = [{**row, "fold": fold, "prediction": prediction} for row, prediction in found], seconds
    predicted = [row for rows, _ in parts.values() for row in rows]
    metrics = field.measure(task.name, predicted, sum(seconds for _, seconds in parts.values())) | {
        "parameters": records[folds[0]]["parameters"],
        "train_seconds": round(sum(record["train_seconds"] for record in records.values()), 1),
    }
    with written_whole(task.figures(arguments.model)) as folder:
        folder.mkdir()
        _write_csv(folder / "predictions.csv", field.as_lines(predicted))
        exhibits.write(folder, field.exhibits(predicted, patterns, folder))
    with written_whole(task.metrics(arguments.model)) as path:
        path.write_text(json.dumps(metrics, indent=1) + "\n")
    for fold, (rows, seconds) in parts.items():
        own = field.measure(task.name, rows, seconds) if fold else metrics
        _track(task, arguments.model, fold, records[fold], own)


def _predict(pattern: nn.Module, table: pa.Table, name: str) -> tuple[list[tuple[Mapping, Any]], float]:
    """Each row of the table beside its prediction, its ``frames`` a view of them; and the seconds that it took."""
    wanted = pattern.examples(table)
    views = {example.id: example.frames for example in wanted}
    rows = {row["id"]: row | {"frames": views.get(row["id"])} for row in table.drop_columns(["frames"]).to_pylist()}
    found, seconds = {}, 0.0
    order = in_order([pattern.steps(example) for example in wanted], BATCH_STEPS)
    for numbers in tqdm(order, f"predict {name}", unit=" batches", mininterval=1):
        batch = pattern.batch([wanted[i] for i in numbers])
        start = time.perf_counter()
        predictions = pattern.predict(batch)
        seconds += time.perf_counter() - start
        found |= zip(batch.ids, predictions, strict=True)
    if len(found) < len(rows):
        missing = ", ".join(sorted(rows.keys() - found.keys())[:20])
        raise UserError(f"the test examples {missing} are too short for their own labels: leave them out of the data")
    return [(rows[name], found[name]) for name in rows], seconds


def _write_csv(path: Path, lines: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, lines[0], lineterminator="\n")
        table.writeheader()
        table.writerows(lines)


def _track(task: Task, model: str, fold: str | None, record: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    """Completes the MLflow run of a trained model with what it reached, and registers it."""
    folder = task.model(model, fold)
    with (folder / "history.csv").open(newline="") as file:
        history = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    tracking.Tracker(DATABASE, ARTIFACTS).evaluated(
        tracking.Training(**record["training"]),
        history,
        metrics,
        task.figures(model),
        folder / "model.pt",
        SERVED / f"{task.field}.py",
        next(iter(record["scores"].values())),
    )


if __name__ == "__main__":
    main()

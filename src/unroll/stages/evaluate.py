"""Stage ``evaluate``: a trained model on the held-out split → metrics, predictions and figures.

``python -m unroll.stages.evaluate speech/digits lstm`` writes ``reports/metrics/speech/digits/lstm.json`` and
``reports/figures/speech/digits/lstm/`` (``predictions.csv``, ``exhibits.json`` and what it shows) and completes the
MLflow run. With ``--hold-out speaker`` each fold is judged on the rows whose speaker it never met; with ``--examples
video/actions`` the field is given the frames of these examples, too, to show what the features were made of.
"""

import argparse
import csv
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
from unroll.errors import ends_clearly
from unroll.files import written_whole
from unroll.reports import exhibits
from unroll.stages import outcome, settings
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
    parser.add_argument("--examples", help="show the frames of this task's examples", metavar="TASK")
    with ends_clearly():
        evaluate(parser.parse_args())


def evaluate(arguments: argparse.Namespace) -> None:
    """Predicts the test split, lets the field measure and show the predictions, and writes what comes of it."""
    run, task, block = settings.of_task(arguments.task)
    torch.set_num_threads(run.threads)
    field = import_module(f"unroll.fields.{task.field}")
    features = Task.parse(arguments.features or arguments.task).features
    train, table = (examples.read(features / f"{split}.arrow") for split in ("train", "test"))
    folds = block.folds if arguments.hold_out else [None]
    parts, records, patterns = {}, {}, {}
    for fold in folds:
        patterns[fold], records[fold] = load(task.model(arguments.model, fold))
        own = table.filter(pc.equal(table[arguments.hold_out], fold)) if fold else table
        parts[fold] = _predict(patterns[fold], own, fold)
    predicted = [row for rows, _ in parts.values() for row in rows]
    if arguments.examples:
        outcome.add_frames(predicted, examples.read(Task.parse(arguments.examples).examples / "test.arrow"))
    seconds = sum(seconds for _, seconds in parts.values())
    metrics = field.measure(task.name, predicted, seconds, patterns, train) | {
        "parameters": records[folds[0]]["parameters"],
        "train_seconds": round(sum(record["train_seconds"] for record in records.values()), 1),
    }
    with written_whole(task.figures(arguments.model)) as folder:
        folder.mkdir()
        outcome.write_lines(folder / "predictions.csv", field.as_lines(task.name, predicted))
        exhibits.write(folder, field.exhibits(task.name, predicted, patterns, folder))
    outcome.write_metrics(task.metrics(arguments.model), metrics)
    for fold, (rows, seconds) in parts.items():
        own = field.measure(task.name, rows, seconds, {fold: patterns[fold]}, train) if fold else metrics
        _track(task, arguments.model, fold, records[fold], own)


def _predict(pattern: nn.Module, table: pa.Table, fold: str | None) -> tuple[list[dict[str, Any]], float]:
    """The examples of the table beside their predictions, and the seconds that these took."""
    wanted = pattern.examples(table)
    predictions, seconds = {}, 0.0
    order = in_order([pattern.steps(example) for example in wanted], BATCH_STEPS)
    for numbers in tqdm(order, f"predict {fold or 'test'}", unit=" batches", mininterval=1):
        batch = pattern.batch([wanted[i] for i in numbers])
        start = time.perf_counter()
        found = pattern.predict(batch)
        seconds += time.perf_counter() - start
        predictions |= zip(numbers.tolist(), found, strict=True)
    return outcome.rows(table, wanted, [predictions[i] for i in range(len(wanted))], fold), seconds


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

"""Stage ``baseline``: a simple method or a peer on the very examples that the models are judged by → metrics.

``python -m unroll.stages.baseline seasonal_naive forecasting/energy previous_day`` fits the method with the settings
that the task has under that name in ``params.yaml`` to the training split and writes
``reports/metrics/forecasting/energy/previous_day.json``, marked as a baseline.
"""

import argparse
import time
from importlib import import_module

import torch

from unroll import examples
from unroll.errors import UserError, ends_clearly
from unroll.stages import outcome, settings
from unroll.stages.paths import Task


def main() -> None:
    """Runs the stage for the method, the task and the baseline named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", help="a module of unroll.baselines, such as seasonal_naive")
    parser.add_argument("task", help="such as forecasting/energy")
    parser.add_argument("name", help="a baseline of the task in params.yaml, such as previous_day")
    parser.add_argument("--features", help="take the features of this task instead", metavar="TASK")
    with ends_clearly():
        baseline(parser.parse_args())


def baseline(arguments: argparse.Namespace) -> None:
    """Fits, predicts and measures."""
    run, task, block = settings.of_task(arguments.task)
    chosen = getattr(block, "baselines", {}).get(arguments.name)
    if chosen is None or chosen.method != arguments.method:
        raise UserError(f"params.yaml: {task} has no baseline {arguments.name} by the method {arguments.method}")
    torch.set_num_threads(run.threads)
    field = import_module(f"unroll.fields.{task.field}")
    features = Task.parse(arguments.features or arguments.task).features
    train, test = (examples.read(features / f"{split}.arrow") for split in ("train", "test"))
    method = import_module(f"unroll.baselines.{arguments.method}")
    start = time.perf_counter()
    fitted = method.Baseline.for_examples(train, getattr(block, method.PATTERN), chosen, run.seed)
    fitting = time.perf_counter() - start
    wanted = fitted.examples(test)
    start = time.perf_counter()
    predictions = fitted.predict(wanted)
    seconds = time.perf_counter() - start
    rows = outcome.rows(test, wanted, predictions)
    metrics = field.measure(task.name, rows, seconds, {None: fitted}, train) | {
        "parameters": fitted.parameters,
        "train_seconds": round(fitting, 1),
        "baseline": True,
    }
    outcome.write_metrics(task.metrics(arguments.name), metrics)


if __name__ == "__main__":
    main()

"""Stage ``featurize``: examples → features, by one of the shared featurizers.

``python -m unroll.stages.featurize mfcc speech/digits`` reads ``data/examples/speech/digits`` and writes
``data/features/speech/digits``: the same rows with the matrix column ``frames``, whose metadata name the featurizer.
A featurizer that has to learn, as a vocabulary is learned, does so from the training split. ``--examples
video/actions`` takes the examples of another task.
"""

import argparse
from importlib import import_module

from unroll import examples
from unroll.errors import ends_clearly
from unroll.stages import settings
from unroll.stages.paths import SPLITS, Task


def main() -> None:
    """Runs the stage for the featurizer and the task named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("featurizer", help="a module of unroll.features, such as mfcc")
    parser.add_argument("task", help="such as speech/digits")
    parser.add_argument("--examples", help="take the examples of this task instead", metavar="TASK")
    arguments = parser.parse_args()
    with ends_clearly():
        _, task, block = settings.of_task(arguments.task)
        featurizer = import_module(f"unroll.features.{arguments.featurizer}")
        chosen = getattr(block, arguments.featurizer)
        source = Task.parse(arguments.examples or arguments.task).examples
        tables = {split: examples.read(source / f"{split}.arrow") for split in SPLITS}
        learned = [featurizer.learn(tables["train"], chosen)] if hasattr(featurizer, "learn") else []
        for split, table in tables.items():
            schema, rows = featurizer.featurize(table, chosen, *learned)
            examples.write(task.features / f"{split}.arrow", schema, rows)


if __name__ == "__main__":
    main()

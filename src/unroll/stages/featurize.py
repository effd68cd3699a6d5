"""Stage ``featurize``: examples → features, by one of the shared featurizers.

``python -m unroll.stages.featurize mfcc speech/digits`` reads ``data/examples/speech/digits`` and writes
``data/features/speech/digits``: the same rows with the matrix column ``frames``, whose metadata name the featurizer.
"""

import argparse
from importlib import import_module

from unroll import examples
from unroll.errors import ends_clearly
from unroll.stages import settings
from unroll.stages.paths import SPLITS


def main() -> None:
    """Runs the stage for the featurizer and the task named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("featurizer", help="a module of unroll.features, such as mfcc")
    parser.add_argument("task", help="such as speech/digits")
    arguments = parser.parse_args()
    with ends_clearly():
        _, task, block = settings.of_task(arguments.task)
        featurizer = import_module(f"unroll.features.{arguments.featurizer}")
        for split in SPLITS:
            table = examples.read(task.examples / f"{split}.arrow")
            schema, rows = featurizer.featurize(table, getattr(block, arguments.featurizer))
            examples.write(task.features / f"{split}.arrow", schema, rows)


if __name__ == "__main__":
    main()

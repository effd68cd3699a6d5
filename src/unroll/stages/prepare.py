"""Stage ``prepare``: raw bytes → examples in fixed splits.

``python -m unroll.stages.prepare speech/digits`` writes ``data/examples/speech/digits/{train,valid,test}.arrow``;
the columns are described by the field's module.
"""

import argparse
from importlib import import_module

from unroll import examples
from unroll.errors import ends_clearly
from unroll.stages import settings


def main() -> None:
    """Runs the stage for the task named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", help="such as speech/digits")
    with ends_clearly():
        run, task, block = settings.of_task(parser.parse_args().task)
        field = import_module(f"unroll.fields.{task.field}")
        for split, schema, rows in field.prepare(task.name, block, run.seed):
            examples.write(task.examples / f"{split}.arrow", schema, rows)


if __name__ == "__main__":
    main()

"""Stage ``gather``: several sources → one, for a task that learns from all of them.

``python -m unroll.stages.gather interface-strings gramps pretix`` copies ``data/raw/gramps`` and ``data/raw/pretix``
into ``data/raw/interface-strings``, each in a folder of its name.
"""

import argparse
import shutil

from unroll.errors import UserError, ends_clearly
from unroll.files import written_whole
from unroll.stages.paths import RAW


def main() -> None:
    """Runs the stage for the names on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the folder in data/raw that is made")
    parser.add_argument("sources", nargs="+", help="sources of the catalogue, fetched before")
    arguments = parser.parse_args()
    with ends_clearly(), written_whole(RAW / arguments.name) as fresh:
        for source in arguments.sources:
            if not (RAW / source).is_dir():
                raise UserError(f"{RAW / source} is missing: run `dvc repro` to fetch it")
            shutil.copytree(RAW / source, fresh / source)


if __name__ == "__main__":
    main()

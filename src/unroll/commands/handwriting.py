"""``unroll read``: what lines of handwriting say."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from unroll.commands import Model, each
from unroll.errors import UserError
from unroll.sources import line_folder
from unroll.stages.paths import enter_project

app = typer.Typer()


@app.command(epilog="Example: `unroll read line.png scans/ --csv`")
def read(
    images: Annotated[
        list[Path], typer.Argument(help="Pictures of a line each, dark on light or light on dark, or folders of them.")
    ],
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "handwriting/digit_lines",
    model: Model = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="A table with the columns path, text and confidence.")] = False,
) -> None:
    """Read lines of handwriting, with a confidence.

    A picture that shows nothing has nothing to read.
    """
    files = line_folder.pictures(images)
    places = {file: file.absolute() for file in files}
    enter_project()
    from unroll.fields.handwriting import own
    from unroll.patterns.transcriber import Transcriber
    from unroll.stages import use

    _refuse_other(task)
    pattern = use.trained(task, model, Transcriber)
    table = csv.writer(sys.stdout, lineterminator="\n")
    if as_csv:
        table.writerow(("path", "text", "confidence"))
    for file, found in each(files, lambda file: own.read(pattern, places[file])):
        if as_csv:
            table.writerow((file, found.text, f"{found.confidence:.4f}"))
        else:
            said = f"{found.text}  {found.confidence:.0%}" if found.text else "(nothing to read)"
            print(f"{file}  {said}")


def _refuse_other(task: str) -> None:
    """``UserError`` for a task that is not of lines of writing."""
    from unroll import params
    from unroll.fields.handwriting.digit_lines import Reading
    from unroll.stages import settings
    from unroll.stages.paths import PARAMS

    _, where, block = settings.of_task(task)
    if isinstance(block, Reading):
        return
    _, fields = params.load(PARAMS, "handwriting")
    lines = [f"handwriting/{name}" for name, other in vars(fields["handwriting"]).items() if isinstance(other, Reading)]
    about = "single glyphs" if where.field == "handwriting" else "no handwriting"
    raise UserError(f"{task} is of {about}, and what is read are lines: --task takes {' or '.join(lines)}")

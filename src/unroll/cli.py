"""The command ``unroll``: trained models on one's own files. Each field's commands are in ``unroll.commands``."""

import textwrap
from importlib import import_module
from importlib.metadata import version
from pkgutil import iter_modules
from typing import Annotated

import typer

from unroll import commands
from unroll.errors import ends_clearly
from unroll.stages.paths import enter_project

app = typer.Typer(
    help="Recurrent networks for sequence data: use the models that `make repro` trained.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for _field in iter_modules(commands.__path__):
    app.add_typer(import_module(f"unroll.commands.{_field.name}").app)


def main() -> None:
    """Runs the command line; every mistake of the user ends with one message and status 2."""
    with ends_clearly():
        app()


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"unroll {version('unroll')}")
        raise typer.Exit


@app.callback()
def _options(
    wanted: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """What is said to the program itself, before a command."""


@app.command(epilog="Example: `unroll tasks`")
def tasks() -> None:
    """List the tasks, the best model of each and what it reached."""
    enter_project()
    from unroll.stages import use

    for name, about, reached in use.tasks():
        print(f"{name} ({reached})\n{textwrap.fill(about, 100, initial_indent='  ', subsequent_indent='  ')}")


@app.command(epilog="Example: `unroll sources`")
def sources() -> None:
    """List the data that is downloaded, with versions and licences."""
    enter_project()
    from unroll.sources import catalogue
    from unroll.stages.paths import CATALOGUE, RAW

    for name, source in catalogue.load(CATALOGUE).items():
        state = "fetched" if (RAW / name).is_dir() else "not fetched yet"
        made = ", synthetic" if source.synthetic else ""
        print(f"{name} {source.version} ({catalogue.megabytes(source)}{made}; {state})")
        print(f"  {source.about}\n  licence: {source.licence}")


if __name__ == "__main__":
    main()

"""The command ``unroll``: trained models on one's own files."""

import json
import os
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from unroll.errors import UserError, ends_clearly

app = typer.Typer(
    help="Recurrent networks for sequence data: use the models that `make repro` trained.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Runs the command line; every mistake of the user ends with one message and status 2."""
    with ends_clearly():
        app()


@app.command(epilog="Example: `unroll transcribe call.wav memo.ogg --task speech/commands --json`")
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Recordings: wav, flac, ogg, mp3; any rate, mono or stereo.")],
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "speech/digits_unseen",
    model: Annotated[str, typer.Option(help="A model of the task; else the best on validation.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a file, with each word's place.")] = False,
) -> None:
    """Write down what is said in recordings, with a confidence."""
    files = [file.absolute() for file in files]
    _enter_project()
    from unroll.fields import speech
    from unroll.patterns.transcriber import transcript_of
    from unroll.stages import use

    pattern = use.transcriber(task, model)
    failed = False
    for file in files:
        try:
            words = list(_progress(speech.transcribe(pattern, file), file))
        except UserError as error:
            failed = True
            print(f"error: {error}", file=sys.stderr)
            continue
        text, _, confidence = transcript_of(words)
        if as_json:
            places = [
                {"text": word, "start": round(start, 3), "stop": round(stop, 3), "confidence": round(sure, 4)}
                for word, start, stop, sure in words
            ]
            print(json.dumps({"file": str(file), "text": text, "confidence": round(confidence, 4), "words": places}))
        else:
            said = f"{text}  ({confidence:.0%})" if words else "(no speech)"
            print(f"{file.name}: {said}" if len(files) > 1 else said)
    if failed:
        raise typer.Exit(2)


@app.command(epilog="Example: `unroll tasks`")
def tasks() -> None:
    """List the tasks, the best model of each and what it reached."""
    _enter_project()
    from unroll.stages import use

    for name, about, reached in use.tasks():
        print(f"{name} ({reached})\n{textwrap.fill(about, 100, initial_indent='  ', subsequent_indent='  ')}")


@app.command(epilog="Example: `unroll sources`")
def sources() -> None:
    """List the data that is downloaded, with versions and licences."""
    _enter_project()
    from unroll.sources import catalogue
    from unroll.stages.paths import CATALOGUE, RAW

    for name, source in catalogue.load(CATALOGUE).items():
        state = "fetched" if (RAW / name).is_dir() else "not fetched yet"
        made = ", synthetic" if source.synthetic else ""
        print(f"{name} {source.version} ({catalogue.megabytes(source)}{made}; {state})")
        print(f"  {source.about}\n  licence: {source.licence}")


def _enter_project() -> None:
    """Makes the root of the project the working directory: the nearest above, else the one this code lies in."""
    here = Path.cwd()
    roots = [*(folder for folder in (here, *here.parents)), Path(__file__).resolve().parents[2]]
    for root in roots:
        if (root / "params.yaml").is_file() and (root / "pipelines").is_dir():
            os.chdir(root)
            return
    raise UserError("no project here: run inside a clone of it, where params.yaml lies")


def _progress(words: Iterator, file: Path) -> Iterator:
    """The words, with a count of the minutes done on standard error where that is a terminal."""
    from tqdm import tqdm

    bar = tqdm(desc=file.name, unit=" s", disable=None, leave=False, delay=2)
    for word in words:
        bar.update(round(word.stop) - bar.n)
        yield word
    bar.close()


if __name__ == "__main__":
    main()

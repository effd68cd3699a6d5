"""``unroll transcribe``: what is said in recordings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from unroll.commands import Model, each
from unroll.stages.paths import enter_project

app = typer.Typer()


@app.command(epilog="Example: `unroll transcribe call.wav memo.ogg --task speech/commands --json`")
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="Recordings: wav, flac, ogg, mp3; any rate, mono or stereo.")],
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "speech/digits_unseen",
    model: Model = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a file, with each word's place.")] = False,
) -> None:
    """Write down what is said in recordings, with a confidence."""
    files = [file.absolute() for file in files]
    enter_project()
    from unroll.fields import speech
    from unroll.patterns.transcriber import Transcriber, transcript_of
    from unroll.stages import use

    pattern = use.trained(task, model, Transcriber)
    for file, words in each(files, lambda file: list(_progress(speech.transcribe(pattern, file), file))):
        heard = transcript_of(words)
        if as_json:
            places = [
                {"text": word, "start": round(start, 3), "stop": round(stop, 3), "confidence": round(sure, 4)}
                for word, start, stop, sure in words
            ]
            print(
                json.dumps(
                    {"file": str(file), "text": heard.text, "confidence": round(heard.confidence, 4), "words": places}
                )
            )
        else:
            said = f"{heard.text}  ({heard.confidence:.0%})" if words else "(no speech)"
            print(f"{file.name}: {said}" if len(files) > 1 else said)


def _progress(words: Iterator, file: Path) -> Iterator:
    """The words, with a count of the minutes done on standard error where that is a terminal."""
    from tqdm import tqdm

    bar = tqdm(desc=file.name, unit=" s", disable=None, leave=False, delay=2)
    for word in words:
        bar.update(round(word.stop) - bar.n)
        yield word
    bar.close()

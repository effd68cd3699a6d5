"""``unroll recognise``: what is done in clips, or in recordings of a watch."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unroll.commands import Model, each
from unroll.errors import UserError
from unroll.stages.paths import Task, enter_project

if TYPE_CHECKING:
    from unroll.fields.video.recognising import Pattern, Recognised

CLIPS = "avi, gif, m4v, mkv, mov, mp4, mpg, webm"
app = typer.Typer()


@app.command(epilog="Example: `unroll recognise clip.mp4 films/ --task video/events --json`")
def recognise(
    clips: Annotated[
        list[Path],
        typer.Argument(help=f"Clips: {CLIPS}; for video/exercises CSV files; or folders of them."),
    ],
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "video/actions",
    model: Model = "",
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a file.")] = False,
) -> None:
    """Tell what is done in clips, with a confidence.

    Below stands, for an action, what would have been said after each half second; for several in a row, from when to
    when each is done; for a recording of sensors, what is said of each window.
    """
    clips = [clip.absolute() for clip in clips]
    enter_project()
    from unroll.fields import video
    from unroll.fields.video import own, recognising
    from unroll.patterns.classifier import Classifier
    from unroll.patterns.tagger import Tagger
    from unroll.patterns.translator import Translator
    from unroll.stages import settings, use

    if Task.parse(task).field != "video":
        served = ", ".join(f"video/{name}" for name in video.TASKS)
        raise UserError(f"recognise wants a task of video: {served}; {task} is none")
    _, _, block = settings.of_task(task)
    files = recognising.files(clips, own.RECORDINGS if hasattr(block, "windows") else own.CLIPS)
    kinds = {"classifier": Classifier, "tagger": Tagger, "translator": Translator}
    pattern = use.trained(task, model, next(kind for name, kind in kinds.items() if hasattr(block, name)))
    for file, found in each(files, lambda file: _recognised(pattern, file, block)):
        _print(file, found, as_json)


def _recognised(pattern: "Pattern", file: Path, block: Any) -> "Recognised":
    """What is done in a clip, or in a recording where the ``block`` of the task in ``params.yaml`` is of such."""
    from unroll.fields.video import own, recognising
    from unroll.patterns.classifier import Classifier
    from unroll.sources import videos, watch
    from unroll.stages import settings

    if file.suffix.lower() in (own.CLIPS if hasattr(block, "windows") else own.RECORDINGS).suffixes:
        raise UserError(f"{file} is of another task: --task video/exercises reads recordings (CSV), the others clips")
    if hasattr(block, "windows"):
        readings = watch.read_csv(file, block.windows.readings_per_second)
        return recognising.recording(pattern, readings, block.windows)
    form = block if hasattr(block, "clips") else settings.of_task("video/actions")[2]  # whose examples it reads
    rate = recognising.rate(recognising.inputs_of(pattern))
    pictures = videos.read(file, rate, form.clips.size, own.MOST_SECONDS)
    if len(pictures) < recognising.FEWEST:
        raise UserError(
            f"{file} is too short, {len(pictures) / rate:.2g} seconds: film for {recognising.FEWEST / rate:.2g} seconds"
            " or longer"
        )
    find = recognising.beginnings if isinstance(pattern, Classifier) else recognising.whole
    return find(pattern, pictures.reshape(len(pictures), -1))


def _print(file: Path, found: "Recognised", as_json: bool) -> None:
    if as_json:
        timeline = [
            {"start": round(start, 3), "stop": round(stop, 3), "label": label, "confidence": round(sure, 4)}
            for start, stop, label, sure in found.timeline
        ]
        whole = {"file": str(file), "label": found.label, "confidence": round(found.confidence, 4)}
        print(json.dumps(whole | {"timeline": timeline}))
        return
    from unroll.fields.video.sentences import words

    print(f"{file.name}: {words(found.label)} ({found.confidence:.0%})")
    for start, stop, label, sure in found.timeline:
        print(f"  {start:4.1f}–{stop:.1f} s  {words(label)} ({sure:.0%})")

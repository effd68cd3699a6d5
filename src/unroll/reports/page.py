"""The pages of the report: each a file that holds all it shows and needs neither a server nor the net."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2
from PIL import Image

from unroll.errors import UserError
from unroll.reports import curves, exhibits, numbers, tables
from unroll.reports.curves import History
from unroll.reports.exhibits import Exhibit
from unroll.reports.results import Row

TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
}
README = """# Results

What every model reached on data that it was not trained on. The same with learning curves, an analysis of the errors
and examples to see and hear: open `index.html` of this folder in a browser. This file is made by `make report`.

"""


class Task(NamedTuple):
    """A task: its rows best first, and by model the histories of training and the folder of exhibits."""

    field: str
    name: str
    about: str
    rows: list[Row]
    histories: dict[str, list[History]]
    figures: dict[str, Path]


class Field(NamedTuple):
    """A field and its tasks in the order in which they are shown."""

    name: str
    title: str
    about: str
    tasks: list[Task]


class Card(NamedTuple):
    """An exhibit with the data URIs of its image and its audio; of an image that moves also that of its first frame."""

    exhibit: Exhibit
    image: str | None
    audio: str | None
    still: str | None


class Gallery(NamedTuple):
    """The exhibits of a model by section."""

    model: str
    sections: list[tuple[str, list[Card]]]


def front(fields: Sequence[Field]) -> str:
    """The front page: the results of all fields, and a way to the page of each."""
    return _render("index.html", fields=fields, page=None, home="", pages="pages/")


def field(fields: Sequence[Field], shown: Field) -> str:
    """The page of one of the fields."""
    return _render("field.html", fields=fields, page=shown, home="../", pages="")


def readme(fields: Sequence[Field]) -> str:
    """All results as Markdown: the overview, then everything that was measured, task by task."""
    parts = [README + tables.markdown(tables.overview([task.rows for each in fields for task in each.tasks]))]
    for each in fields:
        parts.append(f"## {each.title}\n")
        for task in each.tasks:
            found = tables.markdown(tables.details(task.rows)) if task.rows else "Not evaluated yet.\n"
            parts += [f"### {task.field}/{task.name}\n", task.about + "\n", found]
    return "\n".join(parts)


def data_uri(path: Path) -> str:
    """A file as a ``data:`` URI."""
    if path.suffix not in TYPES:
        raise UserError(f"{path}: a page shows only {', '.join(TYPES)}")
    return _uri(TYPES[path.suffix], path.read_bytes())


def galleries(task: Task) -> list[Gallery]:
    """The exhibits of the models that have any, best model first."""
    return [Gallery(row.model, found) for row in task.rows if (found := _sections(task.figures[row.model]))]


def learning_curves(task: Task) -> str | None:
    """The learning curves as a data URI, where any model has a history."""
    trained = {row.model: task.histories[row.model] for row in task.rows if task.histories[row.model]}
    return _uri("image/png", curves.draw(trained)) if trained else None


def _sections(folder: Path) -> list[tuple[str, list[Card]]]:
    """Sections in the order of their first exhibits."""
    sections: dict[str, list[Card]] = {}
    for exhibit in exhibits.read(folder):
        image, audio = _beside(folder, exhibit.image), _beside(folder, exhibit.audio)
        still = _still(folder / exhibit.image) if exhibit.image and exhibit.image.endswith(".gif") else None
        sections.setdefault(exhibit.section, []).append(Card(exhibit, image, audio, still))
    return list(sections.items())


def _still(path: Path) -> str:
    """The first frame of a picture that moves, for readers who want none that do, and for paper."""
    first = io.BytesIO()
    with Image.open(path) as moving:
        moving.save(first, format="PNG")
    return _uri("image/png", first.getvalue())


def _beside(folder: Path, name: str | None) -> str | None:
    """The data URI of a file that an exhibit names; only files beside ``exhibits.json`` may be named."""
    if name is None:
        return None
    if Path(name).name != name or not (folder / name).is_file():
        raise UserError(f"{folder}: {name!r} is not a file beside {exhibits.FILE}: delete both and run `dvc repro`")
    return data_uri(folder / name)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _render(template: str, **values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("unroll.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    helpers = {
        "brief": tables.brief,
        "details": tables.details,
        "heading": tables.heading,
        "label": numbers.label,
        "galleries": galleries,
        "learning_curves": learning_curves,
    }
    return environment.get_template(template).render(**helpers, **values)

"""Stage ``report``: what every stage before it left → pages that a browser opens, and the results as a table.

``python -m unroll.stages.report`` writes ``reports/index.html``, ``reports/pages/<field>.html``, ``reports/README.md``
and in ``reports/gallery`` a picture of each field for the project's README; what is not there yet is left out. It
prints the results, the best model of each task first, and where the report is.
"""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from unroll import params
from unroll.errors import UserError, ends_clearly
from unroll.files import written_whole
from unroll.reports import curves, exhibits, page, results, tables
from unroll.stages.paths import METRICS, PARAMS, REPORTS, Task


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the stage, or only prints what it found last, or only brings a README's table up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--summary", action="store_true", help="only print the results and where the report is")
    parser.add_argument("--readme", type=Path, help="only write the table of results into this file", metavar="FILE")
    options = parser.parse_args(arguments)
    with ends_clearly():
        _, names = params.load(PARAMS)
        fields = [_field(name) for name in names]
        rows = [task.rows for field in fields for task in field.tasks]
        if options.readme:
            _write_table(options.readme, tables.readme_block(rows))
            return
        if not options.summary:
            report(fields)
        print(tables.plain(tables.overview(rows)))
        print((REPORTS / "index.html").resolve())


def _write_table(readme: Path, block: str) -> None:
    before, mark, rest = readme.read_text(encoding="utf-8").partition(tables.BEGIN)
    after = rest.partition(tables.END)[2]
    if not mark:
        raise UserError(f"{readme} has no line {tables.BEGIN}: the table goes between it and {tables.END}")
    readme.write_text(f"{before}{block}{after}", encoding="utf-8")


def report(fields: Sequence[page.Field]) -> None:
    """Writes all pages once all of them are made."""
    pages = {field.name: page.field(fields, field) for field in fields}
    with written_whole(REPORTS / "pages") as folder:
        folder.mkdir()
        for name, text in pages.items():
            (folder / f"{name}.html").write_text(text, encoding="utf-8")
    for name, text in {"README.md": page.readme(fields), "index.html": page.front(fields)}.items():
        with written_whole(REPORTS / name) as fresh:
            fresh.write_text(text, encoding="utf-8")
    with written_whole(REPORTS / "gallery") as folder:
        folder.mkdir()
        for field in fields:
            if picture := next(_pictures(field), None):
                shutil.copy(picture, folder / f"{field.name}.png")


def _pictures(field: page.Field) -> Iterator[Path]:
    """Stills to show of a field: of its tasks' models, best first, examples that they got right, then any other."""
    folders = [task.figures[row.model] for task in field.tasks for row in task.rows]
    shown = [(folder / each.image, each.verdict) for folder in folders for each in exhibits.read(folder) if each.image]
    shown = [pair for pair in shown if pair[0].suffix == ".png"]
    shown.sort(key=lambda pair: not pair[1])
    yield from (path for path, _ in shown)


def _field(name: str) -> page.Field:
    module = import_module(f"unroll.fields.{name}")
    tasks = [_task(Task(name, task), about) for task, about in module.TASKS.items()]
    return page.Field(name, module.TITLE, module.ABOUT, tasks)


def _task(task: Task, about: str) -> page.Task:
    rows = results.read(METRICS / task.field / task.name, task.field, task.name)
    histories = {row.model: curves.read(task.model(row.model)) for row in rows}
    figures = {row.model: task.figures(row.model) for row in rows}
    return page.Task(task.field, task.name, about, rows, histories, figures)


if __name__ == "__main__":
    main()

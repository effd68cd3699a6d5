"""Stage ``report``: what every stage before it left → pages that a browser opens, and the results as a table.

``python -m unroll.stages.report`` writes ``reports/index.html``, ``reports/pages/<field>.html`` and
``reports/README.md``; what is not there yet is left out. Prints the results, the best model of each task first, and where the report is.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module

from unroll import params
from unroll.errors import ends_clearly
from unroll.files import written_whole
from unroll.reports import curves, page, results, tables
from unroll.stages.paths import METRICS, PARAMS, REPORTS, Task


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the stage, or with ``--summary`` only prints what it found last."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--summary", action="store_true", help="only print the results and where the report is")
    only_print = parser.parse_args(arguments).summary
    with ends_clearly():
        _, names = params.load(PARAMS)
        fields = [_field(name) for name in names]
        if not only_print:
            report(fields)
        print(tables.plain(tables.overview([task.rows for field in fields for task in field.tasks])))
        print((REPORTS / "index.html").resolve())


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

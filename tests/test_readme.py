"""What the README claims, the repository produced."""

from importlib import import_module
from pathlib import Path

from unroll import params
from unroll.reports import results, tables


def test_the_table_of_results_is_that_of_the_metrics(root: Path) -> None:
    _, fields = params.load(root / "params.yaml")
    measured = [
        results.read(root / "reports/metrics" / field / task, field, task)
        for field in fields
        for task in import_module(f"unroll.fields.{field}").TASKS
    ]
    assert tables.readme_block(measured) in (root / "README.md").read_text()


def test_every_file_it_links_to_exists(root: Path) -> None:
    links = {part.split(")")[0] for part in (root / "README.md").read_text().split("](")[1:]}
    assert links
    assert [link for link in links if not (root / link).exists()] == []

"""What the README claims, the repository produced."""

import io
import subprocess
import tarfile
from importlib import import_module
from pathlib import Path

from unroll import params
from unroll.reports import results, tables


def test_the_committed_table_is_that_of_the_committed_metrics(root: Path, tmp_path: Path) -> None:
    """As committed, because a run on another machine may measure other times and last digits."""
    command = ["git", "archive", "HEAD", "README.md", "params.yaml", "reports/metrics"]
    archive = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tmp_path, filter="data")
    _, fields = params.load(tmp_path / "params.yaml")
    measured = [
        results.read(tmp_path / "reports/metrics" / field / task, field, task)
        for field in fields
        for task in import_module(f"unroll.fields.{field}").TASKS
    ]
    assert all(measured)
    assert tables.readme_block(measured) in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_every_file_it_links_to_exists(root: Path) -> None:
    links = {part.split(")")[0] for part in (root / "README.md").read_text(encoding="utf-8").split("](")[1:]}
    assert links
    assert [link for link in links if not (root / link).exists()] == []

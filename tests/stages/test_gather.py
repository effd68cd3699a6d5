import sys
from pathlib import Path

import pytest

from unroll.stages import gather


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs the stage in a project with the sources ``one`` and ``two``: its status and what it said went wrong."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / "data/raw" / name / "deep").mkdir(parents=True)
        (tmp_path / "data/raw" / name / "deep/messages.po").write_text(name)

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["gather", *arguments])
        try:
            gather.main()
        except SystemExit as ended:
            return ended.code, capsys.readouterr().err
        return 0, capsys.readouterr().err

    return command


def files(folder: str = "data/raw") -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in Path(folder).rglob("*") if path.is_file()}


def test_each_source_gets_a_folder(run):
    assert run("all", "one", "two") == (0, "")
    assert files("data/raw/all") == {"one/deep/messages.po": "one", "two/deep/messages.po": "two"}
    assert run("all", "two") == (0, "")
    assert files("data/raw/all") == {"two/deep/messages.po": "two"}  # nothing of what was there
    assert files("data/raw/one") == {"deep/messages.po": "one"}


def test_a_missing_source_is_named_and_nothing_is_left(run):
    before = files()
    status, said = run("all", "one", "three")
    assert (status, said) == (2, "error: data/raw/three is missing: run `dvc repro` to fetch it\n")
    assert files() == before
    assert sorted(path.name for path in Path("data/raw").iterdir()) == ["one", "two"]

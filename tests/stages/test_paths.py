import os

import pytest

from unroll.errors import UserError
from unroll.stages import paths


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    """The root of a project in which nothing was fetched or trained."""
    project = tmp_path / "project"
    (project / "pipelines").mkdir(parents=True)
    (project / "notes").mkdir()
    os.symlink(root / "params.yaml", project / "params.yaml")
    return project


def test_outside_a_project_the_one_of_the_code_serves(tmp_path, monkeypatch, root):
    monkeypatch.chdir(tmp_path)
    paths.enter_project()
    assert os.getcwd() == str(root)


def test_the_nearest_project_above_serves(project, monkeypatch):
    monkeypatch.chdir(project / "notes")
    paths.enter_project()
    assert os.getcwd() == str(project)


def test_without_any_project_it_says_where_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "__file__", str(tmp_path / "site-packages/unroll/stages/paths.py"))
    with pytest.raises(UserError, match=r"^no project here: run inside a clone of it, where params\.yaml lies$"):
        paths.enter_project()

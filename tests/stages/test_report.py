import json
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from unroll.reports import exhibits
from unroll.reports.exhibits import Exhibit
from unroll.stages import report

RUN = "seed: 0\nbudget: 1.0\nthreads: 1\nfabric: {accelerator: cpu, devices: 1, num_nodes: 1, precision: 32-true}\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project with the field ``birds``, whose tasks are ``songs`` and ``calls``."""
    module = ModuleType("unroll.fields.birds")
    module.__spec__ = ModuleSpec(module.__name__, None)
    module.Params, module.TITLE, module.ABOUT = dict, "Birds", "Recordings of birds."
    module.TASKS = {"songs": "Who sings.", "calls": "Who calls."}
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(RUN + "birds: {}\n")
    return tmp_path


def evaluated(project, task, model, rate):
    metrics = project / f"reports/metrics/birds/{task}/{model}.json"
    metrics.parent.mkdir(parents=True, exist_ok=True)
    metrics.write_text(json.dumps({"error_rate": rate}))
    history = project / f"models/birds/{task}/{model}/history.csv"
    history.parent.mkdir(parents=True)
    history.write_text("step,seconds,train_loss,error_rate\n1,1.0,2.0,0.9\n2,2.0,1.0,0.5\n")
    figures = project / f"reports/figures/birds/{task}/{model}"
    figures.mkdir(parents=True)
    exhibits.write(figures, [Exhibit("Errors", f"Errors of {model}")])


def written(project):
    made = [*(project / "reports").glob("*.*"), *(project / "reports/pages").glob("*")]
    return {path.relative_to(project / "reports").as_posix(): path.read_bytes() for path in made}


def test_gathers_what_the_stages_left(project, capsys):
    evaluated(project, "calls", "lstm", 0.25)
    evaluated(project, "calls", "gru", 0.125)
    report.main([])
    pages = written(project)
    assert sorted(pages) == ["README.md", "index.html", "pages/birds.html"]
    assert b"Errors of gru" in pages["pages/birds.html"]
    assert b"Learning curves of birds/calls" in pages["pages/birds.html"]
    assert b"| gru | **12.5 %** |" in pages["README.md"]
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[:5] for line in printed[2:4]] == [
        ["birds/calls", "Error", "rate", "↓", "gru"],
        ["birds/calls", "Error", "rate", "↓", "lstm"],
    ]
    assert printed[-1] == str(project / "reports/index.html")


def test_the_same_inputs_give_the_same_bytes(project):
    evaluated(project, "songs", "gru", 0.5)
    report.main([])
    first = written(project)
    report.main([])
    assert written(project) == first


def test_an_empty_project_has_a_report(project, capsys):
    report.main([])
    assert b"No model of this task has been evaluated yet." in written(project)["pages/birds.html"]
    assert capsys.readouterr().out.splitlines()[-1].endswith("index.html")


def test_a_broken_input_leaves_the_old_report_whole(project, capsys):
    evaluated(project, "songs", "gru", 0.5)
    report.main([])
    before = written(project)
    (project / "reports/metrics/birds/songs/gru.json").write_text("{")
    with pytest.raises(SystemExit, match="2"):
        report.main([])
    assert "gru.json is not whole" in capsys.readouterr().err
    assert written(project) == before


def test_params_are_checked_first(project, capsys):
    (project / "params.yaml").write_text(RUN + "seeed: 1\n")
    with pytest.raises(SystemExit, match="2"):
        report.main([])
    assert "seeed: unknown key" in capsys.readouterr().err
    assert not (project / "reports").exists()


def test_the_gallery_has_an_example_the_best_model_got_right(project):
    evaluated(project, "calls", "lstm", 0.25)
    figures = project / "reports/figures/birds/calls/lstm"
    for name in ("wrong", "right"):
        (figures / f"{name}.png").write_bytes(name.encode())
    shown = [Exhibit("Examples", name, image=f"{name}.png", verdict=name == "right") for name in ("wrong", "right")]
    exhibits.write(figures, shown)
    report.main([])
    assert (project / "reports/gallery/birds.png").read_bytes() == b"right"


def test_the_readme_is_brought_up_to_date(project):
    evaluated(project, "calls", "gru", 0.125)
    readme = project / "README.md"
    readme.write_text("before\n<!-- results -->\nold\n<!-- /results -->\nafter\n")
    report.main(["--readme", "README.md"])
    text = readme.read_text()
    assert text.startswith("before\n<!-- results -->\n| Task |")
    assert text.endswith("<!-- /results -->\nafter\n")
    assert "old" not in text
    readme.write_text("no place for it\n")
    with pytest.raises(SystemExit, match="2"):
        report.main(["--readme", "README.md"])
    assert readme.read_text() == "no place for it\n"

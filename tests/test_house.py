"""The architecture: imports go down only, and a stage names every module that it uses."""

import ast
from pathlib import Path

import pytest
from dvc.repo import Repo

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
# From the top down; a module imports only from its own package and from the lines below its own.
FLOORS = [
    {"cli"},
    {"commands", "reproduce"},
    {"stages"},
    {"fields"},
    {"baselines"},
    {"patterns", "training", "reports"},
    {"features", "decoding", "metrics"},
    {"sources", "layers"},
    {"params", "examples"},
    {"errors", "files"},
]
# They find paths and check params.yaml, whose values a stage lists as its params.
UNLISTED = {f"unroll.{name}" for name in ("errors", "files", "params", "stages.paths", "stages.settings")}
# A field's module names the types of all its settings; these packages it does not otherwise use in the stage.
FIELD_STAGES = {
    "prepare": {"baselines", "features", "patterns", "decoding", "layers", "metrics", "reports"},
    "evaluate": {"baselines", "sources"},
    "baseline": {"baselines", "sources"},
}
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SOURCE.rglob("*.py")
}


def imports(module: str) -> set[str]:
    """The modules of the project that a module imports by name."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("unroll"):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & MODULES.keys() - {module, "unroll"}


def floor(module: str) -> int:
    package = module.split(".")[1]
    return next(number for number, names in enumerate(FLOORS) if package in names)


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"unroll"}))
def test_imports_go_down(module: str) -> None:
    package = module.split(".")[1]
    upwards = [other for other in imports(module) if floor(other) <= floor(module) and other.split(".")[1] != package]
    assert upwards == []


def closure(modules: set[str], passed_over: set[str]) -> set[str]:
    """The modules and all that they import in turn, but for the packages passed over."""
    known: set[str] = set()
    while modules - known:
        known |= modules
        found = modules.union(*(imports(module) for module in modules))
        modules = {module for module in found if module.split(".")[1] not in passed_over or module in known}
    return known


def stages() -> list:
    with Repo(ROOT) as repo:
        return [stage for stage in repo.index.stages if "unroll.stages" in (stage.cmd or "")]


@pytest.mark.parametrize("stage", stages(), ids=lambda stage: stage.addressing)
def test_a_stage_lists_the_code_it_runs(stage) -> None:
    words = stage.cmd.split()
    action = words[2].rpartition(".")[2]
    used = {words[2]}
    for word in words[3:]:
        used |= {f"unroll.{kind}.{word}" for kind in ("features", "patterns", "baselines")} & MODULES.keys()
        if action in FIELD_STAGES:
            used |= {f"unroll.fields.{word.split('/')[0]}"} & MODULES.keys()
    listed = {str(Path(dep.fs_path).relative_to(ROOT)) for dep in stage.deps if dep.protocol in (None, "local")}
    needed = closure(used, FIELD_STAGES.get(action, set())) - UNLISTED
    paths = {str(MODULES[module].relative_to(ROOT)) for module in needed if MODULES[module].name != "__init__.py"}
    assert {path for path in paths if not any(path == dep or path.startswith(f"{dep}/") for dep in listed)} == set()

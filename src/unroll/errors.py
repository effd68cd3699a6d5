"""The one kind of error that is a message to the user, and how a program ends on it."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


class UserError(Exception):
    """Something the user can mend: the text names the file or key, what is wrong and what to do next."""


@contextmanager
def ends_clearly() -> Iterator[None]:
    """Turns the expected ways to fail into one line on standard error and an exit status.

    ``UserError`` and a file that cannot be read or written end with status 2, a full disk with 1, Ctrl-C with 130, a
    closed pipe quietly with 1; anything else is a defect of the program and keeps its traceback.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()  # so that a closed pipe shows itself here, not while the interpreter shuts down
    except UserError as error:
        _end(f"error: {error}", 2)
    except KeyboardInterrupt:
        _end("interrupted: nothing half-written is left; run the same command again", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to write goes nowhere
        sys.exit(1)
    except IsADirectoryError as error:
        _end(f"error: {error.filename} is a folder: name a file", 2)
    except PermissionError as error:
        _end(f"error: no permission for {error.filename or 'a file'}: name one that you may read or write", 2)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            place = error.filename or "a file"
            _end(f"error: no space left on the disk while writing {place}: free some, run again", 1)
        if error.filename is None:
            raise
        _end(f"error: {error.filename}: {error.strerror}: name another place", 2)


def _end(message: str, status: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(status)

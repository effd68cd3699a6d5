import errno
import os
import subprocess
import sys

import pytest

from unroll.errors import UserError, ends_clearly


def ending(capsys, error: BaseException) -> tuple[int, str]:
    """The exit status of a program that raises ``error``, and what it says on standard error."""
    with pytest.raises(SystemExit) as caught, ends_clearly():
        raise error
    return caught.value.code, capsys.readouterr().err


def test_nothing_happens_when_nothing_is_raised(capsys):
    with ends_clearly():
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (UserError("seed: -1: should be 0 or more"), 2, "error: seed: -1: should be 0 or more\n"),
        (KeyboardInterrupt(), 130,
         "interrupted: nothing half-written is left; run the same command again\n"),
        (OSError(errno.ENOSPC, "No space left on device", "models/model.pt"), 1,
         "error: no space left on the disk while writing models/model.pt: free some, run again\n"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "work"), 2, "error: work is a folder: name a file\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/x"), 2,
         "error: no permission for /etc/x: name one that you may read or write\n"),
        (FileExistsError(errno.EEXIST, "File exists", "tune.abc"), 2,
         "error: tune.abc: File exists: name another place\n"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/proc/x"), 2,
         "error: /proc/x: No such file or directory: name another place\n"),
        (OSError(errno.EROFS, "Read-only file system", "/boot/x"), 2,
         "error: /boot/x: Read-only file system: name another place\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 1,
         "error: no space left on the disk while writing a file: free some, run again\n"),
    ],
)  # fmt: skip
def test_an_expected_end_is_a_line_and_a_status(capsys, error, status, said):
    assert ending(capsys, error) == (status, said)


@pytest.mark.parametrize("error", [ValueError("a defect"), OSError(errno.EIO, "broken"), SystemExit(3)])
def test_anything_else_goes_on_up(error):
    with pytest.raises(type(error)) as caught, ends_clearly():
        raise error
    assert caught.value is error


@pytest.mark.parametrize("writing", ["print('a line')", "print('a line', flush=True)", "while True: print('a line')"])
@pytest.mark.parametrize("ending", ["pass", "raise SystemExit(0)"])
def test_a_closed_pipe_ends_quietly(writing, ending):
    """As in ``unroll tasks | head -0``; what the interpreter would add on its way out stays unsaid."""
    program = f"from unroll.errors import ends_clearly\ninput()\nwith ends_clearly():\n    {writing}\n    {ending}"
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    buffered = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    with subprocess.Popen([sys.executable, "-c", program], **pipes, env=buffered) as process:
        process.stdout.close()
        process.stdin.write(b"go on\n")
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1

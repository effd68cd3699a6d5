from pathlib import Path

import pytest
import typer

from unroll.commands import each
from unroll.errors import UserError


def test_files_that_are_refused_are_named_and_the_others_go_on(capsys):
    def find(file: Path) -> str:
        if file.suffix != ".txt":
            raise UserError(f"{file} is no text")
        return file.stem.upper()

    found = each([Path("a.txt"), Path("b.pdf"), Path("c.txt")], find)
    assert next(found) == (Path("a.txt"), "A")
    assert next(found) == (Path("c.txt"), "C")
    with pytest.raises(typer.Exit) as ended:
        next(found)
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "error: b.pdf is no text\n"
    assert list(each([Path("a.txt")], find)) == [(Path("a.txt"), "A")]

import os
import time

import pytest

from unroll.errors import UserError
from unroll.sources import limited


def _work(argument: str) -> str:
    match argument:
        case "sleep":
            time.sleep(60)
        case "die":
            os._exit(1)
        case "refuse":
            raise UserError("refused by name")
    return argument.upper()


def test_results_come_in_order():
    assert list(limited.each(_work, ["a", "b", "c"])) == ["A", "B", "C"]
    assert list(limited.each(_work, [])) == []


def test_what_takes_too_long_is_ended_and_named():
    with pytest.raises(UserError, match=r"^sleep: takes too long to read \(over 0\.1 s"):
        list(limited.each(_work, ["sleep"], seconds=0.1))
    with pytest.raises(UserError, match=r"^sleep: takes too long to read \(over 60 s, or 0\.2 s for all\)"):
        list(limited.each(_work, ["sleep"], in_all=0.2))


def test_errors_are_passed_on():
    with pytest.raises(UserError, match=r"^refused by name$"):
        list(limited.each(_work, ["refuse"]))
    with pytest.raises(UserError, match=r"^die: its reader broke down$"):
        list(limited.each(_work, ["die"]))

import multiprocessing
import os
import time
from pathlib import Path

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
        case "fail":
            raise ValueError("an odd file")
        case "eat":
            bytearray(limited.MEMORY)
    return argument.upper()


def test_results_come_in_order():
    assert list(limited.each(_work, ["a", "b", "c"])) == ["A", "B", "C"]
    assert list(limited.each(_work, [])) == []


def test_what_takes_too_long_is_ended_and_named():
    with pytest.raises(UserError, match=r"^sleep: takes too long to read \(over 0\.1 s\)$"):
        list(limited.each(_work, ["sleep"], seconds=0.1))


def test_errors_are_passed_on():
    with pytest.raises(UserError, match=r"^refused by name$"):
        list(limited.each(_work, ["refuse"]))
    with pytest.raises(UserError, match=r"^fail cannot be read \(ValueError: an odd file\)$"):
        list(limited.each(_work, ["fail"]))
    with pytest.raises(UserError, match=r"^a cannot be read \(.*pickle"):
        list(limited.each(_unsendable, ["a"]))


def _unsendable(argument: str) -> object:
    return lambda: argument


def test_a_broken_reader_is_named():
    with pytest.raises(UserError, match=r"^die: its reader broke down$"):
        list(limited.each(_work, ["die"]))
    results = limited.each(_work, ["a", "b"])
    assert next(results) == "A"
    (reader,) = multiprocessing.active_children()
    reader.kill()
    reader.join()
    with pytest.raises(UserError, match=r"^b: its reader broke down$"):
        next(results)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited on Linux alone")
def test_memory_is_limited():
    with pytest.raises(UserError, match=r"^eat cannot be read \(MemoryError: \)$"):
        list(limited.each(_work, ["eat"]))

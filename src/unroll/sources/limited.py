"""Work that may never end, such as a library's reading of a foreign file, in a process of its own with a time limit."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

from tqdm import tqdm

from unroll.errors import UserError

SECONDS, ALL_SECONDS = 60.0, 1800.0
A = TypeVar("A")
R = TypeVar("R")


def each(
    function: Callable[[A], R], arguments: Sequence[A], seconds: float = SECONDS, in_all: float = ALL_SECONDS
) -> Iterator[R]:
    """What ``function`` makes of each of the arguments, in their order, one process working through them all.

    The function is one of a module, and raises nothing but :class:`UserError`, which is passed on. One argument may
    take so many ``seconds``, and all of them ``in_all``; then the process is ended and a :class:`UserError` raised.
    """
    if not arguments:
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks of the libraries in use
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, function), daemon=True)
    process.start()
    there.close()
    try:
        deadline = time.monotonic() + in_all
        for argument in tqdm(arguments, unit="file", disable=None if len(arguments) > 1 else True):
            here.send(argument)
            if not here.poll(min(seconds, deadline - time.monotonic())):
                raise UserError(f"{argument}: takes too long to read (over {seconds:g} s, or {in_all:g} s for all)")
            yield _received(here, argument)
    finally:
        process.kill()
        process.join()
        here.close()


def _received(pipe: Connection, argument: object) -> R:
    try:
        result = pipe.recv()
    except (EOFError, ConnectionResetError):
        raise UserError(f"{argument}: its reader broke down") from None
    if isinstance(result, UserError):
        raise result
    return result


def _work(pipe: Connection, function: Callable[[A], R]) -> None:
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(function(argument))
        except UserError as error:
            pipe.send(error)

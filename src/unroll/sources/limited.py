"""Work that may never end, such as a library's reading of a foreign file, in a process of its own with limits."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TypeVar

from tqdm import tqdm

from unroll.errors import UserError

SECONDS = 60.0
MEMORY = 8 * 2**30  # bytes of addresses, of which the libraries in use take up to a half
A = TypeVar("A")
R = TypeVar("R")


def each(function: Callable[[A], R], arguments: Sequence[A], seconds: float = SECONDS) -> Iterator[R]:
    """What ``function`` makes of each of the arguments, in their order, one process working through them all.

    The function is one of a module. Its :class:`UserError` is passed on, and any other error becomes one that names the
    argument. So does taking more than so many ``seconds`` for one argument, which ends the process, and needing more
    memory than :data:`MEMORY`, where the system can limit it.
    """
    if not arguments:
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks of the libraries in use
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, function), daemon=True)
    process.start()
    there.close()
    try:
        for argument in tqdm(arguments, unit="file", disable=None if len(arguments) > 1 else True):
            yield _asked(here, argument, seconds)
    finally:
        process.kill()
        process.join()
        here.close()


def _asked(pipe: Connection, argument: A, seconds: float) -> R:
    try:
        pipe.send(argument)
        if not pipe.poll(seconds):
            raise UserError(f"{argument}: takes too long to read (over {seconds:g} s)")
        result = pipe.recv()
    except (EOFError, ConnectionError):
        raise UserError(f"{argument}: its reader broke down") from None
    if isinstance(result, UserError):
        raise result
    return result


def _work(pipe: Connection, function: Callable[[A], R]) -> None:
    _limit_memory()
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(function(argument))
        except UserError as error:
            pipe.send(error)
        except Exception as error:  # a foreign file can fail anywhere in a library
            pipe.send(UserError(f"{argument} cannot be read ({type(error).__name__}: {error})"))


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    with suppress(ValueError, OSError):  # a lower limit is there already, or the system knows none
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, most))

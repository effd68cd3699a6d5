"""Arrays out of a pickle, and nothing else: no code of its author's choice runs.

A pickle is a program that may call any function of any module (Python's documentation of ``pickle``, "Restricting
globals"). Here it finds only stand-ins for those few that a pickled numpy array names.
"""

import io
import pickle
from typing import Any

import numpy as np

from unroll.errors import UserError


def unpickled(data: bytes) -> Any:
    """What a pickle holds, made of numpy arrays and the containers, numbers and texts that are built in.

    Strings that Python 2 wrote are read as bytes. Raises ``UserError``, which names no file, for a pickle that asks
    for anything else or is damaged.
    """
    try:
        return _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except UserError:
        raise
    except Exception as error:  # a damaged pickle can fail anywhere
        raise UserError(f"no whole pickle of arrays ({type(error).__name__}: {error}): fetch it anew") from None


def _array(*_: Any) -> np.ndarray:
    """The empty array that numpy begins with; its state, which follows, brings the shape along with the bytes."""
    return np.empty(0, np.uint8)


def _dtype(code: str | bytes, *_: Any) -> np.dtype:
    """A dtype of its own, whose state, which follows, may bring the order of the bytes."""
    return np.dtype(code.decode("ascii") if isinstance(code, bytes) else code, copy=True)


def _encoded(text: str, encoding: str) -> bytes:
    """Bytes as the pickles of Python 3 hold them for Python 2."""
    if encoding != "latin1":
        raise UserError(f"no pickle of arrays: it asks for the encoding {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


_STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): "ndarray",  # only ever handed to _reconstruct
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _encoded,
    ("__builtin__", "bytes"): _no_bytes,  # how Python 3 writes none for Python 2
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise UserError(f"no pickle of arrays alone: it asks for {module}.{name}, which is not given") from None

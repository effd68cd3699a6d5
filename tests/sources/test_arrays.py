import os
import pickle
import struct

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources.arrays import unpickled


def assert_same(found, given) -> None:
    assert type(found) is type(given)
    if isinstance(given, np.ndarray) and given.dtype != object:
        np.testing.assert_array_equal(found, given, strict=True)
    elif isinstance(given, dict):
        assert list(found) == list(given)
        assert_same(list(found.values()), list(given.values()))
    elif isinstance(given, (list, tuple, np.ndarray)):
        assert len(found) == len(given)
        for one, other in zip(found, given, strict=True):
            assert_same(one, other)
    else:
        assert found == given


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_arrays_in_containers(protocol):
    rng = np.random.default_rng(0)
    ragged = np.empty(2, object)
    ragged[:] = [rng.normal(size=(3, 6)), rng.normal(size=(1, 6))]
    given = {
        "images": rng.normal(size=(4, 5)).astype(np.float32),
        "labels": np.arange(4),
        "big end": np.arange(3, dtype=">i2"),
        "by columns": np.asfortranarray(rng.normal(size=(2, 3))),
        "names": ["walk", "kick"],
        "pair": (1, 2.5, None, True, b"bytes"),
        "ragged": ragged,
        "none": np.zeros((0, 3), np.uint8),
    }
    program = pickle.dumps(given, protocol)
    assert_same(unpickled(program), pickle.loads(program))


def test_what_python_2_wrote():
    """The form of MNIST's pickle: strings of bytes, arrays of numpy before 2."""
    values = struct.pack("<2f", 0.5, 0.25)
    program = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89T" + struct.pack("<i", len(values)) + values + b"tb."
    )
    np.testing.assert_array_equal(unpickled(program), np.array([0.5, 0.25], np.float32), strict=True)


class Harm:
    def __init__(self, *call) -> None:
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ((os.mkdir, ("harm",)), r"(posix|nt)\.mkdir"),
        ((eval, ("1",)), r"(builtins|__builtin__)\.eval"),
        ((getattr, ("a", "upper")), r"(builtins|__builtin__)\.getattr"),
        ((np.load, ("a.npy",)), r"numpy\.load"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_else_is_called(call, named, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf"it asks for {named}, which is not given"):
        unpickled(pickle.dumps([np.arange(3), Harm(*call)], protocol))
    assert list(tmp_path.iterdir()) == []


def test_an_array_takes_no_more_memory_than_its_bytes():
    """Numpy's own function would set aside a terabyte for the shape that it is first given."""
    huge = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x8a\x06" + (2**40).to_bytes(6, "little")
    assert unpickled(huge + b"\x85U\x01b\x87R.").nbytes == 0
    with pytest.raises(UserError, match="no whole pickle of arrays"):
        unpickled(b"\x80\x02cnumpy\nndarray\n\x8a\x06" + (2**40).to_bytes(6, "little") + b"\x85\x85R.")


@pytest.mark.parametrize("kept", [0, 1, 30, -1])
def test_a_damaged_pickle_is_refused(kept):
    with pytest.raises(UserError, match=r"no whole pickle of arrays \(\w+: .*fetch it anew"):
        unpickled(pickle.dumps(np.arange(30), 2)[:kept])


def test_text_is_no_pickle():
    with pytest.raises(UserError, match="no whole pickle of arrays"):
        unpickled(b"these are my notes")
    with pytest.raises(UserError, match="it asks for the encoding 'zip'"):
        unpickled(b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R.")

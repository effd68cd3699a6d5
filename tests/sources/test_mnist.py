import gzip
import pickle

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources import mnist


def splits(count: int = 3) -> tuple:
    """Three splits in the form of MNIST's pickle, every pixel of an image of the same darkness."""
    images = np.repeat(np.arange(count, dtype=np.float32) / 256, 784).reshape(count, 784)
    return tuple((images + np.float32(number / 256), np.arange(count) + number) for number in range(3))


def write(tmp_path, content, mtime: int = 0):
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(pickle.dumps(content, 2), mtime=mtime))
    return path


def test_reads_the_three_splits(tmp_path):
    found = mnist.read(write(tmp_path, splits()))
    assert list(found) == ["train", "valid", "test"]
    for number, (images, labels) in enumerate(found.values()):
        assert (images.dtype, images.shape, labels.dtype) == (np.uint8, (3, 28, 28), np.int64)
        assert images[:, 27, 0].tolist() == labels.tolist() == [number, number + 1, number + 2]


def test_every_darkness_comes_back(tmp_path):
    pixels = np.resize(np.arange(256), 784)
    one = ((pixels / 256).astype(np.float32)[None], np.array([7]))
    images, _ = mnist.read(write(tmp_path, (one, one, one)))["test"]
    assert images.reshape(-1).tolist() == pixels.tolist()


def test_rows_of_an_image_are_rows(tmp_path):
    image = np.zeros((1, 784), np.float32)
    image[0, 28] = 1  # the first pixel of the second row
    one = (image, np.array([1]))
    images, _ = mnist.read(write(tmp_path, (one, one, one)))["train"]
    assert np.argwhere(images[0]).tolist() == [[1, 0]]
    assert images.max() == 255


IMAGE = np.zeros((1, 784), np.float32)


@pytest.mark.parametrize(
    "split",
    [
        None,
        (IMAGE,),
        (IMAGE.tolist(), [1]),
        (IMAGE[:, 1:], np.array([1])),
        (IMAGE, np.array([1, 2])),
        (IMAGE, np.array([[1]])),
        (IMAGE, np.array([10])),
        (IMAGE, np.array([-1])),
        (IMAGE, np.array([1.0])),
        (IMAGE + 2, np.array([1])),
        (IMAGE + np.nan, np.array([1])),
        (IMAGE.astype(np.uint8), np.array([1])),
    ],
)
def test_refuses_a_split_of_anything_else(tmp_path, split):
    good = splits()[0]
    with pytest.raises(UserError, match=r"mnist\.pkl\.gz, valid: not images of 784 shares of ink with a digit each"):
        mnist.read(write(tmp_path, (good, split, good)))


def test_refuses_what_is_no_such_file(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"mnist\.pkl\.gz is missing: run `dvc repro`"):
        mnist.read(tmp_path / "mnist.pkl.gz")
    with pytest.raises(UserError, match=r"mnist\.pkl\.gz holds no three splits"):
        mnist.read(write(tmp_path, splits()[:2]))
    with pytest.raises(UserError, match=r"mnist\.pkl\.gz: no pickle of arrays alone: it asks for __builtin__"):
        mnist.read(write(tmp_path, print))
    path = write(tmp_path, splits())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"mnist\.pkl\.gz is not a whole gzip file"):
        mnist.read(path)
    path.write_bytes(b"plain")
    with pytest.raises(UserError, match=r"mnist\.pkl\.gz is not a whole gzip file"):
        mnist.read(path)
    monkeypatch.setattr(mnist, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match=r"mnist\.pkl\.gz is larger than MNIST"):
        mnist.read(write(tmp_path, splits()))

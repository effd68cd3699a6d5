"""Reading recordings: any file that libsndfile reads, as one channel at one sampling rate, a block at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from jaxtyping import Float

from unroll.errors import UserError

BLOCK = 65536  # frames of the file in memory at once, per channel

Samples = Float[np.ndarray, " T"]


def read(path: Path, rate: int) -> Samples:
    """A whole recording, float32 (T,), as :func:`read_blocks` gives it."""
    return np.concatenate(list(read_blocks(path, rate)))


def read_blocks(path: Path, rate: int) -> Iterator[Samples]:
    """Yields a recording as consecutive float32 blocks (T,) in bounded memory, whatever its length.

    Channels are averaged; full scale is 1. The resampling to ``rate`` hertz (soxr's high quality) runs across the
    blocks without a seam. Raises ``UserError``, when the first block is asked for or later, for a file that is
    missing, not audio, damaged, without samples, or with samples that are not numbers.
    """
    _refuse_unreadable(path)
    empty = True
    try:
        with soundfile.SoundFile(path) as file:
            blocks = _finite(file, path)
            for block in blocks if file.samplerate == rate else _resampled(blocks, file.samplerate, rate):
                if len(block):
                    empty = False
                    yield block
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".")
        raise UserError(f"{path} cannot be read as audio ({reason}): give a whole wav, flac, ogg or mp3 file") from None
    if empty:
        raise UserError(f"{path} holds no samples: record or copy it again")


def _refuse_unreadable(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name the audio files in it")
    if not path.exists():
        raise UserError(f"{path} is missing: check the name")
    if path.is_file() and path.stat().st_size == 0:
        raise UserError(f"{path} is empty (0 bytes): record or copy it again")
    if path.suffix.lower() == ".raw":
        raise UserError(f"{path} has no header that tells its sampling rate: convert it to wav")


def _finite(file: soundfile.SoundFile, path: Path) -> Iterator[Samples]:
    """The blocks of an open file at its own rate, one channel; refuses NaN and infinity."""
    start = 0
    while len(frames := file.read(BLOCK, dtype="float32", always_2d=True)):
        block = frames.mean(axis=1)
        finite = np.isfinite(block)
        if not finite.all():
            seconds = (start + int(np.argmin(finite))) / file.samplerate
            raise UserError(f"{path}: the sample at {seconds:.3f} s is not a finite number: export the file again")
        yield block
        start += len(block)


def _resampled(blocks: Iterator[Samples], from_rate: int, to_rate: int) -> Iterator[Samples]:
    stream = soxr.ResampleStream(from_rate, to_rate, num_channels=1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)

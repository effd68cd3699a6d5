"""Reading clips: whatever FFmpeg decodes of the usual containers, as small grey pictures at a steady rate."""

import math
from collections.abc import Iterator
from itertools import pairwise, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from unroll.errors import UserError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SUFFIXES = (".avi", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".webm")
# Files only, no play lists: those name other files and addresses, which would then be opened.
FORMATS = "avi,gif,matroska,mov,mpeg,mpegts"
MOST_PIXELS = 8192 * 4320  # of a picture, before it is scaled
USUAL_RATE = 25  # pictures a second, where a clip does not say
SLACK = 0.002  # seconds by which a container may round its stamps


def read(path: Path, frames_per_second: float, size: int, most_seconds: float) -> np.ndarray:
    """A clip as uint8 (T, size, size), black 0 and white 255: the middle square of each picture, scaled.

    Step ``k`` is what was on the screen ``k / frames_per_second`` seconds after the first picture, by the time stamps,
    so a clip of a variable rate keeps its speed. Pictures that say that they were taken with the camera turned are
    turned back. Raises ``UserError`` for a file that is missing, no clip, damaged, without pictures, with too large
    ones, or longer than ``most_seconds``.
    """
    import av

    _refuse_unreadable(path)
    try:
        with av.open(str(path), options={"format_whitelist": FORMATS}) as container:
            stream = _stream(container, path)
            shown = _limited(_shown(container, stream, path), most_seconds, path)
            steps = list(_sampled(shown, frames_per_second, size))
    except av.FFmpegError as error:
        reason = error.strerror[:1].lower() + error.strerror[1:]
        raise UserError(f"{path} cannot be read as a clip ({reason}): give a whole mp4, avi or mkv file") from None
    return np.stack(steps)


def _refuse_unreadable(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name the clips in it")
    if not path.exists():
        raise UserError(f"{path} is missing: check the name")
    if path.is_file() and path.stat().st_size == 0:
        raise UserError(f"{path} is empty (0 bytes): record or copy it again")


def _stream(container: "InputContainer", path: Path) -> "VideoStream":
    """The first stream of moving pictures; the cover of a piece of music is none."""
    from av.stream import Disposition

    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not moving:
        raise UserError(f"{path} holds {'sound' if container.streams.audio else 'something'} but no pictures: film it")
    stream = moving[0]
    if stream.width * stream.height > MOST_PIXELS:
        raise UserError(f"{path} has pictures of {stream.width} × {stream.height} pixels: scale it down")
    stream.codec_context.thread_count = 1
    return stream


def _shown(container: "InputContainer", stream: "VideoStream", path: Path) -> Iterator[tuple[float, "VideoFrame"]]:
    """Each picture with the second from which it is shown; at last the second in which the last one ends."""
    usual = 1 / float(stream.average_rate or USUAL_RATE)
    start, now, frame = None, -usual, None
    for frame in container.decode(stream):
        if start is None:
            start = frame.time or 0.0
        # Damaged clips have stamps that run backward, or none.
        now = now + usual if frame.time is None else max(now, frame.time - start)
        yield now, frame
    if frame is None:
        raise UserError(f"{path} has no pictures in it: record or copy it again")
    yield now + (float(frame.duration * frame.time_base) if frame.duration else usual), frame


def _limited(
    shown: Iterator[tuple[float, "VideoFrame"]], most_seconds: float, path: Path
) -> Iterator[tuple[float, "VideoFrame"]]:
    """The same; refuses a clip that goes on for longer, and so a stamp that is far off."""
    for seconds, frame in shown:
        if seconds > most_seconds:
            raise UserError(f"{path} is longer than {most_seconds:g} seconds: cut it")
        yield seconds, frame


def _sampled(shown: Iterator[tuple[float, "VideoFrame"]], rate: float, size: int) -> Iterator[np.ndarray]:
    """What is on the screen at each of the regular moments until the clip ends; at least the first picture."""
    done = 0
    for (start, frame), (stop, _) in pairwise(shown):
        slack = min(SLACK, (stop - start) / 2)
        moments = math.ceil((stop - slack) * rate) - done
        if moments > 0:
            yield from repeat(_square(frame, size), moments)
            done += moments


def _square(frame: "VideoFrame", size: int) -> np.ndarray:
    """The middle of a picture as uint8 (size, size), upright."""
    scale = size / min(frame.width, frame.height)
    width, height = (max(size, round(side * scale)) for side in (frame.width, frame.height))
    grey = frame.reformat(width, height, "gray", interpolation="AREA").to_ndarray()
    top, left = (height - size) // 2, (width - size) // 2
    return np.rot90(grey[top : top + size, left : left + size], round(frame.rotation / 90))

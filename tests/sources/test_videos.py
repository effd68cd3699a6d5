"""Clips that the tests write themselves, by the encoders that come with PyAV."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources import videos

GREYS = np.linspace(0, 255, 24).round().astype(np.uint8)  # of the pictures of a second


def film(
    path: Path, pictures: np.ndarray, rate: int = 24, codec: str = "mpeg4", stamps: list[int] | None = None
) -> Path:
    """Writes grey pictures (T, H, W) as a clip; ``stamps`` in milliseconds, else ``rate`` a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures.shape[1:]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000 if stamps else rate)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.repeat(picture[..., None], 3, axis=2), format="rgb24")
            frame.pts, frame.time_base = stamps[number] if stamps else number, stream.codec_context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def plain(greys, height: int = 48, width: int = 64) -> np.ndarray:
    return np.broadcast_to(np.asarray(greys, np.uint8)[:, None, None], (len(greys), height, width))


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "mpeg4"), ("a.avi", "mpeg4"), ("a.avi", "mjpeg"), ("a.mkv", "mpeg4"), ("a.mp4", "libx264")],
)
def test_every_other_picture_at_half_the_rate(tmp_path, name, codec):
    found = videos.read(film(tmp_path / name, plain(GREYS), codec=codec), 12, 16, 10)
    assert (found.shape, found.dtype) == ((12, 16, 16), np.uint8)
    np.testing.assert_allclose(found.mean((1, 2)), GREYS[::2], atol=4)


def test_black_is_0_and_white_255(tmp_path):
    found = videos.read(film(tmp_path / "a.mp4", plain([0] * 6 + [255] * 6)), 24, 16, 10)
    assert found[:5].max() <= 2
    assert found[7:].min() >= 253


def test_a_picture_stays_as_long_as_it_is_shown(tmp_path):
    found = videos.read(film(tmp_path / "a.mp4", plain(GREYS)), 48, 16, 10)
    assert len(found) == 48
    np.testing.assert_allclose(found.mean((1, 2)), GREYS.repeat(2), atol=4)


def test_a_variable_rate_keeps_its_speed(tmp_path):
    stamps = [40 * number for number in range(12)] + [480 + 160 * number for number in range(12)]
    found = videos.read(film(tmp_path / "a.mkv", plain(GREYS), 1000, stamps=stamps), 12.5, 16, 10)
    expected = [0, 2, 4, 6, 8, 10, *np.arange(12, 24).repeat(2)][: len(found)]
    assert len(found) in (28, 29, 30)
    np.testing.assert_allclose(found.mean((1, 2)), GREYS[expected], atol=4)


def test_stamps_rounded_to_milliseconds_skip_no_picture(tmp_path):
    stamps = [round(1000 * number / 12) for number in range(24)]
    found = videos.read(film(tmp_path / "a.mkv", plain(GREYS), 1000, stamps=stamps), 12, 16, 10)
    np.testing.assert_allclose(found.mean((1, 2))[:24], GREYS, atol=4)


@pytest.mark.parametrize(("height", "width"), [(48, 96), (96, 48)])
def test_the_middle_is_cut_out(tmp_path, height, width):
    pictures = np.zeros((4, height, width), np.uint8)
    pictures[:, height // 2 - 12 : height // 2 + 12, width // 2 - 12 : width // 2 + 12] = 255
    found = videos.read(film(tmp_path / "a.mp4", pictures), 24, 24, 10)[0]
    assert found[8:16, 8:16].min() > 240
    assert max(found[:4].max(), found[-4:].max(), found[:, :4].max(), found[:, -4:].max()) < 20


def test_upright_stays_upright(tmp_path):
    pictures = np.zeros((4, 64, 64), np.uint8)
    pictures[:, :32] = 200
    pictures[:, :32, :32] = 100
    found = videos.read(film(tmp_path / "a.mp4", pictures), 24, 8, 10)[0]
    np.testing.assert_allclose([found[1, 1], found[1, 6], found[6, 1], found[6, 6]], [100, 200, 0, 0], atol=6)


def test_what_was_filmed_with_the_camera_turned_is_turned_back(tmp_path):
    pictures = np.zeros((4, 64, 64), np.uint8)
    pictures[:, :32] = 200
    pictures[:, :32, :32] = 100
    path = film(tmp_path / "a.mp4", pictures)
    held = bytearray(path.read_bytes())
    matrix = held.index(b"tkhd") + 44  # ISO 14496-12, section 8.3.2: how the track is shown
    assert struct.unpack_from(">9i", held, matrix) == (65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", held, matrix, 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)  # a quarter clockwise
    path.write_bytes(held)
    found = videos.read(path, 24, 8, 10)[0]
    np.testing.assert_allclose([found[1, 1], found[1, 6], found[6, 1], found[6, 6]], [0, 100, 0, 200], atol=6)


def test_one_picture_is_one_step(tmp_path):
    assert videos.read(film(tmp_path / "a.mp4", plain([90])), 12, 16, 10).shape == (1, 16, 16)


def test_the_same_file_gives_the_same_pictures(tmp_path):
    path = film(tmp_path / "a.mp4", plain(GREYS))
    assert (videos.read(path, 10, 16, 10) == videos.read(path, 10, 16, 10)).all()


def test_too_long_is_refused(tmp_path):
    path = film(tmp_path / "a.mp4", plain(GREYS))
    assert len(videos.read(path, 12, 16, 1.0)) == 12
    with pytest.raises(UserError, match=r"longer than 0\.9 seconds"):
        videos.read(path, 12, 16, 0.9)


def test_a_stamp_far_off_is_refused(tmp_path):
    path = film(tmp_path / "a.mkv", plain([0, 90, 180]), 1000, stamps=[0, 40, 500_000_000])
    with pytest.raises(UserError, match="longer than 60 seconds"):
        videos.read(path, 12, 16, 60)


def test_sound_alone_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(UserError, match="holds sound but no pictures"):
        videos.read(tmp_path / "a.mp4", 12, 16, 10)


def test_a_stream_without_pictures_is_refused(tmp_path):
    whole = film(tmp_path / "whole.avi", plain(GREYS), codec="mjpeg").read_bytes()
    start = whole.index(b"movi")
    (tmp_path / "a.avi").write_bytes(whole[: start + 4])
    with pytest.raises(UserError, match=r"a\.avi (has no pictures|cannot be read)"):
        videos.read(tmp_path / "a.avi", 12, 16, 10)


@pytest.mark.parametrize(("name", "share"), [("a.mp4", 0.02), ("a.mp4", 0.5), ("a.avi", 0.02), ("a.mkv", 0.02)])
def test_a_clip_cut_short_is_refused(tmp_path, name, share):
    path = film(tmp_path / name, plain(GREYS))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(UserError, match=r"cannot be read as a clip|has no pictures") as caught:
        videos.read(path, 12, 16, 10)
    assert str(path) in str(caught.value)


def test_a_stream_cut_short_is_read_as_far_as_it_goes(tmp_path):
    path = film(tmp_path / "a.mkv", plain(GREYS))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = videos.read(path, 12, 16, 10)
    assert 2 <= len(found) <= 10
    np.testing.assert_allclose(found.mean((1, 2)), GREYS[::2][: len(found)], atol=4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing"),
        (b"", "is empty"),
        (b"%PDF-1.4" * 100, "cannot be read as a clip"),
        (b"#EXTM3U\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n", "cannot be read as a clip"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "cannot be read as a clip"),
    ],
)
def test_other_files_are_refused(tmp_path, content, said):
    film(tmp_path / "other.mp4", plain(GREYS))
    if content is not None:
        (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UserError, match=said):
        videos.read(tmp_path / "a.mp4", 12, 16, 10)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        videos.read(tmp_path, 12, 16, 10)


def test_too_large_pictures_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(videos, "MOST_PIXELS", 64 * 48 - 1)
    with pytest.raises(UserError, match="64 × 48 pixels: scale it down"):
        videos.read(film(tmp_path / "a.mp4", plain(GREYS)), 12, 16, 10)

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from unroll.errors import UserError
from unroll.sources import images

MOST = 10_000


def strokes(height: int = 20, width: int = 40) -> np.ndarray:
    """uint8 (H, W): black ink, some of it thin and so lighter, on white paper."""
    light = np.full((height, width), 255, np.uint8)
    light[5:15, 8:11] = 0
    light[9:11, 11:30] = 100
    return light


INK = 255 - strokes()


def save(tmp_path, picture: np.ndarray | Image.Image, name: str = "a.png", **options):
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(tmp_path / name, **options)
    return tmp_path / name


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.gif", "a.pgm", "a.webp"])
def test_ink_is_high_whatever_the_format(tmp_path, name):
    options = {"lossless": True} if name == "a.webp" else {}
    found = images.grey(save(tmp_path, strokes(), name, **options), MOST)
    assert (found.dtype, found.shape) == (np.uint8, (20, 40))
    np.testing.assert_array_equal(found, INK)


def test_a_jpeg_nearly(tmp_path):
    found = images.grey(save(tmp_path, strokes(), "a.jpg", quality=95), MOST)
    assert np.abs(found.astype(int) - INK).max() < 20


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK"])
def test_any_kind_of_pixel(tmp_path, mode):
    black = np.where(strokes() < 255, 0, 255).astype(np.uint8)
    image = Image.fromarray(black).convert(mode)
    found = images.grey(save(tmp_path, image, "a.tif"), MOST)
    np.testing.assert_array_equal(found, 255 - black)


def test_white_on_black(tmp_path):
    np.testing.assert_array_equal(images.grey(save(tmp_path, 255 - strokes()), MOST), INK)


def test_grey_paper_is_no_ink_and_pale_ink_is_full(tmp_path):
    paper = np.where(strokes() < 255, 60, 120).astype(np.uint8)  # below half of white, and yet the paper
    np.testing.assert_array_equal(images.grey(save(tmp_path, paper), MOST), np.where(INK, 255, 0))
    board = np.where(strokes() < 255, 180, 120).astype(np.uint8)  # chalk
    np.testing.assert_array_equal(images.grey(save(tmp_path, board), MOST), np.where(INK, 255, 0))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bits(tmp_path, name):
    path = save(tmp_path, strokes().astype(np.uint16) * 257, name)
    with Image.open(path) as image:
        assert image.mode.startswith("I")
    np.testing.assert_array_equal(images.grey(path, MOST), INK)


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_32_bits_are_refused(tmp_path, kind):
    path = save(tmp_path, (strokes().astype(np.int64) * 1_000_000).astype(kind), "a.tif")
    with pytest.raises(UserError, match=r"a\.tif has pixels .*: save it with 8 or 16 bits a channel"):
        images.grey(path, MOST)


def test_transparency_shows_white(tmp_path):
    """The colour beneath what is transparent does not count, and half of black is grey."""
    rgba = np.zeros((20, 40, 4), np.uint8)
    rgba[..., 3] = INK
    np.testing.assert_array_equal(images.grey(save(tmp_path, rgba), MOST), INK)
    grey = np.stack([np.zeros_like(INK), INK], axis=2)
    np.testing.assert_array_equal(images.grey(save(tmp_path, Image.fromarray(grey, "LA")), MOST), INK)
    black = Image.fromarray(np.where(INK, 0, 9).astype(np.uint8))
    found = images.grey(save(tmp_path, black, transparency=9), MOST)
    np.testing.assert_array_equal(found, np.where(INK, 255, 0))


def test_a_photograph_is_turned_as_it_was_taken(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter, clockwise
    found = images.grey(save(tmp_path, np.rot90(strokes()), exif=exif), MOST)
    np.testing.assert_array_equal(found, INK)


def bomb(width: int, height: int) -> bytes:
    """A PNG of so many pixels, of which it has none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_refused_by_name(tmp_path):
    whole = save(tmp_path, np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)).read_bytes()
    contents = {
        "gone.png": (None, "is missing, or no file"),
        "empty.png": (b"", r"is empty \(0 bytes\)"),
        "letter.png": (
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
            "is no image, whatever its name: give a BMP, GIF, JPEG, PNG, PPM, TIFF or WEBP file",
        ),
        "notes.jpg": (b"these are my notes", "is no image, whatever its name"),
        "figure.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is no image"),
        "half.png": (whole[: len(whole) // 2], "cannot be read as an image"),
        "large.png": (bomb(101, 100), "has 101 × 100 pixels, more than 10000: scale it down"),
        "larger.png": (bomb(12_000, 12_000), "has 12000 × 12000 pixels, more than 10000"),
        "largest.png": (bomb(60_000, 60_000), "has more than 10000 pixels"),
        "ruler.png": (bomb(2010, 2), "is over 200 times as wide as high: cut it up"),
    }
    for name, (content, said) in contents.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=said) as refused:
            images.grey(tmp_path / name, MOST)
        assert str(refused.value).startswith(str(tmp_path / name))
        assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="is a folder: name the images in it"):
        images.grey(tmp_path, MOST)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.tif"])
def test_several_pictures_are_refused(tmp_path, name):
    others = [Image.fromarray(np.roll(strokes(), 5, axis=1))]
    path = save(tmp_path, strokes(), name, save_all=True, append_images=others)
    with pytest.raises(UserError, match="is animated or has several pages: save one picture of it"):
        images.grey(path, MOST)


@pytest.mark.parametrize("light", [0, 128, 255])
def test_a_blank_sheet_is_refused(tmp_path, light):
    noise = np.random.default_rng(0).integers(-10, 10, (20, 40))
    sheet = np.clip(noise + light, 0, 255).astype(np.uint8)
    with pytest.raises(images.NoInkError, match="is of one colour, no ink shows on it"):
        images.grey(save(tmp_path, sheet), MOST)


def test_a_line_is_cut_to_its_ink_and_scaled():
    sheet = np.zeros((100, 300), np.uint8)
    sheet[30:50, 40:140] = 255  # 20 pixels high, and a margin of 4 on each side
    found = images.line(sheet, 28)
    assert (found.dtype, found.shape) == (np.uint8, (108, 28))
    expected = np.zeros((108, 28), np.uint8)
    expected[4:104, 4:24] = 255
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous


def test_the_steps_of_a_line_go_from_left_to_right():
    picture = np.zeros((10, 30), np.uint8)
    picture[:, 2] = 255  # a high stroke first
    picture[9, 20] = 200  # then a dot at the foot
    found = images.line(picture, 14)
    assert found.shape == (23, 14)
    assert found[2].tolist() == [0, 0, *[255] * 10, 0, 0]
    assert np.argwhere(found[3:]).tolist() == [[17, 11]]


@pytest.mark.parametrize("height", [14, 28, 56, 97])
def test_lines_of_any_size_look_the_same(height):
    picture = np.zeros((20, 60), np.uint8)
    picture[:, 5:15] = picture[5:10, 15:55] = 255
    small, large = images.line(picture, height), images.line(np.kron(picture, np.ones((4, 4), np.uint8)), height)
    assert small.shape == large.shape == (round(58 * height / 28), height)
    assert np.abs(small.astype(int) - large).mean() < 8


def test_a_picture_without_ink_stays_empty():
    assert images.line(np.zeros((10, 40), np.uint8), 20).tolist() == [[0] * 20] * round(44 * 20 / 14)


def word() -> np.ndarray:
    """uint8 (100, 300), ink high: an upright stroke 40 pixels high, a dotted i and a period."""
    sheet = np.zeros((100, 300), np.uint8)
    sheet[30:70, 60:64] = 255
    sheet[45:70, 90:94] = sheet[36:40, 90:94] = 255
    sheet[67:70, 110:113] = 255
    return sheet


STRIPS = [np.s_[:, :9], np.s_[:, 295:], np.s_[:5], np.s_[97:], np.s_[2:98, :3]]


def test_what_is_written_is_no_speck():
    np.testing.assert_array_equal(images.cleaned(word()), word())


def test_specks_are_taken_out_wherever_they_are():
    dusty = word()
    dusty[5, 280] = dusty[0, 0] = dusty[50, 75] = 255
    np.testing.assert_array_equal(images.cleaned(dusty), word())


@pytest.mark.parametrize("strip", STRIPS)
def test_a_dark_strip_along_an_edge_is_taken_out(strip):
    scanned = word()
    scanned[strip] = 200
    scanned[10, 295] = 255  # dust beside it
    np.testing.assert_array_equal(images.cleaned(scanned)[:, 9:295], word()[:, 9:295])
    np.testing.assert_array_equal(images.line(images.cleaned(scanned), 28), images.line(word(), 28))


def test_a_picture_that_is_cut_close_keeps_its_strokes():
    close = word()[30:70, 60:113]  # the upright stroke covers the left edge
    np.testing.assert_array_equal(images.cleaned(close), close)
    alone = np.full((40, 4), 255, np.uint8)
    np.testing.assert_array_equal(images.cleaned(alone), alone)
    np.testing.assert_array_equal(images.cleaned(np.zeros((10, 40), np.uint8)), np.zeros((10, 40), np.uint8))


def test_grain_stays_as_it_is():
    grain = np.zeros((700, 700), np.uint8)
    grain[::2, ::2] = 255  # 122,500 pieces
    grain[100:300, 400:404] = 255
    assert images.cleaned(grain) is grain

import csv
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unroll import cli
from unroll.features.pixels import Pixels
from unroll.patterns.transcriber import Transcript, Word
from unroll.stages import use


class Counts:
    """A transcriber that reads a 1 for each piece of ink between blank columns."""

    featurizer = "pixels"
    features = Pixels(size=0, background=False, difference=False, reduce=1)
    shape = (1, 28, 1)

    def read(self, rows: list[np.ndarray]) -> list[Transcript]:
        (frames,) = rows
        assert frames.dtype == np.uint8
        assert frames.shape[1] == 28
        count = int((np.diff((frames >= 128).any(1).astype(int), prepend=0) == 1).sum())
        symbols = [Word("1", 0.0, 1.0, 0.75)] * count
        return [Transcript("1" * count, [], 0.75, symbols)]


def bars(count: int, scale: int = 1) -> np.ndarray:
    """uint8 (H, W): so many dark bars on white paper."""
    paper = np.full((40, 20 + 20 * count), 230, np.uint8)
    for number in range(count):
        paper[8:32, 20 + 20 * number : 26 + 20 * number] = 20
    return paper.repeat(scale, 0).repeat(scale, 1)


@pytest.fixture
def run(root, tmp_path, capsys, monkeypatch):
    """Runs the command on files of the temporary folder: status, standard output and error."""
    monkeypatch.setattr(use, "trained", lambda task, name, kind: Counts())

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.chdir(root)
        monkeypatch.setattr(sys, "argv", ["unroll", "read", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code or 0, *capsys.readouterr()

    return command


def saved(path: Path, picture: np.ndarray | Image.Image) -> Path:
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path)
    return path


def transparent(count: int) -> Image.Image:
    """Black ink of full opacity on black paper of none."""
    alpha = Image.fromarray(255 - bars(count))
    image = Image.new("RGBA", alpha.size, "black")
    image.putalpha(alpha.point(lambda value: 255 if value > 128 else 0))
    return image


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("small.png", bars(3)),
        ("large.jpg", bars(3, scale=20)),
        ("light_on_dark.png", 255 - bars(3)),
        ("deep.png", bars(3).astype(np.uint16) * 200 + 500),
        ("colour.png", np.stack([bars(3), bars(3), bars(3) // 2], 2)),
        ("clear.png", transparent(3)),
        ("two_colours.png", Image.fromarray(bars(3)).convert("1")),
        ("palette.gif", Image.fromarray(bars(3)).convert("P")),
    ],
)
def test_any_picture_of_a_line_is_read(run, tmp_path, name, picture):
    path = saved(tmp_path / name, picture)
    assert run(path) == (0, f"{path}  111  75%\n", "")


def test_an_empty_picture_has_nothing_to_read(run, tmp_path):
    path = saved(tmp_path / "empty.png", np.full((40, 200), 250, np.uint8))
    assert run(path) == (0, f"{path}  (nothing to read)\n", "")
    _, out, _ = run(path, "--csv")
    assert list(csv.reader(io.StringIO(out))) == [["path", "text", "confidence"], [str(path), "", "0.0000"]]


def test_a_folder_is_read_whole_and_bad_files_are_named(run, tmp_path):
    (tmp_path / "in").mkdir()
    good = saved(tmp_path / "b.png", bars(2))
    (tmp_path / "a.png").write_bytes(good.read_bytes()[:-30])
    (tmp_path / "c.png").write_bytes(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj")
    (tmp_path / "d.gt.txt").write_text("2")
    deep = saved(tmp_path / "in/e.tif", bars(4))
    status, out, err = run(tmp_path, "--csv")
    assert status == 2
    assert list(csv.reader(io.StringIO(out)))[1:] == [[str(good), "11", "0.7500"], [str(deep), "1111", "0.7500"]]
    first, second = err.splitlines()
    assert first.startswith(f"error: {tmp_path / 'a.png'} ")
    assert second.startswith(f"error: {tmp_path / 'c.png'} ")


def test_a_huge_picture_is_refused_before_it_is_decoded(run, tmp_path):
    path = tmp_path / "huge.png"
    path.write_bytes(b"P5 30000 10000 255\n")  # the head of a picture of 300 million pixels
    status, out, err = run(path)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {path} has ")


@pytest.mark.parametrize(("name", "message"), [("none.png", "missing"), ("", "is a folder without pictures")])
def test_what_is_not_there_is_named(run, tmp_path, name, message):
    status, out, err = run(tmp_path / name)
    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.parametrize(
    ("task", "about"), [("handwriting/digits_by_row", "single glyphs"), ("speech/digits", "no handwriting")]
)
def test_a_task_of_something_else_is_refused_with_those_that_read(run, tmp_path, task, about):
    status, out, err = run(saved(tmp_path / "line.png", bars(1)), "--task", task)
    assert (status, out) == (2, "")
    assert err == (
        f"error: {task} is of {about}, and what is read are lines: --task takes handwriting/digit_lines or"
        " handwriting/digit_lines_imagenet\n"
    )

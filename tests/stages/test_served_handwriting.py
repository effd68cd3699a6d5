"""What MLflow serves of handwriting, saved and loaded as it does it."""

from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest
import torch
from PIL import Image

from unroll.fields.handwriting import own, pen
from unroll.params import Recurrent
from unroll.patterns import classifier, transcriber
from unroll.patterns.classifier import Classifier, ClassifierModel
from unroll.patterns.inputs import Inputs
from unroll.patterns.transcriber import Beam, Transcriber, TranscriberModel
from unroll.patterns.vision import Vision

SERVED = Path(__file__).parents[2] / "src/unroll/stages/served/handwriting.py"
RECURRENT = Recurrent("gru", 4, 1, bidirectional=False, dropout=0.0)
PLAIN = {"size": 0, "background": False, "difference": False, "reduce": 1}
NUMBERS = Vision(channels=[], features=0, steps=1, shift=0, mirror=False)


@pytest.fixture
def served(tmp_path):
    """A pattern as MLflow runs it."""

    def load(pattern: torch.nn.Module) -> mlflow.pyfunc.PyFuncModel:
        torch.save(pattern.checkpoint(), tmp_path / "model.pt")
        artifacts = {"checkpoint": str(tmp_path / "model.pt")}
        mlflow.pyfunc.save_model(tmp_path / "model", python_model=SERVED, artifacts=artifacts, pip_requirements=[])
        return mlflow.pyfunc.load_model(str(tmp_path / "model"))

    return load


def test_a_line_has_the_text_of_the_command(served, tmp_path):
    torch.manual_seed(0)
    vision = Vision(channels=[2, 2], features=4, steps=2, shift=0, mirror=False)
    pattern = Transcriber(
        transcriber.Settings("characters", 2, None, Beam(1, 0, 0.0, 0.0)),
        TranscriberModel(RECURRENT, 1, 0.1, None, vision),
        Inputs("pixels", PLAIN, [1, 16, 1]),
        ["1", "7"],
    ).eval()
    with torch.no_grad():
        pattern.output.bias.copy_(torch.tensor([0.0, 0.0, 9.0]))
    ink = np.full((40, 90), 230, np.uint8)
    ink[10:30, 20:70:10] = 0
    Image.fromarray(ink).save(tmp_path / "line.png")
    Image.new("L", (40, 90), 230).save(tmp_path / "blank.png")
    found, blank = served(pattern).predict([{"image": str(tmp_path / name)} for name in ("line.png", "blank.png")])
    expected = own.read(pattern, tmp_path / "line.png")
    assert (found.text, found.confidence) == ("7", pytest.approx(expected.confidence))
    assert 0.5 < found.confidence <= 1
    assert (blank.text, blank.confidence) == ("", 0.0)


@pytest.mark.parametrize(
    ("shape", "steps"),
    [
        ([1, 1, 3], [[0, 255, 0], [0, 255, 0]]),
        ([1, 1, 1], [[0], [255], [0], [128]]),
        (pen.SHAPE, [[0.1, -0.25, 1, 0], [0.1, 0.5, 1, 1]]),
    ],
)
def test_a_glyph_has_the_label_of_its_steps(served, shape, steps):
    torch.manual_seed(0)
    settings = classifier.Settings(pooling=["mean"], masked=0.0, balance=False)
    model = ClassifierModel(RECURRENT, 1, 0.1, NUMBERS, "", False)
    pattern = Classifier(settings, model, Inputs("pixels", PLAIN, shape), ["a", "b"]).eval()
    with torch.no_grad():
        pattern.output.weight.mul_(50)  # so that the label depends on the steps
    (found,) = served(pattern).predict([{"steps": steps}])
    dtype = np.float32 if shape == pen.SHAPE else np.uint8
    (expected,) = pattern.classify([np.array(steps, dtype)])
    assert (found.text, found.confidence) == (expected.label, pytest.approx(expected.probabilities[expected.label]))

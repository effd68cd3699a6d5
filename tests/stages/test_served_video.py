"""What MLflow serves of video, saved and loaded as it does it."""

from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pytest
import torch

from unroll.fields.video import recognising
from unroll.params import Recurrent
from unroll.patterns import classifier, tagger
from unroll.patterns.classifier import Classifier, ClassifierModel
from unroll.patterns.inputs import Inputs
from unroll.patterns.tagger import Tagger, TaggerModel
from unroll.patterns.vision import Vision

SERVED = Path(__file__).parents[2] / "src/unroll/stages/served/video.py"
RECURRENT = Recurrent("gru", 4, 1, bidirectional=False, dropout=0.0)
PLAIN = {"size": 0, "background": False, "difference": False, "reduce": 1}
NUMBERS = Vision(channels=[], features=0, steps=1, shift=0, mirror=False)


def classes(shape: list[int]) -> Classifier:
    settings = classifier.Settings(pooling=["mean"], masked=0.0, balance=False)
    model = ClassifierModel(RECURRENT, 1, 0.1, NUMBERS, "", False)
    return Classifier(settings, model, Inputs("pixels", PLAIN, shape, 8.0), ["kick", "run"])


def tags() -> Tagger:
    model = TaggerModel(RECURRENT, 1, 0.1, NUMBERS, "")
    inputs = Inputs("pixels", PLAIN, [1, 2, 2], 8.0)
    return Tagger(tagger.Settings(1, 40, 4, 0.0, False, False), model, inputs, ["kick", "run"])


@pytest.mark.parametrize(
    ("make", "dtype", "width"),
    [
        (lambda: classes([1, 2, 2]), np.uint8, 4),
        (lambda: classes([6, 1, 1]), np.float32, 6),
        (tags, np.uint8, 4),
    ],
)
def test_steps_say_what_the_pattern_says_of_them(tmp_path, make, dtype, width):
    torch.manual_seed(0)
    pattern = make().eval()
    with torch.no_grad():
        pattern.output.weight.mul_(50)  # so that the label depends on the steps
    torch.save(pattern.checkpoint(), tmp_path / "model.pt")
    artifacts = {"checkpoint": str(tmp_path / "model.pt")}
    mlflow.pyfunc.save_model(tmp_path / "model", python_model=SERVED, artifacts=artifacts, pip_requirements=[])
    served = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    clips = [np.random.default_rng(seed).integers(0, 256, (9, width)).astype(dtype) for seed in range(4)]
    found = served.predict([{"steps": clip.tolist()} for clip in clips])
    expected = [recognising.whole(pattern, clip) for clip in clips]
    assert [row.label for row in found] == [own.label for own in expected]
    assert [row.confidence for row in found] == pytest.approx([own.confidence for own in expected])
    assert len({own.label for own in expected}) > 1

from dataclasses import asdict

import numpy as np
import pytest
import torch

from unroll.decoding.beam import Beam
from unroll.errors import UserError
from unroll.features import frames, pixels
from unroll.features.efficientnet import EfficientNetLite0
from unroll.features.frames import Frames
from unroll.features.pixels import Pixels
from unroll.features.tokens import Vocabulary
from unroll.fields.video import own, recognising
from unroll.fields.video.exercises import Windows
from unroll.metrics.segments import segments
from unroll.params import Recurrent
from unroll.patterns import classifier, tagger, translator
from unroll.patterns.classifier import Classifier, ClassifierModel
from unroll.patterns.encoder import Embedding
from unroll.patterns.inputs import Inputs
from unroll.patterns.tagger import Tagger, TaggerModel
from unroll.patterns.translator import Translator, TranslatorModel
from unroll.patterns.vision import Vision

RECURRENT = Recurrent("gru", 4, 1, bidirectional=True, dropout=0.0)
NUMBERS = Vision(channels=[], features=0, steps=1, shift=0, mirror=False)
PLAIN = Pixels(size=0, background=False, difference=False, reduce=1)
MOVED = Pixels(size=0, background=True, difference=True, reduce=2)


def classes(inputs: Inputs) -> Classifier:
    """A classifier that learned nothing, but whose answer depends on what it reads."""
    torch.manual_seed(1)
    settings = classifier.Settings(pooling=["mean"], masked=0.0, balance=False)
    model = ClassifierModel(RECURRENT, 1, 0.1, NUMBERS, "", False)
    pattern = Classifier(settings, model, inputs, ["kick", "run", "walk"]).eval()
    with torch.no_grad():
        pattern.output.weight.mul_(20)
    return pattern


def seeing(features: Pixels, shape: list[int], frames_per_second: float) -> Classifier:
    return classes(Inputs("pixels", asdict(features), shape, frames_per_second))


def drawn(count: int, width: int = 16) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, width), np.uint8)


def test_moments_are_half_seconds_and_the_last_is_the_whole():
    pattern, pictures = seeing(PLAIN, [1, 4, 4], 8.0), drawn(19)
    found = recognising.beginnings(pattern, pictures)
    assert [(moment.start, moment.stop) for moment in found.timeline] == [
        (0, 0.5),
        (0, 1.0),
        (0, 1.5),
        (0, 2.0),
        (0, 2.375),
    ]
    for moment, count in zip(found.timeline, (4, 8, 12, 16, 19), strict=True):
        (expected,) = pattern.classify([pictures[:count]])
        assert (moment.label, moment.confidence) == (expected.label, expected.probabilities[expected.label])
    assert (found.label, found.confidence) == found.timeline[-1][2:]
    assert found[:2] == recognising.whole(pattern, pictures)[:2]


def test_a_moment_knows_only_what_came_before():
    pattern, pictures = seeing(MOVED, [2, 4, 4], 4.0), drawn(16)
    assert recognising.rate(pattern.inputs) == 8
    found = recognising.beginnings(pattern, pictures)
    other = recognising.beginnings(pattern, np.concatenate([pictures[:8], drawn(40)]))
    assert [moment.stop for moment in found.timeline] == [0.5, 1.0, 1.5, 2.0]
    assert found.timeline[:2] == other.timeline[:2]
    (expected,) = pattern.classify([pixels.encode(pictures[:8], [1, 4, 4], MOVED)[0]])
    assert found.timeline[1].confidence == expected.probabilities[expected.label]


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_clip_of_less_than_a_moment_has_one(count):
    found = recognising.beginnings(seeing(PLAIN, [1, 4, 4], 8.0), drawn(count))
    assert [moment.stop for moment in found.timeline] == [count / 8]


def test_features_of_single_pictures_are_made_once(tmp_path):
    torch.save(EfficientNetLite0(1).state_dict(), tmp_path / "weights.pth")
    settings = Frames(str(tmp_path / "weights.pth"), stages=1, size=8, reduce=2)
    pattern, pictures = classes(Inputs("frames", asdict(settings), [32, 1, 1], 3.0)), drawn(11)
    found = recognising.beginnings(pattern, pictures)
    assert [round(6 * moment.stop) for moment in found.timeline] == [3, 6, 9, 11]
    for moment, count in zip(found.timeline, (3, 6, 9, 11), strict=True):
        (expected,) = pattern.classify([frames.encode(pictures[:count], [1, 4, 4], settings)[0]])
        assert moment.confidence == pytest.approx(expected.probabilities[expected.label], abs=1e-4)


def test_the_windows_of_a_recording_vote():
    pattern = seeing(PLAIN, [6, 1, 1], 10.0)
    readings = np.random.default_rng(0).normal(size=(65, 6)).astype(np.float32)
    windows = Windows(readings_per_second=10.0, seconds=2.0, every=0.5, copies=0)
    found = recognising.recording(pattern, readings, windows)
    said = pattern.classify([readings[:20], readings[20:40], readings[40:60]])
    assert [moment[:3] for moment in found.timeline] == [
        (start, start + 2, own.label) for start, own in zip((0, 2, 4), said, strict=True)
    ]
    mean = {label: np.mean([own.probabilities[label] for own in said]) for label in pattern.labels}
    assert found.label == max(mean, key=mean.get)
    assert found.confidence == pytest.approx(max(mean.values()))


def test_a_tagger_tells_no_action_of_a_moment():
    torch.manual_seed(2)
    model = TaggerModel(RECURRENT, 1, 0.1, NUMBERS, "")
    inputs = Inputs("pixels", asdict(PLAIN), [1, 4, 4], 12.0)
    pattern = Tagger(tagger.Settings(1, 40, 4, 0.0, False, False), model, inputs, ["kick", "walk"]).eval()
    with torch.no_grad():
        pattern.output.weight.mul_(20)
    raw = [stop - start for _, start, stop in segments(pattern.tag_steps(drawn(30)).labels)]
    found = recognising.whole(pattern, drawn(30))
    assert min(raw) < 3  # steps, a quarter of a second
    assert min(moment.stop - moment.start for moment in found.timeline) >= 0.25
    assert found.timeline[-1].stop == 2.5


def test_a_tagger_tells_one_action_after_the_other():
    torch.manual_seed(2)
    model = TaggerModel(RECURRENT, 1, 0.1, NUMBERS, "")
    inputs = Inputs("pixels", asdict(PLAIN), [1, 4, 4], 4.0)
    pattern = Tagger(tagger.Settings(1, 40, 4, 0.0, False, False), model, inputs, ["kick", "walk"]).eval()
    with torch.no_grad():
        pattern.output.weight.mul_(20)
    pictures = drawn(30)
    found, tagged = recognising.whole(pattern, pictures), pattern.tag_steps(pictures)
    assert found.timeline[0].start == 0
    assert found.timeline[-1].stop == 7.5
    assert len(found.timeline) > 1
    for moment in found.timeline:
        labels = tagged.labels[round(4 * moment.start) : round(4 * moment.stop)]
        assert {pattern.labels[label] for label in labels} == {moment.label}
    assert found.label == " → ".join(moment.label for moment in found.timeline)
    assert found.confidence == pytest.approx(tagged.probabilities.max(1).mean())


def test_a_translator_writes_a_sentence():
    torch.manual_seed(0)
    vocabulary = Vocabulary.learn(["a person walks", "a person kicks"], "words", 0)
    recurrent = Recurrent("gru", 4, 1, bidirectional=False, dropout=0.0)
    model = TranslatorModel(
        recurrent, 1, 0.1, Embedding(4, 1.0), None, "additive", False, False, 0.0, NUMBERS, 1, "", False
    )
    inputs = Inputs("pixels", asdict(PLAIN), [1, 4, 4], 4.0)
    pattern = Translator(translator.Settings(Beam(2, 1.0), 5), model, inputs, vocabulary, placeholders=False).eval()
    found = recognising.whole(pattern, drawn(12))
    (expected,) = pattern.describe([drawn(12)])
    assert (found.label, found.timeline) == (expected.text, [])
    assert found.confidence == pytest.approx(np.exp(expected.log_prob / len(expected.symbols)))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (drawn(4, 15), "pictures of 15 pixels are not square"),
        (drawn(4, 25), r"\[1, 5, 5\] are not those that the model learned from"),
        (np.zeros((4, 6), np.float32), r"\[6, 1, 1\] are not those that the model learned from"),
    ],
)
def test_steps_of_another_size_are_refused(steps, said):
    with pytest.raises(UserError, match=said):
        recognising.encoded(Inputs("pixels", asdict(PLAIN), [1, 4, 4], 4.0), steps)


def test_a_folder_stands_for_the_files_of_its_kind_in_it(tmp_path):
    for name in ("b.MP4", "a.avi", "notes.txt", "c.csv"):
        (tmp_path / name).touch()
    alone = tmp_path / "elsewhere.bin"
    assert recognising.files([alone, tmp_path], own.CLIPS) == [alone, tmp_path / "a.avi", tmp_path / "b.MP4"]
    assert recognising.files([tmp_path], own.RECORDINGS) == [tmp_path / "c.csv"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty is a folder without recordings: \.csv"):
        recognising.files([tmp_path / "empty"], own.RECORDINGS)

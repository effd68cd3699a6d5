import math

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.baselines.nearest_clip import Baseline, Settings
from unroll.decoding.beam import Beam
from unroll.patterns import translator

TASK = translator.Settings(Beam(1, 0.0), longest=10)
DARK, BRIGHT = np.full((6, 4), 40), np.full((6, 4), 200)
FLICKER = np.where(np.arange(6)[:, None] % 2, 200, 40) * np.ones((1, 4), int)


@pytest.fixture
def clips(tmp_path):
    """Makes a table of clips (T, 4) with their sentences."""

    def made(name: str, found: list[tuple[np.ndarray, str]]) -> pa.Table:
        columns = [("id", pa.string()), ("target", pa.string()), ("frames", examples.matrix_type(4, pa.uint8()))]
        rows = [
            {"id": str(number), "target": text, "frames": frames.astype(np.uint8)}
            for number, (frames, text) in enumerate(found)
        ]
        examples.write(tmp_path / f"{name}.arrow", pa.schema(columns), rows)
        return examples.read(tmp_path / f"{name}.arrow")

    return made


@pytest.fixture
def baseline(clips) -> Baseline:
    known = [(DARK, "it is night"), (BRIGHT, "it is day"), (FLICKER, "somebody plays with the light")]
    return Baseline.for_examples(clips("train", known), TASK, Settings("nearest_clip"), 0)


def test_the_most_alike_clip_gives_its_sentence(baseline, clips):
    table = clips("test", [(DARK + 10, ""), (BRIGHT[:3] - 5, ""), (FLICKER[::-1] + 3, "")])
    found = baseline.predict(baseline.examples(table))
    assert [each.text for each in found] == ["it is night", "it is day", "somebody plays with the light"]
    assert all(each.alternatives == [(each.text, each.log_prob)] for each in found)
    assert all(each.attention is None and each.symbols == [] for each in found)


def test_how_sure_is_the_logarithm_of_a_likeness(baseline, clips):
    same, other = baseline.predict(baseline.examples(clips("test", [(DARK, ""), (np.full((6, 4), 90), "")])))
    assert same.log_prob == pytest.approx(0, abs=1e-5)
    assert math.log(1e-9) <= other.log_prob < same.log_prob


def test_the_order_of_frames_is_not_seen(baseline, clips):
    first, second = np.concatenate([DARK, BRIGHT]), np.concatenate([BRIGHT, DARK])
    one, two = baseline.predict(baseline.examples(clips("test", [(first, ""), (second, "")])))
    assert one.text == two.text
    assert one.log_prob == pytest.approx(two.log_prob)


def test_its_parameters_are_the_numbers_it_keeps(baseline):
    assert baseline.parameters == 3 * 2 * 4


def test_clips_that_are_all_alike_still_have_an_answer(clips):
    table = clips("train", [(DARK, "it is night"), (DARK, "it is dark")])
    baseline = Baseline.for_examples(table, TASK, Settings("nearest_clip"), 0)
    (found,) = baseline.predict(baseline.examples(clips("test", [(DARK, "")])))
    assert found.text == "it is night"
    assert math.isfinite(found.log_prob)

import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples
from unroll.baselines.frame_regression import Baseline, Settings
from unroll.patterns import tagger

NAMES = ["walk", "kick", "jump"]  # nobody jumps
TASK = tagger.Settings(stack=1, window=100, margin=0, masked=0.0, both_strands=False, crf=False)


@pytest.fixture
def clips(tmp_path):
    """Makes a table of clips by their labels: dim where somebody walks, bright where somebody kicks."""

    def made(*labels: np.ndarray, seed: int = 0) -> pa.Table:
        rng = np.random.default_rng(seed)
        schema = pa.schema(
            [
                ("id", pa.string()),
                ("frames", examples.matrix_type(4, pa.uint8())),
                ("labels", pa.large_list(pa.int8())),
            ],
            {"labels": json.dumps(NAMES)},
        )
        rows = [
            {
                "id": str(number),
                "frames": (60 + 120 * own[:, None] + rng.integers(-20, 21, (len(own), 4))).astype(np.uint8),
                "labels": own.astype(np.int8),
            }
            for number, own in enumerate(labels)
        ]
        examples.write(tmp_path / f"clips-{seed}.arrow", schema, rows)
        return examples.read(tmp_path / f"clips-{seed}.arrow")

    return made


def fitted(table: pa.Table, smooth: int = 1, every: int = 1) -> Baseline:
    return Baseline.for_examples(table, TASK, Settings("frame_regression", 1.0, every, smooth), 0)


def test_single_frames_tell_their_label(clips):
    halves = np.repeat([0, 1], 10)
    baseline = fitted(clips(halves, halves[::-1]))
    (row,) = baseline.examples(clips(np.repeat([1, 0, 1], [3, 5, 2]), seed=1))
    (found,) = baseline.predict([row])
    assert found.labels.tolist() == baseline.truth(row).tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 1, 1]
    assert found.labels.dtype == np.int8
    assert found.probabilities.shape == (10, 3)
    assert found.probabilities.sum(1) == pytest.approx(np.ones(10))
    assert not found.probabilities[:, 2].any()  # what nobody did in training


def test_the_median_smooths_a_flicker_and_keeps_an_edge(clips):
    table = clips(np.repeat([0, 1], 10))
    flicker = np.repeat([0, 1, 0, 1], [4, 1, 4, 6])
    rows = fitted(table).examples(clips(flicker, seed=1))
    rough, smooth = (fitted(table, window).predict(rows)[0].labels.tolist() for window in (1, 3))
    assert rough == flicker.tolist()
    assert smooth == [0] * 9 + [1] * 6


def test_some_frames_are_enough_to_learn_from(clips):
    table = clips(np.repeat([0, 1], 30))
    all_of_them, some = fitted(table), fitted(table, every=5)
    assert some.model[0].n_samples_seen_ == 12
    assert all_of_them.model[0].n_samples_seen_ == 60
    rows = some.examples(clips(np.repeat([1, 0], 5), seed=1))
    assert some.predict(rows)[0].labels.tolist() == [1] * 5 + [0] * 5
    assert some.parameters == 4 + 1  # two labels are one decision


def test_the_same_seed_gives_the_same_probabilities(clips):
    table = clips(np.repeat([0, 1, 0], 7))
    first, second = (fitted(table).predict(fitted(table).examples(table))[0].probabilities for _ in range(2))
    assert first.tobytes() == second.tobytes()

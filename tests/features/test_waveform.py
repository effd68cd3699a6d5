import json

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from unroll import examples
from unroll.errors import UserError
from unroll.features import mfcc, spectrogram
from unroll.features.mfcc import Mfcc
from unroll.features.spectrogram import Spectrogram

MFCC = Mfcc(sample_rate=8000, n_fft=400, hop=200, mels=64, coefficients=13, top_db=80.0)
SPECTROGRAM = Spectrogram(sample_rate=8000, n_fft=256, hop=80, mels=20, top_db=80.0)


@pytest.fixture
def recordings(tmp_path):
    """A table of two recordings, of 0.5 and 0.25 seconds, the second at another rate and in stereo."""
    noise = np.random.default_rng(0).normal(0, 0.1, (4000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", noise[:, 0], 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", noise, 16000)
    paths = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    return pa.table({"id": ["a", "b"], "text": ["one", "two"], "audio": paths}), noise[:, 0]


@pytest.mark.parametrize(
    ("featurizer", "settings", "steps"), [(mfcc, MFCC, [21, 11]), (spectrogram, SPECTROGRAM, [51, 26])]
)
def test_recordings_become_frames(recordings, featurizer, settings, steps):
    table, samples = recordings
    schema, rows = featurizer.featurize(table, settings)
    rows = list(rows)
    assert schema.names == ["id", "text", "audio", "seconds", "frames"]
    assert [row["frames"].shape for row in rows] == [(count, settings.features) for count in steps]
    assert [row["seconds"] for row in rows] == pytest.approx([count * settings.frame_seconds for count in steps])
    assert [(row["id"], row["text"], row["audio"]) for row in rows] == list(
        zip(*(table[name].to_pylist() for name in ("id", "text", "audio")), strict=True)
    )
    np.testing.assert_array_equal(rows[0]["frames"], settings.transform()(samples))


def test_the_table_says_how_to_featurize_another_recording(recordings, tmp_path):
    schema, rows = mfcc.featurize(recordings[0], MFCC)
    examples.write(tmp_path / "t.arrow", schema, rows)
    metadata = examples.read(tmp_path / "t.arrow").schema.metadata
    assert metadata[b"featurizer"] == b"mfcc"
    assert mfcc.Settings(**json.loads(metadata[b"settings"])) == MFCC


def given(tmp_path, width: int, count: int = 2) -> pa.Table:
    """A table whose frames came with the examples."""
    schema = pa.schema([("id", pa.string()), ("frames", examples.matrix_type(width))])
    rows = [{"id": str(i), "frames": np.full((4, width), i, np.float32)} for i in range(count)]
    examples.write(tmp_path / "given.arrow", schema, rows)
    return examples.read(tmp_path / "given.arrow")


def test_frames_that_came_with_the_examples_are_kept(tmp_path):
    schema, rows = mfcc.featurize(given(tmp_path, width=13), MFCC)
    rows = list(rows)
    assert schema.names == ["id", "seconds", "frames"]
    assert [(row["id"], row["seconds"]) for row in rows] == [("0", 0.1), ("1", 0.1)]
    np.testing.assert_array_equal(rows[1]["frames"], np.full((4, 13), 1, np.float32), strict=True)


def test_frames_of_another_width_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"^the examples come with 12 features a frame, params\.yaml asks for 13$"):
        mfcc.featurize(given(tmp_path, width=12), MFCC)


def test_no_examples_no_rows(tmp_path):
    assert list(mfcc.featurize(given(tmp_path, width=13, count=0), MFCC)[1]) == []


def test_a_missing_recording_is_refused_by_name(tmp_path):
    table = pa.table({"id": ["a"], "audio": [str(tmp_path / "none.wav")]})
    with pytest.raises(UserError, match=r"none\.wav is missing"):
        list(mfcc.featurize(table, MFCC)[1])

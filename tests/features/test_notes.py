import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples, params
from unroll.errors import UserError
from unroll.features.notes import Notes, decode, encode, featurize
from unroll.sources.clock import CLOCKS, clock_of

SETTINGS = Notes(48, 72)
VOICES = np.array([[60, 48], [-60, -48], [62, 0], [0, 72]], np.int16)


def random_voices(steps: int, streams: int, seed: int) -> np.ndarray:
    """Voices in which what is held is always what sounded before."""
    rng = np.random.default_rng(seed)
    voices = rng.integers(48, 73, (steps, streams)) * rng.integers(0, 2, (steps, streams))
    for step in range(1, steps):
        goes_on = rng.random(streams) < 0.6
        voices[step] = np.where(goes_on, -np.abs(voices[step - 1]), voices[step])
    return voices.astype(np.int16)


def table(*pieces: np.ndarray) -> pa.Table:
    schema = pa.schema(
        [("id", pa.string()), ("voices", pa.large_list(pa.int16())), ("clock", pa.large_list(pa.int32()))],
        {"streams": str(pieces[0].shape[1])},
    )
    rows = [
        {"id": f"piece {number}", "voices": voices.ravel().tolist(), "clock": clock_of("4/4", len(voices)).tolist()}
        for number, voices in enumerate(pieces)
    ]
    return pa.Table.from_pylist(rows, schema)


def test_literally():
    assert encode(VOICES, SETTINGS).tolist() == [25, 1, 26, 2, 29, 0, 0, 49]
    assert SETTINGS.codes == 51
    assert encode(np.zeros((0, 2), np.int16), SETTINGS).tolist() == []


@pytest.mark.parametrize(("streams", "seed"), [(1, 0), (4, 1), (3, 2)])
def test_decoding_undoes_encoding(streams, seed):
    voices = random_voices(60, streams, seed)
    codes = encode(voices, SETTINGS)
    assert codes.dtype == np.int32
    assert codes.min() >= 0
    assert codes.max() < SETTINGS.codes
    decoded = decode(codes, streams, SETTINGS)
    assert decoded.dtype == np.int16
    assert decoded.tolist() == voices.tolist()


def test_what_is_held_after_something_else_begins():
    held = 2 + 2 * 5
    assert decode(np.array([held, held, 0, held, held + 2, held + 1], np.int32), 1, SETTINGS)[:, 0].tolist() == [
        53,
        -53,
        0,
        53,
        54,
        54,
    ]


def test_voices_are_told_apart():
    # The second voice holds what only the first one began.
    assert decode(np.array([25, 0, 26, 26], np.int32), 2, SETTINGS).tolist() == [[60, 0], [-60, 60]]


def test_featurize_adds_codes_and_says_what_they_are(tmp_path):
    other = random_voices(9, 2, 3)
    schema, rows = featurize(table(VOICES, other), SETTINGS)
    examples.write(tmp_path / "out.arrow", schema, rows)
    out = examples.read(tmp_path / "out.arrow")
    assert out["codes"].to_pylist() == [encode(VOICES, SETTINGS).tolist(), encode(other, SETTINGS).tolist()]
    assert out["clock"].to_pylist() == [list(range(20, 25)), list(range(20, 30))]  # and at the end
    made = {key.decode(): value.decode() for key, value in out.schema.metadata.items()}
    assert json.loads(made.pop("settings")) == {"lowest": 48, "highest": 72}
    assert made == {"featurizer": "notes", "codes": "51", "streams": "2", "clocks": str(CLOCKS)}


def test_a_pitch_without_a_code_is_named():
    strange = VOICES.copy()
    strange[1, 0] = -73
    with pytest.raises(UserError, match=r"^piece 1: pitch 73 lies outside 48 to 72: widen notes\.lowest"):
        list(featurize(table(VOICES, strange), SETTINGS)[1])


def test_settings_are_checked():
    with pytest.raises(UserError, match="notes: highest should be at least lowest, 60"):
        params.check(Notes, {"lowest": 60, "highest": 59}, "notes")
    with pytest.raises(UserError, match="lowest"):
        params.check(Notes, {"lowest": 0, "highest": 59}, "notes")

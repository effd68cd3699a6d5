import numpy as np
import pytest
import torch

from unroll.baselines import hold
from unroll.baselines.hold import Baseline, Settings
from unroll.patterns import language_model

TASK = language_model.Settings(window=8, carry=False)
# Codes of two pitches: 0 rest, 1 and 2 the lower one begins and goes on, 3 and 4 the higher.
UPPER, LOWER = [1, 2, 2, 3, 4, 0, 0, 3], [0, 0, 1, 2, 1, 2, 2, 2]
PIECE = np.column_stack([UPPER, LOWER])


@pytest.fixture
def fitted(coded):
    return Baseline.for_examples(coded([PIECE], 5), TASK, Settings("hold"), 0)


def told(baseline, codes, rows=1):
    """The probabilities (T K, V + 1) of the codes at each place of a piece (T, K), by writing it."""
    state, last, found = baseline.begin(rows), torch.full((rows,), baseline.start), []
    for code in [*codes.ravel(), 0]:
        scores, state = baseline.step(last, state)
        found.append(scores.exp())
        last = torch.full((rows,), int(code))
    return torch.stack(found, 1)


def test_what_goes_on_is_the_same_note_held():
    assert hold.going_on(np.arange(5)).tolist() == [0, 2, 2, 4, 4]


def test_the_share_that_goes_on_is_counted(fitted):
    first = told(fitted, PIECE)[0]
    # The upper voice goes on at 4 of the 7 places after a code; one is added on either side.
    assert first[2, 2].item() == pytest.approx(5 / 10)
    # What comes instead: 1, 3, 0, 3 and the end, each counted once more, and 2 and 4, which never came new.
    instead = torch.tensor([2, 2, 1, 3, 1, 2]) / 11
    assert first[0].tolist() == pytest.approx(instead.tolist())
    assert first[2, 3].item() == pytest.approx(5 / 10 * 3 / 10)


def test_every_distribution_sums_to_one(fitted):
    found = told(fitted, PIECE, rows=3)
    assert found.sum(2).numpy() == pytest.approx(1, abs=1e-5)
    assert (found[:, ::2] > 0).all()
    assert (found[:, 1::2, -1] == 0).all()  # only the first voice can end
    assert (found[:, 1::2, :-1] > 0).all()


def test_reading_agrees_with_writing(fitted, coded):
    (example,) = fitted.examples(coded([PIECE], 5))
    (reading,) = fitted.predict([example])
    found = told(fitted, PIECE)[0]
    expected = -found[torch.arange(16), torch.tensor(PIECE.ravel())].log()
    assert reading.nats[:-1].ravel() == pytest.approx(expected.numpy(), rel=1e-5)
    assert reading.nats[-1].tolist() == [pytest.approx(-found[16, 5].log().item(), rel=1e-5), 0]
    assert (reading.nats.dtype, reading.best.dtype) == (np.float32, np.int32)
    assert reading.best[1:, 1].tolist() == [0, 0, 2, 2, 2, 2, 2]


def test_transpositions_are_left_out(coded):
    own = coded([PIECE, PIECE[::-1]], 5)
    marked = own.append_column("transposition", [[0, 3]]).replace_schema_metadata(own.schema.metadata)
    alone = Baseline.for_examples(coded([PIECE], 5), TASK, Settings("hold"), 0)
    both = Baseline.for_examples(marked, TASK, Settings("hold"), 0)
    np.testing.assert_array_equal(both.table, alone.table)
    assert both.parameters == 2 * 6

import numpy as np
import pytest
import torch

from unroll.baselines.voice_counts import Baseline, Settings
from unroll.patterns import language_model

TASK = language_model.Settings(window=8, carry=False)
RNG = np.random.default_rng(0)
PIECES = [RNG.integers(0, 5, (steps, 3)) for steps in (7, 9, 4)]
CLOCKS = [np.arange(steps + 1) % 4 for steps in (7, 9, 4)]


def fit(table, novelty=1.0):
    return Baseline.for_examples(table, TASK, Settings("voice_counts", novelty=novelty), 0)


def told(baseline, codes, clock):
    """The probabilities (T K + 1, V + 1) of the codes at each place of a piece (T, K), by writing it."""
    state, last = baseline.begin(1, torch.from_numpy(clock)), torch.tensor([baseline.start])
    found = []
    for code in [*codes.ravel(), 0]:
        scores, state = baseline.step(last, state)
        found.append(scores[0].exp())
        last = torch.tensor([int(code)])
    return torch.stack(found)


def test_every_distribution_sums_to_one(coded):
    baseline = fit(coded(PIECES, 5, CLOCKS, 4), novelty=2.5)
    strange = RNG.integers(0, 5, (12, 3))
    for codes, clock in ((PIECES[0], CLOCKS[0]), (strange, np.arange(13) % 4)):
        found = told(baseline, codes, clock)
        assert found.sum(1).tolist() == pytest.approx([1] * len(found), abs=1e-5)
        assert (found[::3] > 0).all()  # nothing is impossible
        assert (found[1::3, :-1] > 0).all()
        assert (found[1::3, -1] == 0).all()  # only the first voice can end


def test_the_formula_by_hand(coded):
    # One voice: after the start comes 0, after 0 twice 1 and once 0, all at the clock 0; at the end comes the end.
    baseline = fit(coded([np.array([[0], [0], [1]]), np.array([[0], [1]])], 2, [np.zeros(4), np.zeros(3)], 1))
    empty = (np.array([3, 2, 2]) + 3 * np.ones(3) / 3) / (7 + 3)  # (): 0 came 3 times, 1 and the end twice
    after = (np.array([1, 2, 0]) + 2 * empty) / (3 + 2)  # (a), after 0
    timed = (np.array([1, 2, 0]) + 2 * after) / (3 + 2)  # (clock, a)
    fullest = (np.array([1, 2, 0]) + 2 * timed) / (3 + 2)
    found = told(baseline, np.array([[0]]), np.zeros(2, np.int64))[1]
    assert len(baseline.seen[0]) == 3
    assert found.tolist() == pytest.approx(timed.tolist(), rel=1e-5)
    assert found.tolist() != pytest.approx(fullest.tolist(), rel=1e-3)


def test_contexts_back_off_from_the_lowest_voice_on(coded):
    baseline = fit(coded(PIECES, 5, CLOCKS, 4))
    last, known, clock = np.array([1]), np.array([[2, 3]]), np.array([3])
    plain = [1 + 6 * 2 + 36 * 3, 1 + 6 * 2, 1]
    expected = [3 + 5 * plain[0], plain[0], plain[1], 3 + 5 * plain[2], plain[2], 0]
    assert [int(each[0]) for each in baseline._contexts(last, known, clock)] == expected


def test_a_voice_follows_those_above_it(coded):
    leads = RNG.integers(0, 4, (400, 1))
    table = coded([np.hstack([leads, 3 - leads])], 4)
    (reading,) = fit(table).predict(fit(table).examples(table))
    assert (reading.best[:, 1] == 3 - leads[:, 0]).all()
    assert reading.nats[:-1].mean(0)[1] < 0.3 < 1.2 < reading.nats[:-1].mean(0)[0]


def test_the_clock_tells_what_a_beat_brings(coded):
    beats = np.array([[1], [0], [0], [0]] * 50)
    table = coded([beats], 2, [np.arange(201) % 4], 4)
    (reading,) = fit(table).predict(fit(table).examples(table))
    assert (reading.best == beats).all()


def test_reading_agrees_with_writing(coded):
    table = coded(PIECES, 5, CLOCKS, 4)
    baseline = fit(table)
    reading = baseline.predict(baseline.examples(table))[1]
    found = told(baseline, PIECES[1], CLOCKS[1])
    expected = -found[torch.arange(27), torch.from_numpy(PIECES[1].ravel())].log()
    assert reading.nats[:-1].ravel() == pytest.approx(expected.numpy(), rel=1e-4)
    assert reading.nats[-1].tolist() == [pytest.approx(-found[27, 5].log().item(), rel=1e-4), 0, 0]


def test_the_clock_may_not_run_out(coded):
    baseline = fit(coded(PIECES, 5, CLOCKS, 4))
    state, last = baseline.begin(1, torch.zeros(1, dtype=torch.int)), torch.tensor([baseline.start])
    for _ in range(3):
        _, state = baseline.step(last, state)
        last = torch.tensor([0])
    with pytest.raises(IndexError):
        baseline.step(last, state)

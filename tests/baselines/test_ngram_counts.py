import math

import numpy as np
import pytest
import torch

from unroll.baselines.ngram_counts import Baseline, Settings
from unroll.decoding.ngram import NGram
from unroll.decoding.sampling import Sampling, sample
from unroll.patterns import language_model

TASK = language_model.Settings(window=8, carry=False)
TEXTS = [np.array([[code] for code in text]) for text in ([0, 1, 2, 0, 1, 2], [0, 1, 0, 1, 2], [2, 1, 0])]
VOICES = [np.array([[0, 2], [1, 2], [0, 1], [1, 0]]), np.array([[0, 1], [1, 1], [1, 2]])]


def test_one_stream_is_the_ngram_itself(coded):
    table = coded(TEXTS, 3)
    baseline = Baseline.for_examples(table, TASK, Settings("ngram_counts", order=3), 0)
    model = NGram.fit([text.ravel().tolist() for text in TEXTS], 3, 3)
    for example, reading in zip(baseline.examples(table), baseline.predict(baseline.examples(table)), strict=True):
        assert reading.nats.shape == (len(example.codes) + 1, 1)
        assert reading.nats.ravel() == pytest.approx(-model.log_probs(example.codes.ravel().tolist()).numpy(), rel=1e-6)
    assert baseline.parameters == model.log_prob.numel()


def test_the_best_code_is_the_one_counted_most(coded):
    table = coded([np.array([[0], [1]] * 9)], 3)
    baseline = Baseline.for_examples(table, TASK, Settings("ngram_counts", order=2), 0)
    (reading,) = baseline.predict(baseline.examples(table))
    assert reading.best.ravel().tolist() == [0, 1] * 9


def test_every_distribution_sums_to_one_in_every_stream(coded):
    baseline = Baseline.for_examples(coded(VOICES, 3), TASK, Settings("ngram_counts", order=3), 0)
    state, last = baseline.begin(2), torch.full((2,), baseline.start)
    for place, code in enumerate([0, 2, 1, 1, 2, 2, 0, 0, 1]):
        scores, state = baseline.step(last, state)
        assert scores.exp().sum(1).tolist() == pytest.approx([1, 1], abs=1e-5)
        assert torch.isfinite(scores[:, -1]).all() == (place % 2 == 0)
        last = torch.tensor([code, 2 - code])


def test_streams_know_nothing_of_each_other(coded):
    baseline = Baseline.for_examples(coded(VOICES, 3), TASK, Settings("ngram_counts", order=3), 0)
    other = [VOICES[0].copy()]
    other[0][:, 0] = 1 - other[0][:, 0]
    readings = [baseline.predict(baseline.examples(coded(each, 3)))[0] for each in (VOICES[:1], other)]
    np.testing.assert_array_equal(readings[0].nats[:, 1], readings[1].nats[:, 1])
    assert readings[0].nats[:, 0].tolist() != readings[1].nats[:, 0].tolist()
    assert all(reading.nats[-1, 1] == 0 for reading in readings)


def test_it_writes_what_it_counted(coded):
    table = coded([np.array([[0], [1], [2]])] * 60, 3)
    baseline = Baseline.for_examples(table, TASK, Settings("ngram_counts", order=2), 0)
    cold = Sampling(temperature=0.05, top_k=0, top_p=1.0, repetition=1.0)
    start = torch.full((4,), baseline.start)
    written = sample(baseline.step, baseline.begin(4), start, baseline.end, 9, cold, torch.Generator().manual_seed(0))
    (reading,) = baseline.predict(baseline.examples(table)[:1])
    assert [one.codes for one in written] == [[0, 1, 2]] * 4
    assert written[0].log_prob == pytest.approx(-float(reading.nats.sum()), rel=1e-5)
    assert math.exp(written[0].log_prob) > 0.85


def test_a_row_that_is_done_may_be_given_the_start_again(coded):
    baseline = Baseline.for_examples(coded(TEXTS, 3), TASK, Settings("ngram_counts", order=3), 0)
    _, state = baseline.step(torch.tensor([3, 3]), baseline.begin(2))
    scores, _ = baseline.step(torch.tensor([0, baseline.start]), state)
    assert torch.isfinite(scores).all()

from itertools import pairwise, product
from math import exp, log

import pytest
import torch
from torch.testing import assert_close

from unroll.decoding.crf import forbidden, log_partition, marginals, negative_log_likelihood, viterbi

LENGTHS = torch.tensor([4, 1, 3])
SIZE = 3


@pytest.fixture
def chain() -> tuple[torch.Tensor, torch.Tensor]:
    """Random emissions (3, 4, 3) and transitions (3, 3)."""
    generator = torch.Generator().manual_seed(0)
    emissions = torch.randn(3, 4, SIZE, generator=generator, dtype=torch.float64)
    return 2 * emissions, 2 * torch.randn(SIZE, SIZE, generator=generator, dtype=torch.float64)


def scores_of(emissions: torch.Tensor, transitions: torch.Tensor) -> dict[tuple[int, ...], float]:
    """The score of every label sequence of one row without padding, by the definition."""
    return {
        path: sum(emissions[step, label].item() for step, label in enumerate(path))
        + sum(transitions[before, after].item() for before, after in pairwise(path))
        for path in product(range(SIZE), repeat=len(emissions))
    }


def rows(chain: tuple[torch.Tensor, torch.Tensor]) -> list[dict[tuple[int, ...], float]]:
    emissions, transitions = chain
    return [scores_of(row[:length], transitions) for row, length in zip(emissions, LENGTHS, strict=True)]


def test_literally():
    """Two steps, two labels: only staying is rewarded."""
    emissions = torch.tensor([[[0.0, log(2)], [0.0, 0.0]]])
    transitions = torch.tensor([[log(3), 0.0], [0.0, log(3)]])
    lengths = torch.tensor([2])
    # 00: 3, 01: 1, 10: 2, 11: 2 * 3
    assert log_partition(emissions, transitions, lengths).item() == pytest.approx(log(12))
    assert viterbi(emissions, transitions, lengths).tolist() == [[1, 1]]
    assert_close(marginals(emissions, transitions, lengths), torch.tensor([[[4 / 12, 8 / 12], [5 / 12, 7 / 12]]]))
    for labels, probability in (([1, 0], 2 / 12), ([1, -1], 8 / 12), ([-1, 0], 5 / 12), ([-1, -1], 1)):
        loss = negative_log_likelihood(emissions, transitions, torch.tensor([labels]), lengths)
        assert loss.item() == pytest.approx(-log(probability), abs=1e-6)


def test_log_partition_sums_over_all_sequences(chain):
    expected = [log(sum(exp(score) for score in scores.values())) for scores in rows(chain)]
    assert log_partition(*chain, LENGTHS).tolist() == pytest.approx(expected)


def test_viterbi_finds_the_best_of_all_sequences(chain):
    for found, length, scores in zip(viterbi(*chain, LENGTHS).tolist(), LENGTHS.tolist(), rows(chain), strict=True):
        assert tuple(found[:length]) == max(scores, key=scores.get)
        assert found[length:] == [0] * (4 - length)


def test_marginals_are_the_share_of_the_sequences_through_a_label(chain):
    found = marginals(*chain, LENGTHS)
    for row, scores in enumerate(rows(chain)):
        total = sum(exp(score) for score in scores.values())
        for step, label in product(range(4), range(SIZE)):
            through = sum(exp(score) for path, score in scores.items() if path[step : step + 1] == (label,))
            assert found[row, step, label].item() == pytest.approx(through / total)


@pytest.mark.parametrize("labels", [(0, 1, 2, 2), (-1, 1, -1, 0), (2, -1, -1, -1), (-1, -1, -1, -1)])
def test_the_likelihood_sums_over_the_sequences_that_agree(chain, labels):
    losses = negative_log_likelihood(*chain, torch.tensor([labels] * 3), LENGTHS)
    for loss, scores in zip(losses.tolist(), rows(chain), strict=True):
        agreeing = [
            exp(score)
            for path, score in scores.items()
            if all(known in (-1, label) for label, known in zip(path, labels, strict=False))
        ]
        assert loss == pytest.approx(-log(sum(agreeing) / sum(map(exp, scores.values()))), abs=1e-9)


def test_padding_counts_for_nothing(chain):
    emissions, transitions = chain
    padding = torch.arange(4) >= LENGTHS[:, None]
    soiled = emissions.masked_fill(padding[..., None], 1e3)
    labels = torch.tensor([[0, 1, 2, 0], [1, 2, 2, 2], [2, 0, 1, 1]])
    for function in (log_partition, viterbi, marginals):
        assert_close(function(soiled, transitions, LENGTHS), function(emissions, transitions, LENGTHS))
    expected = negative_log_likelihood(emissions, transitions, labels, LENGTHS)
    changed = labels.masked_fill(padding, 0)
    assert_close(negative_log_likelihood(soiled, transitions, changed, LENGTHS), expected)


def test_gradients(chain):
    emissions, transitions = (each.requires_grad_() for each in chain)
    labels = torch.tensor([[0, 1, -1, 0], [1, -1, -1, -1], [-1, 0, 1, 0]])
    assert torch.autograd.gradcheck(lambda *each: log_partition(*each, LENGTHS), (emissions, transitions))
    assert torch.autograd.gradcheck(
        lambda *each: negative_log_likelihood(*each, labels, LENGTHS), (emissions, transitions)
    )


def test_long_rows_neither_overflow_nor_vanish():
    """A thousand steps of scores up to 100, of which every sequence has the same."""
    emissions = torch.full((1, 1000, SIZE), 100.0)
    lengths, transitions = torch.tensor([1000]), torch.zeros(SIZE, SIZE)
    total = log_partition(emissions, transitions, lengths).item()
    assert total == pytest.approx(1000 * (100 + log(SIZE)), rel=1e-5)
    assert_close(marginals(emissions, transitions, lengths), torch.full_like(emissions, 1 / SIZE), rtol=1e-3, atol=0)


def test_marginals_and_viterbi_leave_no_graph_behind(chain):
    emissions, transitions = (each.requires_grad_() for each in chain)
    assert not marginals(emissions, transitions, LENGTHS).requires_grad
    assert not viterbi(emissions, transitions, LENGTHS).requires_grad
    assert emissions.grad is None
    assert transitions.grad is None


def test_what_is_impossible_counts_for_nothing_and_breaks_nothing():
    """The second label cannot follow the first: of four sequences three are left."""
    emissions = torch.zeros(1, 2, 2, requires_grad=True)
    transitions, lengths = torch.tensor([[0.0, -1e4], [0.0, 0.0]], requires_grad=True), torch.tensor([2])
    assert log_partition(emissions, transitions, lengths).item() == pytest.approx(log(3))
    assert_close(marginals(emissions, transitions, lengths), torch.tensor([[[1 / 3, 2 / 3], [2 / 3, 1 / 3]]]))
    for labels in ([0, 0], [1, -1], [0, 1]):  # the last of which is impossible itself
        loss = negative_log_likelihood(emissions, transitions, torch.tensor([labels]), lengths)
        loss.sum().backward()
        assert 0 < loss.item() < 100
        assert emissions.grad.isfinite().all()
        assert transitions.grad.isfinite().all()


def test_what_the_names_of_spans_forbid():
    labels = ["O", "B-x", "I-x", "B-y", "I-y"]
    wrong = [(labels[i], labels[j]) for i, j in forbidden(labels).nonzero().tolist()]
    assert wrong == [("O", "I-x"), ("O", "I-y"), ("B-x", "I-y"), ("I-x", "I-y"), ("B-y", "I-x"), ("I-y", "I-x")]


@pytest.mark.parametrize(
    "labels", [["none", "+1", "-1"], ["H", "G", "I", "E", "B"], ["I-x", "O", "E-x"], ["B", "I", "O"]]
)
def test_other_names_forbid_nothing(labels):
    assert not forbidden(labels).any()

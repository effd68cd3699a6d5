from math import exp, tanh

import pytest
import torch
from torch.testing import assert_close

from unroll.layers.attention import Attention

SCORES = ["additive", "multiplicative"]
NOTHING = torch.zeros(1, 2, dtype=torch.bool)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def looked(attention: Attention, queries: torch.Tensor, memory: torch.Tensor, padding: torch.Tensor):
    return attention(queries, attention.keys(memory), memory, padding)


def filled(score: str, **weights: list[list[float]]) -> Attention:
    """An attention of two features with these weights, every bias zero."""
    attention = Attention(score, queries=2, memory=2)
    with torch.no_grad():
        for name, weight in attention.named_parameters():
            module, _, kind = name.partition(".")
            weight.copy_(torch.tensor(weights[module]) if kind == "weight" else torch.zeros_like(weight))
    return attention


def softmax(*scores: float) -> list[float]:
    total = sum(map(exp, scores))
    return [exp(score) / total for score in scores]


def test_multiplicative_is_a_softmax_of_products():
    attention = filled("multiplicative", keys=[[0.0, 1.0], [2.0, 0.0]])
    memory = torch.tensor([[[1.0, 3.0], [0.5, -1.0]]])  # whose keys are (3, 2) and (-1, 1)
    found, weights = looked(attention, torch.tensor([[[0.4, -0.1], [0.0, 0.0]]]), memory, NOTHING)
    first = softmax(0.4 * 3 - 0.1 * 2, -0.4 - 0.1)
    assert weights.tolist() == [[pytest.approx(first), [0.5, 0.5]]]
    mean = [first[0] * 1 + first[1] * 0.5, first[0] * 3 - first[1]]
    assert found.tolist() == [[pytest.approx(mean), [0.75, 1.0]]]


def test_additive_is_a_softmax_of_a_small_network():
    attention = filled("additive", keys=[[0.0, 1.0], [2.0, 0.0]], query=[[1.0, 1.0], [0.0, -3.0]], weigh=[[0.7, -2.0]])
    memory = torch.tensor([[[1.0, 3.0], [0.5, -1.0]]])
    found, weights = looked(attention, torch.tensor([[[0.4, -0.1]]]), memory, NOTHING)
    asked = (0.4 - 0.1, 0.3)
    scores = [0.7 * tanh(asked[0] + key[0]) - 2 * tanh(asked[1] + key[1]) for key in ((3, 2), (-1, 1))]
    expected = softmax(*scores)
    assert weights.tolist() == [[pytest.approx(expected)]]
    assert found.tolist() == [[pytest.approx([expected[0] + 0.5 * expected[1], 3 * expected[0] - expected[1]])]]


@pytest.mark.parametrize("score", SCORES)
def test_at_first_it_looks_along_the_diagonal(score):
    attention = Attention(score, queries=3, memory=5)
    keys, nothing = torch.zeros(1, 50, 3), torch.zeros(1, 50, dtype=torch.bool)
    _, weights = attention(torch.zeros(1, 2, 3), keys, torch.randn(1, 50, 5), nothing, first=10)
    assert weights.argmax(2).tolist() == [[10, 11]]
    assert_close(weights[0, 0, 7] / weights[0, 0, 10], torch.tensor(-3 * 0.2).exp())
    assert weights[0, 0, 31:].unique().numel() == 1  # farther than the bias reaches


@pytest.mark.parametrize("score", SCORES)
def test_weights_are_a_distribution_over_what_is_real(score):
    attention = Attention(score, queries=3, memory=5)
    padding = torch.arange(6) >= torch.tensor([6, 4, 1])[:, None]
    found, weights = looked(attention, torch.randn(3, 4, 3), torch.randn(3, 6, 5), padding)
    assert (found.shape, weights.shape) == ((3, 4, 5), (3, 4, 6))
    assert_close(weights.sum(2), torch.ones(3, 4))
    assert not weights.transpose(1, 2)[padding].any()
    assert (weights.transpose(1, 2)[~padding] > 0).all()
    assert weights[2, :, 0].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("score", SCORES)
def test_company_and_padding_change_nothing(score):
    attention = Attention(score, queries=3, memory=5)
    lengths, memory, queries = torch.tensor([6, 4, 1]), torch.randn(3, 6, 5), torch.randn(3, 4, 3)
    padding = torch.arange(6) >= lengths[:, None]
    found, weights = looked(attention, queries, memory, padding)
    soiled, _ = looked(attention, queries, memory.masked_fill(padding[..., None], 1e30), padding)
    assert_close(soiled, found, rtol=0, atol=0)
    for row, length in enumerate(lengths.tolist()):
        real = memory[row : row + 1, :length]
        alone, own = looked(attention, queries[row : row + 1], real, torch.zeros(1, length, dtype=torch.bool))
        assert_close(alone[0], found[row])
        assert_close(own[0], weights[row, :, :length])


@pytest.mark.parametrize("score", SCORES)
def test_queries_do_not_see_each_other(score):
    attention = Attention(score, queries=3, memory=5)
    queries, memory = torch.randn(1, 4, 3), torch.randn(1, 6, 5)
    padding = torch.arange(6)[None] >= 5
    found, weights = looked(attention, queries, memory, padding)
    for number, query in enumerate(queries.split(1, dim=1)):
        alone, own = attention(query, attention.keys(memory), memory, padding, first=number)
        assert_close(alone[:, 0], found[:, number])
        assert_close(own[:, 0], weights[:, number])


@pytest.mark.parametrize("score", SCORES)
def test_but_for_the_bias_the_order_of_the_memory_does_not_matter(score):
    attention = Attention(score, queries=3, memory=5)
    torch.nn.init.zeros_(attention.places)
    queries, memory, order = torch.randn(2, 4, 3), torch.randn(2, 6, 5), torch.randperm(6)
    padding = torch.arange(6) >= torch.tensor([6, 3])[:, None]
    found, weights = looked(attention, queries, memory, padding)
    again, moved = looked(attention, queries, memory[:, order], padding[:, order])
    assert_close(again, found)
    assert_close(moved, weights[:, :, order])


@pytest.mark.parametrize("score", SCORES)
def test_gradients(score):
    attention = Attention(score, queries=2, memory=3).double()
    queries = torch.randn(2, 2, 2, dtype=torch.double, requires_grad=True)
    memory = torch.randn(2, 4, 3, dtype=torch.double, requires_grad=True)
    padding = torch.arange(4) >= torch.tensor([4, 2])[:, None]
    torch.autograd.gradcheck(lambda *inputs: looked(attention, *inputs, padding), (queries, memory))
    found, _ = looked(attention, queries, memory, padding)
    found.square().sum().backward()
    assert all(weight.grad.abs().max() > 0 for weight in attention.parameters())
    assert not memory.grad[padding].any()

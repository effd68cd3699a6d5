import io
from math import exp, log

import pytest
import torch

from unroll.decoding.ngram import NGram

A, B, C = 0, 1, 2
CORPUS = [[A, B, A, B], [A, C], []]


def after(model: NGram, context: list[int]) -> list[float]:
    """The distribution over A, B, C and the end, at the start of a sequence that goes on with ``context``."""
    state = model.start
    for symbol in context:
        state = int(model.next_state[state, symbol])
    return model.log_prob[state].exp().tolist()


def test_unigrams_by_hand():
    # Nine outcomes: A three times, B twice, C once, end three times; four kinds, each one a quarter of the rest.
    model = NGram.fit(CORPUS, order=1, size=3)
    assert after(model, []) == pytest.approx([4 / 13, 3 / 13, 2 / 13, 4 / 13])
    assert after(model, [A, B, A]) == after(model, [])


def test_bigrams_by_hand():
    model = NGram.fit(CORPUS, order=2, size=3)
    # The start: A twice, end once. After A: B twice, C once. After B: A, end. After C: end.
    assert after(model, []) == pytest.approx([(2 + 8 / 13) / 5, (6 / 13) / 5, (4 / 13) / 5, (1 + 8 / 13) / 5])
    assert after(model, [A]) == pytest.approx([(8 / 13) / 5, (2 + 6 / 13) / 5, (1 + 4 / 13) / 5, (8 / 13) / 5])
    assert after(model, [B]) == pytest.approx([(1 + 8 / 13) / 4, (6 / 13) / 4, (4 / 13) / 4, (1 + 8 / 13) / 4])
    assert after(model, [C]) == pytest.approx([(4 / 13) / 2, (3 / 13) / 2, (2 / 13) / 2, (1 + 4 / 13) / 2])


def test_trigrams_tell_the_start_from_the_middle():
    model = NGram.fit(CORPUS, order=3, size=3)
    bigram = NGram.fit(CORPUS, order=2, size=3)
    # After (start, A): B once, C once. After (B, A): B once.
    p_b = (2 + 6 / 13) / 5
    assert after(model, [A])[B] == pytest.approx((1 + 2 * p_b) / 4)
    assert after(model, [A, B, A])[B] == pytest.approx((1 + p_b) / 2)
    # (C, B) never occurred: what is known after B holds.
    assert after(model, [A, C, B]) == after(bigram, [B])


def test_score_sums_every_symbol_and_the_end():
    model = NGram.fit(CORPUS, order=2, size=3)
    expected = log((2 + 8 / 13) / 5) + log((1 + 4 / 13) / 5) + log((1 + 4 / 13) / 2)
    assert model.score([A, C]) == pytest.approx(expected, rel=1e-6)
    assert model.log_probs([A, C]).sum().item() == pytest.approx(expected, rel=1e-6)
    assert exp(model.score([])) == pytest.approx((1 + 8 / 13) / 5)


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_every_state_is_a_distribution_and_leads_to_a_state(order):
    generator = torch.Generator().manual_seed(order)
    corpus = [torch.randint(5, (n,), generator=generator).tolist() for n in (0, 1, 2, 40, 90)]
    model = NGram.fit(corpus, order, size=6)
    assert model.log_prob.shape == (len(model.next_state), 7)
    assert torch.allclose(model.log_prob.double().exp().sum(1), torch.ones(len(model.log_prob)).double(), atol=1e-6)
    assert model.next_state.min() >= 0
    assert model.next_state.max() < len(model.next_state)


def test_agrees_with_the_recursion_written_out():
    corpus = [[0, 1, 0, 1, 2, 0, 1], [1, 1, 0, 2], [2]]
    order, size, end, start = 4, 4, 4, 5
    padded = [[start, *sequence, end] for sequence in corpus]

    def p(symbol: int, context: list[int]) -> float:
        shorter = p(symbol, context[1:]) if context else 1 / (size + 1)
        follows = [
            sequence[i]
            for sequence in padded
            for i in range(max(1, len(context)), len(sequence))
            if sequence[i - len(context) : i] == context
        ]
        kinds = len(set(follows))
        return (follows.count(symbol) + kinds * shorter) / (len(follows) + kinds) if follows else shorter

    model = NGram.fit(corpus, order, size)
    for sequence in [[0, 1, 2, 0], [3, 3, 1, 0, 1], [1, 1, 1, 1, 0], [2, 0, 1, 0, 1, 2, 0, 1]]:
        history = [start, *sequence]
        expected = [log(p(symbol, history[: i + 1][-(order - 1) :])) for i, symbol in enumerate([*sequence, end])]
        assert model.log_probs(sequence).tolist() == pytest.approx(expected, rel=1e-5)


def test_prefers_what_it_was_fitted_on():
    text = list(b"the cat sat on the mat. the dog sat on the log. " * 4)
    model = NGram.fit([text], order=5, size=256)
    assert model.score(list(b"the cat sat on the log. ")) > model.score(list(b"eht tac tas no eht gol. ")) + 50


def test_survives_a_file_of_plain_tensors():
    model = NGram.fit(CORPUS, order=3, size=3)
    file = io.BytesIO()
    torch.save(model.tensors(), file)
    file.seek(0)
    again = NGram.from_tensors(torch.load(file, weights_only=True))
    assert again.start == model.start
    assert again.size == 3
    assert torch.equal(again.log_probs([A, B, C, C]), model.log_probs([A, B, C, C]))


def test_refuses_symbols_out_of_range_and_an_empty_corpus():
    with pytest.raises(ValueError, match="between 0 and 2: found 1 to 3"):
        NGram.fit([[0], [1, 3]], order=2, size=3)
    with pytest.raises(ValueError, match="between 0 and 2: found -1 to 0"):
        NGram.fit([[-1, 0]], order=2, size=3)
    with pytest.raises(ValueError, match="at least one sequence"):
        NGram.fit([], order=2, size=3)

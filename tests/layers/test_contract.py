"""The contract of ``unroll.layers.contract``, held by every layer and by stacks of them."""

import pytest
import torch
from torch.testing import assert_close

from unroll.layers.gru import Gru
from unroll.layers.lstm import Lstm
from unroll.layers.mingru import MinGru, MinGruBlock
from unroll.layers.rnn import Rnn
from unroll.layers.stack import Stack
from unroll.params import Recurrent

BATCH, STEPS, INPUTS, HIDDEN = 4, 9, 3, 5
LENGTHS = torch.tensor([9, 1, 6, 4])
GARBAGE = (1e9, -1e9, float("nan"), float("inf"))


def one_direction(kind: str) -> Stack:
    return Stack(Recurrent(layer=kind, hidden=HIDDEN, layers=2, bidirectional=False, dropout=0.3), INPUTS)


def both_directions(kind: str) -> Stack:
    return Stack(Recurrent(layer=kind, hidden=HIDDEN, layers=2, bidirectional=True, dropout=0.3), INPUTS)


STREAMING = {
    **{kind.__name__: lambda kind=kind: kind(INPUTS, HIDDEN) for kind in (Rnn, Lstm, Gru, MinGru, MinGruBlock)},
    **{f"Stack of {kind}": lambda kind=kind: one_direction(kind) for kind in ("rnn", "lstm", "gru", "mingru")},
}
WHOLE = {
    f"two-way stack of {kind}": lambda kind=kind: both_directions(kind) for kind in ("rnn", "lstm", "gru", "mingru")
}


@pytest.fixture(params=STREAMING)
def layer(request):
    """A layer in double precision, so that equal means equal but for the order of sums."""
    torch.manual_seed(0)
    return STREAMING[request.param]().double().eval()


@pytest.fixture(params=[*STREAMING, *WHOLE])
def any_layer(request):
    torch.manual_seed(0)
    return (STREAMING | WHOLE)[request.param]().double().eval()


@pytest.fixture
def x():
    return torch.randn(BATCH, STEPS, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.double)


def random_state(layer):
    """A state that no layer starts with."""
    return scrambled(layer.init_state(BATCH), torch.Generator().manual_seed(2))


def scrambled(state, generator):
    if isinstance(state, torch.Tensor):
        return torch.randn(state.shape, generator=generator, dtype=state.dtype) * 2
    parts = [scrambled(part, generator) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def tensors(state):
    """The tensors of a state, however it is nested."""
    return [state] if isinstance(state, torch.Tensor) else [t for part in state for t in tensors(part)]


def padded_with(x, garbage):
    padding = torch.arange(x.shape[1]) >= LENGTHS[:, None]
    return x.masked_fill(padding[..., None], garbage)


def test_shapes(layer, x):
    y, state = layer(x, LENGTHS)
    assert y.shape == (BATCH, STEPS, HIDDEN)
    assert layer.outputs == HIDDEN
    assert {tuple(t.shape) for t in tensors(state)} == {(BATCH, HIDDEN)}
    assert all(t.count_nonzero() == 0 for t in tensors(layer.init_state(BATCH)))


def test_no_state_means_the_initial_state(layer, x):
    y, state = layer(x, LENGTHS)
    again, state_again = layer(x, LENGTHS, layer.init_state(BATCH))
    assert_close((y, tensors(state)), (again, tensors(state_again)), rtol=0, atol=0)


def test_step_by_step_equals_whole(layer, x):
    whole, end = layer(x, torch.full((BATCH,), STEPS), random_state(layer))
    state, outputs = random_state(layer), []
    for x_t in x.unbind(1):
        y_t, state = layer.step(x_t, state)
        outputs.append(y_t)
    assert_close(torch.stack(outputs, 1), whole)
    assert_close(tensors(state), tensors(end))


@pytest.mark.parametrize("cut", [1, 4, 8])
def test_ragged_chunks_equal_whole(layer, x, cut):
    whole, end = layer(x, LENGTHS, random_state(layer))
    first, state = layer(x[:, :cut], LENGTHS.clamp(max=cut), random_state(layer))
    second, state = layer(x[:, cut:], (LENGTHS - cut).clamp(min=0), state)
    assert_close(torch.cat((first, second), 1), whole)
    assert_close(tensors(state), tensors(end))


def test_each_row_ends_in_the_state_it_has_alone(layer, x):
    before = random_state(layer)
    _, together = layer(padded_with(x, 1e9), LENGTHS, before)
    for row, length in enumerate(LENGTHS.tolist()):
        _, alone = layer(x[:, :length], torch.full((BATCH,), length), before)
        assert_close([t[row] for t in tensors(together)], [t[row] for t in tensors(alone)])


def test_rows_of_length_zero_keep_their_state_bit_for_bit(layer, x):
    before = random_state(layer)
    y, after = layer(x, torch.zeros(BATCH, dtype=torch.long), before)
    assert y.count_nonzero() == 0
    assert_close(tensors(after), tensors(before), rtol=0, atol=0)


def test_a_row_of_length_zero_among_others(layer, x):
    before = random_state(layer)
    _, after = layer(x, torch.tensor([9, 0, 6, 4]), before)
    assert_close([t[1] for t in tensors(after)], [t[1] for t in tensors(before)], rtol=0, atol=0)
    assert all((t[0] != s[0]).all() for t, s in zip(tensors(after), tensors(before), strict=True))


@pytest.mark.parametrize("garbage", GARBAGE)
def test_padding_changes_no_output_and_no_state(any_layer, x, garbage):
    y, state = any_layer(padded_with(x, 0.0), LENGTHS)
    with_garbage, state_with_garbage = any_layer(padded_with(x, garbage), LENGTHS)
    assert_close(with_garbage, y, rtol=0, atol=0)
    assert_close(tensors(state_with_garbage), tensors(state), rtol=0, atol=0)


def test_more_padding_changes_nothing(any_layer, x):
    y, state = any_layer(x, LENGTHS)
    longer = torch.cat((x, torch.full((BATCH, 7, INPUTS), 1e9, dtype=x.dtype)), 1)
    y_longer, state_longer = any_layer(longer, LENGTHS)
    assert_close(y_longer[:, :STEPS], y)
    assert_close(tensors(state_longer), tensors(state))
    assert y_longer[:, STEPS:].count_nonzero() == 0


def test_outputs_of_padding_are_zero_and_of_steps_are_not(any_layer, x):
    y, _ = any_layer(x, LENGTHS)
    real = torch.arange(STEPS) < LENGTHS[:, None]
    assert (y[~real] == 0).all()
    assert (y[real] != 0).all()


@pytest.mark.parametrize("garbage", GARBAGE)
def test_gradients_do_not_depend_on_padding(any_layer, x, garbage):
    def gradients(x):
        any_layer.zero_grad()
        x = x.requires_grad_()
        y, state = any_layer(x, LENGTHS)
        (y.square().sum() + sum(t.sin().sum() for t in tensors(state))).backward()
        return [x.grad, *(p.grad for p in any_layer.parameters())]

    clean = [g.clone() for g in gradients(padded_with(x, 0.0))]
    assert_close(gradients(padded_with(x, garbage)), clean, rtol=0, atol=0)
    assert all(g.count_nonzero() > 0 for g in clean)
    padding = torch.arange(STEPS) >= LENGTHS[:, None]
    assert clean[0][padding].count_nonzero() == 0


def test_gradients_of_a_padded_batch_are_the_sum_of_its_rows_gradients(layer, x):
    def gradients(rows):
        layer.zero_grad()
        for row, length in rows:
            y, state = layer(row, length)
            (y.square().sum() + sum(t.sin().sum() for t in tensors(state))).backward()
        return [p.grad.clone() for p in layer.parameters()]

    alone = [(x[i : i + 1, :length], torch.tensor([length])) for i, length in enumerate(LENGTHS.tolist())]
    assert_close(gradients([(x, LENGTHS)]), gradients(alone))


def test_gradients_flow_through_the_state(layer, x):
    def loss(*parts):
        before = rebuilt(layer.init_state(BATCH), iter(parts))
        y, after = layer(x, LENGTHS, before)
        return y.sum() + sum(t.sin().sum() for t in tensors(after))

    parts = [t.requires_grad_() for t in tensors(random_state(layer))]
    assert torch.autograd.gradcheck(loss, parts)


def rebuilt(state, parts):
    """A state of the same form, made of the next of ``parts``."""
    if isinstance(state, torch.Tensor):
        return next(parts)
    inner = [rebuilt(part, parts) for part in state]
    return type(state)(*inner) if hasattr(state, "_fields") else tuple(inner)

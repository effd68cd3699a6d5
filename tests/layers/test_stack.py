import pytest
import torch
from torch.testing import assert_close

from unroll.layers.lstm import Lstm, LstmState
from unroll.layers.stack import Stack
from unroll.params import Recurrent

LENGTHS = torch.tensor([6, 3])


def stack(*, layer="lstm", layers=2, bidirectional=False, dropout=0.0):
    torch.manual_seed(0)
    return Stack(Recurrent(layer, 4, layers, bidirectional, dropout), inputs=3)


def test_one_level_is_the_layer_itself():
    one = stack(layers=1)
    lstm = Lstm(3, 4)
    lstm.load_state_dict(one.levels[0].state_dict())
    x = torch.randn(2, 6, 3)
    assert_close(one(x, LENGTHS)[0], lstm(x, LENGTHS)[0], rtol=0, atol=0)


def test_levels_feed_each_other():
    two = stack()
    x = torch.randn(2, 6, 3)
    middle, first = two.levels[0](x, LENGTHS)
    expected, second = two.levels[1](middle, LENGTHS)
    y, state = two(x, LENGTHS)
    assert_close(y, expected, rtol=0, atol=0)
    assert isinstance(state[0], LstmState)
    assert_close(state, (first, second), rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru", "mingru"])
def test_outputs_is_the_width_of_the_output(kind):
    x = torch.randn(2, 6, 3)
    for bidirectional, width in ((False, 4), (True, 8)):
        built = stack(layer=kind, bidirectional=bidirectional)
        assert built.outputs == width
        assert built(x, LENGTHS)[0].shape == (2, 6, width)


def test_the_backward_half_is_the_forward_layer_on_the_reversed_row():
    both = stack(layers=1, bidirectional=True)
    level = both.levels[0]
    level.back.load_state_dict(level.ahead.state_dict())
    row = torch.randn(1, 3, 3)
    padded = torch.cat((row, torch.full((1, 2, 3), 5.0)), 1)
    y, _ = both(padded, torch.tensor([3]))
    expected, _ = level.ahead(row.flip(1), torch.tensor([3]))
    assert_close(y[:, :3, 4:], expected.flip(1))


def test_dropout_falls_between_levels_only_and_only_in_training():
    x = torch.randn(2, 6, 3)
    assert_close(stack(layers=1, dropout=0.5)(x, LENGTHS)[0], stack(layers=1)(x, LENGTHS)[0], rtol=0, atol=0)
    assert_close(stack(dropout=0.5).eval()(x, LENGTHS)[0], stack()(x, LENGTHS)[0], rtol=0, atol=0)
    trained = stack(dropout=0.5)(x, LENGTHS)[0]
    assert (trained != stack()(x, LENGTHS)[0])[0].any()
    assert (trained[0] != 0).all()


def test_locked_dropout_falls_on_the_input_of_every_level():
    locked, read = Stack(Recurrent("lstm", 30, 2, False, 0.0), inputs=30, locked=0.5), []
    for level in locked.levels:
        level.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    torch.manual_seed(0)
    x = torch.randn(2, 6, 30)
    locked(x, torch.tensor([6, 6]))
    for given in read:
        zero = given == 0
        assert zero.any()
        assert torch.equal(zero, zero[:, :1].expand_as(zero))
    locked.eval()(x, LENGTHS)
    assert_close(read[2], x, rtol=0, atol=0)


def test_a_bidirectional_stack_refuses_to_stream():
    both = stack(bidirectional=True)
    x = torch.randn(2, 6, 3)
    _, state = both(x, LENGTHS)
    for use in (
        lambda: both.init_state(2),
        lambda: both.step(x[:, 0], state),
        lambda: both(x, LENGTHS, state),
    ):
        with pytest.raises(ValueError, match="no state to stream"):
            use()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_without_levels_it_is_the_identity_on_what_is_real(bidirectional):
    nothing = stack(layers=0, bidirectional=bidirectional)
    x = torch.randn(2, 6, 3)
    y, state = nothing(x, LENGTHS)
    assert nothing.outputs == 3
    assert_close(y[0], x[0], rtol=0, atol=0)
    assert_close(y[1, :3], x[1, :3], rtol=0, atol=0)
    assert not y[1, 3:].any()
    found, after = nothing.step(x[:, 0], nothing.init_state(2))
    assert_close(found, x[:, 0], rtol=0, atol=0)
    assert state == after == ()

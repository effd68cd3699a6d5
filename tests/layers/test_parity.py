"""Our layers with the weights of torch's own give what torch's give."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.testing import assert_close

from unroll.layers.gru import Gru
from unroll.layers.lstm import Lstm
from unroll.layers.rnn import Rnn
from unroll.layers.stack import Stack
from unroll.params import Recurrent

PEERS = [(Rnn, nn.RNN), (Lstm, nn.LSTM), (Gru, nn.GRU)]
LENGTHS = torch.tensor([5, 12, 1, 7])
EXACT = {"rtol": 0, "atol": 1e-6}


@pytest.fixture
def x():
    return torch.randn(4, 12, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("ours", "theirs"), PEERS)
def test_forward_step_and_gradients_equal_torch(ours, theirs, x):
    torch.manual_seed(0)
    peer = theirs(6, 8, batch_first=True)
    layer = ours(6, 8)
    layer.kernel.load_state_dict(peer.state_dict())
    expected, end = peer(x)
    y, state = layer(x, torch.full((4,), 12))
    ends = end if isinstance(end, tuple) else (end,)
    assert_close(y, expected, **EXACT)
    assert_close(tuple(state), tuple(t[0] for t in ends), **EXACT)

    y.square().mean().backward()
    expected.square().mean().backward()
    for name, weight in peer.named_parameters():
        assert_close(getattr(layer.kernel, name).grad, weight.grad, **EXACT)

    y_0, _ = layer.step(x[:, 0], layer.init_state(4))
    assert_close(y_0, expected[:, 0], **EXACT)


@pytest.mark.parametrize(("kind", "theirs"), [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)])
def test_a_two_way_stack_equals_torch_on_packed_sequences(kind, theirs, x):
    torch.manual_seed(0)
    peer = theirs(6, 8, num_layers=2, bidirectional=True, batch_first=True)
    stack = Stack(Recurrent(layer=kind, hidden=8, layers=2, bidirectional=True, dropout=0.0), 6)
    for depth, level in enumerate(stack.levels):
        for direction, suffix in ((level.ahead, f"l{depth}"), (level.back, f"l{depth}_reverse")):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                getattr(direction.kernel, f"{name}_l0").data.copy_(getattr(peer, f"{name}_{suffix}"))

    packed, _ = peer(pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False))
    expected, _ = pad_packed_sequence(packed, batch_first=True)
    y, _ = stack(x, LENGTHS)
    assert_close(y, expected, **EXACT)

import torch
from torch.testing import assert_close

from unroll.layers.contract import Hidden
from unroll.layers.mingru import MinGru, MinGruBlock


def with_weights(layer, *, update, candidate):
    """``layer``, of one feature and one state, with the weights that its gate and its candidate give the input."""
    with torch.no_grad():
        layer.project.weight.copy_(torch.tensor([[update], [candidate]]))
    return layer


def test_literal_values():
    layer = with_weights(MinGru(1, 1), update=0.0, candidate=2.0)  # z = 1/2, n = 2 x
    y, state = layer(torch.tensor([[[1.0], [3.0], [-2.0]]]), torch.tensor([3]), Hidden(torch.tensor([[4.0]])))
    assert y.flatten().tolist() == [3.0, 4.5, 0.25]
    assert state.h.item() == 0.25


def test_the_update_gate_lets_the_candidate_in():
    layer = with_weights(MinGru(1, 1), update=1000.0, candidate=2.0)
    y, _ = layer(torch.tensor([[[1.0], [-1.0], [3.0]]]), torch.tensor([3]))
    assert y.flatten().tolist() == [2.0, 2.0, 6.0]  # open, shut, open


def test_a_block_gates_the_normalised_state_and_passes_the_state_on_bare():
    block = with_weights(MinGruBlock(1, 1), update=0.0, candidate=2.0)
    torch.nn.init.constant_(block.gate.weight, 100.0)  # GELU(100 x) is 100 x above zero, 0 below
    y, state = block(torch.tensor([[[1.0], [3.0], [-2.0]]]), torch.tensor([3]), Hidden(torch.tensor([[4.0]])))
    assert_close(y.flatten(), torch.tensor([100.0, 300.0, 0.0]))  # RMSNorm of a single positive number is 1
    assert state.h.item() == 0.25

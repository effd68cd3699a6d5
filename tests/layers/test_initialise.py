import math

import pytest
import torch
from torch.testing import assert_close

from unroll.layers.gru import Gru
from unroll.layers.lstm import Lstm
from unroll.layers.mingru import MinGru
from unroll.layers.rnn import Rnn

INPUTS, HIDDEN = 30, 20
GLOROT = math.sqrt(6 / (INPUTS + HIDDEN))


@pytest.mark.parametrize(("layer", "gates"), [(Rnn, 1), (Lstm, 4), (Gru, 3)])
def test_every_gate_starts_orthogonal_and_glorot(layer, gates):
    torch.manual_seed(0)
    kernel = layer(INPUTS, HIDDEN).kernel
    recurrent = kernel.weight_hh_l0.detach().view(gates, HIDDEN, HIDDEN)
    assert_close(recurrent @ recurrent.mT, torch.eye(HIDDEN).expand(gates, HIDDEN, HIDDEN), rtol=0, atol=1e-5)
    for gate in kernel.weight_ih_l0.detach().split(HIDDEN):
        assert 0.9 * GLOROT < gate.abs().max() <= GLOROT
    assert kernel.bias_hh_l0.count_nonzero() == 0


def test_biases_are_zero_but_the_forget_gates():
    assert Rnn(3, 2).kernel.bias_ih_l0.tolist() == [0, 0]
    assert Gru(3, 2).kernel.bias_ih_l0.tolist() == [0, 0, 0, 0, 0, 0]
    assert Lstm(3, 2).kernel.bias_ih_l0.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


def test_mingru_starts_glorot():
    torch.manual_seed(0)
    project = MinGru(INPUTS, HIDDEN).project
    for gate in project.weight.detach().split(HIDDEN):
        assert 0.9 * GLOROT < gate.abs().max() <= GLOROT
    assert project.bias.count_nonzero() == 0

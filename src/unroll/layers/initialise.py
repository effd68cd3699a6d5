"""How recurrent weights start."""

from torch import nn


def initialise(rnn: nn.RNNBase) -> None:
    """Starts the weights of a one-layer ``rnn`` in place, gate by gate.

    Recurrent weights are orthogonal, so that a state is neither stretched nor shrunk by them (Saxe, McClelland and
    Ganguli 2014, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"); input
    weights are uniform with the variance of Glorot and Bengio 2010; biases are zero.
    """
    for gate in rnn.weight_hh_l0.split(rnn.hidden_size):
        nn.init.orthogonal_(gate)
    for gate in rnn.weight_ih_l0.split(rnn.hidden_size):
        nn.init.xavier_uniform_(gate)
    nn.init.zeros_(rnn.bias_hh_l0)
    nn.init.zeros_(rnn.bias_ih_l0)

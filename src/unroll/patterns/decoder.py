"""What a source was read as → a text, symbol by symbol: the half of the translator that writes."""

from dataclasses import replace
from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from unroll.decoding.writing import Step
from unroll.layers.attention import Attention
from unroll.layers.contract import find_padding
from unroll.layers.stack import Stack
from unroll.params import Recurrent
from unroll.patterns.pooling import Pooling


class Memory(NamedTuple):
    """A batch of sources as the decoder sees them: all of their steps, and a summary."""

    steps: Float[Tensor, "B S M"]
    keys: Float[Tensor, "B S H"] | None
    padding: Bool[Tensor, "B S"]
    summary: Float[Tensor, "B M"]


class Writing(NamedTuple):
    """Between two symbols of N rows: the layers' state, the last attentional vector, and how many were written."""

    layers: tuple
    attended: Float[Tensor, "N E"]
    written: int


class Decoder(nn.Module):
    """Recurrent layers over what is written, which look into the memory of what was read at every step.

    With the attention of Luong et al. 2015: from the layers' output and what it attends to comes an attentional vector
    (their equation 5), from that the scores. The first input is the summary of the source in place of a start symbol;
    it works for every kind of layer alike. Without attention, the summary is an input at every step, as in Cho et al.
    2014.

    Arguments:
        recurrent: the layers, of which one direction is used.
        embedding: of the symbols that are written, ``V``, the last one of which is the end.
        memory: features of a step of what was read, ``M``.
        both_ways: whether the second half of these was read backward.
        attention: how it looks back.
        input_feeding: whether the last attentional vector is an input, too.
        tied: whether the scores use the embeddings.
    """

    def __init__(
        self,
        recurrent: Recurrent,
        embedding: nn.Embedding,
        memory: int,
        both_ways: bool,
        attention: Literal["none", "additive", "multiplicative"],
        input_feeding: bool,
        tied: bool,
    ) -> None:
        super().__init__()
        self.input_feeding = input_feeding
        self.embedding, width = embedding, embedding.embedding_dim
        self.summary = Pooling(["final"], memory, both_ways)
        self.bridge = nn.Linear(memory, width)
        looks = attention != "none"
        inputs = width + (width if input_feeding else 0) + (0 if looks else memory)
        self.layers = Stack(replace(recurrent, bidirectional=False), inputs)
        self.attention = Attention(attention, self.layers.outputs, memory) if looks else None
        self.attentional = nn.Linear(self.layers.outputs + memory, width)
        self.output = nn.Linear(width, embedding.num_embeddings)
        if tied:
            self.output.weight = embedding.weight
        self.dropout = nn.Dropout(recurrent.dropout)

    def remember(self, steps: Float[Tensor, "B S M"], lengths: Int[Tensor, "B"], stride: int = 1) -> Memory:
        """The memory of what was read: the first ``lengths[i]`` steps of row ``i``, every ``stride``-th of them."""
        summary = self.summary(steps, lengths)
        steps, lengths = steps[:, ::stride], (lengths + stride - 1) // stride
        keys = self.attention.keys(steps) if self.attention else None
        return Memory(steps, keys, find_padding(lengths, steps.shape[1]), summary)

    def forward(
        self, memory: Memory, target: Int[Tensor, "B T"], lengths: Int[Tensor, "B"]
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T S"] | None]:
        """The attentional vectors of targets that are known, and where each symbol looked.

        All at once, unless each of them is fed to the next.
        """
        embedded = torch.cat((self.bridge(memory.summary)[:, None], self.embedding(target[:, :-1])), 1)
        embedded = self.dropout(embedded)
        if self.input_feeding:
            return self._step_by_step(embedded, memory)
        hidden, _ = self.layers(self._inputs(embedded, memory, None), lengths)
        return self._attended(hidden, memory)

    def scores(self, attended: Float[Tensor, "N E"]) -> Float[Tensor, "N V"]:
        """The score of each symbol, any number."""
        return self.output(self.dropout(attended))

    def begin(self, rows: int) -> Writing:
        """Before the first symbol of so many rows."""
        weight = self.output.weight
        return Writing(self.layers.init_state(rows), weight.new_zeros(rows, weight.shape[1]), 0)

    def step(self, memory: Memory, width: int) -> Step:
        """How to write from a memory each row of which is shared by ``width`` rows that are written."""
        memory = Memory(*(None if part is None else part.repeat_interleave(width, 0) for part in memory))

        def step(codes: Int[Tensor, "N"], state: Writing) -> tuple[Float[Tensor, "N V"], Writing]:
            embedded = self.embedding(codes) if state.written else self.bridge(memory.summary)
            inputs = self._inputs(embedded[:, None], memory, state.attended[:, None])
            hidden, layers = self.layers.step(inputs[:, 0], state.layers)
            attended, _ = self._attended(hidden[:, None], memory, state.written)
            return self.output(attended[:, 0]), Writing(layers, attended[:, 0], state.written + 1)

        return step

    def _attended(
        self, hidden: Float[Tensor, "B T H"], memory: Memory, first: int = 0
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T S"] | None]:
        """The attentional vectors of the layers' outputs, and where these looked."""
        if self.attention is None:
            found, weights = memory.summary[:, None].expand(-1, hidden.shape[1], -1), None
        else:
            found, weights = self.attention(hidden, memory.keys, memory.steps, memory.padding, first)
        return torch.tanh(self.attentional(torch.cat((hidden, found), 2))), weights

    def _inputs(
        self, embedded: Float[Tensor, "B T E"], memory: Memory, attended: Float[Tensor, "B T E"] | None
    ) -> Float[Tensor, "B T D"]:
        """What the layers read: symbols, what was attended to before, and without attention the summary."""
        summary = [memory.summary[:, None].expand(-1, embedded.shape[1], -1)] if self.attention is None else []
        fed = [attended] if self.input_feeding else []
        return torch.cat((embedded, *fed, *summary), 2)

    def _step_by_step(
        self, embedded: Float[Tensor, "B T E"], memory: Memory
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T S"] | None]:
        """The attentional vectors, each of which is an input of the next step, and where they looked."""
        state = self.layers.init_state(len(embedded))
        attended, all_attended, all_weights = torch.zeros_like(embedded[:, :1]), [], []
        for place, symbol in enumerate(embedded.unbind(1)):
            inputs = self._inputs(symbol[:, None], memory, self.dropout(attended))
            hidden, state = self.layers.step(inputs[:, 0], state)
            attended, weights = self._attended(hidden[:, None], memory, place)
            all_attended.append(attended)
            all_weights.append(weights)
        return torch.cat(all_attended, 1), None if self.attention is None else torch.cat(all_weights, 1)

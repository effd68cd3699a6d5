"""Symbol n-gram language models with interpolated Witten–Bell smoothing, compiled to an automaton.

Witten & Bell (1991), "The zero-frequency problem", method C, in the interpolated form of Chen & Goodman (1998),
"An empirical study of smoothing techniques for language modeling", section 2.5. For a context ``h`` seen ``n(h)``
times, followed by ``k(h)`` different symbols, with ``h'`` the context without its oldest symbol:

    p(c | h) = (n(h c) + k(h) p(c | h')) / (n(h) + k(h))

The empty context interpolates with the uniform distribution over all symbols and the end, so no probability is
zero. Every sequence begins with a silent start, which a context may reach back to, and ends with an end symbol.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from unroll.decoding.contexts import Contexts, contexts_of


@dataclass(frozen=True, eq=False)
class NGram:
    """A deterministic automaton whose ``S`` states are the contexts seen in training, over ``V`` symbols.

    From a state, the symbol ``c`` has the natural log probability ``log_prob[state, c]`` and leads to
    ``next_state[state, c]``, the longest known context that ends in it. The last column of ``log_prob`` is the
    end of the sequence. ``start`` is the state before the first symbol. The tables are dense: meant for
    characters, notes or bases, not for words.
    """

    next_state: Int[Tensor, "S V"]
    log_prob: Float[Tensor, "S V+1"]
    start: int

    @property
    def size(self) -> int:
        """The number of symbols ``V``, the end not counted."""
        return self.next_state.shape[1]

    @classmethod
    def fit(cls, sequences: Iterable[Sequence[int]], order: int, size: int) -> "NGram":
        """Counts n-grams of up to ``order`` symbols in sequences of symbols ``0 ... size - 1``.

        Raises ValueError when a symbol is out of range or there is no sequence.
        """
        contexts = contexts_of(sequences, order, size)
        start = contexts.of_length[min(1, order - 1)][0]
        return cls(torch.from_numpy(_moves(contexts)), torch.from_numpy(_log_probs(contexts)), int(start))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "NGram":
        """The model that :meth:`tensors` took apart."""
        return cls(tensors["next_state"], tensors["log_prob"], int(tensors["start"]))

    def tensors(self) -> dict[str, Tensor]:
        """The model as plain tensors, for ``torch.save`` and ``torch.load(weights_only=True)``."""
        return {"next_state": self.next_state, "log_prob": self.log_prob, "start": torch.tensor(self.start)}

    def to(self, device: torch.device) -> "NGram":
        """The model with its tables on ``device``."""
        return NGram(self.next_state.to(device), self.log_prob.to(device), self.start)

    def log_probs(self, sequence: Sequence[int]) -> Float[Tensor, "N"]:
        """The natural log probability of each symbol after those before it, then of the end."""
        move, states = self.next_state.numpy(), [self.start]
        for symbol in sequence:
            states.append(move[states[-1], symbol])
        symbols = np.append(np.asarray(sequence, np.int64), self.size)
        return self.log_prob[torch.from_numpy(np.asarray(states, np.int64)), torch.from_numpy(symbols)]

    def score(self, sequence: Sequence[int]) -> float:
        """The natural log probability of the whole sequence, its end included."""
        return float(self.log_probs(sequence).double().sum())


def _log_probs(contexts: Contexts) -> np.ndarray:
    """The smoothed table (S, V + 1), filled from the shortest contexts to the longest."""
    outcomes = contexts.size + 1
    prob = np.empty((contexts.count, outcomes))
    for length, states in enumerate(contexts.of_length):
        first, stop = contexts.bounds[length : length + 2]
        known = states >= 0
        pairs, seen = np.unique(states[known] * outcomes + contexts.targets[known], return_counts=True)
        state, symbol = np.divmod(pairs, outcomes)
        total = np.bincount(state - first, weights=seen)
        kinds = np.bincount(state - first)
        shorter = prob[contexts.shorter[first:stop]] if length else 1 / outcomes
        prob[first:stop] = shorter * (kinds / (total + kinds))[:, None]
        prob[state, symbol] += seen / (total + kinds)[state - first]
    return np.log(prob).astype(np.float32)


def _moves(contexts: Contexts) -> np.ndarray:
    """The table (S, V) of next states: where a longer context was not seen, the shorter one's move holds."""
    move = np.zeros((contexts.count, contexts.size), np.int32)
    inside = contexts.targets != contexts.size
    for length, states in enumerate(contexts.of_length):
        first, stop = contexts.bounds[length : length + 2]
        if length:
            move[first:stop] = move[contexts.shorter[first:stop]]
        if length + 1 < len(contexts.of_length):
            at = np.flatnonzero(inside & (states >= 0))
            move[states[at], contexts.targets[at]] = contexts.of_length[length + 1][at + 1]
    return move

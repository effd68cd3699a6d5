"""What the scores of labels say of a row: each step for itself, or all in a conditional random field."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from unroll.decoding import crf
from unroll.decoding.crf import IGNORED

IMPOSSIBLE = -1e4  # the score of a transition that the names of the labels forbid


class Chain(nn.Module):
    """The labels of one kind along a row, each with its probability by the scores of all steps.

    Linked, they depend on each other as in ``unroll.decoding.crf``, and what their names forbid is not learned. The
    steps of row ``i`` are its first ``lengths[i]``; the rest is padding.

    Arguments:
        labels: their names.
        linked: whether they depend on each other.
    """

    def __init__(self, labels: Sequence[str], linked: bool) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(len(labels), len(labels))) if linked else None
        self.register_buffer("forbidden", crf.forbidden(labels), persistent=False)

    def loss(
        self, scores: Float[Tensor, "B S V"], labels: Int[Tensor, "B S"], lengths: Int[Tensor, "B"]
    ) -> Float[Tensor, ""]:
        """-log P, in nats, of all labels but those that are -1."""
        if self.transitions is not None:
            return crf.negative_log_likelihood(scores, self._linked(), labels, lengths).sum()
        return functional.cross_entropy(scores.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")

    def probabilities(self, scores: Float[Tensor, "B S V"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B S V"]:
        """Of each label at each step; on padding they may be anything."""
        return scores.softmax(2) if self.transitions is None else crf.marginals(scores, self._linked(), lengths)

    def best(self, scores: Float[Tensor, "B S V"], lengths: Int[Tensor, "B"]) -> Int[Tensor, "B S"]:
        """The most probable label of each step, or those of the most probable sequence."""
        return scores.argmax(2) if self.transitions is None else crf.viterbi(scores, self._linked(), lengths)

    def _linked(self) -> Float[Tensor, "V V"]:
        return self.transitions.masked_fill(self.forbidden, IMPOSSIBLE)

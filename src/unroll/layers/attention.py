"""Attention: where in a memory to look, asked anew at every step."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

Score = Literal["additive", "multiplicative"]
REACH = 20  # steps; what is farther counts as if it were so far
SLOPE = 0.2  # of the bias at first, a step


class Attention(nn.Module):
    """The mean of a memory's steps, weighted by how well each answers a query.

    ``multiplicative``: score = q · W m, "general" in Luong, Pham and Manning 2015, "Effective approaches to
    attention-based neural machine translation", equation 8. ``additive``: score = v · tanh(U q + b + W m), Bahdanau,
    Cho and Bengio 2015, "Neural machine translation by jointly learning to align and translate", appendix A.1.2.
    Both have a learned bias for how far query and step lie apart (Raffel et al. 2020, "Exploring the limits of transfer
    learning with a unified text-to-text transformer", section 2.1). It begins as a slope away from the diagonal: what
    says the same says it in like order, and to find that out took most of the training.

    Arguments:
        score: which of the two.
        queries: features of a query, ``H``.
        memory: features of a step of the memory, ``M``.
    """

    def __init__(self, score: Score, queries: int, memory: int) -> None:
        super().__init__()
        self.keys = nn.Linear(memory, queries, bias=False)
        """W: the memory as it is asked, computed once for all queries."""
        self.places = nn.Parameter(-SLOPE * torch.arange(-REACH, REACH + 1).abs().float())
        """The bias: what is added to a score for each distance of a query's place from the step's."""
        self.additive = score == "additive"
        if self.additive:
            self.query = nn.Linear(queries, queries)
            self.weigh = nn.Linear(queries, 1, bias=False)

    def forward(
        self,
        queries: Float[Tensor, "B T H"],
        keys: Float[Tensor, "B S H"],
        memory: Float[Tensor, "B S M"],
        padding: Bool[Tensor, "B S"],
        first: int = 0,
    ) -> tuple[Float[Tensor, "B T M"], Float[Tensor, "B T S"]]:
        """What each query finds, and the weights it gave; ``padding`` gets none. Every row needs a step that is real.

        Arguments:
            queries: what is asked, one query or many.
            keys: ``self.keys(memory)``.
            memory: a padded batch of memories, finite in the padding.
            padding: True on their padded steps.
            first: the place of the first query in its own sequence.
        """
        if self.additive:
            scores = self.weigh(torch.tanh(self.query(queries)[:, :, None] + keys[:, None])).squeeze(3)
        else:
            scores = queries @ keys.mT
        places = torch.arange(first, first + queries.shape[1], device=keys.device)[:, None]
        distances = (places - torch.arange(keys.shape[1], device=keys.device)).clamp(-REACH, REACH)
        scores = scores + self.places[distances + REACH]
        weights = scores.masked_fill(padding[:, None], -torch.inf).softmax(2)
        return weights @ memory, weights

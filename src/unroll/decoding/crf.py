"""The linear-chain conditional random field of Lafferty, McCallum and Pereira 2001.

The score of a sequence of labels is the sum of its *emissions*, one for each step and label, and of the
*transitions* ``[i, j]`` from each label ``i`` to the next, ``j``; its probability is the exponential of that over the
sum for all sequences. The steps of row ``i`` of a batch are its first ``lengths[i]``, at least one; the rest is
padding: it may hold anything finite, and it counts for nothing.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unroll.layers.contract import find_padding

IGNORED = -1
"""The label of a step whose label is not known."""


def log_partition(
    emissions: Float[Tensor, "B T V"], transitions: Float[Tensor, "V V"], lengths: Int[Tensor, "B"]
) -> Float[Tensor, "B"]:
    """The logarithm of the sum over all label sequences of exp(score)."""
    return _gains(emissions, transitions).masked_fill(find_padding(lengths, emissions.shape[1]), 0).sum(1)


def negative_log_likelihood(
    emissions: Float[Tensor, "B T V"],
    transitions: Float[Tensor, "V V"],
    labels: Int[Tensor, "B T"],
    lengths: Int[Tensor, "B"],
) -> Float[Tensor, "B"]:
    """-log P(labels) of each row, in nats, where a step with the label -1 may have any.

    That is the marginal likelihood of Tsuboi et al. 2008, "Training conditional random fields using incomplete
    annotations": the partition over the sequences that agree with the labels against that over all.
    """
    numbers = torch.arange(emissions.shape[2], device=labels.device)
    excluded = (labels[..., None] != numbers) & (labels[..., None] != IGNORED)
    both = torch.cat((emissions, emissions.masked_fill(excluded, -torch.inf)))
    everything, agreeing = _gains(both, transitions).chunk(2)
    return (everything - agreeing).masked_fill(find_padding(lengths, emissions.shape[1]), 0).sum(1)


def marginals(
    emissions: Float[Tensor, "B T V"], transitions: Float[Tensor, "V V"], lengths: Int[Tensor, "B"]
) -> Float[Tensor, "B T V"]:
    """The probability of each label at each step, zero on padding.

    They are the gradient of the log-partition by the emissions, so backpropagation through the forward algorithm is
    the backward algorithm (Eisner 2016, "Inside-outside and forward-backward algorithms are just backprop").
    """
    with torch.enable_grad():
        emissions = emissions.detach().requires_grad_()
        total = log_partition(emissions, transitions.detach(), lengths).sum()
        return torch.autograd.grad(total, emissions)[0]


@torch.no_grad()
def viterbi(
    emissions: Float[Tensor, "B T V"], transitions: Float[Tensor, "V V"], lengths: Int[Tensor, "B"]
) -> Int[Tensor, "B T"]:
    """The label sequence with the highest score, 0 on padding (Viterbi 1967)."""
    first, *others = emissions.log_softmax(2).unbind(1)  # the same order of sequences, and sums that stay small
    scores, origins = [first], []
    for emission in others:
        best, origin = (scores[-1][:, :, None] + transitions).max(1)
        scores.append(best + emission)
        origins.append(origin)
    ends = torch.stack(scores).argmax(2)
    label = ends[-1]
    path = [label]
    for step in range(len(origins) - 1, -1, -1):
        before = origins[step].gather(1, label[:, None])[:, 0]
        label = torch.where(lengths - 1 > step, before, ends[step])  # a row's own last step begins its way back
        path.append(label)
    found = torch.stack(path[::-1], 1)
    return found.masked_fill(find_padding(lengths, found.shape[1]), 0)


def forbidden(labels: Sequence[str]) -> Bool[Tensor, "V V"]:
    """True where names of labels say that ``[i, j]`` cannot be: ``I-x`` stands behind ``B-x`` and ``I-x`` alone.

    That is so if the names are those of BIO2 (Ramshaw & Marcus 1995, with every span begun by ``B-``), all of them
    ``O``, ``B-x`` or ``I-x``. Other names forbid nothing.
    """
    spans = all(label == "O" or label[:2] in ("B-", "I-") for label in labels)
    wrong = [[spans and after[0] == "I" and before[1:] != after[1:] for after in labels] for before in labels]
    return torch.tensor(wrong, dtype=torch.bool)


def _gains(emissions: Float[Tensor, "B T V"], transitions: Float[Tensor, "V V"]) -> Float[Tensor, "B T"]:
    """What each step adds to the log-partition of the steps up to it: the forward algorithm.

    Normalised at every step, so that a sum over thousands of steps costs no precision, and the scores of the labels
    are the logarithms of shares: these times the exponentials of the transitions is a product of matrices, which costs
    much less than a sum of exponentials for each pair of labels.
    """
    first, *others = emissions.unbind(1)
    weights, least = transitions.exp(), torch.finfo(transitions.dtype).tiny  # more than log 0 would be
    gains = [first.logsumexp(1, keepdim=True)]
    scores = first - gains[0]
    for emission in others:
        scores = (scores.exp() @ weights).clamp(min=least).log() + emission
        gains.append(scores.logsumexp(1, keepdim=True))
        scores = scores - gains[-1]
    return torch.cat(gains, 1)

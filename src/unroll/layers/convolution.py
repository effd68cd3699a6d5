"""Convolutions over pictures, and over lines of writing, which are pictures that go on in time."""

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor, nn
from torch.nn import functional

from unroll.layers.contract import find_padding


class Convolutions(nn.Module):
    """Levels of :class:`Convolution` over pictures whose rows are steps, so that a picture may go on in time.

    The steps of picture ``i`` are its first ``lengths[i]``; the rest is padding, and it may hold anything. Padding
    changes no output, no gradient and no statistic of the normalisation; the output there is zero.

    Arguments:
        inputs: channels of the pictures, ``C``.
        width: pixels of a step, ``W``, which every level halves, rounding up.
        channels: of the output of each level.
        halvings: how many of the first levels halve the number of steps, too.
    """

    def __init__(self, inputs: int, width: int, channels: list[int], halvings: int) -> None:
        super().__init__()
        self.halvings = halvings
        self.levels = nn.ModuleList()
        for level, outputs in enumerate(channels):
            self.levels.append(Convolution(inputs, outputs, wide=width > 1, halves=level < halvings))
            inputs, width = outputs, -(-width // 2)
        self.outputs = inputs * width
        # Twice as fast in training on a CPU where channels are few; the features of a step lie side by side, too.
        self.to(memory_format=torch.channels_last)

    def forward(
        self, pictures: Float[Tensor, "N C T W"], lengths: Int[Tensor, "N"] | None = None
    ) -> Float[Tensor, "N S F"]:
        """The features of each step that is left: those of picture ``i`` are as many as ``lengths[i]`` halved.

        Without ``lengths`` all steps are real.
        """
        if lengths is not None:
            # Filled up, so that the last steps are the same whatever their picture was padded to.
            pictures = functional.pad(pictures, (0, 0, 0, -pictures.shape[2] % 2**self.halvings))
            rows = pictures.transpose(1, 2)
            pictures = spread(kept(rows, lengths), lengths, rows.shape[1]).transpose(1, 2)
        x = pictures.contiguous(memory_format=torch.channels_last)
        for level in self.levels:
            x, lengths = level(x, lengths)
        return x.permute(0, 2, 3, 1).flatten(2)


class Convolution(nn.Module):
    """3 × 3 convolution → the largest of each 2 × 2 → batch normalisation (Ioffe & Szegedy 2015) → ReLU.

    The largest are taken first, which leaves a quarter of the numbers to be normalised.

    Arguments:
        inputs: channels read.
        outputs: channels made.
        wide: whether a step has several pixels, over which to convolve and which to halve.
        halves: whether to halve the number of steps.
    """

    def __init__(self, inputs: int, outputs: int, wide: bool, halves: bool) -> None:
        super().__init__()
        across = 3 if wide else 1
        self.pool = (2 if halves else 1, 2 if wide else 1)
        self.kernel = nn.Conv2d(inputs, outputs, (3, across), padding=(1, across // 2))
        self.scale = nn.BatchNorm1d(outputs)

    def forward(
        self, x: Float[Tensor, "N C T W"], lengths: Int[Tensor, "N"] | None
    ) -> tuple[Float[Tensor, "N K S V"], Int[Tensor, "N"] | None]:
        """What the level makes of pictures whose padding, if they have lengths, is zero, as it is again in the output.

        And the lengths of that.
        """
        x = functional.max_pool2d(self.kernel(x), self.pool, ceil_mode=True)
        steps = x.permute(0, 2, 3, 1)
        if lengths is None:
            return self._scaled(steps).permute(0, 3, 1, 2), None
        lengths = -(-lengths // self.pool[0])
        steps = spread(self._scaled(kept(steps, lengths)), lengths, steps.shape[1])
        return steps.permute(0, 3, 1, 2), lengths

    def _scaled(self, steps: Float[Tensor, "... K"]) -> Float[Tensor, "... K"]:
        return functional.relu(self.scale(steps.flatten(0, -2))).view_as(steps)


def kept(steps: Real[Tensor, "N T *F"], lengths: Int[Tensor, "N"]) -> Real[Tensor, "R *F"]:
    """The real steps alone, row after row. By selection: a mask takes ten times as long."""
    return steps.flatten(0, 1).index_select(0, _places(lengths, steps.shape[1]))


def spread(real: Float[Tensor, "R *F"], lengths: Int[Tensor, "N"], steps: int) -> Float[Tensor, "N T *F"]:
    """What :func:`kept` keeps, back in rows of so many ``steps``, with zeros for padding."""
    rows = real.new_zeros(len(lengths) * steps, *real.shape[1:])
    return rows.index_copy(0, _places(lengths, steps), real).unflatten(0, (len(lengths), steps))


def _places(lengths: Int[Tensor, "N"], steps: int) -> Int[Tensor, "R"]:
    return (~find_padding(lengths, steps)).flatten().nonzero()[:, 0]

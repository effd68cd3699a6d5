"""EfficientNet-lite0: a small convolutional network whose weights learned to tell the photographs of ImageNet apart.

Tan & Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", table 1. The lite form, made
for telephones, has no squeeze-and-excitation, ReLU6 in place of swish, and a stem that does not grow with the network
(TensorFlow's ``models/official/efficientnet/lite``). Its classifier is left out: what is wanted is what comes before.
"""

import pickle
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unroll.errors import UserError

PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0  # a value v of 0 to 255 goes in as (v - 127) / 128
STEM = 32  # channels
VARIANCE_FLOOR = 1e-3  # of the normalisations, as they learned


class Stage(NamedTuple):
    """A row of table 1: ``blocks`` alike, the first with the ``stride``; a block widens its input ``expansion`` times.

    ``kernel`` is the side of its depthwise convolution, ``outputs`` the channels that come out.
    """

    blocks: int
    kernel: int
    stride: int
    expansion: int
    outputs: int


STAGES = (
    Stage(blocks=1, kernel=3, stride=1, expansion=1, outputs=16),
    Stage(blocks=2, kernel=3, stride=2, expansion=6, outputs=24),
    Stage(blocks=2, kernel=5, stride=2, expansion=6, outputs=40),
    Stage(blocks=3, kernel=3, stride=2, expansion=6, outputs=80),
    Stage(blocks=3, kernel=5, stride=1, expansion=6, outputs=112),
    Stage(blocks=4, kernel=5, stride=2, expansion=6, outputs=192),
    Stage(blocks=1, kernel=3, stride=1, expansion=6, outputs=320),
)


class SameConv2d(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow pads: the output is ⌈size / stride⌉, the odd zero comes last."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D I J"]:
        """The filtered pictures."""
        height, width = (self._padding(size) for size in x.shape[2:])
        return super().forward(functional.pad(x, (*width, *height)))

    def _padding(self, size: int) -> tuple[int, int]:
        stride, kernel = self.stride[0], self.kernel_size[0]
        total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        return total // 2, total - total // 2


class Block(nn.Module):
    """An inverted residual (Sandler et al. 2018, "MobileNetV2"): widen, filter each channel, project, add the input."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = inputs * stage.expansion
        self.adds = stride == 1 and inputs == stage.outputs
        # The names are those in the file of weights.
        if stage.expansion > 1:
            self._expand_conv, self._bn0 = SameConv2d(inputs, wide, 1), _normalisation(wide)
        self._depthwise_conv = SameConv2d(wide, wide, stage.kernel, stride, groups=wide)
        self._bn1 = _normalisation(wide)
        self._project_conv, self._bn2 = SameConv2d(wide, stage.outputs, 1), _normalisation(stage.outputs)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D I J"]:
        """The block's features, a ``stride``-th of the pictures' size."""
        wide = functional.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        wide = functional.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow = self._bn2(self._project_conv(wide))
        return x + narrow if self.adds else narrow


class EfficientNetLite0(nn.Module):
    """The stem and the first ``stages`` stages; ``outputs`` are the channels that come out of them.

    A picture is kept as pixels of channels, not as channels of pixels, which takes two thirds of the time.
    """

    def __init__(self, stages: int) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = SameConv2d(3, STEM, 3, stride=2), _normalisation(STEM)
        blocks, self.outputs = [], STEM
        for stage in STAGES[:stages]:
            for number in range(stage.blocks):
                blocks.append(Block(self.outputs, stage, stage.stride if number == 0 else 1))
                self.outputs = stage.outputs
        self._blocks = nn.Sequential(*blocks)

    def forward(self, pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B C I J"]:
        """The maps of features of pictures whose values are 0 to 255."""
        x = ((pictures - PIXEL_MEAN) / PIXEL_SCALE).contiguous(memory_format=torch.channels_last)
        return self._blocks(functional.relu6(self._bn0(self._conv_stem(x))))


@cache
def load(weights: Path, stages: int) -> EfficientNetLite0:
    """The network with the weights of a file, ready to use; ``UserError`` where they are not those of this network."""
    network = EfficientNetLite0(stages)
    try:
        learned = torch.load(weights, map_location="cpu", weights_only=True)
        network.load_state_dict({name: learned[name] for name in network.state_dict()})
    except FileNotFoundError:
        raise UserError(f"{weights} is missing: fetch it with `make repro`") from None
    except (OSError, EOFError, LookupError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{weights} holds no weights of EfficientNet-lite0 ({reason}): fetch it anew") from None
    return network.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def _normalisation(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=VARIANCE_FLOOR)

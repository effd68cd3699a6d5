import numpy as np
import pytest
import torch

from unroll.errors import UserError
from unroll.features import efficientnet
from unroll.features.efficientnet import Block, EfficientNetLite0, SameConv2d, Stage

SEVEN = EfficientNetLite0(7)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("_conv_stem.weight", (32, 3, 3, 3)),
        ("_bn0.running_var", (32,)),
        ("_blocks.0._depthwise_conv.weight", (32, 1, 3, 3)),
        ("_blocks.0._project_conv.weight", (16, 32, 1, 1)),
        ("_blocks.1._expand_conv.weight", (96, 16, 1, 1)),
        ("_blocks.3._depthwise_conv.weight", (144, 1, 5, 5)),
        ("_blocks.8._project_conv.weight", (112, 480, 1, 1)),
        ("_blocks.12._bn1.running_mean", (1152,)),
        ("_blocks.15._depthwise_conv.weight", (1152, 1, 3, 3)),
        ("_blocks.15._project_conv.weight", (320, 1152, 1, 1)),
    ],
)
def test_the_weights_are_named_and_shaped_as_in_the_file(name, shape):
    assert SEVEN.state_dict()[name].shape == shape


def test_there_are_as_many_as_in_the_file():
    assert len(SEVEN.state_dict()) == 288  # of 296; the others are the head's
    assert "_blocks.0._expand_conv.weight" not in SEVEN.state_dict()
    assert sum(each.numel() for each in SEVEN.parameters()) == 2_958_848


@pytest.mark.parametrize(
    ("stages", "channels", "height", "width"),
    [(1, 16, 24, 33), (2, 24, 12, 17), (3, 40, 6, 9), (4, 80, 3, 5), (5, 112, 3, 5), (6, 192, 2, 3), (7, 320, 2, 3)],
)
def test_a_stage_halves_or_keeps_the_picture(stages, channels, height, width):
    network = EfficientNetLite0(stages).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 48, 65)).shape == (2, channels, height, width)
    assert network.outputs == channels


def test_the_odd_zero_of_the_padding_comes_last():
    convolution = SameConv2d(1, 1, 3, stride=2)
    torch.nn.init.ones_(convolution.weight)
    even, odd = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 5, 5)
    assert convolution(even)[0, 0].tolist() == [[9, 6], [6, 4]]
    assert convolution(odd)[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


@pytest.mark.parametrize(("stride", "outputs", "kept"), [(1, 8, 1.0), (2, 8, 0.0), (1, 4, 0.0)])
def test_a_block_adds_its_input_where_the_shape_stays(stride, outputs, kept):
    block = Block(8, Stage(1, 3, stride, 6, outputs), stride).eval()
    torch.nn.init.zeros_(block._bn2.weight)
    assert (block(torch.ones(1, 8, 6, 6)) == kept).all()


def test_the_value_127_is_nothing():
    network = EfficientNetLite0(1).eval()
    torch.nn.init.zeros_(network._blocks[0]._bn2.bias)
    with torch.inference_mode():
        assert (network(torch.full((1, 3, 16, 16), 127.0)) == 0).all()
        assert (network(torch.full((1, 3, 16, 16), 255.0)) != 0).any()


def test_loads_the_first_stages_and_reads_as_they_do(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save({**SEVEN.state_dict(), "_fc.bias": torch.zeros(1000)}, path)
    network = efficientnet.load(path, 2)
    pictures = torch.rand(3, 3, 32, 32) * 255
    whole = EfficientNetLite0(2).eval()
    whole.load_state_dict(network.state_dict())
    with torch.inference_mode():
        np.testing.assert_allclose(network(pictures), whole(pictures), atol=1e-4)
    assert torch.equal(network._conv_stem.weight, SEVEN._conv_stem.weight)
    assert not any(each.requires_grad for each in network.parameters())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing"),
        (b"", "holds no weights of EfficientNet-lite0"),
        (b"<html>", "holds no weights of EfficientNet-lite0"),
        ({}, "_conv_stem.weight"),
        ([1, 2], "holds no weights of EfficientNet-lite0"),
        ({**SEVEN.state_dict(), "_bn0.bias": torch.zeros(31)}, "holds no weights of EfficientNet-lite0"),
        ({"_conv_stem.weight": UserError}, "holds no weights of EfficientNet-lite0"),
    ],
)
def test_refuses_other_files(tmp_path, content, said):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=said) as caught:
        efficientnet.load(path, 1)
    assert str(path) in str(caught.value)

import pytest
import torch
from torch.testing import assert_close

from unroll.layers.dropout import LockedDropout, with_weights_dropped
from unroll.layers.stack import Stack
from unroll.params import Recurrent


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def stack(layer: str) -> Stack:
    return Stack(Recurrent(layer, 12, 2, False, 0.0), 3)


def test_the_same_features_are_dropped_at_every_step():
    dropped = LockedDropout(0.25)(torch.ones(40, 9, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert dropped.unique().tolist() == [0, pytest.approx(4 / 3)]
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.05)
    rows = {tuple(row) for row in dropped[:, 0].tolist()}
    assert len(rows) == 40  # each row has its own


def test_no_feature_is_dropped_in_use_or_where_the_share_is_nothing():
    x = torch.randn(2, 3, 4)
    assert LockedDropout(0.5).eval()(x) is x
    assert LockedDropout(0.0)(x) is x


@pytest.mark.parametrize("layer", ["rnn", "lstm", "gru"])
def test_the_same_recurrent_weights_are_dropped_at_every_step(layer):
    """Which, their gradients say."""
    layers, x, lengths = stack(layer), torch.randn(2, 7, 3), torch.tensor([7, 7])
    y, end = with_weights_dropped(layers, 0.5, x, lengths)
    y.sum().backward()
    kept = {name: (weight.grad != 0) for name, weight in layers.named_parameters()}
    matrices = {name for name in kept if "weight_hh" in name}
    assert len(matrices) == 2
    assert all(0.2 < kept[name].float().mean() < 0.8 for name in matrices)
    assert all(kept[name].all() for name in kept.keys() - matrices)
    other, own = stack(layer), layers.state_dict()
    other.load_state_dict(own | {name: 2 * own[name] * kept[name] for name in matrices})
    state, steps = other.init_state(2), []
    for step in x.unbind(1):
        found, state = other.step(step, state)
        steps.append(found)
    assert_close(torch.stack(steps, 1), y)
    assert_close(state, end)
    again, _ = with_weights_dropped(layers, 0.5, x, lengths)
    assert not torch.allclose(again, y)  # others in each batch


@pytest.mark.parametrize(("layer", "share"), [("lstm", 0.0), ("gru", 0.0), ("mingru", 0.5)])
def test_no_weight_is_dropped_where_the_share_is_nothing_or_none_is_recurrent(layer, share):
    layers, x, lengths = stack(layer), torch.randn(2, 7, 3), torch.tensor([7, 4])
    assert_close(with_weights_dropped(layers, share, x, lengths), layers(x, lengths), rtol=0, atol=0)


@pytest.mark.parametrize("layer", ["rnn", "lstm", "gru"])
def test_no_weight_is_dropped_in_use(layer):
    layers, x, lengths = stack(layer), torch.randn(2, 7, 3), torch.tensor([7, 4])
    expected = layers(x, lengths)
    with_weights_dropped(layers, 0.5, x, lengths)
    assert_close(with_weights_dropped(layers.eval(), 0.5, x, lengths), expected, rtol=0, atol=0)


def test_the_weights_of_both_directions_are_dropped():
    layers = Stack(Recurrent("gru", 6, 1, True, 0.0), 3)
    with_weights_dropped(layers, 0.5, torch.randn(2, 7, 3), torch.tensor([7, 4]))[0].sum().backward()
    for level in (layers.levels[0].ahead, layers.levels[0].back):
        assert 0.2 < (level.kernel.weight_hh_l0.grad != 0).float().mean() < 0.8

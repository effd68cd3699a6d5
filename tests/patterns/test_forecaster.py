from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from unroll import examples, params
from unroll.errors import UserError
from unroll.features import windows
from unroll.params import Recurrent
from unroll.patterns.forecaster import Forecaster, ForecasterModel, Settings
from unroll.patterns.stretches import Example, truth
from unroll.sources.series import Series

NAN = float("nan")
START = np.datetime64("2024-01-01T00:00:00", "s")
HORIZON = 4
FEATURES = windows.Settings(HORIZON, [4, 8], ["hour"], ["price"], ["wind"], difference=False)
PLAIN = Settings(context=12, segment=16, stride=4, levels=[0.1, 0.5, 0.9], identity=0)
LAYERS, HEADS = ("rnn", "lstm", "gru", "mingru"), ("quantile", "student_t")


def variant(layer: str = "lstm", head: str = "quantile", dropout: float = 0.0) -> ForecasterModel:
    recurrent = Recurrent(layer, hidden=10, layers=2, bidirectional=False, dropout=dropout)
    return ForecasterModel(recurrent, steps=1, learning_rate=0.01, head=head)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture
def table(tmp_path):
    """A function from rows of series, of which all but ``y`` may be left out, to a featurized table."""

    def make(rows: list[dict], settings: windows.Settings = FEATURES) -> pa.Table:
        numbers = pa.large_list(pa.float64())
        names = {"y": numbers, "x_price": numbers, "x_wind": numbers, "static": pa.list_(pa.float32())}
        names |= {"id": pa.string(), "start": pa.timestamp("s"), "step": pa.int64()}
        names |= {"origins": pa.list_(pa.int32()), "train_steps": pa.int32()}
        plain = {"start": START.item(), "step": 3600, "static": [], "origins": [], "train_steps": 30}
        whole = [
            {"id": f"s{i}", "x_price": [0.0] * len(row["y"]), "x_wind": [0.0] * len(row["y"]), **plain, **row}
            for i, row in enumerate(rows)
        ]
        schema, features = windows.featurize(pa.Table.from_pylist(whole, pa.schema(names.items())), settings)
        examples.write(tmp_path / "table.arrow", schema, features)
        return examples.read(tmp_path / "table.arrow")

    return make


def rows(count: int = 3, missing: float = 0.1) -> list[dict]:
    """Random series of 60 steps and more, each longer than the one before, with a share of values missing."""
    rng = np.random.default_rng(0)
    found = []
    for i in range(count):
        numbers = {name: rng.normal(3, 2, 60 + 7 * i) for name in ("y", "x_price", "x_wind")}
        for values in numbers.values():
            values[rng.random(len(values)) < missing] = NAN
        found.append({**numbers, "origins": [33, 40, 44 + i, 47]})
    return found


def forecast(pattern: Forecaster, found: list[Example]) -> np.ndarray:
    """The quantiles (F, H, Q) of all forks, one example at a time."""
    return np.concatenate([pattern.predict(pattern.batch([example]))[0].quantiles for example in found])


def changed(row: dict, column: str, since: int) -> dict:
    """The row with other values in ``column`` from the step ``since`` on."""
    other = np.where(np.arange(len(row[column])) < since, row[column], np.random.default_rng(1).normal(50, 9, 60))
    return {**row, column: other}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("difference", [False, True])
def test_the_future_never_leaks(table, layer, head, difference):
    """What comes at a fork or later changes no forecast from it; known covariates do, up to its horizon."""
    (row,), settings = rows(1), replace(FEATURES, difference=difference)
    pattern = Forecaster.for_examples(table([row], settings), PLAIN, variant(layer, head)).eval()
    before = forecast(pattern, pattern.examples(table([row], settings)))
    for column, reach in (("y", 0), ("x_wind", 0), ("x_price", HORIZON)):
        since = 44 + reach
        after = forecast(pattern, pattern.examples(table([changed(row, column, since)], settings)))
        np.testing.assert_array_equal(after[:3], before[:3], err_msg=column)  # origins 33, 40 and 44
        assert (after[3] != before[3]).any(), column  # origin 47
    after = forecast(pattern, pattern.examples(table([changed(row, "x_price", 47)], settings)))
    np.testing.assert_array_equal(after[2, :3], before[2, :3])
    assert (after[2, 3] != before[2, 3]).all()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("layer", LAYERS)
def test_company_and_padding_change_nothing(table, layer, head):
    made = table(rows())
    pattern = Forecaster.for_examples(made, replace(PLAIN, segment=5), variant(layer, head)).eval()
    found = pattern.examples(made)
    assert len({pattern.steps(example) for example in found}) > 1
    whole = pattern.batch(found)
    together = np.concatenate([each.quantiles for each in pattern.predict(whole)])
    np.testing.assert_allclose(together, forecast(pattern, found), rtol=1e-4, atol=1e-5)
    losses = [pattern.loss(pattern.batch([example])).item() for example in found]
    counts = [np.isfinite(truth(example)).sum() for example in found]
    assert pattern.loss(whole).item() == pytest.approx(np.average(losses, weights=counts), rel=1e-4)


def test_a_fork_sees_only_its_context(table):
    """Of an example, whose first fork is at 33, the steps from 21 on are read."""
    made = table([rows(1)[0]])
    pattern = Forecaster.for_examples(made, PLAIN, variant()).eval()
    (example,) = pattern.examples(made)
    assert pattern.steps(example) == 47 - 33 + 12
    values, known = example.values.copy(), example.known.copy()
    values[:21], known[:21] = 99, 99
    other = example._replace(values=values, known=known)
    np.testing.assert_array_equal(forecast(pattern, [other]), forecast(pattern, [example]))
    short = example._replace(forks=np.array([3]))
    assert pattern.steps(short) == 3
    assert np.isfinite(forecast(pattern, [short])).all()


def test_forecasts_are_from_the_origins_and_no_others(table):
    made = table(rows(2))
    pattern = Forecaster.for_examples(made, PLAIN, variant()).eval()
    found = pattern.examples(made)
    predictions = pattern.predict(pattern.batch(found))
    assert [example.forks.tolist() for example in found] == [[33, 40, 44, 47], [33, 40, 45, 47]]
    assert [each.quantiles.shape for each in predictions] == [(4, HORIZON, 3)] * 2


def test_in_training_the_forks_are_drawn_anew(table):
    made = table([{"y": np.arange(60.0), "train_steps": 60}])
    pattern = Forecaster.for_examples(made, PLAIN, variant())
    found = pattern.examples(made)
    assert found[1].forks.tolist() == list(range(18, 35))
    drawn = {}
    for seed in range(40):
        batch = pattern.batch([found[1]], np.random.default_rng(seed))
        forks = (batch.targets[:, 0].double().numpy() * found[1].scale + batch.base).round()  # y counts the steps
        drawn[int(forks[0])] = forks.tolist()
        assert batch.forks.tolist() == (forks - forks[0] + 12).tolist()
    assert drawn == {18: [18, 22, 26, 30, 34], 19: [19, 23, 27, 31], 20: [20, 24, 28, 32], 21: [21, 25, 29, 33]}
    again = [pattern.batch(found, np.random.default_rng(7)).forks.tolist() for _ in range(2)]
    assert again[0] == again[1]


def test_a_batch_by_hand(table):
    plain = windows.Settings(2, [2], ["hour"], [], [], difference=False)
    made = table([{"y": [1.0, 3, 1, 3, NAN, 7, 1, 5], "origins": [3, 6], "train_steps": 4}], plain)
    pattern = Forecaster.for_examples(made, replace(PLAIN, context=2), variant())
    batch = pattern.batch(pattern.examples(made))
    assert batch.ids == ["s0"]
    np.testing.assert_equal(batch.values[..., 0].numpy(), np.float32([[1, -1, 1, NAN, 5]]))
    np.testing.assert_equal(batch.known[..., 2].numpy(), np.float32([[NAN, -1, 1, -1, 1, NAN, 5]]))
    assert (batch.rows.tolist(), batch.forks.tolist()) == ([0, 0], [2, 5])
    np.testing.assert_equal(batch.targets.numpy(), np.float32([[1, NAN], [-1, 3]]))
    assert (batch.base.tolist(), batch.scale.tolist()) == ([2, 2], [1, 1])


@pytest.mark.parametrize("head", HEADS)
def test_missing_targets_count_nothing(table, head):
    row = rows(1, missing=0)[0]
    made = table([row])
    pattern = Forecaster.for_examples(made, PLAIN, variant(head=head)).eval()
    batch = pattern.batch(pattern.examples(made))
    gone = torch.zeros(batch.targets.shape, dtype=bool)
    gone[0], gone[2, 1:3] = True, True
    losses = pattern.head.losses(pattern(batch), batch.targets)
    masked = batch._replace(targets=batch.targets.masked_fill(gone, NAN))
    torch.testing.assert_close(pattern.loss(masked), losses[~gone].mean())
    pattern.loss(masked).backward()
    assert all(torch.isfinite(weight.grad).all() for weight in pattern.parameters())
    nothing = batch._replace(targets=torch.full_like(batch.targets, NAN))
    assert pattern.loss(nothing).item() == 0


@pytest.mark.parametrize("column", ["y", "x_price", "x_wind"])
def test_a_missing_value_is_not_a_zero(table, column):
    """The mean is zero when standardised, but it is not nothing."""
    row = rows(1, missing=0)[0]
    pattern = Forecaster.for_examples(table([row]), PLAIN, variant()).eval()
    results = []
    for value in (NAN, row[column][:30].mean()):
        values = row[column].copy()
        values[36] = value
        results.append(forecast(pattern, pattern.examples(table([{**row, column: values}]))))
    np.testing.assert_array_equal(results[0][0, 0], results[1][0, 0])
    assert (results[0][1:] != results[1][1:]).all()


@pytest.mark.parametrize("head", HEADS)
def test_a_series_of_nothing_but_gaps_lately_is_still_forecast(table, head):
    row = rows(1)[0]
    row["y"][31:] = NAN
    made = table([row])
    pattern = Forecaster.for_examples(made, PLAIN, variant(head=head))
    assert np.isfinite(forecast(pattern, pattern.examples(made))).all()
    assert pattern.loss(pattern.batch(pattern.examples(made))).item() == 0


@pytest.mark.parametrize("head", HEADS)
def test_quantiles_never_cross(table, head):
    made = table(rows())
    settings = replace(PLAIN, levels=[0.01, 0.1, 0.3, 0.5, 0.51, 0.9, 0.99])
    pattern = Forecaster.for_examples(made, settings, variant(head=head)).eval()
    pattern.output.weight.data *= 20
    assert (np.diff(forecast(pattern, pattern.examples(made)), axis=-1) >= 0).all()


@pytest.mark.parametrize("difference", [False, True])
@pytest.mark.parametrize("head", HEADS)
def test_another_unit_gives_the_same_forecast_in_that_unit(table, head, difference):
    settings, given = replace(FEATURES, difference=difference), rows()
    pattern = Forecaster.for_examples(table(given, settings), PLAIN, variant(head=head)).eval()
    one = forecast(pattern, pattern.examples(table(given, settings)))
    moved = [{**row, "y": 10 * row["y"] + 5} for row in given]
    other = forecast(pattern, pattern.examples(table(moved, settings)))
    np.testing.assert_allclose(other, 10 * one + 5, rtol=1e-4, atol=1e-3)


def test_changes_are_added_to_the_last_value(table):
    settings = windows.Settings(3, [3], ["hour"], [], [], difference=True)
    y = [100.0, 102, 100, 102, 104, NAN, 110, 111]
    made = table([{"y": y, "origins": [3, 4, 6], "train_steps": 4}], settings)
    pattern = Forecaster.for_examples(made, PLAIN, variant()).eval()
    found = pattern.examples(made)
    batch = pattern.batch(found)
    np.testing.assert_equal(batch.targets.numpy(), np.float32([[1, 2, NAN], [1, NAN, 4], [3, 3.5, NAN]]))
    assert (batch.base.tolist(), batch.scale.tolist()) == ([100, 102, 104], [2, 2, 2])
    raw = pattern.head.quantiles(pattern(batch).detach())
    expected = np.array([100, 102, 104])[:, None, None] + 2 * raw
    np.testing.assert_allclose(pattern.predict(batch)[0].quantiles, expected)


def test_validation_pools_all_batches(table):
    made = table(rows())
    pattern = Forecaster.for_examples(made, PLAIN, variant(head="student_t")).eval()
    found = pattern.examples(made)
    standard = [(forecast(pattern, [one]) - one.base[0]) / one.scale for one in found]
    errors = np.concatenate([(truth(one) - one.base[0]) / one.scale for one in found])[..., None]
    errors = errors - np.concatenate(standard)
    levels = np.array(PLAIN.levels)
    expected = np.nanmean(np.where(errors > 0, levels * errors, (levels - 1) * errors))
    scores = pattern.validate([pattern.batch(found[:1]), pattern.batch(found[1:])])
    assert scores == {"quantile_loss": pytest.approx(expected, rel=1e-5)}


def test_series_are_told_apart_by_features_and_identity(table):
    given = [{**row, "static": [value, 1.0]} for row, value in zip(rows(), (2.0, 4.0, 9.0), strict=True)]
    made = table(given)
    pattern = Forecaster.for_examples(made, replace(PLAIN, identity=2), variant()).eval()
    assert pattern.mean.tolist() == [5, 1]
    assert pattern.deviation.tolist() == pytest.approx([np.std([2, 4, 9]), 1])
    first = pattern.examples(made)[0]
    known = forecast(pattern, [first])
    assert (forecast(pattern, [first._replace(id="s1")]) != known).any()
    assert (forecast(pattern, [first._replace(static=np.float32([4, 1]))]) != known).any()
    stranger = forecast(pattern, [first._replace(id="never seen")])
    pattern.identities.data[:] = pattern.identities.data.mean(0)
    np.testing.assert_allclose(forecast(pattern, [first]), stranger, rtol=1e-5)


def test_a_series_of_ones_own(table):
    given = rows(1)[0]
    pattern = Forecaster.for_examples(table([given]), PLAIN, variant()).eval()
    covariates = {"price": given["x_price"], "wind": given["x_wind"]}
    own = Series("mine", START, 3600, given["y"], covariates, len(given["y"]))
    example = pattern.example(windows.row_of(own, FEATURES))
    assert example.forks.tolist() == [60]
    assert example.stamps[0, 0] == START + np.timedelta64(60, "h")
    assert np.isnan(truth(example)).all()
    (mine,) = pattern.predict(pattern.batch([example]))
    assert mine.quantiles.shape == (1, HORIZON, 3)
    assert np.isfinite(mine.quantiles).all()
    with pytest.raises(UserError, match="the series mine has 2 static features, not 0"):
        pattern.example(windows.row_of(own, FEATURES) | {"static": [1.0, 2.0]})


@pytest.mark.parametrize("head", HEADS)
def test_a_checkpoint_restores_everything(table, tmp_path, head):
    made = table([{**row, "static": [float(i)]} for i, row in enumerate(rows())])
    pattern = Forecaster.for_examples(made, replace(PLAIN, identity=3), variant(head=head, dropout=0.2)).eval()
    torch.save(pattern.checkpoint(), tmp_path / "model.pt")
    restored = Forecaster.restored(torch.load(tmp_path / "model.pt", weights_only=True))
    assert not restored.training
    assert (restored.settings, restored.model, restored.features) == (pattern.settings, pattern.model, FEATURES)
    assert restored.series == ["s0", "s1", "s2"]
    np.testing.assert_array_equal(
        forecast(restored, restored.examples(made)), forecast(pattern, pattern.examples(made))
    )


@pytest.mark.parametrize(("layer", "head"), [*((layer, "quantile") for layer in LAYERS), ("lstm", "student_t")])
def test_it_learns_a_sine(table, layer, head):
    """Of a period of 15 steps, which no input tells, with noise of a tenth."""
    rng, steps = np.random.default_rng(0), np.arange(400)
    settings = windows.Settings(HORIZON, [4], ["hour"], [], [], difference=False)
    waves = [5 + np.sin(2 * np.pi * steps / 15 + phase) + rng.normal(0, 0.1, 400) for phase in range(4)]
    made = table([{"y": wave, "train_steps": 300} for wave in waves], settings)
    pattern = Forecaster.for_examples(made, replace(PLAIN, segment=40), variant(layer, head))
    found = pattern.examples(made)
    held_out = pattern.batch([example for example in found if example.forks[0] > 300])
    learned = [example for example in found if example.forks[-1] < 300]
    optimizer = torch.optim.Adam(pattern.parameters(), 0.02)
    before = pattern.eval().validate([held_out])["quantile_loss"]
    pattern.train()
    for step in range(80):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(learned, np.random.default_rng(step))).backward()
        optimizer.step()
    after = pattern.eval().validate([held_out])["quantile_loss"]
    assert before > 0.2
    assert after < 0.08


@pytest.mark.parametrize(
    "levels", [[0.1, 0.9], [0.5, 0.1], [0.1, 0.5, 0.5], [0.0, 0.5], [0.5, 1.0], [], [0.5, 0.9, 0.6]]
)
def test_wrong_levels_are_refused_by_key(levels):
    with pytest.raises(UserError, match=r"forecaster.*levels"):
        params.check(Settings, asdict(PLAIN) | {"levels": levels}, "forecaster")


def test_other_wrong_settings_are_refused_by_key(table):
    with pytest.raises(UserError, match=r"forecaster: stride: should be greater than 0"):
        params.check(Settings, asdict(PLAIN) | {"stride": 0}, "forecaster")
    with pytest.raises(UserError, match=r"model: head: should be 'quantile' or 'student_t'"):
        params.check(ForecasterModel, asdict(variant()) | {"head": "normal"}, "model")
    both = replace(variant(), recurrent=replace(variant().recurrent, bidirectional=True))
    with pytest.raises(UserError, match=r"recurrent\.bidirectional: should be false"):
        Forecaster.for_examples(table(rows(1)), PLAIN, both)

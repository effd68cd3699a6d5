"""The loop on a pattern of one weight matrix; run as a program, this file fits it in several processes."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from unroll.errors import UserError
from unroll.params import Model, Recurrent, Train
from unroll.training.fit import Fitted, fit

SETTINGS = Train(batch_steps=40, weight_decay=0.0, clip=1.0, validations=5, patience=5)
MODEL = Model(Recurrent("lstm", 1, 1, False, 0.0), steps=100, learning_rate=0.05)
TRUTH = torch.tensor([[1.0], [-2.0], [0.5]])


class Example(NamedTuple):
    id: str
    x: Tensor
    y: Tensor
    steps: int


class Batch(NamedTuple):
    ids: list[str]
    x: Tensor
    y: Tensor


class Line(nn.Module):
    """``y = x W``, fitted by least squares; ``scores`` are given out one after the other instead of measured ones."""

    def __init__(self, scores: Iterable[dict[str, float]] | None = None):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 1))
        self.scores = None if scores is None else iter(scores)
        self.seen: list[Tensor] = []
        self.drawn: list[float] = []

    def steps(self, example: Example) -> int:
        return example.steps

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        if rng is not None:
            self.drawn.append(rng.random())
        ids, x, y, _ = zip(*examples, strict=True)
        return Batch(list(ids), torch.stack(x), torch.stack(y))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight

    def loss(self, batch: Batch) -> Tensor:
        return (self(batch.x) - batch.y).square().mean()

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        assert not self.training
        errors = torch.cat([(self(batch.x) - batch.y).square() for batch in batches])
        self.seen.append(self.weight.detach().clone())
        return {"error": errors.mean().item()} if self.scores is None else next(self.scores)


def lines(count: int, seed: int) -> list[Example]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, 3, generator=generator)
    y = x @ TRUTH + 0.1 * torch.randn(count, 1, generator=generator)
    # The long ones make batches of one example, too few for two processes.
    return [Example(f"line-{i}", x[i], y[i], steps=50 if i % 10 == 0 else 1 + i % 9) for i in range(count)]


def fitted(pattern: Line, settings: Train = SETTINGS, budget: float = 1.0, seed: int = 1, devices: int = 1) -> Fitted:
    """What :func:`fit` returns for ``pattern`` on 60 lines, in as many processes as ``devices`` says."""
    fabric = Fabric(accelerator="cpu", devices=devices)
    fabric.launch()
    return fit(fabric, pattern, lines(60, 0), lines(20, 1), settings, MODEL, budget, seed)


def test_it_learns():
    pattern = Line()
    found = fitted(pattern)
    assert found.steps == 100
    assert [row["step"] for row in found.history] == [20, 40, 60, 80, 100]
    assert found.history[0]["train_loss"] > 1
    assert found.history[-1]["train_loss"] < 0.03
    assert found.scores["error"] < 0.03
    torch.testing.assert_close(pattern.weight, TRUTH, atol=0.1, rtol=0)
    assert not pattern.training


def test_a_row_of_history_holds_what_was_known_then():
    rows = []
    fabric = Fabric(accelerator="cpu", devices=1)
    found = fit(fabric, Line(), lines(60, 0), lines(20, 1), SETTINGS, MODEL, 1.0, 1, rows.append)
    assert rows == found.history
    assert [list(row) for row in rows] == [["step", "seconds", "train_loss", "error"]] * 5
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)
    assert found.seconds >= seconds[-1] > 0


def test_the_weights_that_scored_best_are_kept():
    scores = [{"error": score} for score in (3.0, 1.0, 2.0, 1.0, 5.0)]
    pattern = Line(scores)
    found = fitted(pattern)
    assert found.scores == {"error": 1.0}
    assert found.steps == 100
    torch.testing.assert_close(pattern.weight.data, pattern.seen[1], rtol=0, atol=0)
    assert not torch.equal(pattern.weight, pattern.seen[4])


def test_the_second_score_breaks_ties_of_the_first():
    pattern = Line([{"error": 1.0, "loss": loss} for loss in (5.0, 4.0, 2.0, 3.0, 2.5)])
    assert fitted(pattern).scores == {"error": 1.0, "loss": 2.0}
    torch.testing.assert_close(pattern.weight.data, pattern.seen[2], rtol=0, atol=0)


@pytest.mark.parametrize(("patience", "steps"), [(1, 60), (2, 80), (3, 100)])
def test_it_stops_after_validations_without_a_better_score(patience, steps):
    settings = Train(batch_steps=40, weight_decay=0.0, clip=1.0, validations=5, patience=patience)
    pattern = Line([{"error": score} for score in (3.0, 1.0, 2.0, 2.0, 2.0)])
    found = fitted(pattern, settings)
    assert found.steps == found.history[-1]["step"] == steps
    assert found.scores == {"error": 1.0}
    torch.testing.assert_close(pattern.weight.data, pattern.seen[1], rtol=0, atol=0)


@pytest.mark.parametrize(("budget", "steps"), [(0.25, [5, 10, 15, 20, 25]), (0.03, [1, 2, 3]), (0.0001, [1])])
def test_the_budget_multiplies_the_steps(budget, steps):
    assert [row["step"] for row in fitted(Line(), budget=budget).history] == steps


def test_a_seed_decides_everything():
    def history(seed):
        pattern = Line()
        return [row | {"seconds": 0.0} for row in fitted(pattern, seed=seed).history], pattern.drawn, pattern.weight

    first, second, other = history(1), history(1), history(2)
    assert first[:2] == second[:2]
    assert torch.equal(first[2], second[2])
    assert len(set(first[1])) == 100  # each batch is distorted anew
    assert first[0] != other[0]
    assert first[1] != other[1]


class Carrying(Line):
    """One that reads its lines in windows of 20 steps, and remembers which."""

    carries = True

    def __init__(self):
        super().__init__()
        self.read: list[list[str]] = []

    def windows(self, example: Example) -> list[Example]:
        count = -(-example.steps // 20)
        return [example._replace(id=f"{example.id} {number} of {count}", steps=20) for number in range(1, count + 1)]

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        if rng is not None:
            self.read.append([example.id for example in examples])
        return super().batch(examples, rng)


def test_a_pattern_that_carries_its_state_reads_windows_side_by_side():
    pattern = Carrying()
    assert fitted(pattern).scores["error"] < 0.1
    assert [len(read) for read in pattern.read] == [2] * 100  # of 40 steps
    for lane in zip(*pattern.read, strict=True):
        for before, after in pairwise(name.split() for name in lane):
            if before[1] != before[3]:
                assert after == [before[0], str(int(before[1]) + 1), "of", before[3]]
            else:
                assert after[1] == "1"
    assert {name.split()[3] for read in pattern.read for name in read} == {"1", "3"}


class Advancing(Line):
    def __init__(self):
        super().__init__()
        self.shares: list[float] = []

    def advance(self, share: float) -> None:
        assert self.training
        self.shares.append(share)


def test_a_pattern_is_told_how_much_of_the_training_is_over():
    pattern = Advancing()
    fitted(pattern, budget=0.05)
    assert pattern.shares == [0, 0.2, 0.4, 0.6, 0.8]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_is_no_number_names_the_examples(value):
    train = lines(30, 0)
    train[7] = train[7]._replace(y=torch.tensor([value]))
    fabric = Fabric(accelerator="cpu", devices=1)
    with pytest.raises(UserError, match=rf"^the loss is {value} at step \d+, on the examples .*line-7\b.*: look at"):
        fit(fabric, Line(), train, lines(20, 1), SETTINGS, MODEL, 1.0, 1)


def test_no_more_than_twenty_examples_are_named():
    train = [example._replace(y=torch.tensor([np.nan]), steps=1) for example in lines(30, 0)]
    with pytest.raises(UserError, match=r"(line-\d+, ){19}line-\d+ \.\.\.: look at these"):
        fit(Fabric(accelerator="cpu", devices=1), Line(), train, lines(20, 1), SETTINGS, MODEL, 1.0, 1)


def test_two_processes_fit_what_one_does(tmp_path):
    subprocess.run([sys.executable, __file__, "2", tmp_path / "two.json"], check=True, capture_output=True, timeout=120)
    two = json.loads((tmp_path / "two.json").read_text())
    pattern = Line()
    one = fitted(pattern)
    assert two["processes"] == 2
    assert two["scores"] == pytest.approx(one.scores, rel=1e-5)
    for mine, theirs in zip(one.history, two["history"], strict=True):
        assert theirs | {"seconds": 0} == pytest.approx(mine | {"seconds": 0}, rel=1e-5)
    np.testing.assert_allclose(two["weight"], pattern.weight.detach().numpy(), rtol=1e-5)


def main(devices: int, path: Path) -> None:
    """Fits the pattern in processes and writes what the first of them found."""
    torch.set_num_threads(1)
    pattern = Line()
    found = fitted(pattern, devices=devices)
    if torch.distributed.get_rank() == 0:
        told = found._asdict() | {"weight": pattern.weight.tolist(), "processes": torch.distributed.get_world_size()}
        path.write_text(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

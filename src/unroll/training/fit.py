"""The training loop: for each batch loss, backward, clip, step; now and then validate; keep the best."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn
from tqdm import tqdm

from unroll.errors import UserError
from unroll.params import Model, Train
from unroll.training.batches import endless, in_order, lanes

WARM_UP = 0.1  # share of the steps in which the learning rate rises to its full height


class Fitted(NamedTuple):
    """What came of a run: a row per validation (step, seconds, training loss, scores), and the best scores."""

    history: list[dict[str, float]]
    scores: dict[str, float]
    steps: int
    seconds: float


def fit(
    fabric: Fabric,
    pattern: nn.Module,
    train: Sequence[Any],
    valid: Sequence[Any],
    settings: Train,
    model: Model,
    budget: float,
    seed: int,
    on_validation: Callable[[dict[str, float]], None] = lambda row: None,
) -> Fitted:
    """Fits ``pattern`` in place to ``train``, leaving it with the weights that scored best on ``valid``.

    AdamW (Loshchilov & Hutter 2019); the learning rate rises over the first tenth of the steps and falls to zero
    along a cosine. Each of the fabric's processes takes its share of every batch. The first of the pattern's
    validation scores decides, the next break ties. Raises ``UserError`` naming the examples when the loss is not
    a number.
    """
    steps = max(1, round(model.steps * budget))
    every = math.ceil(steps / settings.validations)
    optimizer = torch.optim.AdamW(
        pattern.parameters(),
        lr=model.learning_rate,
        weight_decay=settings.weight_decay,
        # One pass over the weights: on a CPU six times as fast, for large tables of embeddings half of a step. On a
        # GPU a fused optimizer cannot be joined with clipping in 16-mixed.
        fused=fabric.device.type == "cpu",
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    wrapped, optimizer = fabric.setup(pattern, optimizer)
    wrapped.mark_forward_method("loss")
    train, batches = _batches(pattern, train, settings.batch_steps, np.random.default_rng(seed))
    order = in_order(_lengths(pattern, valid), settings.batch_steps)
    held_out = [pattern.batch([valid[i] for i in rows]) for rows in order]
    history, losses, best, start = [], [], None, time.monotonic()
    bar = tqdm(range(1, steps + 1), "train", unit=" steps", mininterval=1, disable=not fabric.is_global_zero)
    for step in bar:
        if hasattr(pattern, "advance"):
            pattern.advance((step - 1) / steps)
        batch, weight = _share(fabric, pattern, train, next(batches), np.random.default_rng([seed, step]))
        loss = wrapped.loss(batch) * weight
        _refuse_nan(loss, batch.ids, step)
        fabric.backward(loss)
        fabric.clip_gradients(wrapped, optimizer, max_norm=settings.clip, error_if_nonfinite=False)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        losses.append(loss.item())
        if step % every and step < steps:
            continue
        scores = _validated(fabric, pattern, held_out)
        train_loss = fabric.all_reduce(torch.tensor(losses).mean()).item()
        history.append({"step": step, "seconds": time.monotonic() - start, "train_loss": train_loss} | scores)
        losses.clear()
        on_validation(history[-1])
        bar.set_postfix({name: f"{value:.4g}" for name, value in scores.items()})
        if best is None or tuple(scores.values()) < tuple(best.scores.values()):
            best = _Best(scores, copy.deepcopy(pattern.state_dict()), len(history))
        elif len(history) - best.validation >= settings.patience:
            break
    pattern.load_state_dict(best.weights)
    pattern.eval()
    return Fitted(history, best.scores, step, time.monotonic() - start)


class _Best(NamedTuple):
    """The weights that scored best so far, and at which validation."""

    scores: dict[str, float]
    weights: dict[str, torch.Tensor]
    validation: int


def _batches(
    pattern: nn.Module, train: Sequence[Any], batch_steps: int, rng: np.random.Generator
) -> tuple[Sequence[Any], Iterator[np.ndarray]]:
    """What is learned from, examples or the windows of them, and which of these are in each batch, without end."""
    if not getattr(pattern, "carries", False):
        return train, endless(_lengths(pattern, train), batch_steps, rng)
    windows = [pattern.windows(example) for example in train]
    parts, train = [len(each) for each in windows], [window for each in windows for window in each]
    return train, lanes(parts, max(1, batch_steps // max(_lengths(pattern, train))), rng)


def _share(
    fabric: Fabric, pattern: nn.Module, train: Sequence[Any], rows: np.ndarray, rng: np.random.Generator
) -> tuple[Any, float]:
    """This process' share of a batch, and the weight that makes the mean over processes that over the whole batch.

    A process for which no example is left takes one that weighs nothing.
    """
    mine = rows[fabric.global_rank :: fabric.world_size]
    taken = [train[i] for i in (mine if len(mine) else rows[:1])]
    batch = pattern.batch(taken, rng.spawn(fabric.world_size)[fabric.global_rank])
    return fabric.to_device(batch), len(mine) * fabric.world_size / len(rows)


def _validated(fabric: Fabric, pattern: nn.Module, held_out: Sequence[Any]) -> dict[str, float]:
    """The scores on the held-out batches: one process decides for all, whatever the last bits of the others say."""
    pattern.eval()
    scores = fabric.broadcast(pattern.validate(fabric.to_device(batch) for batch in held_out))
    pattern.train()
    return scores


def _lengths(pattern: nn.Module, examples: Sequence[Any]) -> list[int]:
    return [pattern.steps(example) for example in examples]


def _rate(step: int, steps: int) -> float:
    """Share of the full learning rate at a step."""
    rising = max(1, round(WARM_UP * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _refuse_nan(loss: torch.Tensor, ids: Sequence[str], step: int) -> None:
    if not torch.isfinite(loss):
        named = ", ".join(ids[:20]) + (" ..." if len(ids) > 20 else "")
        raise UserError(
            f"the loss is {loss.item()} at step {step}, on the examples {named}: look at these, or lower learning_rate"
        )

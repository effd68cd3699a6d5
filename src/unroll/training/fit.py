"""The training loop: for each batch loss, backward, clip, step; now and then validate; keep the best."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn
from tqdm import tqdm

from unroll.errors import UserError
from unroll.params import Model, Train
from unroll.training.batches import endless, in_order

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
    every = max(1, steps // settings.validations)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(
        pattern.parameters(), lr=model.learning_rate, weight_decay=settings.weight_decay, foreach=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    wrapped, optimizer = fabric.setup(pattern, optimizer)
    wrapped.mark_forward_method("loss")
    held_out = [pattern.batch([valid[i] for i in rows]) for rows in _in_order(pattern, valid, settings.batch_steps)]
    batches = endless([pattern.steps(example) for example in train], settings.batch_steps, rng)
    history, best, best_weights, stale, losses = [], None, None, 0, []
    start = time.monotonic()
    bar = tqdm(range(1, steps + 1), "train", unit=" steps", mininterval=1, disable=not fabric.is_global_zero)
    for step in bar:
        rows = next(batches)
        while len(rows) < fabric.world_size:
            rows = next(batches)
        mine = rows[fabric.global_rank :: fabric.world_size]
        batch = pattern.batch([train[i] for i in mine], np.random.default_rng([seed, step, fabric.global_rank]))
        loss = wrapped.loss(fabric.to_device(batch))
        _refuse_nan(loss, batch.ids, step)
        # DDP averages over processes; weighted so, that is the mean over the whole batch, however it was shared.
        fabric.backward(loss * (len(mine) * fabric.world_size / len(rows)))
        fabric.clip_gradients(wrapped, optimizer, max_norm=settings.clip)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        losses.append(loss.item())
        if step % every and step != steps:
            continue
        pattern.eval()
        scores = pattern.validate(fabric.to_device(batch) for batch in held_out)
        pattern.train()
        row = {"step": step, "seconds": time.monotonic() - start, "train_loss": float(np.mean(losses))} | scores
        losses.clear()
        history.append(row)
        on_validation(row)
        bar.set_postfix({name: f"{value:.4g}" for name, value in scores.items()})
        if best is None or tuple(scores.values()) < tuple(best.values()):
            best, best_weights, stale = scores, copy.deepcopy(pattern.state_dict()), 0
        else:
            stale += 1
        if stale >= settings.patience:
            break
    pattern.load_state_dict(best_weights)
    pattern.eval()
    return Fitted(history, best, step, time.monotonic() - start)


def _in_order(pattern: nn.Module, examples: Sequence[Any], batch_steps: int) -> list[np.ndarray]:
    return in_order([pattern.steps(example) for example in examples], batch_steps)


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

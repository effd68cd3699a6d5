"""The past of a series, and what is known of its future → the distribution of its next steps.

Forking sequences (Wen et al. 2017, "A Multi-Horizon Quantile Recurrent Forecaster", section 3.3): the encoder reads a
stretch of the past once, and the decoder forecasts from many places along it, the *forks*, all in one batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from unroll import params
from unroll.errors import UserError
from unroll.features import windows
from unroll.layers.stack import Stack
from unroll.metrics.forecasts import pinball
from unroll.params import STRICT, Count, Model, Share, Whole
from unroll.patterns.heads import HEADS
from unroll.patterns.stretches import Example, Forecast, example_of, examples_of, features_of, truth


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The forecaster of a task.

    ``context``: steps read before an example's first fork; ``segment``: the most steps from its first fork to its
    last; ``stride``: steps between forks in training, where their phase is drawn anew for each batch; ``levels``: of
    the quantiles; ``identity``: numbers learned for each series (0: none).
    """

    context: Count
    segment: Count
    stride: Count
    levels: Annotated[list[Share], Field(min_length=1)]
    identity: Whole

    def __post_init__(self) -> None:
        if self.levels != sorted({*self.levels}) or 0.5 not in self.levels or self.levels[0] == 0:
            raise ValueError("levels should rise from above 0 to below 1, with 0.5, the median, among them")


@dataclass(frozen=True, config=STRICT)
class ForecasterModel(Model):
    """A variant of a forecaster's task; ``head``: free quantiles, or those of a Student's t."""

    head: Literal["quantile", "student_t"]


class Batch(NamedTuple):
    """B stretches of series, padded, what is missing being NaN, and N forks in them.

    ``series``: numbers of the series, one past the last for one never seen; fork ``i`` is at step ``forks[i]`` of
    stretch ``rows[i]``; ``targets``: the standardised future; ``base`` and ``scale`` (float64 (N,)) give it its unit.
    """

    ids: list[str]
    values: Float[Tensor, "B T V"]
    known: Float[Tensor, "B T+H K"]
    static: Float[Tensor, "B S"]
    series: Int[Tensor, "B"]
    rows: Int[Tensor, "N"]
    forks: Int[Tensor, "N"]
    targets: Float[Tensor, "N H"]
    base: np.ndarray
    scale: np.ndarray


class Forecaster(nn.Module):
    """Encoder over the past; at each fork its last output is the context of a decoder over the horizon; a head.

    Both are recurrent. A missing input is zero with a flag beside it that says so; a missing target counts nothing.
    """

    def __init__(
        self,
        settings: Settings,
        model: ForecasterModel,
        features: windows.Settings,
        statics: int,
        series: Sequence[str],
    ):
        super().__init__()
        if model.recurrent.bidirectional:
            raise UserError("recurrent.bidirectional: should be false: a forecaster may not read the future")
        self.settings, self.model, self.features, self.series = settings, model, features, list(series)
        self._index = {name: i for i, name in enumerate(self.series)}
        self.register_buffer("mean", torch.zeros(statics))
        self.register_buffer("deviation", torch.ones(statics))
        self.identities = nn.Parameter(0.1 * torch.randn(len(self.series), settings.identity))
        values, known = len(features.value_names), len(features.known_names)
        steady = 2 * known - len(features.calendar_names) + statics + settings.identity
        hidden = model.recurrent.hidden
        self.encoder = Stack(model.recurrent, 2 * values + steady)
        self.decoder = Stack(replace(model.recurrent, layers=1), steady + hidden)
        self.dropout = nn.Dropout(model.recurrent.dropout)
        self.head = HEADS[model.head](settings.levels)
        self.output = nn.Linear(hidden, self.head.outputs)
        self.shortcut = nn.Linear(hidden, self.head.outputs, bias=False)

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: ForecasterModel) -> "Forecaster":
        """A new one for the series of the training ``table``, their static features normalised over them."""
        static = np.array(table["static"].to_pylist(), np.float32)
        names = table["id"].to_pylist() if settings.identity else []
        new = cls(settings, model, features_of(table), static.shape[1], names)
        new.mean.copy_(torch.from_numpy(static.mean(0)))
        deviation = static.std(0)
        new.deviation.copy_(torch.from_numpy(np.where(deviation > 0, deviation, 1)))
        return new

    def examples(self, table: pa.Table) -> list[Example]:
        """The stretches of a featurized table, see :func:`examples_of`."""
        return examples_of(table, self.settings.segment)

    def example(self, row: Mapping[str, Any]) -> Example:
        """One featurized row, such as ``windows.row_of`` makes, with all its forks."""
        if len(row["static"]) != len(self.mean):
            raise UserError(f"the series {row['id']} has {len(row['static'])} static features, not {len(self.mean)}")
        return example_of(row, self.features)

    def steps(self, example: Example) -> int:
        """Steps that the encoder reads."""
        return int(example.forks[-1]) - self._start(example)

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Examples as padded tensors; with ``rng``, each with forks a stride apart, from a phase at random."""
        if rng is not None:
            examples = [self._redrawn(example, rng) for example in examples]
        starts = [self._start(example) for example in examples]
        stops = [int(example.forks[-1]) for example in examples]
        spans = list(zip(examples, starts, stops, strict=True))
        horizon, past = self.features.horizon, max(stop - start for _, start, stop in spans)
        counts = [len(example.forks) for example in examples]
        rows = np.repeat(np.arange(len(examples)), counts)
        forks = np.concatenate([example.forks - start for example, start, _ in spans])
        base = np.concatenate([example.base[example.forks] for example in examples])
        scale = np.repeat([example.scale for example in examples], counts)
        future = np.concatenate([truth(example) for example in examples])
        known = [example.known[start : stop + horizon] for example, start, stop in spans]
        return Batch(
            [example.id for example in examples],
            torch.from_numpy(_padded([example.values[start:stop] for example, start, stop in spans], past)),
            torch.from_numpy(_padded(known, past + horizon)),
            torch.from_numpy(np.stack([example.static for example in examples])),
            torch.tensor([self._index.get(example.id, len(self.series)) for example in examples]),
            torch.from_numpy(rows),
            torch.from_numpy(forks),
            torch.from_numpy(((future - base[:, None]) / scale[:, None]).astype(np.float32)),
            base,
            scale,
        )

    def forward(self, batch: Batch) -> Float[Tensor, "N H P"]:
        """What the head takes for the distribution of each step ahead of each fork."""
        past, horizon = batch.values.shape[1], self.features.horizon
        steady = self._steady(batch)
        inputs = torch.cat((_flagged(batch.values, 0), steady[:, :past]), dim=2)
        # Padding comes after the last fork of its row, and the encoder reads forward: there is nothing to mask.
        read, _ = self.encoder(inputs, batch.rows.new_full((len(inputs),), past))
        steps = read.transpose(0, 1).flatten(0, 1)  # a view: layers give their outputs time-major
        context = self.dropout(steps.index_select(0, (batch.forks - 1) * len(inputs) + batch.rows))
        ahead = batch.forks[:, None] + torch.arange(horizon, device=batch.forks.device)
        future = torch.cat((steady[batch.rows[:, None], ahead], context[:, None].expand(-1, horizon, -1)), dim=2)
        decoded, _ = self.decoder(future, batch.rows.new_full((len(future),), horizon))
        return self.output(decoded) + self.shortcut(context)[:, None]

    def loss(self, batch: Batch) -> Tensor:
        """Mean of the head's loss over the observed steps ahead of all forks."""
        observed = ~batch.targets.isnan()
        losses = self.head.losses(self(batch), batch.targets.masked_fill(~observed, 0))
        return (losses * observed).sum() / observed.sum().clamp(min=1)

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Forecast]:
        """The quantiles of the future of each example; NaN for changes from a value that was never observed."""
        standard = self.head.quantiles(self(batch))
        quantiles = batch.base[:, None, None] + batch.scale[:, None, None] * standard
        counts = np.bincount(batch.rows.cpu().numpy())
        return [Forecast(part) for part in np.split(quantiles, np.cumsum(counts)[:-1])]

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """The mean pinball loss over levels and observed steps, in deviations of the series, whatever the head."""
        losses = [
            pinball(batch.targets.cpu().numpy(), self.head.quantiles(self(batch)), self.settings.levels).ravel()
            for batch in batches
        ]
        return {"quantile_loss": float(np.nanmean(np.concatenate(losses)))}

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "forecaster",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "featurizer": "windows",
            "feature_settings": asdict(self.features),
            "statics": len(self.mean),
            "series": self.series,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Forecaster":
        """The forecaster whose :meth:`checkpoint` it was, ready to predict."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(ForecasterModel, checkpoint["model"], "checkpoint: model")
        features = params.check(windows.Settings, checkpoint["feature_settings"], "checkpoint: feature_settings")
        restored = cls(settings, model, features, checkpoint["statics"], checkpoint["series"])
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _start(self, example: Example) -> int:
        return max(0, int(example.forks[0]) - self.settings.context)

    def _redrawn(self, example: Example, rng: np.random.Generator) -> Example:
        first, last = example.forks[[0, -1]]
        phase = rng.integers(min(self.settings.stride, last - first + 1))
        return example._replace(forks=np.arange(first + phase, last + 1, self.settings.stride))

    def _steady(self, batch: Batch) -> Float[Tensor, "B T F"]:
        """What is known of each step beforehand: known columns with their flags, static features, identity."""
        known = _flagged(batch.known, len(self.features.calendar_names))
        # A series that was never seen takes after all that were.
        identities = torch.cat((self.identities, self.identities.mean(0, keepdim=True)))
        static = torch.cat(((batch.static - self.mean) / self.deviation, identities[batch.series]), dim=1)
        return torch.cat((known, static[:, None].expand(-1, known.shape[1], -1)), dim=2)


Pattern = Forecaster


def _padded(parts: Sequence[np.ndarray], steps: int) -> np.ndarray:
    """Arrays (T, ...) as one array (B, steps, ...), with NaN after their ends."""
    whole = np.full((len(parts), steps, *parts[0].shape[1:]), np.nan, parts[0].dtype)
    for row, part in zip(whole, parts, strict=True):
        row[: len(part)] = part
    return whole


def _flagged(x: Float[Tensor, "B T D"], sure: int) -> Float[Tensor, "B T F"]:
    """Zero where missing, and beside it whether each column after the first ``sure`` was observed."""
    missing = x.isnan()
    return torch.cat((x.masked_fill(missing, 0), (~missing[..., sure:]).to(x.dtype)), dim=2)

"""A long sequence of frames → a shorter sequence of symbols, unaligned: recurrent stack and CTC."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll import params
from unroll.decoding import ctc
from unroll.decoding.ngram import NGram
from unroll.examples import matrices
from unroll.features import phrases
from unroll.features.distortion import Distortion, distort
from unroll.layers.stack import Stack
from unroll.metrics.error_rates import error_rates
from unroll.params import STRICT, Count, Finite, Model, NotNegative, Whole

PRIOR = 10  # frames of the corpus that each recording's statistics start from (MAP, Gauvain & Lee 1994)


@dataclass(frozen=True, config=STRICT)
class Beam:
    """Prefix beam search: its ``width`` (1 decodes greedily) and the n-gram language model of the symbols.

    The model has ``order`` symbols (0: none), counts ``weight`` times the acoustics, and each symbol earns ``bonus``.
    """

    width: Count
    order: Whole
    weight: NotNegative
    bonus: Finite


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The transcriber of a task.

    ``units``: what a symbol is; ``stack``: frames joined into one step; ``distortion``: of training examples;
    ``beam``: how the output is read.
    """

    units: Literal["words", "characters"]
    stack: Count
    distortion: Distortion
    beam: Beam


@dataclass(frozen=True, config=STRICT)
class TranscriberModel(Model):
    """A variant of a transcriber's task.

    ``normalise``: by the mean and deviation of each ``recording``, which suits voices never heard, or by those of the
    ``corpus``, which needs no look ahead.
    """

    normalise: Literal["recording", "corpus"]


class Example(NamedTuple):
    """A row: ``frames`` is a float32 (T, D) view of the mapped table."""

    id: str
    frames: np.ndarray
    text: str


class Batch(NamedTuple):
    """Padded examples; ``symbols`` are those of all rows joined."""

    ids: list[str]
    texts: list[str]
    frames: Float[Tensor, "B T D"]
    lengths: Int[Tensor, "B"]
    symbols: Int[Tensor, "N"]
    symbol_counts: Int[Tensor, "B"]


class Word(NamedTuple):
    """A word with its place in seconds and its confidence: the mean probability of its symbols there."""

    text: str
    start: float
    stop: float
    confidence: float


class Transcript(NamedTuple):
    """What was heard: ``text``, its ``words``, and the mean of their confidences (0 when there are none)."""

    text: str
    words: list[Word]
    confidence: float


def transcript_of(words: list[Word]) -> Transcript:
    """The transcript that consists of ``words``."""
    confidence = float(np.mean([word.confidence for word in words])) if words else 0.0
    return Transcript(" ".join(word.text for word in words), words, confidence)


class Transcriber(nn.Module):
    """Frames (B, T, D) → joined ``stack`` at a time → recurrent layers → a distribution over symbols and the blank.

    Connectionist temporal classification (Graves et al. 2006) sums over all alignments in training.
    """

    def __init__(
        self,
        settings: Settings,
        model: TranscriberModel,
        featurizer: str,
        feature_settings: Mapping[str, Any],
        symbols: Sequence[str],
    ):
        super().__init__()
        self.settings, self.model, self.symbols = settings, model, list(symbols)
        self.featurizer, self.feature_settings = featurizer, dict(feature_settings)
        kind = import_module(f"unroll.features.{featurizer}").Settings
        self.features = params.check(kind, self.feature_settings, featurizer)
        width = self.features.features
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        self.layers = Stack(model.recurrent, width * settings.stack)
        self.dropout = nn.Dropout(model.recurrent.dropout)
        self.output = nn.Linear(self.layers.outputs, 1 + len(symbols))
        self.language: NGram | None = None
        self._index = {symbol: i + 1 for i, symbol in enumerate(self.symbols)}

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: TranscriberModel) -> "Transcriber":
        """A new one with the alphabet, the normalisation and the language model of the training ``table``."""
        metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        texts = table["text"].to_pylist()
        symbols = sorted({symbol for text in texts for symbol in _split(text, settings.units)})
        new = cls(settings, model, metadata["featurizer"], json.loads(metadata["settings"]), symbols)
        mean, deviation = _statistics(matrices(table["frames"]))
        new.mean.copy_(torch.from_numpy(mean))
        new.deviation.copy_(torch.from_numpy(deviation))
        if settings.beam.order:
            sentences = [[new._index[s] for s in _split(text, settings.units)] for text in sorted(set(texts))]
            new.language = NGram.fit(sentences, settings.beam.order, 1 + len(symbols))
        return new

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table; those too short to hold their own transcript are left out."""
        rows = map(Example, table["id"].to_pylist(), matrices(table["frames"]), table["text"].to_pylist())
        return [row for row in rows if self._fits(row)]

    def steps(self, example: Example) -> int:
        """Recurrent steps of an example: frames over ``stack``."""
        return -(-len(example.frames) // self.settings.stack)

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Examples as padded tensors; with ``rng``, each distorted anew within the settings' limits."""
        frames = [example.frames for example in examples]
        if rng is not None:
            basis = self.features.basis
            inverse = np.linalg.pinv(basis)
            frames = [distort(f, basis, inverse, self.settings.distortion, rng) for f in frames]
        symbols = [self.encode(example.text) for example in examples]
        return Batch(
            [example.id for example in examples],
            [example.text for example in examples],
            nn.utils.rnn.pad_sequence([torch.from_numpy(np.array(f)) for f in frames], batch_first=True),
            torch.tensor([len(f) for f in frames]),
            torch.tensor([s for row in symbols for s in row], dtype=torch.long),
            torch.tensor([len(row) for row in symbols]),
        )

    def forward(
        self, frames: Float[Tensor, "B T D"], lengths: Int[Tensor, "B"]
    ) -> tuple[Float[Tensor, "B S V"], Int[Tensor, "B"]]:
        """Log-probabilities of the symbols (0: blank) at each of the S = T / ``stack`` steps, and the rows' steps."""
        joined, steps = self._joined(self._normalised(frames, lengths), lengths)
        hidden, _ = self.layers(joined, steps)
        return self.output(self.dropout(hidden)).log_softmax(-1), steps

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the examples of -log P(symbols | frames), in nats."""
        return self._losses(batch, *self(batch.frames, batch.lengths)).mean()

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Transcript]:
        """What was said in each row, by beam search with the language model where the settings ask for it."""
        log_probs, steps = self(batch.frames, batch.lengths)
        rows = zip(log_probs, steps.tolist(), self._decoded(log_probs, steps), strict=True)
        return [self._transcript(row[:length], symbols) for row, length, symbols in rows]

    def listen(self, blocks: Iterable[np.ndarray]) -> Iterator[Word]:
        """The words of a recording of any length, given in blocks of samples at ``features.sample_rate``.

        It is cut into phrases at its pauses, as the training data were; memory is bounded by a window of
        ``unroll.features.phrases``. Times are those in the whole recording.
        """
        transform = self.features.transform()
        # A window of silence holds no phrases.
        for found in filter(None, phrases.windows(blocks, self.features.sample_rate)):
            heard = self.predict(self.batch([Example("", transform(phrase.samples), "") for phrase in found]))
            for phrase, transcript in zip(found, heard, strict=True):
                for word in transcript.words:
                    yield word._replace(start=word.start + phrase.start, stop=word.stop + phrase.start)

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Error rate of greedy decoding (words, or characters where these are the units), and the mean loss."""
        references, hypotheses, losses = [], [], []
        for batch in batches:
            log_probs, steps = self(batch.frames, batch.lengths)
            losses += self._losses(batch, log_probs, steps).tolist()
            hypotheses += [self.decode(symbols) for symbols in ctc.greedy(log_probs, steps)]
            references += batch.texts
        unit = "word_error_rate" if self.settings.units == "words" else "character_error_rate"
        return {unit: error_rates(references, hypotheses)[unit], "loss": float(np.mean(losses))}

    def encode(self, text: str) -> list[int]:
        """The symbols of a text; those never seen in training are left out, since no output stands for them."""
        return [self._index[s] for s in _split(text, self.settings.units) if s in self._index]

    def decode(self, symbols: Sequence[int]) -> str:
        """The text of symbols."""
        return (" " if self.settings.units == "words" else "").join(self.symbols[s - 1] for s in symbols)

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "transcriber",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "featurizer": self.featurizer,
            "feature_settings": self.feature_settings,
            "symbols": self.symbols,
            "language": self.language.tensors() if self.language else None,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Transcriber":
        """The transcriber whose :meth:`checkpoint` it was, ready to predict."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(TranscriberModel, checkpoint["model"], "checkpoint: model")
        featurizer, feature_settings = checkpoint["featurizer"], checkpoint["feature_settings"]
        restored = cls(settings, model, featurizer, feature_settings, checkpoint["symbols"])
        restored.load_state_dict(checkpoint["weights"])
        if checkpoint["language"] is not None:
            restored.language = NGram.from_tensors(checkpoint["language"])
        return restored.eval()

    def _losses(self, batch: Batch, log_probs: Tensor, steps: Tensor) -> Float[Tensor, "B"]:
        frames_first, counts = log_probs.transpose(0, 1), batch.symbol_counts
        return functional.ctc_loss(frames_first, batch.symbols, steps, counts, reduction="none")

    def _fits(self, example: Example) -> bool:
        """CTC needs a step for each symbol and a blank between two equal ones."""
        symbols = self.encode(example.text)
        return self.steps(example) >= len(symbols) + sum(a == b for a, b in itertools.pairwise(symbols))

    def _normalised(self, frames: Tensor, lengths: Tensor) -> Tensor:
        if self.model.normalise == "corpus":
            return (frames - self.mean) / self.deviation
        mask = (torch.arange(frames.shape[1], device=lengths.device) < lengths[:, None])[..., None]
        count = lengths[:, None, None] + PRIOR
        mean = ((frames * mask).sum(1, keepdim=True) + PRIOR * self.mean) / count
        squares = ((frames - mean).square() * mask).sum(1, keepdim=True) + PRIOR * self.deviation.square()
        return (frames - mean) / (squares / count).sqrt()

    def _joined(self, frames: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``stack`` frames a step; a last step that is not full is filled with zeros, the mean."""
        stack = self.settings.stack
        mask = (torch.arange(frames.shape[1], device=lengths.device) < lengths[:, None])[..., None]
        padded = functional.pad(frames * mask, (0, 0, 0, -frames.shape[1] % stack))
        return padded.reshape(len(frames), -1, stack * frames.shape[2]), (lengths + stack - 1) // stack

    def _decoded(self, log_probs: Tensor, steps: Tensor) -> list[Sequence[int]]:
        beam = self.settings.beam
        if beam.width == 1:
            return ctc.greedy(log_probs, steps)
        found = ctc.beam_search(log_probs, steps, beam.width, self.language, beam.weight, beam.bonus)
        return [row[0].symbols for row in found]

    def _transcript(self, log_probs: Float[Tensor, "S V"], symbols: Sequence[int]) -> Transcript:
        spans = ctc.align(log_probs, symbols)
        seconds = self.features.frame_seconds * self.settings.stack
        words, group = [], []
        for symbol, span in [*zip(symbols, spans, strict=True), (None, None)]:
            name = self.symbols[symbol - 1] if symbol else " "
            if name != " ":
                group.append((name, span))
            if group and (name == " " or self.settings.units == "words"):
                text = "".join(part for part, _ in group)
                confidence = float(np.mean([part.confidence for _, part in group]))
                words.append(Word(text, group[0][1].start * seconds, group[-1][1].stop * seconds, confidence))
                group = []
        return transcript_of(words)


Pattern = Transcriber


def _statistics(recordings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (D,) over all frames, one recording in memory at a time."""
    count = sum(len(frames) for frames in recordings)
    mean = sum(frames.sum(0, dtype=np.float64) for frames in recordings) / count
    variance = sum(np.square(frames - mean).sum(0) for frames in recordings) / count
    return mean, np.sqrt(variance) + 1e-3


def _split(text: str, units: str) -> list[str]:
    return text.split() if units == "words" else list(text)

"""A long sequence of frames → a shorter sequence of symbols, unaligned: encoder and CTC."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int, Real
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll import params
from unroll.decoding import ctc
from unroll.decoding.ngram import NGram
from unroll.errors import UserError
from unroll.features import phrases
from unroll.features.distortion import Distortion
from unroll.metrics.error_rates import error_rates
from unroll.params import STRICT, Count, Finite, Model, NotNegative, Whole
from unroll.patterns.inputs import Inputs, rows_of
from unroll.patterns.sound import Normalise, SoundEncoder
from unroll.patterns.vision import FrameEncoder, Vision


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

    ``units``: what a symbol is; ``stack``: frames joined into one step; ``distortion``: of recordings in training, none
    of pictures; ``beam``: how the output is read.
    """

    units: Literal["words", "characters"]
    stack: Count
    distortion: Distortion | None
    beam: Beam


@dataclass(frozen=True, config=STRICT)
class TranscriberModel(Model):
    """A variant of a transcriber's task: one that hears or one that sees.

    ``normalise``: recordings by the mean and deviation of each ``recording``, which suits voices never heard, or by
    those of the ``corpus``, which needs no look ahead; ``vision``: how pictures become inputs of the layers.
    """

    normalise: Normalise | None
    vision: Vision | None

    def __post_init__(self) -> None:
        if (self.normalise is None) == (self.vision is None):
            raise ValueError("either normalise, of sound, or vision, of pictures, should be set, and the other be null")


class Example(NamedTuple):
    """A row: ``frames`` is a (T, D) view of the mapped table, float32 or of pixels uint8."""

    id: str
    frames: np.ndarray
    text: str


class Batch(NamedTuple):
    """Padded examples; ``symbols`` are those of all rows joined."""

    ids: list[str]
    texts: list[str]
    frames: Real[Tensor, "B T D"]
    lengths: Int[Tensor, "B"]
    symbols: Int[Tensor, "N"]
    symbol_counts: Int[Tensor, "B"]


class Word(NamedTuple):
    """A word with its place and its confidence: the mean probability of its symbols there.

    Places are in seconds; in pictures they are columns of pixels.
    """

    text: str
    start: float
    stop: float
    confidence: float


class Transcript(NamedTuple):
    """What was heard or read: ``text``, its ``words``, and the mean of their confidences (0 when there are none).

    ``symbols``: words or characters, as they were told one by one; none where only the words are known.
    """

    text: str
    words: list[Word]
    confidence: float
    symbols: list[Word]


def transcript_of(words: list[Word], symbols: Sequence[Word] = ()) -> Transcript:
    """The transcript that consists of ``words``."""
    confidence = float(np.mean([word.confidence for word in words])) if words else 0.0
    return Transcript(" ".join(word.text for word in words), words, confidence, list(symbols))


class Transcriber(nn.Module):
    """Frames (B, T, D) → encoder, ``stack`` frames a step → a distribution over symbols and the blank.

    Connectionist temporal classification (Graves et al. 2006) sums over all alignments in training.
    """

    def __init__(self, settings: Settings, model: TranscriberModel, inputs: Inputs, symbols: Sequence[str]) -> None:
        super().__init__()
        self.settings, self.model, self.inputs, self.symbols = settings, model, inputs, list(symbols)
        self.featurizer, self.features, self.shape = inputs.featurizer, inputs.features, inputs.shape
        self.encoder = _encoder(settings, model, inputs)
        self.dropout = nn.Dropout(model.recurrent.dropout)
        self.output = nn.Linear(self.encoder.outputs, 1 + len(symbols))
        self.language: NGram | None = None
        self._index = {symbol: i + 1 for i, symbol in enumerate(self.symbols)}

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: TranscriberModel) -> "Transcriber":
        """A new one with the alphabet, the normalisation and the language model of the training ``table``."""
        texts = table["text"].to_pylist()
        symbols = sorted({symbol for text in texts for symbol in _split(text, settings.units)})
        new = cls(settings, model, Inputs.of(table), symbols)
        new.encoder.standardise(rows_of(table))
        if settings.beam.order:
            sentences = [[new._index[s] for s in _split(text, settings.units)] for text in sorted(set(texts))]
            new.language = NGram.fit(sentences, settings.beam.order, 1 + len(symbols))
        return new

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a featurized table; those too short to hold their own transcript are left out."""
        rows = map(Example, table["id"].to_pylist(), rows_of(table), table["text"].to_pylist())
        return [row for row in rows if self._fits(row)]

    def steps(self, example: Example) -> int:
        """Recurrent steps of an example: frames over ``stack``."""
        return self.encoder.steps(len(example.frames))

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Examples as padded tensors; with ``rng``, each varied anew as the settings or the model's vision say."""
        frames, lengths = self.encoder.padded([example.frames for example in examples], rng)
        symbols = [self.encode(example.text) for example in examples]
        return Batch(
            [example.id for example in examples],
            [example.text for example in examples],
            frames,
            lengths,
            torch.tensor([s for row in symbols for s in row], dtype=torch.long),
            torch.tensor([len(row) for row in symbols]),
        )

    def forward(
        self, frames: Real[Tensor, "B T D"], lengths: Int[Tensor, "B"]
    ) -> tuple[Float[Tensor, "B S V"], Int[Tensor, "B"]]:
        """Log-probabilities of the symbols (0: blank) at each of the S = T / ``stack`` steps, and the rows' steps."""
        hidden = self.encoder(frames, lengths)
        return self.output(self.dropout(hidden)).log_softmax(-1), self.encoder.steps(lengths)

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the examples of -log P(symbols | frames), in nats."""
        return self._losses(batch, *self(batch.frames, batch.lengths)).mean()

    @torch.no_grad()
    def predict(self, batch: Batch) -> list[Transcript]:
        """What was said in each row, by beam search with the language model where the settings ask for it."""
        log_probs, steps = self(batch.frames, batch.lengths)
        rows = zip(log_probs, steps.tolist(), self._decoded(log_probs, steps), strict=True)
        return [self._transcript(row[:length], symbols) for row, length, symbols in rows]

    def read(self, rows: Sequence[np.ndarray]) -> list[Transcript]:
        """What is written in pictures of lines, frames (T, D) each, read one by one."""
        return [self.predict(self.batch([Example("", row, "")]))[0] for row in rows]

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
            "inputs": self.inputs.plain(),
            "symbols": self.symbols,
            "language": self.language.tensors() if self.language else None,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Transcriber":
        """The transcriber whose :meth:`checkpoint` it was, ready to predict."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(TranscriberModel, checkpoint["model"], "checkpoint: model")
        restored = cls(settings, model, Inputs.restored(checkpoint["inputs"]), checkpoint["symbols"])
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

    def _decoded(self, log_probs: Tensor, steps: Tensor) -> list[Sequence[int]]:
        beam = self.settings.beam
        if beam.width == 1:
            return ctc.greedy(log_probs, steps)
        found = ctc.beam_search(log_probs, steps, beam.width, self.language, beam.weight, beam.bonus)
        return [row[0].symbols for row in found]

    def _transcript(self, log_probs: Float[Tensor, "S V"], symbols: Sequence[int]) -> Transcript:
        unit = self.settings.stack * (1 if self.model.vision else self.features.frame_seconds)
        told = [
            Word(self.symbols[symbol - 1], span.start * unit, span.stop * unit, float(span.confidence))
            for symbol, span in zip(symbols, ctc.align(log_probs, symbols), strict=True)
        ]
        words = told if self.settings.units == "words" else _words(told)
        return transcript_of(words, told)


Pattern = Transcriber


def _encoder(settings: Settings, model: TranscriberModel, inputs: Inputs) -> SoundEncoder | FrameEncoder:
    """Ears or eyes, which should be what the inputs, the settings and the model are for."""
    hears = inputs.shape is None
    if (model.vision is None, settings.distortion is not None) != (hears, hears):
        raise UserError(
            f"{inputs.featurizer}: models of sound want distortion and normalise, those of pictures vision and null for"
            " the other two"
        )
    if hears:
        return SoundEncoder(model.recurrent, inputs.features, settings.stack, model.normalise, settings.distortion)
    return inputs.encoder(model.recurrent, model.vision, stack=settings.stack)


def _words(characters: Sequence[Word]) -> list[Word]:
    """What stands between blanks, from its first character's start to its last one's end."""
    groups = itertools.groupby(characters, lambda character: character.text != " ")
    words = [list(group) for written, group in groups if written]
    return [
        Word(
            "".join(character.text for character in word),
            word[0].start,
            word[-1].stop,
            float(np.mean([character.confidence for character in word])),
        )
        for word in words
    ]


def _split(text: str, units: str) -> list[str]:
    return text.split() if units == "words" else list(text)

"""A text or frames → a text, written symbol by symbol: encoder, attention or none, decoder, beam search."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Bool, Float, Int, Real
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll import params
from unroll.decoding.beam import Beam, beam_search
from unroll.decoding.greedy import greedy
from unroll.decoding.writing import Written
from unroll.errors import UserError
from unroll.examples import vectors
from unroll.features import placeholders
from unroll.features.tokens import Vocabulary
from unroll.layers.contract import find_padding
from unroll.params import STRICT, Count, Model, Share
from unroll.patterns.decoder import Decoder, Memory
from unroll.patterns.encoder import Embedding
from unroll.patterns.inputs import Inputs, rows_of
from unroll.patterns.ngrams import NGrams
from unroll.patterns.text import TextEncoder, embedding_table, padded
from unroll.patterns.vision import Vision

TOGETHER = 4000  # symbols of sources, padding included, that are translated at once
LONGER, ADDED = 2, 10  # a translation of a text has at most twice its symbols and ten more: with a length penalty, a
# search goes on until no longer hypothesis could win
END = "■"  # how the end of a text is shown


@dataclass(frozen=True, config=STRICT)
class Settings:
    """The translator of a task. ``beam``: how it searches; ``longest``: the most symbols that it writes."""

    beam: Beam
    longest: Count


@dataclass(frozen=True, config=STRICT)
class TranslatorModel(Model):
    """A variant of a translator's task.

    ``embedding``: of the symbols read and of those written; ``ngrams``: what else is read at each place of a text, see
    ``unroll.patterns.ngrams``, or nothing; ``attention``: how the decoder looks back at the source, ``none`` gives it
    the encoder's last output instead, all it will ever know of the source; ``input_feeding``: the decoder reads what it
    last attended to (Luong et al. 2015, section 3.3), which costs a Python loop over the target in training;
    ``tied_embeddings``: the scores of symbols use their embeddings (Press & Wolf 2017), and a vocabulary that both
    sides share has one table; ``label_smoothing``: share of the probability that the loss spreads over all symbols
    (Szegedy et al. 2016, section 7); ``vision``: how frames become inputs of the encoder, where the source is not a
    text; ``stride``: every so many-th step of the encoder is remembered, since frames are many to a word (as the layers
    of Chan et al. 2016, "Listen, attend and spell", section 2.1, halve theirs); ``start``: the model of frames whose
    encoder this one starts from, as ``video/events/gru``, or nothing; ``frozen``: keep that encoder as it is and learn
    to write only.
    """

    embedding: Embedding
    ngrams: NGrams | None
    attention: Literal["none", "additive", "multiplicative"]
    input_feeding: bool
    tied_embeddings: bool
    label_smoothing: Share
    vision: Vision | None
    stride: Count
    start: str
    frozen: bool

    def __post_init__(self) -> None:
        if self.start and self.vision is None:
            raise ValueError("start wants a vision: the encoder of a text starts from nothing")
        if self.frozen and not self.start:
            raise ValueError("frozen wants a start: an encoder that learned nothing should learn")
        if self.ngrams and self.vision:
            raise ValueError("either ngrams, of a text, or vision, of frames, should be null")


class Example(NamedTuple):
    """A row: what is read, what should be written, and what the source's placeholders were.

    ``wordings``: of frames, all that may be said of them, ``target`` among it; training draws from these.
    """

    id: str
    source: np.ndarray  # int32 (S,) or frames (S, D), a view of the mapped table
    target: np.ndarray  # int32 (T,)
    slots: list[str]
    wordings: Sequence[np.ndarray] = ()


class Batch(NamedTuple):
    """Padded examples; texts, sources and targets, end with their end symbol, which their lengths count."""

    ids: list[str]
    source: Real[Tensor, "B S ..."]
    source_lengths: Int[Tensor, "B"]
    target: Int[Tensor, "B T"]
    target_lengths: Int[Tensor, "B"]
    slots: list[list[str]]


class Translation(NamedTuple):
    """What was written for a source.

    ``text``: with its placeholders; ``log_prob``: natural logarithm; ``alternatives``: the best few, ``text`` first,
    with their logarithms; ``symbols``: what ``text`` was written in, the end included where it was not cut off;
    ``attention``: float32 (symbols, S), where in the S steps that are remembered each of them looked, the end of a text
    last; None without attention.
    """

    text: str
    log_prob: float
    alternatives: list[tuple[str, float]]
    symbols: list[str]
    attention: np.ndarray | None


class Translator(nn.Module):
    """Source symbols or frames → encoder → memory; decoder, which looks into it at every step → target symbols.

    The encoder–decoder of Sutskever et al. 2014. What is read, ``source``, is a text in the symbols of a vocabulary, or
    frames.
    """

    def __init__(
        self,
        settings: Settings,
        model: TranslatorModel,
        source: Vocabulary | Inputs,
        target: Vocabulary,
        placeholders: bool,
    ) -> None:
        super().__init__()
        self.settings, self.model, self.source, self.target = settings, model, source, target
        self.placeholders = placeholders
        self.end = target.size
        recurrent = model.recurrent
        embedding = embedding_table(target.size, model.embedding)
        if isinstance(source, Inputs):
            self.encoder = source.encoder(recurrent, model.vision or model.embedding)
        elif model.vision:
            raise UserError("vision: the source is a text, and no frames are to be seen: set it to null")
        else:
            shared = model.tied_embeddings and source.plain() == target.plain()
            own = embedding if shared else embedding_table(source.size, model.embedding)
            self.encoder = TextEncoder(recurrent, own, model.ngrams)
        self.encoder.requires_grad_(not model.frozen)
        self.decoder = Decoder(
            recurrent,
            embedding,
            self.encoder.outputs,
            recurrent.bidirectional,
            model.attention,
            model.input_feeding,
            model.tied_embeddings,
        )

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: TranslatorModel) -> "Translator":
        """A new one for the vocabularies of the training ``table``, or for its frames and its words of ``target``."""
        if "frames" in table.column_names:
            words = Vocabulary.learn(pc.list_flatten(table["references"]).to_pylist(), "words", 0)
            new = cls(settings, model, Inputs.of(table), words, placeholders=False)
            new.encoder.standardise(rows_of(table))
            return new
        known = json.loads(table.schema.metadata[b"vocabularies"])
        vocabularies = [Vocabulary.of(known[side]) for side in ("source", "target")]
        return cls(settings, model, *vocabularies, "slots" in table.column_names)

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a table."""
        if isinstance(self.source, Vocabulary):
            return examples_of(table)
        columns = (table[name].to_pylist() for name in ("id", "target", "references"))
        return [
            Example(id, frames, self.target.encode(target), [], [self.target.encode(text) for text in references])
            for frames, id, target, references in zip(rows_of(table), *columns, strict=True)
        ]

    def steps(self, example: Example) -> int:
        """The longer of both sides, with its end."""
        return max(map(len, (example.source, example.target, *example.wordings))) + 1

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Padded examples; with ``rng``, frames are varied as the model's vision says, and so what is said of them."""
        source = self.encoder.padded([example.source for example in examples], rng)
        target = padded([_said(example, rng) for example in examples], self.end)
        return Batch([example.id for example in examples], *source, *target, [example.slots for example in examples])

    def train(self, mode: bool = True) -> "Translator":
        """As ``nn.Module.train``, but an encoder that is frozen always reads as it does in use, without dropout."""
        super().train(mode)
        if self.model.frozen:
            self.encoder.eval()
        return self

    def forward(self, batch: Batch) -> Float[Tensor, "N V"]:
        """The scores of the N target symbols, row after row without padding, each given those before it.

        Padding is left out before the scores, which cost more than all else.
        """
        memory = self._read(batch.source, batch.source_lengths)
        attended, _ = self.decoder(memory, batch.target, batch.target_lengths)
        return self.decoder.scores(attended[self._real(batch)])

    def loss(self, batch: Batch) -> Tensor:
        """Mean over the target symbols of -log P, in nats, smoothed."""
        symbols = batch.target[self._real(batch)].long()
        return functional.cross_entropy(self(batch).float(), symbols, label_smoothing=self.model.label_smoothing)

    @torch.no_grad()
    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Nats a target symbol, the end included, and the share of symbols that would not have been written."""
        nats = wrong = count = 0.0
        for batch in batches:
            scores, symbols = self(batch).float(), batch.target[self._real(batch)].long()
            nats += functional.cross_entropy(scores, symbols, reduction="sum").item()
            wrong += (scores.argmax(1) != symbols).sum().item()
            count += len(symbols)
        return {"nats_per_symbol": nats / count, "wrong_symbols": wrong / count}

    @torch.no_grad()
    def predict(self, batch: Batch, n_best: int = 1) -> list[Translation]:
        """The best that beam search finds for each source, one hypothesis kept being greedy; targets are not read."""
        beam = self.settings.beam
        memory = self._read(batch.source, batch.source_lengths)
        start = torch.full((len(batch.ids),), self.end)  # in whose place the decoder reads the summary
        step, state = self.decoder.step(memory, beam.width), self.decoder.begin(len(batch.ids))
        longest = torch.full_like(batch.source_lengths, self.settings.longest)
        if isinstance(self.source, Vocabulary):
            longest = longest.minimum(LONGER * batch.source_lengths + ADDED)
        if beam.width == 1:
            found = [[written] for written in greedy(step, state, start, self.end, longest)]
        else:
            found = beam_search(step, state, start, self.end, longest, beam, n_best)
        looked = self._looked([best[0] for best in found], memory)
        return [self._translation(*row) for row in zip(found, batch.slots, looked, strict=True)]

    @torch.no_grad()
    def translate(self, texts: Sequence[str], n_best: int = 1) -> list[Translation]:
        """Translations of texts of any length, in their order; those of like length are read together."""
        nothing = np.zeros(0, np.int32)
        masked = [self._masked(text) for text in texts]
        rows = [Example(text, self.source.encode(text), nothing, slots) for text, slots in masked]
        found: dict[int, Translation] = {}
        for numbers in _together([self.steps(row) for row in rows]):
            found |= zip(numbers, self.predict(self.batch([rows[i] for i in numbers]), n_best), strict=True)
        return [found[i] for i in range(len(rows))]

    def describe(self, rows: Sequence[np.ndarray]) -> list[Translation]:
        """What is written of each row of frames (T, D), read one by one."""
        nothing = np.zeros(0, np.int32)
        return [self.predict(self.batch([Example("", row, nothing, [])]))[0] for row in rows]

    def source_symbols(self, text: str) -> list[str]:
        """What the steps of the attention to a text stand for, the end last."""
        masked, slots = self._masked(text)
        return [*_spelled(self.source, self.source.encode(masked).tolist(), slots), END]

    def start_from(self, checkpoint: Mapping[str, Any]) -> None:
        """Copies the encoder of another pattern's checkpoint, the one of ``start``.

        Raises ``UserError`` naming ``start`` and what differs where it does not fit.
        """
        self.source.start(self.encoder, checkpoint, self.model.start)

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "translator",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "inputs" if self.model.vision else "source": self.source.plain(),
            "target": self.target.plain(),
            "placeholders": self.placeholders,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Translator":
        """The translator whose :meth:`checkpoint` it was, ready to translate."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(TranslatorModel, checkpoint["model"], "checkpoint: model")
        source = Inputs.restored(checkpoint["inputs"]) if model.vision else Vocabulary.of(checkpoint["source"])
        restored = cls(settings, model, source, Vocabulary.of(checkpoint["target"]), checkpoint["placeholders"])
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _masked(self, text: str) -> tuple[str, list[str]]:
        """A text with slots for its placeholders, and these, if that is how the training texts were read."""
        return placeholders.mask(text) if self.placeholders else (text, [])

    def _read(self, source: Real[Tensor, "B S ..."], lengths: Int[Tensor, "B"]) -> Memory:
        """What the encoder makes of the sources."""
        return self.decoder.remember(self.encoder(source, lengths), self.encoder.steps(lengths), self.model.stride)

    def _looked(self, found: Sequence[Written], memory: Memory) -> list[np.ndarray | None]:
        """Where each symbol of what was written looked, its end included."""
        if self.decoder.attention is None:
            return [None] * len(found)
        _, weights = self.decoder(memory, *padded([np.array(each.codes, np.int32) for each in found], self.end))
        sources = (~memory.padding).sum(1).tolist()
        rows = zip(weights.float().cpu().numpy(), found, sources, strict=True)
        return [row[: len(each.codes) + each.ended, :steps] for row, each, steps in rows]

    def _translation(self, found: Sequence[Written], slots: list[str], looked: np.ndarray | None) -> Translation:
        texts = [placeholders.restore(self.target.decode(each.codes), slots) for each in found]
        symbols = _spelled(self.target, found[0].codes, slots) + [END] * found[0].ended
        alternatives = [(text, each.log_prob) for text, each in zip(texts, found, strict=True)]
        return Translation(texts[0], found[0].log_prob, alternatives, symbols, looked)

    def _real(self, batch: Batch) -> Bool[Tensor, "B T"]:
        """Where the targets are no padding."""
        return ~find_padding(batch.target_lengths, batch.target.shape[1])


def examples_of(table: pa.Table) -> list[Example]:
    """The rows of a table, as the translator and its baselines read them."""
    ids = table["id"].to_pylist()
    slots = table["slots"].to_pylist() if "slots" in table.column_names else [[] for _ in ids]
    return [
        Example(*row)
        for row in zip(ids, vectors(table["source_codes"]), vectors(table["target_codes"]), slots, strict=True)
    ]


def _said(example: Example, rng: np.random.Generator | None) -> np.ndarray:
    """The target, or with ``rng`` any of its wordings, if there are such."""
    if rng is None or not example.wordings:
        return example.target
    return example.wordings[rng.integers(len(example.wordings))]


def _spelled(vocabulary: Vocabulary, codes: Iterable[int], slots: list[str]) -> list[str]:
    """Each symbol as text."""
    return [placeholders.restore(vocabulary.decode([code]), slots) for code in codes]


def _together(steps: Sequence[int]) -> Iterator[list[int]]:
    """The numbers of rows to read together, shortest first: of each group no more than so many padded steps."""
    group: list[int] = []
    for row in sorted(range(len(steps)), key=steps.__getitem__):
        if group and steps[row] * (len(group) + 1) > TOGETHER:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


Pattern = Translator

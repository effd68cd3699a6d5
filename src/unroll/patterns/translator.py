"""A sequence → another one, written symbol by symbol: encoder, attention or none, decoder, beam search."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Bool, Float, Int
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll import params
from unroll.decoding.beam import Beam, beam_search
from unroll.decoding.greedy import greedy
from unroll.decoding.writing import Step, Written
from unroll.examples import vectors
from unroll.features import placeholders
from unroll.features.tokens import Vocabulary
from unroll.layers.attention import Attention
from unroll.layers.contract import find_padding
from unroll.layers.stack import Stack
from unroll.params import STRICT, Count, Model, Share
from unroll.patterns.encoder import Embedding
from unroll.patterns.ngrams import NGramEmbedding, NGrams
from unroll.patterns.pooling import Pooling

TOGETHER = 4000  # symbols of sources, padding included, that are translated at once
LONGER, ADDED = 2, 10  # a translation has at most twice the source's symbols and ten more: with a length penalty, a
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

    ``embedding``: of the symbols read and of those written; ``ngrams``: what else is read at each place of the source,
    see ``unroll.patterns.ngrams``; ``attention``: how the decoder looks back at the source,
    ``none`` gives it the encoder's last output instead, all it will ever know of the source; ``input_feeding``: the
    decoder reads what it last attended to (Luong et al. 2015, section 3.3), which costs a Python loop over the target
    in training; ``tied_embeddings``: the scores of symbols use their embeddings (Press & Wolf 2017), and a vocabulary
    that both sides share has one table; ``label_smoothing``: share of the probability that the loss spreads over all
    symbols (Szegedy et al. 2016, section 7).
    """

    embedding: Embedding
    ngrams: NGrams
    attention: Literal["none", "additive", "multiplicative"]
    input_feeding: bool
    tied_embeddings: bool
    label_smoothing: Share


class Example(NamedTuple):
    """A row: what is read, what should be written, and what the source's placeholders were."""

    id: str
    source: np.ndarray  # int32 (S,), a view of the mapped table
    target: np.ndarray  # int32 (T,)
    slots: list[str]


class Batch(NamedTuple):
    """Padded examples; sources and targets end with their end symbol, which their lengths count."""

    ids: list[str]
    source: Int[Tensor, "B S"]
    source_lengths: Int[Tensor, "B"]
    target: Int[Tensor, "B T"]
    target_lengths: Int[Tensor, "B"]
    slots: list[list[str]]


class Translation(NamedTuple):
    """What was written for a source.

    ``text``: with its placeholders; ``log_prob``: natural logarithm; ``alternatives``: the best few, ``text`` first,
    with their logarithms; ``symbols``: what ``text`` was written in, the end included where it was not cut off;
    ``attention``: float32 (symbols, S), where in the source each of them looked, the end of the source last; None
    without attention.
    """

    text: str
    log_prob: float
    alternatives: list[tuple[str, float]]
    symbols: list[str]
    attention: np.ndarray | None


class Memory(NamedTuple):
    """A batch of sources as the decoder sees them: all of their steps, and a summary."""

    steps: Float[Tensor, "B S M"]
    keys: Float[Tensor, "B S H"] | None
    padding: Bool[Tensor, "B S"]
    summary: Float[Tensor, "B M"]


class Writing(NamedTuple):
    """Between two symbols of N rows: the layers' state, the last attentional vector, and how many were written."""

    layers: tuple
    attended: Float[Tensor, "N E"]
    written: int


class Translator(nn.Module):
    """Source symbols → encoder → memory; decoder, which looks into it at every step → target symbols.

    The encoder–decoder of Sutskever et al. 2014 with the attention of Luong et al. 2015: from the decoder's output and
    what it attends to comes an attentional vector (their equation 5), from that the scores. The first input of the
    decoder is the encoder's summary in place of a start symbol; it works for every kind of layer alike. Without
    attention, the summary is an input at every step, as in Cho et al. 2014.
    """

    def __init__(
        self, settings: Settings, model: TranslatorModel, source: Vocabulary, target: Vocabulary, placeholders: bool
    ) -> None:
        super().__init__()
        self.settings, self.model, self.source, self.target = settings, model, source, target
        self.placeholders = placeholders
        self.end = target.size
        width, recurrent = model.embedding.features, model.recurrent
        self.target_embedding = _embedding(target.size + 1, model.embedding)
        shared = model.tied_embeddings and source.plain() == target.plain()
        self.source_embedding = self.target_embedding if shared else _embedding(source.size + 1, model.embedding)
        self.ngrams = NGramEmbedding(model.ngrams, source.size + 1, width)
        self.encoder = Stack(recurrent, width)
        memory = self.encoder.outputs
        self.summary = Pooling(["final"], memory, recurrent.bidirectional)
        self.bridge = nn.Linear(memory, width)
        looks = model.attention != "none"
        inputs = width + (width if model.input_feeding else 0) + (0 if looks else memory)
        self.decoder = Stack(replace(recurrent, bidirectional=False), inputs)
        self.attention = Attention(model.attention, self.decoder.outputs, memory) if looks else None
        self.attentional = nn.Linear(self.decoder.outputs + memory, width)
        self.output = nn.Linear(width, target.size + 1)
        if model.tied_embeddings:
            self.output.weight = self.target_embedding.weight
        self.dropout = nn.Dropout(recurrent.dropout)

    @classmethod
    def for_examples(cls, table: pa.Table, settings: Settings, model: TranslatorModel) -> "Translator":
        """A new one for the vocabularies of the training ``table``."""
        known = json.loads(table.schema.metadata[b"vocabularies"])
        vocabularies = [Vocabulary.of(known[side]) for side in ("source", "target")]
        return cls(settings, model, *vocabularies, "slots" in table.column_names)

    def examples(self, table: pa.Table) -> list[Example]:
        """The rows of a table."""
        return examples_of(table)

    def steps(self, example: Example) -> int:
        """The longer of both sides, with its end."""
        return max(len(example.source), len(example.target)) + 1

    def batch(self, examples: Sequence[Example], rng: np.random.Generator | None = None) -> Batch:
        """Padded examples; nothing of them is random."""
        source = _padded([example.source for example in examples], self.source.size)
        target = _padded([example.target for example in examples], self.target.size)
        return Batch([example.id for example in examples], *source, *target, [example.slots for example in examples])

    def forward(self, batch: Batch) -> Float[Tensor, "N V"]:
        """The scores of the N target symbols, row after row without padding, each given those before it.

        Padding is left out before the scores, which cost more than all else.
        """
        memory = self._read(batch.source, batch.source_lengths)
        attended, _ = self._decoded(memory, batch.target, batch.target_lengths)
        return self.output(self.dropout(attended[self._real(batch)]))

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
        step, state = self._step(memory, beam.width), self._begin(len(batch.ids))
        longest = (LONGER * batch.source_lengths + ADDED).clamp(max=self.settings.longest)
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

    def source_symbols(self, text: str) -> list[str]:
        """What the steps of the attention to a text stand for, the end last."""
        masked, slots = self._masked(text)
        return [*_spelled(self.source, self.source.encode(masked).tolist(), slots), END]

    def checkpoint(self) -> dict[str, Any]:
        """Everything needed to use it elsewhere, readable with ``torch.load(weights_only=True)``."""
        return {
            "pattern": "translator",
            "settings": asdict(self.settings),
            "model": asdict(self.model),
            "vocabularies": [self.source.plain(), self.target.plain()],
            "placeholders": self.placeholders,
            "weights": self.state_dict(),
        }

    @classmethod
    def restored(cls, checkpoint: Mapping[str, Any]) -> "Translator":
        """The translator whose :meth:`checkpoint` it was, ready to translate."""
        settings = params.check(Settings, checkpoint["settings"], "checkpoint: settings")
        model = params.check(TranslatorModel, checkpoint["model"], "checkpoint: model")
        vocabularies = map(Vocabulary.of, checkpoint["vocabularies"])
        restored = cls(settings, model, *vocabularies, checkpoint["placeholders"])
        restored.load_state_dict(checkpoint["weights"])
        return restored.eval()

    def _masked(self, text: str) -> tuple[str, list[str]]:
        """A text with slots for its placeholders, and these, if that is how the training texts were read."""
        return placeholders.mask(text) if self.placeholders else (text, [])

    def _read(self, source: Int[Tensor, "B S"], lengths: Int[Tensor, "B"]) -> Memory:
        """What the encoder makes of the sources."""
        embedded = self.source_embedding(source)
        if self.model.ngrams.longest > 1:
            embedded = embedded + self.ngrams(source)
        steps, _ = self.encoder(self.dropout(embedded), lengths)
        keys = self.attention.keys(steps) if self.attention else None
        return Memory(steps, keys, find_padding(lengths, source.shape[1]), self.summary(steps, lengths))

    def _decoded(
        self, memory: Memory, target: Int[Tensor, "B T"], lengths: Int[Tensor, "B"]
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T S"] | None]:
        """The attentional vectors of targets that are known, and where each symbol looked.

        All at once, unless each of them is fed to the next.
        """
        embedded = torch.cat((self.bridge(memory.summary)[:, None], self.target_embedding(target[:, :-1])), 1)
        embedded = self.dropout(embedded)
        if self.model.input_feeding:
            return self._step_by_step(embedded, memory)
        hidden, _ = self.decoder(self._inputs(embedded, memory, None), lengths)
        return self._attended(hidden, memory)

    def _attended(
        self, hidden: Float[Tensor, "B T H"], memory: Memory, first: int = 0
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T S"] | None]:
        """The attentional vectors of the decoder's outputs, and where these looked."""
        if self.attention is None:
            found, weights = memory.summary[:, None].expand(-1, hidden.shape[1], -1), None
        else:
            found, weights = self.attention(hidden, memory.keys, memory.steps, memory.padding, first)
        return torch.tanh(self.attentional(torch.cat((hidden, found), 2))), weights

    def _inputs(
        self, embedded: Float[Tensor, "B T E"], memory: Memory, attended: Float[Tensor, "B T E"] | None
    ) -> Float[Tensor, "B T D"]:
        """What the decoder reads: symbols, what it attended to before, and without attention the summary."""
        summary = [memory.summary[:, None].expand(-1, embedded.shape[1], -1)] if self.attention is None else []
        fed = [attended] if self.model.input_feeding else []
        return torch.cat((embedded, *fed, *summary), 2)

    def _step_by_step(
        self, embedded: Float[Tensor, "B T E"], memory: Memory
    ) -> tuple[Float[Tensor, "B T E"], Float[Tensor, "B T S"] | None]:
        """The attentional vectors, each of which is an input of the next step, and where they looked."""
        state = self.decoder.init_state(len(embedded))
        attended, all_attended, all_weights = torch.zeros_like(embedded[:, :1]), [], []
        for place, symbol in enumerate(embedded.unbind(1)):
            inputs = self._inputs(symbol[:, None], memory, self.dropout(attended))
            hidden, state = self.decoder.step(inputs[:, 0], state)
            attended, weights = self._attended(hidden[:, None], memory, place)
            all_attended.append(attended)
            all_weights.append(weights)
        return torch.cat(all_attended, 1), None if self.attention is None else torch.cat(all_weights, 1)

    def _begin(self, rows: int) -> Writing:
        """Before the first symbol of so many rows."""
        weight = self.output.weight
        return Writing(self.decoder.init_state(rows), weight.new_zeros(rows, weight.shape[1]), 0)

    def _step(self, memory: Memory, width: int) -> Step:
        """The decoder over a memory each row of which is shared by ``width`` rows that are written."""
        memory = Memory(*(None if part is None else part.repeat_interleave(width, 0) for part in memory))

        def step(codes: Int[Tensor, "N"], state: Writing) -> tuple[Float[Tensor, "N V"], Writing]:
            embedded = self.target_embedding(codes) if state.written else self.bridge(memory.summary)
            inputs = self._inputs(embedded[:, None], memory, state.attended[:, None])
            hidden, layers = self.decoder.step(inputs[:, 0], state.layers)
            attended, _ = self._attended(hidden[:, None], memory, state.written)
            return self.output(attended[:, 0]), Writing(layers, attended[:, 0], state.written + 1)

        return step

    def _looked(self, found: Sequence[Written], memory: Memory) -> list[np.ndarray | None]:
        """Where each symbol of what was written looked, its end included."""
        if self.attention is None:
            return [None] * len(found)
        target, lengths = _padded([np.array(each.codes, np.int32) for each in found], self.end)
        _, weights = self._decoded(memory, target, lengths)
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


def _embedding(symbols: int, embedding: Embedding) -> nn.Embedding:
    table = nn.Embedding(symbols, embedding.features)
    nn.init.normal_(table.weight, std=embedding.spread)
    return table


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


def _padded(rows: Sequence[np.ndarray], end: int) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B"]]:
    """Rows, each followed by its end, padded with ends; and their lengths, the end included."""
    lengths = [len(row) + 1 for row in rows]
    padded = np.full((len(rows), max(lengths)), end, np.int32)
    for line, row in zip(padded, rows, strict=True):
        line[: len(row)] = row
    return torch.from_numpy(padded), torch.tensor(lengths)


Pattern = Translator

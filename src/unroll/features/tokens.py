"""Text as codes: characters, words, or the symbols of a byte-level BPE learned from the training texts.

Byte pair encoding is that of Sennrich, Haddow & Birch (2016), "Neural machine translation of rare words with subword
units", on bytes as in Radford et al. (2019), section 2.2, by the library ``tokenizers``: any text can be written. The
columns of a table that are coded so share one vocabulary.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic.dataclasses import dataclass as checked

from unroll.features import placeholders
from unroll.params import STRICT, Whole

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Unit = Literal["characters", "words", "bpe"]
Column = Literal["text", "source", "target"]
UNKNOWN = "\ufffd"  # what no code stands for, and how it is written
SMALLEST = 300  # symbols of BPE: the bytes, the slots and a few that join them


@checked(frozen=True, config=STRICT)
class Tokens:
    """Settings: what a code stands for in each column that is coded.

    ``size``: symbols of the BPE, 0 where there is none; ``placeholders``: those of the source and the target become
    slots (see ``unroll.features.placeholders``), kept in the column ``slots``.
    """

    units: dict[Column, Unit]
    size: Whole
    placeholders: bool

    def __post_init__(self) -> None:
        joins = "bpe" in self.units.values()
        if joins and self.size < SMALLEST:
            raise ValueError(f"size should be at least {SMALLEST} for the bytes and what joins them")
        if not joins and self.size:
            raise ValueError("size should be 0 where no column is coded as bpe")
        if self.units.keys() not in ({"text"}, {"source", "target"}):
            raise ValueError("units should name the column text alone, or source and target")
        if self.placeholders and "text" in self.units:
            raise ValueError("placeholders should be false: text has no source to take them from")


Settings = Tokens


@dataclass(frozen=True)
class Vocabulary:
    """What each code from 0 to ``size - 1`` stands for; code 0 is the unknown. Start and end are not in it.

    ``merges``: the pairs of symbols that BPE joins, the most urgent first; () for other units.
    """

    units: Unit
    symbols: tuple[str, ...]
    merges: tuple[tuple[str, str], ...] = ()

    @classmethod
    def learn(cls, texts: Iterable[str], units: Unit, size: int) -> "Vocabulary":
        """The symbols of ``texts`` in the order of Unicode; of BPE, ``size`` or as many as there are to learn."""
        if units == "bpe":
            return cls(units, *_byte_pairs(texts, size))
        seen = {symbol for text in texts for symbol in (text if units == "characters" else text.split())}
        return cls(units, (UNKNOWN, *sorted(seen - {UNKNOWN})))

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "Vocabulary":
        """The vocabulary that :meth:`plain` wrote down."""
        return cls(plain["units"], tuple(plain["symbols"]), tuple((left, right) for left, right in plain["merges"]))

    def plain(self) -> dict[str, Any]:
        """Lists and strings alone, as JSON and ``torch.save`` like them."""
        return {"units": self.units, "symbols": list(self.symbols), "merges": [list(pair) for pair in self.merges]}

    @property
    def size(self) -> int:
        """How many codes there are."""
        return len(self.symbols)

    def encode(self, text: str) -> np.ndarray:
        """int32 (N,): the codes of a text. Words are what blanks separate."""
        if self.units == "bpe":
            # The blank lets a word be the same symbol at the beginning as inside.
            found = self._tokenizer.encode(f" {text}").ids if text else []
        else:
            known = self._codes
            found = [known.get(symbol, 0) for symbol in (text if self.units == "characters" else text.split())]
        return np.array(found, np.int32)

    def decode(self, codes: Sequence[int] | np.ndarray) -> str:
        """The text that codes spell. Bytes that are no UTF-8 and unknown symbols are written U+FFFD."""
        numbers = [int(code) for code in codes]
        if self.units == "bpe":
            return self._tokenizer.decode(numbers, skip_special_tokens=False).removeprefix(" ")
        return (" " if self.units == "words" else "").join(self.symbols[number] for number in numbers)

    @cached_property
    def _codes(self) -> dict[str, int]:
        return {symbol: code for code, symbol in enumerate(self.symbols)}

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import models

        return _tokenizer(models.BPE(self._codes, list(self.merges)))


def learn(table: pa.Table, settings: Tokens) -> dict[str, Vocabulary]:
    """The vocabulary of each coded column, learned from a training table."""
    texts = {name: [*column] for name, column in _texts(table, settings).items() if name in settings.units}
    joined = [text for name, column in texts.items() if settings.units[name] == "bpe" for text in column]
    shared = Vocabulary.learn(joined, "bpe", settings.size) if joined else None
    return {
        name: shared if units == "bpe" else Vocabulary.learn(texts[name], units, 0)
        for name, units in settings.units.items()
    }


def featurize(
    table: pa.Table, settings: Tokens, learned: Mapping[str, Vocabulary]
) -> tuple[pa.Schema, Iterator[Mapping[str, Any]]]:
    """Schema and rows of a table with the codes (large_list<int32>) of each coded column.

    They are ``codes`` of a ``text``, or ``source_codes`` and ``target_codes``; with placeholders, ``slots``
    (list<string>) too. The metadata hold the featurizer's name and settings, and the vocabularies.
    """
    made = {
        "featurizer": "tokens",
        "settings": json.dumps(asdict(settings), sort_keys=True),
        "vocabularies": json.dumps({name: vocabulary.plain() for name, vocabulary in learned.items()}),
    }
    if "text" in learned:
        made |= {"codes": str(learned["text"].size), "streams": "1", "clocks": "0"}
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()} | made
    columns = [(_code_column(name), pa.large_list(pa.int32())) for name in settings.units]
    slots = [("slots", pa.list_(pa.string()))] if settings.placeholders else []
    return pa.schema([*table.schema, *columns, *slots], metadata), _rows(table, settings, learned)


def _rows(table: pa.Table, settings: Tokens, learned: Mapping[str, Vocabulary]) -> Iterator[Mapping[str, Any]]:
    texts = _texts(table, settings)
    for number, row in enumerate(table.to_pylist()):
        codes = {_code_column(name): learned[name].encode(texts[name][number]) for name in settings.units}
        slots = {"slots": texts["slots"][number]} if settings.placeholders else {}
        yield {**row, **codes, **slots}


def _code_column(name: str) -> str:
    return "codes" if name == "text" else f"{name}_codes"


def _texts(table: pa.Table, settings: Tokens) -> dict[str, list]:
    """The coded columns as they are coded, and the ``slots`` of each row where there are any."""
    columns = {name: table[name].to_pylist() for name in settings.units}
    if not settings.placeholders:
        return columns
    sources, slots = zip(*map(placeholders.mask, columns["source"]), strict=True)
    targets = [placeholders.mask(target, own)[0] for target, own in zip(columns["target"], slots, strict=True)]
    return {"source": list(sources), "target": targets, "slots": list(slots)}


def _byte_pairs(texts: Iterable[str], size: int) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The symbols and merges of byte-level BPE; a slot is one symbol, whatever stands beside it."""
    from tokenizers import models, pre_tokenizers, trainers

    tokenizer = _tokenizer(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN, *placeholders.SLOTS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((f" {text}" for text in texts), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    symbols = sorted(model["vocab"], key=model["vocab"].get)
    return tuple(symbols), tuple((left, right) for left, right in model["merges"])


def _tokenizer(model: Any) -> "Tokenizer":
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers

    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(symbol, normalized=False) for symbol in (UNKNOWN, *placeholders.SLOTS)])
    return tokenizer

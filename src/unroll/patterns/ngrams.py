"""What stands around each symbol of a sequence: embeddings of n-grams, found by hashing."""

from collections.abc import Sequence
from typing import Annotated

import torch
from jaxtyping import Float, Int
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll.params import STRICT, Count

MIXER = 2_654_435_761  # 2^32 over the golden ratio: Knuth, The Art of Computer Programming, volume 3, section 6.4


@dataclass(frozen=True, config=STRICT)
class NGrams:
    """Embeddings of the n-grams of 2 to ``longest`` symbols, in tables of at most ``buckets`` rows each."""

    longest: Annotated[int, Field(ge=2)]
    buckets: Count


class NGramTables(nn.Module):
    """An embedding for each n-gram of 2 to ``longest`` symbols.

    Hash n-gram embeddings, Pagnoni et al. 2024, "Byte latent transformer: patches scale better than tokens", section
    3.2.1. A look-up costs next to nothing beside the layers, and they are spared learning the frequent contexts. An
    order with no more than ``buckets`` possible n-grams has a row for each; n-grams of a longer order share rows by
    chance.

    Arguments:
        settings: orders and rows.
        symbols: how many codes there are.
        features: numbers of an embedding, ``D``, all zero at first, so that a rare n-gram adds no noise.
    """

    def __init__(self, settings: NGrams, symbols: int, features: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.tables = nn.ModuleList(
            nn.Embedding(min(symbols**order, settings.buckets), features) for order in range(2, settings.longest + 1)
        )
        for table in self.tables:
            nn.init.zeros_(table.weight)

    def row(self, ngram: Sequence[Int[Tensor, "*N"]]) -> Int[Tensor, "*N"]:
        """The rows of n-grams, given their first symbols, their second ones, and so on."""
        number = torch.zeros_like(ngram[0], dtype=torch.long)
        for symbol in ngram:
            number = number * self.symbols + symbol
        size = self.tables[len(ngram) - 2].num_embeddings
        return number if self.symbols ** len(ngram) <= size else (number * MIXER >> 15) % size


class NGramEmbedding(NGramTables):
    """The sum of the embeddings of the n-grams around each symbol, one of each length.

    They are centred, since what follows a symbol is known here too. The last of the codes also stands beyond both ends.
    """

    def forward(self, codes: Int[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        """The sums; padding must be the last code."""
        return sum(table(self.rows(codes, order)) for order, table in enumerate(self.tables, 2))

    def rows(self, codes: Int[Tensor, "B S"], order: int) -> Int[Tensor, "B S"]:
        """The row of the n-gram of ``order`` symbols around each symbol, which is in its middle or right of it."""
        before, after = order // 2, (order - 1) // 2
        padded = functional.pad(codes.long(), (before, after), value=self.symbols - 1)
        return self.row([padded[:, place : place + codes.shape[1]] for place in range(order)])


class PastNGrams(NGramTables):
    """The sum of the embeddings of the n-grams that end with the last symbol known, one of each length."""

    def forward(self, before: Int[Tensor, "*N P"]) -> Float[Tensor, "*N D"]:
        """The sums, given the last P symbols, the latest first."""
        latest = before.long().unbind(-1)
        return sum(table(self.row(latest[order - 1 :: -1])) for order, table in enumerate(self.tables, 2))

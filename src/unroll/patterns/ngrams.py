"""What stands around each symbol of a sequence: embeddings of n-grams, found by hashing."""

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


class NGramEmbedding(nn.Module):
    """The sum of the embeddings of the n-grams around each symbol, one of each length.

    Hash n-gram embeddings, Pagnoni et al. 2024, "Byte latent transformer: patches scale better than tokens", section
    3.2.1, but centred, since what follows a symbol is known here too. A look-up costs next to nothing beside the
    layers, and they are spared learning the frequent contexts. An order with no more than ``buckets`` possible n-grams
    has a row for each; n-grams of a longer order share rows by chance.

    Arguments:
        settings: orders and rows.
        symbols: how many codes there are, the last one, which also stands beyond both ends, included.
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

    def forward(self, codes: Int[Tensor, "B S"]) -> Float[Tensor, "B S D"]:
        """The sums; padding must be the last code."""
        return sum(table(self.rows(codes, order)) for order, table in enumerate(self.tables, 2))

    def rows(self, codes: Int[Tensor, "B S"], order: int) -> Int[Tensor, "B S"]:
        """The row of the n-gram of ``order`` symbols around each symbol, which is in its middle or right of it."""
        before, after = order // 2, (order - 1) // 2
        padded = functional.pad(codes.long(), (before, after), value=self.symbols - 1)
        number = torch.zeros_like(codes, dtype=torch.long)
        for place in range(order):
            number = number * self.symbols + padded[:, place : place + codes.shape[1]]
        size = self.tables[order - 2].num_embeddings
        return number if self.symbols**order <= size else (number * MIXER >> 15) % size

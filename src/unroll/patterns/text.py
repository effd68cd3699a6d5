"""A text → features of each symbol: the encoder of those patterns that read a text whole."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from unroll.layers.stack import Stack
from unroll.params import Recurrent
from unroll.patterns.encoder import Embedding, Encoder
from unroll.patterns.ngrams import NGramEmbedding, NGrams


class TextEncoder(Encoder):
    """Symbols (B, S) → embeddings, those of the n-grams around them added → recurrent layers → features (B, S, H).

    Arguments:
        recurrent: the layers; their dropout is that of the embeddings, too.
        embedding: of each symbol, and last of the end, see :func:`padded`; it may be another's, too.
        ngrams: which n-grams are embedded, or none.
    """

    stack = 1

    def __init__(self, recurrent: Recurrent, embedding: nn.Embedding, ngrams: NGrams | None) -> None:
        super().__init__()
        self.embedding = embedding
        symbols, features = embedding.weight.shape
        self.ngrams = NGramEmbedding(ngrams, symbols, features) if ngrams else None
        self.dropout = nn.Dropout(recurrent.dropout)
        self.layers = Stack(recurrent, features)
        self.outputs = self.layers.outputs

    def padded(
        self, rows: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[Int[Tensor, "B S"], Int[Tensor, "B"]]:
        """Rows of symbols as one batch, each with its end, and their lengths; nothing of them is random."""
        return padded(rows, self.embedding.num_embeddings - 1)

    def forward(self, symbols: Int[Tensor, "B S"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B S H"]:
        """The features of each symbol and of the end."""
        embedded = self.embedding(symbols)
        if self.ngrams is not None:
            embedded = embedded + self.ngrams(symbols)
        return self.layers(self.dropout(embedded), lengths)[0]


def embedding_table(symbols: int, embedding: Embedding) -> nn.Embedding:
    """A new table for so many symbols and their end."""
    table = nn.Embedding(symbols + 1, embedding.features)
    nn.init.normal_(table.weight, std=embedding.spread)
    return table


def padded(rows: Sequence[np.ndarray], end: int) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B"]]:
    """Rows, each followed by its end, padded with ends; and their lengths, the end included."""
    lengths = [len(row) + 1 for row in rows]
    found = np.full((len(rows), max(lengths)), end, np.int32)
    for line, row in zip(found, rows, strict=True):
        line[: len(row)] = row
    return torch.from_numpy(found), torch.tensor(lengths)

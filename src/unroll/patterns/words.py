"""Words → features: an embedding of each, its capitals, and what its letters tell, and recurrent layers."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from unroll.features.words import CAPITALS
from unroll.layers.convolution import kept, spread
from unroll.layers.stack import Stack
from unroll.params import STRICT, Count, Positive, Recurrent
from unroll.patterns.encoder import Encoder

WIDTH = 3  # letters that the convolution joins


@dataclass(frozen=True, config=STRICT)
class WordEmbedding:
    """How words become inputs of the layers.

    ``features``: of a word that is known, and the ``spread`` that they begin with; ``letters``: features of how it is
    written, be it known or not.
    """

    features: Count
    spread: Positive
    letters: Count


class Spelling(nn.Module):
    """Letters of words (R, L) → features of each: a convolution, and its largest values (Ma & Hovy 2016, section 2.1).

    A convolution of embedded letters is linear in each of them, so a table for each of its places is both in one.

    Arguments:
        letters: how many codes there are; 0 stands behind the letters of a word, and the last one is the unknown.
        features: numbers that stand for a word, ``F``, none of them negative.
    """

    def __init__(self, letters: int, features: int) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(WIDTH * letters, features, mode="sum")
        nn.init.normal_(self.table.weight, std=WIDTH**-0.5)
        nn.init.zeros_(self.table.weight.detach()[letters - 1 :: letters])
        self.register_buffer("places", torch.arange(WIDTH) * letters, persistent=False)

    def forward(self, letters: Int[Tensor, "R L"]) -> Float[Tensor, "R F"]:
        """The features of each word; one without letters has zeros."""
        bags = functional.pad(letters, (WIDTH // 2, WIDTH // 2)).unfold(1, WIDTH, 1) + self.places
        lengths = (letters > 0).sum(1)
        return spread(self.table(kept(bags, lengths)), lengths, letters.shape[1]).amax(1).relu()


class WordEncoder(Encoder):
    """Words (B, N, 2 + L) → embedding, capitals and spelling side by side → recurrent layers → features (B, N, H).

    A word is its code, how it is written in capitals, and the codes of its letters: see ``unroll.features.words``.
    The last code means *unknown* and begins as the zero vector.

    Arguments:
        recurrent: the layers; their dropout is that of the words' features, too.
        words: how many codes of words there are; the last one is the unknown.
        letters: how many codes of letters there are.
        embedding: of the words.
        masked: share of the words that are made unknown in training, all but their spelling.
    """

    stack = 1

    def __init__(self, recurrent: Recurrent, words: int, letters: int, embedding: WordEmbedding, masked: float) -> None:
        super().__init__()
        self.words, self.masked = words, masked
        self.embedding = nn.Embedding(words, embedding.features)
        nn.init.normal_(self.embedding.weight, std=embedding.spread)
        nn.init.zeros_(self.embedding.weight.detach()[-1])
        self.spelling = Spelling(letters, embedding.letters)
        self.dropout = nn.Dropout(recurrent.dropout)
        self.layers = Stack(recurrent, embedding.features + CAPITALS + embedding.letters)
        self.outputs = self.layers.outputs

    def padded(
        self, rows: Sequence[np.ndarray], rng: np.random.Generator | None = None
    ) -> tuple[Int[Tensor, "B N D"], Int[Tensor, "B"]]:
        """Rows of words (N, D) as one batch, and their lengths; with ``rng``, some words made unknown."""
        lengths = [len(row) for row in rows]
        words = np.zeros((len(rows), max(lengths), rows[0].shape[1]), np.int32)
        for line, row in zip(words, rows, strict=True):
            line[: len(row)] = row
        if self.masked and rng is not None:
            words[rng.random(words.shape[:2]) < self.masked, 0] = self.words - 1
        return torch.from_numpy(words), torch.tensor(lengths)

    def forward(self, words: Int[Tensor, "B N D"], lengths: Int[Tensor, "B"]) -> Float[Tensor, "B N H"]:
        """The features of each word; the words of row ``i`` are its first ``lengths[i]``."""
        real = kept(words, lengths)
        embedded = self.embedding(real[:, 0])
        capitals = functional.one_hot(real[:, 1].long(), CAPITALS).to(embedded.dtype)
        features = torch.cat((embedded, capitals, self.spelling(real[:, 2:])), 1)
        return self.layers(spread(self.dropout(features), lengths, words.shape[1]), lengths)[0]

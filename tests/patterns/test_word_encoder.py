import numpy as np
import pytest
import torch
from torch.testing import assert_close

from unroll.features.words import Vocabulary, Words
from unroll.params import Recurrent
from unroll.patterns.words import Spelling, WordEmbedding, WordEncoder

SENTENCE = ["The", "old", "men", "met", "the", "Old", "Man"]
KNOWN = Vocabulary.learn(SENTENCE, Words(vocabulary=3, letters=6))


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def encoder(masked: float = 0.0, layers: int = 1) -> WordEncoder:
    recurrent = Recurrent("gru", 3, layers, True, 0.0)
    return WordEncoder(recurrent, len(KNOWN.symbols) + 1, len(KNOWN.letters) + 2, WordEmbedding(4, 0.5, 5), masked)


def read(own: WordEncoder, *sentences: list[str]) -> torch.Tensor:
    return own(*own.padded([KNOWN.encode(sentence) for sentence in sentences]))


def test_spelling_literally():
    """Each place of the convolution has a table of its own; nothing and the unknown letter are zeros here."""
    spelling = Spelling(4, 1)
    with torch.no_grad():
        spelling.table.weight.copy_(torch.tensor([[0, 1, 2, 0], [0, 10, -20, 0], [0, 100, 200, 0]]).reshape(12, 1))
    words = torch.tensor([[1, 2, 0], [2, 1, 1], [2, 0, 0], [3, 0, 0], [0, 0, 0]], dtype=torch.int32)
    # 12: 10 + 200, 1 - 20; 211: -20 + 100, 2 + 10 + 100, 1 + 10; 2: -20, and nothing is less than nothing
    assert spelling(words).tolist() == [[210], [112], [0], [0], [0]]


def test_spelling_does_not_see_how_many_letters_could_be_read():
    spelling = Spelling(9, 6)
    words = torch.tensor([[1, 2, 3], [4, 7, 0]])
    wider = torch.cat((words, torch.zeros(2, 4, dtype=torch.long)), 1)
    assert_close(spelling(wider), spelling(words))


def test_a_word_is_its_code_its_capitals_and_its_letters():
    own = encoder(layers=0)
    features = read(own, SENTENCE)[0]
    assert features.shape == (7, 4 + 5 + 5)
    assert own.outputs == 14
    assert torch.equal(features[0, :4], features[4, :4])  # The, the
    assert features[0, 4:9].tolist() == [0, 1, 0, 0, 0]
    assert features[4, 4:9].tolist() == [1, 0, 0, 0, 0]
    assert not features[2:4, :4].any()  # men and met are unknown: that begins as zeros
    assert not torch.equal(features[2, 9:], features[3, 9:])


def test_company_and_padding_change_nothing():
    own = encoder()
    together = read(own, SENTENCE, SENTENCE[:2], ["Met"])
    assert together.shape == (3, 7, 6)
    for row, sentence in zip(together, (SENTENCE, SENTENCE[:2], ["Met"]), strict=True):
        assert_close(row[: len(sentence)], read(own, sentence)[0])
    words, lengths = own.padded([KNOWN.encode(SENTENCE), KNOWN.encode(["Met"])])
    soiled = words.clone()
    soiled[1, 1:] = 1
    assert_close(own(soiled, lengths), own(words, lengths))


def test_masked_words_keep_their_spelling():
    own, rows = encoder(masked=0.5), [KNOWN.encode(SENTENCE * 50)]
    plain, _ = own.padded(rows)
    masked, lengths = own.padded(rows, np.random.default_rng(0))
    assert plain[0].tolist() == rows[0].tolist()
    hidden = (masked != plain)[0]
    assert not hidden[:, 1:].any()
    known = plain[0, :, 0] < 3
    assert 0.4 < hidden[known, 0].float().mean() < 0.6
    assert (masked[0, hidden[:, 0], 0] == 3).all()
    assert lengths.tolist() == [350]


def test_every_weight_learns():
    own = encoder()
    read(own, SENTENCE).square().sum().backward()
    assert all(weight.grad.any() for weight in own.parameters())

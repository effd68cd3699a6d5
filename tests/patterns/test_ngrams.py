import pytest
import torch
from torch.testing import assert_close

from unroll.patterns.ngrams import NGramEmbedding, NGrams, PastNGrams


def made(longest: int, buckets: int = 10_000, symbols: int = 4) -> NGramEmbedding:
    new = NGramEmbedding(NGrams(longest, buckets), symbols, features=3)
    for table in new.tables:
        torch.nn.init.normal_(table.weight)
    return new


def test_an_order_with_room_has_a_row_for_each_ngram():
    codes = torch.tensor([[0, 2, 1]])  # the code beyond both ends is 3
    embedding = made(3)
    # Pairs (3,0) (0,2) (2,1) and triples (3,0,2) (0,2,1) (2,1,3), read as numbers to the base 4.
    assert embedding.rows(codes, 2).tolist() == [[12, 2, 9]]
    assert embedding.rows(codes, 3).tolist() == [[50, 9, 39]]
    assert [table.num_embeddings for table in embedding.tables] == [16, 64]


def test_a_longer_order_shares_its_rows():
    embedding = made(5, buckets=100, symbols=30)
    codes = torch.arange(29).repeat(2, 40)
    for order in range(2, 6):
        rows = embedding.rows(codes, order)
        assert rows.min() >= 0
        assert rows.max() < 100
        # 29 different n-grams, and those at the ends.
        assert 20 < len(rows.unique()) < 40


def test_the_sum_of_all_orders():
    embedding, codes = made(3), torch.tensor([[1, 0], [2, 2]])
    pairs, triples = embedding.tables
    expected = pairs(embedding.rows(codes, 2)) + triples(embedding.rows(codes, 3))
    assert_close(embedding(codes), expected)


@pytest.mark.parametrize("longest", [2, 3, 4, 5])
def test_padding_changes_nothing(longest):
    embedding = made(longest, buckets=50)
    alone, padded = torch.tensor([[0, 1, 3]]), torch.tensor([[0, 1, 3, 3, 3, 3]])
    assert_close(embedding(alone)[:, :3], embedding(padded)[:, :3])


def test_begins_as_nothing():
    assert not NGramEmbedding(NGrams(4, 50), 4, 3)(torch.tensor([[0, 1, 2]])).any()


def test_the_ngrams_of_the_past_end_with_the_last_symbol():
    past = PastNGrams(NGrams(3, 10_000), 4, features=3)
    for table in past.tables:
        torch.nn.init.normal_(table.weight)
    pairs, triples = past.tables
    # The latest first: 2 after 1 after 3, so the pair (1, 2) and the triple (3, 1, 2), read as numbers to the base 4.
    assert_close(past(torch.tensor([[2, 1, 3, 0]]))[0], pairs.weight[6] + triples.weight[54])

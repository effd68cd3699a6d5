import math

import pytest

from unroll.baselines.word_dictionary import Baseline, Settings, dictionary
from unroll.decoding.beam import Beam
from unroll.features.tokens import Tokens
from unroll.patterns import translator

PROSE = Tokens({"source": "bpe", "target": "bpe"}, 300, placeholders=True)
SPELLING = Tokens({"source": "characters", "target": "words"}, 0, placeholders=False)
TASK = translator.Settings(Beam(1, 0.0), longest=10)
# The example of Koehn (2010), "Statistical Machine Translation", figure 4.4.
HOUSES = [
    (["das", "haus"], ["the", "house"]),
    (["das", "buch"], ["the", "book"]),
    (["ein", "buch"], ["a", "book"]),
]
STRINGS = [
    ("Delete page", "Supprimer page"),
    ("Delete URL", "Supprimer URL"),
    ("this page", "cette page"),
    ("Copy this", "Copier cette"),
    ("Copy %s", "Copier %s"),
]


def translated(pairs, settings: Tokens, known: list, sources: list[str]) -> list:
    train, test = pairs(settings, known, [(source, "") for source in sources])
    baseline = Baseline.for_examples(train, TASK, Settings("word_dictionary", 10), 0)
    return baseline.predict(baseline.examples(test))


@pytest.mark.parametrize(("rounds", "book", "a"), [(1, 0.5, 0.5), (2, 0.6364, 0.5714), (3, 0.7479, 0.6534)])
def test_the_first_rounds_are_those_of_the_textbook(rounds, book, a):
    found, entries = dictionary(HOUSES, rounds)
    assert entries == 10
    assert found["buch"] == ("book", pytest.approx(book, abs=1e-4))
    assert found["ein"] == ("a", pytest.approx(a, abs=1e-4))


def test_enough_rounds_find_what_became_what():
    found, _ = dictionary(HOUSES, 100)
    assert {word: best for word, (best, _) in found.items()} == {
        "das": "the", "haus": "house", "buch": "book", "ein": "a"
    }  # fmt: skip
    assert all(0.97 < probability <= 1 for _, probability in found.values())


def test_words_are_replaced_where_they_stand(pairs):
    found = translated(pairs, PROSE, STRINGS, ["Copy %(what)s: delete this page, Page!", "Delete the URL"])
    assert [one.text for one in found] == ["Copier %(what)s: supprimer cette page, page!", "Supprimer the URL"]
    assert math.log(0.5) < found[1].log_prob < 0
    assert found[0].attention is None


def test_letters_become_phones(pairs):
    known = [("a", "AE1"), ("t", "T"), ("at", "AE1 T"), ("tab", "T AE1 B"), ("bat", "B AE1 T")]
    (found,) = translated(pairs, SPELLING, known, ["bab"])
    assert found.text == "B AE1 B"


@pytest.mark.parametrize("source", ["", "?!", "日本語"])
def test_what_it_does_not_know_stays(pairs, source):
    (found,) = translated(pairs, PROSE, STRINGS, [source])
    assert (found.text, found.log_prob) == (source, 0)

import math

import pytest

from unroll.baselines.translation_memory import Baseline, Settings
from unroll.decoding.beam import Beam
from unroll.features.tokens import Tokens
from unroll.patterns import translator

PROSE = Tokens({"source": "bpe", "target": "bpe"}, 300, placeholders=True)
SPELLING = Tokens({"source": "characters", "target": "words"}, 0, placeholders=False)
TASK = translator.Settings(Beam(1, 0.0), longest=10)
MEMORY = [
    ("Delete the file %(name)s?", "Supprimer le fichier %(name)s ?"),
    ("Copy this page", "Copier cette page"),
    ("Save", "Enregistrer"),
]


def recalled(pairs, settings: Tokens, known: list, sources: list[str], order: int = 3) -> list:
    train, test = pairs(settings, known, [(source, "") for source in sources])
    baseline = Baseline.for_examples(train, TASK, Settings("translation_memory", order), 0)
    return baseline.predict(baseline.examples(test))


def test_the_nearest_source_gives_its_target_with_ones_own_placeholders(pairs):
    found = recalled(pairs, PROSE, MEMORY, ["Delete the file %(path)s now?", "Copy that page", "Save"])
    assert [one.text for one in found] == ["Supprimer le fichier %(path)s ?", "Copier cette page", "Enregistrer"]
    assert found[2].log_prob == pytest.approx(0, abs=1e-6)
    assert math.log(0.5) < found[0].log_prob < 0
    assert found[0].alternatives == [(found[0].text, found[0].log_prob)]


def test_a_placeholder_that_the_source_lacks_vanishes(pairs):
    (found,) = recalled(pairs, PROSE, MEMORY, ["Delete the file?"])
    assert found.text == "Supprimer le fichier  ?"


@pytest.mark.parametrize("source", ["", "zzz", "日本語", "\ue000"])
def test_what_nothing_is_near_to_still_has_an_answer(pairs, source):
    (found,) = recalled(pairs, PROSE, MEMORY, [source])
    assert found.text in ("Supprimer le fichier  ?", "Enregistrer")
    assert math.log(1e-9) <= found.log_prob < -1


def test_letters_are_near_by_their_runs(pairs):
    known = [("cat", "K AE1 T"), ("catch", "K AE1 CH"), ("dog", "D AO1 G")]
    found = recalled(pairs, SPELLING, known, ["scat", "catches", "doggy"])
    assert [one.text for one in found] == ["K AE1 T", "K AE1 CH", "D AO1 G"]


def test_a_higher_order_tells_what_letters_alone_cannot(pairs):
    known = [("tac", "T AE1 K"), ("cat", "K AE1 T")]
    first, second = (recalled(pairs, SPELLING, known, ["cat"], order)[0].text for order in (1, 2))
    assert (first, second) == ("T AE1 K", "K AE1 T")


def test_its_parameters_are_the_numbers_it_keeps(pairs):
    (train,) = pairs(SPELLING, [("ab", "A B"), ("b", "B")])
    baseline = Baseline.for_examples(train, TASK, Settings("translation_memory", 1), 0)
    assert baseline.parameters == 5  # a, b and the blanks around in the first; b and the blanks in the second

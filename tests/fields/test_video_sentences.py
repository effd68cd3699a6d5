import numpy as np
import pytest

from unroll.fields.video.sentences import PHRASES, Done, told, wordings

DONE = [Done("walk", 1), Done("spinkick", 2), Done("getup_faceup", 1), Done("kick", 1)]


def test_a_clip_is_told_in_many_wordings_all_different():
    found = wordings(np.random.default_rng(1), DONE, 40)
    assert len(set(found)) == 40
    assert found == wordings(np.random.default_rng(1), DONE, 40)
    assert found != wordings(np.random.default_rng(2), DONE, 40)


def test_every_form_of_a_sentence_occurs():
    found = wordings(np.random.default_rng(1), [Done("walk", 1), Done("kick", 2)], 60)
    assert {
        "a person walks, then kicks twice",
        "someone walks and then throws a kick twice",
        "first somebody strolls and finally kicks twice",
        "after walking, a person kicks twice",
        "somebody strolls before kicking twice",
    } <= set(found)


@pytest.mark.parametrize("action", sorted(PHRASES))
def test_every_wording_says_what_is_done_in_its_order(action):
    others = [Done(name, 1) for name in ("kick", "spinkick", "getup_facedown", "roll") if name != action]
    for done in ([Done(action, 2), *others[:2]], [others[0], Done(action, 1)], [*others[:3], Done(action, 2)]):
        for sentence in wordings(np.random.default_rng(1), done, 12):
            assert told(sentence) == done, sentence


def test_words_that_say_nothing_of_an_action_are_passed_over():
    assert told("a person kicks, then <unk> and then and runs twice twice") == [Done("kick", 1), Done("run", 2)]
    assert told("kicksruns a backflip") == []
    assert told("") == []


def test_no_phrase_is_another_ones():
    phrases = [phrase for pairs in PHRASES.values() for pair in pairs for phrase in pair]
    assert len(phrases) == len(set(phrases))

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from unroll.errors import UserError
from unroll.sources.intents import Sentence, sentences


@pytest.fixture(scope="session")
def english(raw) -> Path:
    return raw("home-assistant-intents") / "home_assistant_intents/data/en.json"


def written(folder: Path, *templates: str, lists: dict | None = None, **block: object) -> Path:
    """A file of intents with one intent, ``Do``, of the given templates."""
    intents = {"Do": {"data": [{"sentences": templates, **block}]}}
    content = {"language": "en", "intents": intents, "lists": lists or {}, "expansion_rules": {}}
    path = folder / "en.json"
    path.write_text(json.dumps(content))
    return path


def texts(path: Path, count: int) -> set[str]:
    return {sentence.text for sentence in sentences(path, count, seed=0)}


def test_every_part_of_a_template_is_expanded(tmp_path):
    path = written(tmp_path, "(go|walk) [quickly] (now;there)")
    assert texts(path, 8) == {
        f"{verb}{adverb} {rest}"
        for verb in ("go", "walk")
        for adverb in (" quickly", "")
        for rest in ("now there", "there now")
    }


def test_rules_and_lists_are_followed(tmp_path):
    path = written(tmp_path, "<turn> {colour}", lists={"colour": {"values": ["red", "(light|dark) blue"]}})
    assert texts(path, 6) == {
        *("turn red", "turn light blue", "turn dark blue"),
        *("switch red", "switch light blue", "switch dark blue"),
    }


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("wait {n} hour[s]", {"wait one hour", "wait two hours"}),
        ("a {n}( |-)minute[s] timer", {"a one minute timer", "a two minute timer"}),
        ("half an hour[s] and twenty one second[s]", {"half an hour and twenty one seconds"}),
        ("Set to {n}%", {"set to one percent", "set to two percent"}),
        ("set to {n}[[ ](k|kelvin)]", {"set to one", "set to one kelvin", "set to two", "set to two kelvin"}),
        ("What's it? {n}°", {"what's it one degree", "what's it two degrees"}),
    ],
)
def test_numbers_signs_and_units_are_written_as_they_are_said(tmp_path, template, said):
    path = written(tmp_path, template, lists={"n": {"range": {"from": 1, "to": 2}}})
    assert texts(path, len(said)) == said


def test_names_are_of_the_devices_that_a_template_asks_for(tmp_path):
    path = written(tmp_path, "press {name}", requires_context={"domain": ["button"]})
    assert texts(path, 5) == {"press doorbell", "press reset", "press panic", "press intercom", "press elevator"}


def test_a_sentence_carries_its_intent_and_template(tmp_path):
    path = written(tmp_path, "never [ever] mind")
    assert set(sentences(path, 2, seed=0)) == {
        Sentence("never ever mind", "Do", "never [ever] mind", ("O", "O", "O")),
        Sentence("never mind", "Do", "never [ever] mind", ("O", "O")),
    }


@pytest.mark.parametrize(
    ("template", "slots"),
    [
        ("dim to {n:level}%", {"dim to twenty two percent": "O O B-level I-level O"}),
        ("{n:h} hour[s]-{n:m} {n:s}", {"twenty two hours twenty two twenty two": "B-h I-h O B-m I-m B-s I-s"}),
        ("the {room}'s light", {"the living room's light": "O B-room I-room O"}),
        ("(dim;{room})", {"dim living room": "O B-room I-room", "living room dim": "B-room I-room O"}),
    ],
)
def test_words_are_labelled_with_the_slots_that_they_fill(tmp_path, template, slots):
    lists = {"n": {"range": {"from": 22, "to": 22}}, "room": {"values": ["living room"]}}
    drawn = sentences(written(tmp_path, template, lists=lists), len(slots), seed=0)
    assert {sentence.text: " ".join(sentence.slots) for sentence in drawn} == slots


def test_sentences_are_different_plain_and_two_to_twelve_words_long(english):
    drawn = [sentence.text for sentence in sentences(english, 2000, seed=1)]
    assert len(set(drawn)) == 2000
    assert [text for text in drawn if not re.fullmatch(r"[a-z']+( [a-z']+){1,11}", text)] == []


def test_words_are_not_doubled(english):
    """But for "on", as in: which lights are on on the first floor."""
    doubled = re.compile(r"\b(?!on )(\w+) \1\b|\b(the|my|a|an) (the|my|a|an)\b")
    assert [s.text for s in sentences(english, 2000, seed=2) if doubled.search(s.text)] == []


def test_no_intent_swamps_the_others_and_none_is_missing(english):
    counts = Counter(sentence.intent for sentence in sentences(english, 2000, seed=3))
    assert set(counts) == set(json.loads(english.read_text())["intents"])
    assert max(counts.values()) < 2 * 2000 / len(counts)


def test_intents_with_few_sentences_are_spread_over_the_whole_list(english):
    drawn = sentences(english, 2000, seed=4)
    at = [i for i, sentence in enumerate(drawn) if sentence.intent == "HassRespond"]
    assert min(at) < 500
    assert max(at) > 1500


def test_the_seed_decides(english):
    assert sentences(english, 50, seed=5) == sentences(english, 50, seed=5)
    assert sentences(english, 50, seed=5) != sentences(english, 50, seed=6)


def test_more_sentences_than_there_are_is_refused(tmp_path):
    with pytest.raises(UserError, match="yields 2 different sentences, 3 were asked for"):
        sentences(written(tmp_path, "never [ever] mind"), 3, seed=0)


@pytest.mark.parametrize("content", ["", "[]", '{"intents": {"Do": {}}}', '{"intents": 1}'])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "en.json"
    path.write_text(content)
    with pytest.raises(UserError, match=r"en\.json is not a file of Home Assistant's intents"):
        sentences(path, 1, seed=0)


def test_a_missing_file_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(UserError, match="fetch home-assistant-intents"):
        sentences(tmp_path / "en.json", 1, seed=0)

"""Metrics and lines of both tasks on predictions written out, and what params.yaml may say of them."""

import pytest

from unroll import params
from unroll.errors import UserError
from unroll.fields import translation
from unroll.patterns.translator import Translation


def written(text: str) -> Translation:
    return Translation(text, -0.51234567, [(text, -0.51234567)], [], None)


def string(source: str, references: list[str], text: str) -> dict:
    return {
        "id": source,
        "package": "one",
        "source": source,
        "target": references[0],
        "references": references,
        "words": len(source.split()),
        "prediction": written(text),
        "fold": None,
    }


STRINGS = [
    string("Copy %s to this page now", ["Copier %s sur cette page maintenant"], "Copier %s sur cette page maintenant"),
    string("Open <b>%d</b>", ["Ouvrir <b>%d</b>", "Ouvre <b>%d</b>"], "Ouvre %d</b>"),
    string("Close", ["Fermer"], "Fermer"),
]
WORDS = [
    {"id": "tomato", "source": "tomato", "references": ["T AH0 M EY1 T OW2", "T AH0 M AA1 T OW2"], "fold": None}
    | {"prediction": written("T AH0 M AA1 T OW2")},
    {"id": "cat", "source": "cat", "references": ["K AE1 T"], "prediction": written("K AE0 T"), "fold": None},
]


def test_strings_are_measured():
    found = translation.measure("interface", STRINGS, 6.0, {}, None)
    assert list(found) == [
        "bleu",
        "chrf",
        "placeholder_fidelity",
        "exact_match",
        "bleu_1_5_words",
        "bleu_6_10_words",
        "predict_seconds_per_string",
    ]
    assert found["placeholder_fidelity"] == 0.5
    assert found["exact_match"] == 0.666667
    assert found["bleu_6_10_words"] == 100
    assert found["predict_seconds_per_string"] == 2
    assert 0 < found["bleu"] < 100
    assert 0 < found["chrf"] < 100


def test_words_are_measured():
    assert translation.measure("pronunciation", WORDS, 1.0, {}, None) == {
        "word_error_rate": 0.5,
        "phone_error_rate": pytest.approx(1 / 9, abs=1e-6),
        "word_error_rate_without_stress": 0,
        "predict_seconds_per_word": 0.5,
    }


def test_lines_for_people():
    assert translation.as_lines("interface", STRINGS[1:2]) == [
        {
            "id": "Open <b>%d</b>",
            "source": "Open <b>%d</b>",
            "reference": "Ouvrir <b>%d</b> | Ouvre <b>%d</b>",
            "predicted": "Ouvre %d</b>",
            "log_prob": -0.5123,
        }
    ]
    assert translation.as_lines("pronunciation", WORDS[:1]) == [
        {
            "id": "tomato",
            "word": "tomato",
            "spoken": "T AH0 M EY1 T OW2 | T AH0 M AA1 T OW2",
            "predicted": "T AH0 M AA1 T OW2",
            "log_prob": -0.5123,
        }
    ]


def block(source: object, **own: object) -> dict:
    """A task's block of params.yaml."""
    recurrent = {"layer": "gru", "hidden": 8, "layers": 1, "bidirectional": True, "dropout": 0.0}
    model = {
        "recurrent": recurrent,
        "steps": 1,
        "learning_rate": 0.1,
        "embedding": {"features": 4, "spread": 0.1},
        "ngrams": None,
        "attention": "additive",
        "input_feeding": False,
        "tied_embeddings": True,
        "label_smoothing": 0.1,
        "vision": None,
        "stride": 1,
        "start": "",
        "frozen": False,
    }
    return {
        "source": source,
        "valid": 1,
        "test": 1,
        "tokens": {"units": {"source": "characters", "target": "words"}, "size": 0, "placeholders": False},
        "translator": {"beam": {"width": 2, "length_penalty": 1.0}, "longest": 10},
        "train": {"batch_steps": 10, "weight_decay": 0.0, "clip": 1.0, "validations": 1, "patience": 1},
        "models": {"gru": model},
        "baselines": {
            "memory": {"method": "translation_memory", "order": 3},
            "dictionary": {"method": "word_dictionary", "rounds": 2},
        },
    } | own


def test_params_say_which_key_is_wrong():
    right = {"interface": block("strings", longest_words=40), "pronunciation": block("words.dict")}
    read = params.check(translation.Params, right, "translation")
    assert read.interface.source == "strings"
    assert read.pronunciation.baselines["memory"].order == 3
    for key, value, message in [
        ("interface", block(["a"], longest_words=40), r"translation: interface\.source: .*valid string"),
        ("interface", block("a"), r"translation: interface\.longest_words: this key is missing"),
        ("pronunciation", block("a", test=0), r"translation: pronunciation\.test: should be greater than 0"),
        ("pronunciation", block("a", baselines={"x": {"method": "none"}}), r"translation: pronunciation\.baselines\.x"),
    ]:
        with pytest.raises(UserError, match=message):
            params.check(translation.Params, right | {key: value}, "translation")

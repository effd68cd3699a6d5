"""What MLflow serves, saved and loaded as it does it. Speech is served in tests/training/test_tracking.py."""

import json
from dataclasses import asdict
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
import torch
from mlflow.exceptions import MlflowException

from unroll.decoding.beam import Beam
from unroll.errors import UserError
from unroll.features import windows
from unroll.features.notes import Notes
from unroll.features.tokens import Vocabulary
from unroll.fields.forecasting import own
from unroll.fields.music import composing, writing
from unroll.fields.music.composing import Wish
from unroll.fields.translation import own as own_texts
from unroll.params import Recurrent
from unroll.patterns import classifier, forecaster, language_model, tagger, translator
from unroll.patterns.classifier import Classifier, ClassifierModel
from unroll.patterns.encoder import Embedding
from unroll.patterns.forecaster import Forecaster, ForecasterModel
from unroll.patterns.inputs import Inputs
from unroll.patterns.language_model import Codes, LanguageModel, LanguageModelModel
from unroll.patterns.tagger import Tagger, TaggerModel
from unroll.patterns.translator import Translator, TranslatorModel
from unroll.sources import series
from unroll.sources.clock import CLOCKS

SERVED = Path(__file__).parents[2] / "src/unroll/stages/served"
RECURRENT = Recurrent("gru", 4, 1, bidirectional=False, dropout=0.0)
HORIZON = 3


@pytest.fixture
def served(tmp_path):
    """A pattern as MLflow runs it in a field."""

    def load(field, pattern):
        torch.save(pattern.checkpoint(), tmp_path / "model.pt")
        mlflow.pyfunc.save_model(
            tmp_path / "model",
            python_model=SERVED / f"{field}.py",
            artifacts={"checkpoint": str(tmp_path / "model.pt")},
            pip_requirements=[],
        )
        return mlflow.pyfunc.load_model(str(tmp_path / "model"))

    return load


def tiny_forecaster() -> Forecaster:
    torch.manual_seed(0)
    settings = forecaster.Settings(context=24, segment=24, stride=1, levels=[0.1, 0.5, 0.9], identity=0)
    model = ForecasterModel(RECURRENT, steps=1, learning_rate=0.1, head="quantile")
    features = windows.Settings(HORIZON, [HORIZON], ["hour"], known=["price"], past=[], difference=False)
    return Forecaster(settings, model, features, 0, []).eval()


def test_a_history_has_the_future_that_the_command_writes(served, tmp_path):
    rng = np.random.default_rng(0)
    y, price = rng.normal(5, 2, 60).tolist(), rng.normal(size=60 + HORIZON).tolist()
    y[7] = float("nan")
    row = {"unique_id": "load", "start": "2024-01-01 00:00:00", "step": 3600, "y": y, "covariates": {"price": price}}
    pattern = tiny_forecaster()
    model = served("forecasting", pattern)
    future, again = model.predict([row, row | {"unique_id": "other"}])
    assert future.ds == ["2024-01-03T12:00:00", "2024-01-03T13:00:00", "2024-01-03T14:00:00"]
    assert list(future.quantiles) == ["0.1", "0.5", "0.9"]
    assert (again.unique_id, again.quantiles) == ("other", future.quantiles)

    cells = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=60 + HORIZON, freq="h"), "price": price})
    cells["y"] = pd.Series(y)
    cells.to_csv(tmp_path / "load.csv", index=False)
    (expected,) = own.forecast(pattern, series.read_csv(tmp_path / "load.csv"), None)
    np.testing.assert_allclose(np.transpose(list(future.quantiles.values())), expected.quantiles, rtol=1e-6)
    with pytest.raises(UserError, match="the series load has no covariate price"):
        model.predict([row | {"covariates": {}}])


def test_a_sequence_has_the_labels_of_its_steps(served):
    settings = tagger.Settings(stack=3, window=12, margin=3, masked=0.0, both_strands=False, crf=False)
    pattern = Tagger(
        settings,
        TaggerModel(RECURRENT, 1, 0.1, embedding=Embedding(4, 0.5), start=""),
        Inputs("kmers", {"alphabet": "dna", "k": 1}),
        ["none", "+1"],
    )
    with torch.no_grad():
        pattern.output.weight.zero_()
        pattern.output.bias.copy_(torch.tensor([0.2, 0.8]).log())
    found, short = served("biology", pattern).predict([{"sequence": "ACGT" * 10}, {"sequence": "ACG"}])
    assert found.label == ",".join(["+1"] * 14)
    assert found.confidence == pytest.approx(0.8)
    assert short.label == "+1"


def test_a_sequence_has_a_label(served):
    torch.manual_seed(0)
    settings = classifier.Settings(pooling=["mean"], masked=0.0, balance=False)
    pattern = Classifier(
        settings,
        ClassifierModel(RECURRENT, 1, 0.1, Embedding(4, 0.5), "", False),
        Inputs("kmers", {"alphabet": "protein", "k": 1}),
        ["a", "b", "c"],
    )
    with torch.no_grad():
        pattern.output.weight.zero_()
        pattern.output.bias.copy_(torch.tensor([0.25, 0.5, 0.25]).log())
    found = served("biology", pattern).predict(pd.DataFrame({"sequence": ["MKV", "X"]}))
    assert [each.label for each in found] == ["b", "b"]
    assert [each.confidence for each in found] == pytest.approx([0.5, 0.5])


def tiny_translator(target: str) -> Translator:
    torch.manual_seed(0)
    return Translator(
        translator.Settings(Beam(2, 0.0), longest=8),
        TranslatorModel(RECURRENT, 1, 0.1, Embedding(4, 0.5), None, "additive", False, False, 0.0, None, 1, "", False),
        Vocabulary.learn(["abc "], "characters", 0),
        Vocabulary.learn(["A B C"], target, 0),
        placeholders=target == "characters",
    ).eval()


def test_a_text_has_the_translation_of_the_command(served):
    pattern = tiny_translator("characters")
    texts = ["a  cab", "_a <b>cab</b> %s", "a\ncab\n", "a cab a cab a cab", "12", " "]
    found = served("translation", pattern).predict([{"text": text} for text in [*texts, texts[0]]])
    expected = [own_texts.translate(pattern, [text])[0][0] for text in [*texts, texts[0]]]
    assert [row.text for row in found] == [text for text, _ in expected]
    assert [row.log_prob for row in found] == pytest.approx([log_prob for _, log_prob in expected])
    assert (found[4].text, found[5].text) == ("12", " ")
    assert found[2].text.count("\n") == 2


def test_a_word_has_the_pronunciation_of_the_command(served):
    pattern = tiny_translator("words")
    model = served("translation", pattern)
    found, again = model.predict([{"text": "Cáb"}, {"text": "cab"}])
    ((phones, log_prob),) = own_texts.pronounce(pattern, "cab")
    assert (found.text, found.log_prob) == (phones, pytest.approx(log_prob))
    assert (again.text, again.log_prob) == (found.text, found.log_prob)
    with pytest.raises(UserError, match="the model never met 'x'"):
        model.predict([{"text": "x"}])


def writer(codes: Codes) -> LanguageModel:
    torch.manual_seed(0)
    model = LanguageModelModel(
        RECURRENT,
        1,
        0.1,
        Embedding(4, 0.5),
        history=1,
        ngrams=None,
        head=4,
        tied=False,
        locked_dropout=0.0,
        weight_drop=0.0,
    )
    return LanguageModel(language_model.Settings(window=9, carry=False), model, codes).eval()


def test_a_wish_has_the_chorale_of_the_command(served):
    notes = Notes(lowest=40, highest=80)
    pattern = writer(Codes(notes.codes, 4, CLOCKS, {"settings": json.dumps(asdict(notes))}))
    rows = [{"bars": 1, "seed": 3, "key": "D", "metre": "3/4"}, {"bars": 2, "seed": 4}]
    first, second = served("music", pattern).predict(rows)
    expected = composing.chorale(pattern, Wish("D", "3/4", 1, writing.at(0.8), 3))
    assert (first.abc, first.voices) == ("", expected.voices.T.tolist())
    assert [len(voice) for voice in first.voices] == [12] * 4
    assert [len(voice) for voice in second.voices] == [32] * 4


def test_a_wish_has_the_tune_of_the_command(served):
    letters = Vocabulary.learn(["GA|"], "characters", 0)
    pattern = writer(Codes(letters.size, 1, 0, {"vocabularies": json.dumps({"text": letters.plain()})}))
    rows = [{"bars": 2, "seed": seed, "key": "Ador", "metre": "2/4", "temperature": 1.5} for seed in (5, 6)]
    first, second = served("music", pattern).predict(rows)
    assert (first.abc, first.voices) == (composing.tune(pattern, Wish("Ador", "2/4", 2, writing.at(1.5), 5)), [])
    assert first.abc.startswith("M:2/4\nL:1/8\nK:Ador\n")
    assert first.abc != second.abc


@pytest.mark.parametrize("wish", [{"bars": 0}, {"bars": 129}, {"temperature": 0.0}, {"temperature": 2.1}])
def test_a_wish_is_within_the_bounds_of_the_command(served, wish):
    letters = Vocabulary.learn(["GA|"], "characters", 0)
    pattern = writer(Codes(letters.size, 1, 0, {"vocabularies": json.dumps({"text": letters.plain()})}))
    with pytest.raises(MlflowException, match=r"should be (greater|less) than or equal to"):
        served("music", pattern).predict([{"bars": 2, "seed": 1} | wish])

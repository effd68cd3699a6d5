from dataclasses import asdict, replace
from itertools import pairwise
from math import log

import numpy as np
import pyarrow as pa
import pytest
import torch
from lightning_fabric import Fabric
from torch.testing import assert_close

from unroll import params
from unroll.errors import UserError
from unroll.features import tokens
from unroll.features.kmers import Kmers, featurize
from unroll.features.tokens import Tokens
from unroll.params import Recurrent, Train
from unroll.patterns import language_model
from unroll.patterns.classifier import Classifier, ClassifierModel, Settings
from unroll.patterns.encoder import Embedding
from unroll.patterns.inputs import Inputs
from unroll.patterns.language_model import LanguageModel, LanguageModelModel
from unroll.patterns.ngrams import NGrams
from unroll.patterns.tagger import Settings as TaggerSettings
from unroll.patterns.tagger import Tagger, TaggerModel
from unroll.patterns.vision import Vision
from unroll.training.fit import fit

POOLINGS = [["final"], ["mean"], ["max"], ["attention"], ["mean", "max"]]
PLAIN = Settings(pooling=["mean", "max"], masked=0.0, balance=False)
PROTEIN = Kmers("protein", 1)
SEQUENCES = ["MACD", "WYWYWYW", "KL", "M"]
CLASSES = ["b", "a", "c", "a"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def recurrent(layer: str = "lstm", hidden: int = 6) -> Recurrent:
    return Recurrent(layer, hidden, layers=2, bidirectional=True, dropout=0.1)


def variant(layer: str = "lstm") -> ClassifierModel:
    return ClassifierModel(
        recurrent(layer), 1, 0.01, embedding=Embedding(5, 0.5), start="biology/secondary_structure/lstm", frozen=False
    )


def table(sequences: list[str], labels: list[str]) -> pa.Table:
    names = [f"row-{number}" for number in range(len(sequences))]
    schema, rows = featurize(pa.table({"id": names, "sequence": sequences, "label": labels}), PROTEIN)
    return pa.Table.from_pylist(list(rows), schema)


def made(settings: Settings = PLAIN, layer: str = "lstm") -> Classifier:
    return Classifier.for_examples(table(SEQUENCES, CLASSES), settings, variant(layer)).eval()


def biased(pattern: Classifier, probabilities: list[float]) -> Classifier:
    """One that gives these probabilities whatever it reads."""
    with torch.no_grad():
        pattern.output.weight.zero_()
        pattern.output.bias.copy_(torch.tensor(probabilities).log())
    return pattern


def test_made_for_its_examples():
    pattern = made()
    assert pattern.labels == ["a", "b", "c"]
    assert pattern.features == PROTEIN
    assert pattern.pooling.outputs == 24
    assert pattern.weights.tolist() == [1, 1, 1]


def test_a_batch_is_padded():
    pattern = made()
    rows = pattern.examples(table(SEQUENCES, [*CLASSES[:3], "unheard of"]))
    assert [pattern.steps(row) for row in rows] == [4, 7, 2, 1]
    batch = pattern.batch(rows)
    assert batch.ids == ["row-0", "row-1", "row-2", "row-3"]
    assert batch.inputs[0].tolist() == [10, 0, 1, 2, 20, 20, 20]
    assert batch.lengths.tolist() == [4, 7, 2, 1]
    assert batch.labels.tolist() == [1, 0, 2, -1]


def test_balanced_labels_weigh_by_the_inverse_square_root_of_their_frequency():
    labels = ["rare"] + ["common"] * 4
    pattern = Classifier.for_examples(table(["M"] * 5, labels), replace(PLAIN, balance=True), variant())
    # 1 and 1/2, of which the mean over the examples is (1 + 4 / 2) / 5
    assert pattern.weights.tolist() == pytest.approx([5 / 6, 5 / 3])
    batch = pattern.batch(pattern.examples(table(["M", "M"], ["rare", "common"])))
    loss = biased(pattern, [0.8, 0.2]).loss(batch).item()
    assert loss == pytest.approx((-log(0.2) * 5 / 3 - log(0.8) * 5 / 6) / 2)


def test_predictions_and_scores():
    pattern = biased(made(), [0.3, 0.5, 0.2])
    batch = pattern.batch(pattern.examples(table(SEQUENCES, ["b", "a", "c", "unheard of"])))
    for label, probabilities in pattern.predict(batch):
        assert label == "b"
        assert probabilities == {"a": pytest.approx(0.3), "b": pytest.approx(0.5), "c": pytest.approx(0.2)}
    # A label that training never had is missed, and has no loss.
    losses = [-log(0.5), -log(0.3), -log(0.2), 0]
    assert pattern.validate([batch]) == {"error_rate": 0.75, "loss": pytest.approx(np.mean(losses))}
    assert pattern.loss(batch).item() == pytest.approx(np.mean(losses))


@pytest.mark.parametrize("layer", ["rnn", "lstm", "gru", "mingru"])
@pytest.mark.parametrize("pooling", POOLINGS, ids=" ".join)
def test_company_and_padding_change_nothing(pooling, layer):
    pattern = made(Settings(pooling, masked=0.0, balance=True), layer)
    rows = pattern.examples(table(SEQUENCES, CLASSES))
    together, alone = pattern.batch(rows), [pattern.batch([row]) for row in rows]
    for found, batch in zip(pattern.predict(together), alone, strict=True):
        ((label, probabilities),) = pattern.predict(batch)
        assert found == (label, pytest.approx(probabilities, abs=1e-6))
    losses = [pattern.loss(batch).item() for batch in alone]
    assert pattern.loss(together).item() == pytest.approx(np.mean(losses), rel=1e-5)
    padding = torch.arange(7) >= together.lengths[:, None]
    soiled = together._replace(inputs=together.inputs.masked_fill(padding, 3))
    assert_close(pattern.loss(soiled), pattern.loss(together))


def tagger(k: int = 1, hidden: int = 6) -> Tagger:
    settings = TaggerSettings(stack=1, window=9, margin=0, masked=0.0, both_strands=False, crf=False)
    model = TaggerModel(recurrent(hidden=hidden), 1, 0.01, Embedding(5, 0.5), start="")
    return Tagger(settings, model, Inputs("kmers", {"alphabet": "protein", "k": k}), ["H", "E"])


def test_it_starts_from_the_encoder_of_another():
    pattern, other = made(), tagger()
    output = pattern.output.weight.clone()
    assert pattern.encoder.embedding.weight[0].tolist() != other.encoder.embedding.weight[0].tolist()
    pattern.start_from(other.checkpoint())
    for (name, found), expected in zip(pattern.encoder.named_parameters(), other.encoder.parameters(), strict=True):
        assert torch.equal(found, expected), name
        assert found.data_ptr() != expected.data_ptr()
    assert torch.equal(pattern.output.weight, output)


def test_it_starts_from_a_language_model_that_reads_the_same():
    """Whose features of a text they then have in common, but for the step that the language model begins with."""
    settings = Tokens({"text": "characters"}, size=0, placeholders=False)
    rows = pa.table({"id": ["one", "two"], "text": ["abca", "cb"], "label": ["x", "y"]})
    schema, found = tokens.featurize(rows, settings, tokens.learn(rows, settings))
    known = pa.Table.from_pylist(list(found), schema)
    one_way = Recurrent("gru", 6, 2, bidirectional=False, dropout=0.0)
    reads = LanguageModelModel(
        one_way,
        1,
        0.01,
        Embedding(5, 0.5),
        history=1,
        ngrams=None,
        head=0,
        tied=False,
        locked_dropout=0.0,
        weight_drop=0.0,
    )
    other = LanguageModel.for_examples(known, language_model.Settings(9, carry=False), reads).eval()
    model = ClassifierModel(one_way, 1, 0.01, Embedding(5, 0.5), "text/words/gru", frozen=False)
    pattern = Classifier.for_examples(known, PLAIN, model).eval()
    pattern.start_from(other.checkpoint())
    batch = pattern.batch(pattern.examples(known)[:1])
    state = other.layers.init_state(1)
    for step, code in enumerate(batch.inputs[0]):
        features, state = other.layers.step(other.embedding.weight[code][None], state)
        assert_close(pattern.encoder(batch.inputs, batch.lengths)[:, step], features)
    remembers = LanguageModel.for_examples(known, other.settings, replace(reads, history=2))
    with pytest.raises(UserError, match=r"^text/words/gru cannot .* embedding.weight is \(10, 5\), here \(5, 5\)"):
        pattern.start_from(remembers.checkpoint())
    joins = LanguageModel.for_examples(known, other.settings, replace(reads, ngrams=NGrams(2, 9)))
    with pytest.raises(UserError, match=r"^text/words/gru cannot start this model, .*: set its ngrams to null"):
        pattern.start_from(joins.checkpoint())


@pytest.mark.parametrize(
    ("frozen", "learns"), [(False, [True, True, True]), (0.5, [False, True, True]), (True, [False, False, False])]
)
def test_an_encoder_is_frozen_for_a_share_of_the_steps(frozen, learns):
    rows = table(SEQUENCES, CLASSES)
    pattern = Classifier.for_examples(rows, PLAIN, replace(variant(), frozen=frozen)).train()
    batch = pattern.batch(pattern.examples(rows))
    assert pattern.encoder.training == (not frozen)
    for share, wanted in zip((0.0, 0.5, 0.9), learns, strict=True):
        pattern.advance(share)
        pattern.zero_grad()
        pattern.loss(batch).backward()
        assert pattern.encoder.training == wanted
        assert all((weight.grad is not None) == wanted for weight in pattern.encoder.parameters())
        assert pattern.output.weight.grad is not None
    assert not Classifier.restored(pattern.checkpoint()).encoder.training


def test_what_was_frozen_learns_in_the_rest_of_the_fit():
    rows = table(SEQUENCES, CLASSES)
    model = replace(variant(), steps=6, frozen=0.5)
    pattern = Classifier.for_examples(rows, PLAIN, model)
    train = Train(batch_steps=40, weight_decay=0.1, clip=1.0, validations=6, patience=6)
    seen = [[weight.clone() for weight in pattern.encoder.parameters()]]
    examples = pattern.examples(rows)
    fit(
        Fabric(accelerator="cpu", devices=1),
        pattern,
        examples,
        examples,
        train,
        model,
        1.0,
        1,
        lambda row: seen.append([weight.clone() for weight in pattern.encoder.parameters()]),
    )
    changed = [not all(map(torch.equal, before, after)) for before, after in pairwise(seen)]
    assert changed == [False, False, False, True, True, True]


def test_several_processes_cannot_thaw_an_encoder(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    with pytest.raises(UserError, match="set it to true or false"):
        Classifier.for_examples(table(SEQUENCES, CLASSES), PLAIN, replace(variant(), frozen=0.5)).advance(0.0)
    for frozen in (True, False):
        Classifier.for_examples(table(SEQUENCES, CLASSES), PLAIN, replace(variant(), frozen=frozen)).advance(0.0)


def test_a_frozen_encoder_wants_a_start():
    for frozen in (True, 0.5):
        with pytest.raises(ValueError, match="frozen wants a start"):
            replace(variant(), start="", frozen=frozen)
    model = asdict(variant())
    assert params.check(ClassifierModel, model | {"frozen": 0.25}, "lstm").frozen == 0.25
    with pytest.raises(UserError, match=r"lstm: frozen\..*: should be less than 1, not 1\.5"):
        params.check(ClassifierModel, model | {"frozen": 1.5}, "lstm")


def test_an_encoder_of_another_kind_is_refused_by_name():
    pattern = made()
    before = [weight.clone() for weight in pattern.parameters()]
    with pytest.raises(
        UserError,
        match=r"biology/secondary_structure/lstm cannot .* encoder's layers.*bias_hh_l0 is \(32,\), here \(24,\)",
    ):
        pattern.start_from(tagger(hidden=8).checkpoint())
    with pytest.raises(UserError, match=r"biology/secondary_structure/lstm cannot .* 'k': 2"):
        pattern.start_from(tagger(k=2).checkpoint())
    assert all(torch.equal(found, weight) for found, weight in zip(pattern.parameters(), before, strict=True))


def test_a_checkpoint_restores_everything(tmp_path):
    pattern = made(Settings(["attention", "final"], masked=0.0, balance=True), "mingru")
    torch.save(pattern.checkpoint(), tmp_path / "model.pt")
    restored = Classifier.restored(torch.load(tmp_path / "model.pt", weights_only=True))
    assert not restored.training
    for name in ("settings", "model", "inputs", "labels"):
        assert getattr(restored, name) == getattr(pattern, name)
    batch = pattern.batch(pattern.examples(table(SEQUENCES, CLASSES)))
    assert restored.predict(batch) == pattern.predict(batch)
    assert restored.loss(batch).item() == pattern.loss(batch).item()


@pytest.mark.parametrize("pooling", POOLINGS, ids=" ".join)
def test_it_learns(pooling):
    """Whether a W stands anywhere in a sequence of A."""
    rng = np.random.default_rng(0)
    found = rng.random(120) < 0.5
    places = [(length, rng.integers(length)) for length in rng.integers(4, 16, 120)]
    letters = np.where(found, "W", "A")
    sequences = ["A" * at + one + "A" * (n - at - 1) for one, (n, at) in zip(letters, places, strict=True)]
    rows = table(sequences, ["yes" if wanted else "no" for wanted in found])
    pattern = Classifier.for_examples(rows, Settings(pooling, masked=0.0, balance=True), variant("gru"))
    learn, unseen = pattern.examples(rows)[:80], pattern.examples(rows)[80:]
    optimizer = torch.optim.Adam(pattern.parameters(), 0.02)
    for _ in range(40):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(learn)).backward()
        optimizer.step()
    assert pattern.eval().validate([pattern.batch(unseen)])["error_rate"] < 0.05


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(UserError, match=r"classifier: pooling: .* at least 1 item"):
        params.check(Settings, {"pooling": [], "balance": False}, "classifier")
    with pytest.raises(UserError, match=r"classifier: pooling\.0: .*'final', 'mean', 'max' or 'attention'"):
        params.check(Settings, {"pooling": ["sum"], "balance": False}, "classifier")
    with pytest.raises(UserError, match="all training examples have the label a"):
        Classifier.for_examples(table(["M", "A"], ["a", "a"]), PLAIN, variant())


def clips(count: int, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """A bright bar that goes left or right over pictures of 6 × 6, seen from anywhere."""
    rng = np.random.default_rng(seed)
    frames, labels = [], []
    for number in range(count):
        right, first = number % 2, rng.integers(6)
        clip = rng.integers(0, 90, (rng.integers(4, 8), 6, 6)).astype(np.uint8)
        for step, picture in enumerate(clip):
            picture[:, (first + (step if right else -step)) % 6] = 250
        frames.append(clip.reshape(len(clip), 36))
        labels.append("right" if right else "left")
    return frames, labels


def seeing(steps: int = 1) -> ClassifierModel:
    vision = Vision(channels=[4], features=8, steps=steps, shift=1, mirror=False)
    return ClassifierModel(Recurrent("gru", 8, 1, True, 0.0), 1, 0.01, vision, "video/actions/gru", False)


def test_it_learns_from_clips_and_tells_them_one_by_one(seen):
    frames, labels = clips(40)
    rows = seen(frames, (1, 6, 6), label=labels)
    pattern = Classifier.for_examples(rows, PLAIN, seeing())
    assert pattern.encoder.mean.item() == pytest.approx(np.concatenate(frames).mean() / 255, rel=1e-4)
    examples = pattern.examples(rows)
    assert not any(example.inputs.flags.owndata for example in examples)
    rng = np.random.default_rng(0)
    optimizer = torch.optim.Adam(pattern.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(examples, rng)).backward()
        optimizer.step()
    pattern.eval()
    unseen, known = clips(20, seed=1)
    assert [found.label for found in pattern.classify(unseen)] == known
    restored = Classifier.restored(pattern.checkpoint())
    assert restored.inputs == pattern.inputs
    assert restored.inputs.frames_per_second == 12
    assert restored.classify(unseen) == pattern.classify(unseen)


def test_frames_are_joined_to_steps(seen):
    frames, labels = clips(2)
    pattern = Classifier.for_examples(seen(frames, (1, 6, 6), label=labels), PLAIN, seeing(steps=2)).eval()
    rows = pattern.examples(seen(frames, (1, 6, 6), label=labels))
    assert [pattern.steps(row) for row in rows] == [-(-len(each) // 2) for each in frames]
    assert pattern(*pattern.batch(rows)[1:3]).shape == (2, 2)

import json
from dataclasses import asdict, replace
from math import log

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.testing import assert_close

from unroll import examples, params
from unroll.errors import UserError
from unroll.features import words
from unroll.features.kmers import Kmers, encode, featurize
from unroll.params import Recurrent
from unroll.patterns import tagger
from unroll.patterns.classifier import Classifier, ClassifierModel
from unroll.patterns.classifier import Settings as ClassifierSettings
from unroll.patterns.encoder import Embedding
from unroll.patterns.inputs import Inputs, rows_of
from unroll.patterns.tagger import Settings, Tagged, Tagger, TaggerModel, joined
from unroll.patterns.vision import Vision
from unroll.patterns.words import WordEmbedding

LABELS = ["none", "+1", "-1"]
PLAIN = Settings(stack=1, window=1000, margin=0, masked=0.0, both_strands=False, crf=False)
CODONS = Settings(stack=3, window=36, margin=6, masked=0.0, both_strands=True, crf=False)
DNA2 = Kmers("dna", 2)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def variant(layer: str = "lstm", hidden: int = 4, bidirectional: bool = True) -> TaggerModel:
    recurrent = Recurrent(layer, hidden, 2, bidirectional, dropout=0.1)
    return TaggerModel(recurrent, 1, 0.01, embedding=Embedding(5, 0.5), start="")


def inputs(features: Kmers) -> Inputs:
    return Inputs("kmers", asdict(features))


def made(settings: Settings, model: TaggerModel | None = None, features: Kmers = DNA2) -> Tagger:
    return Tagger(settings, model or variant(), inputs(features), LABELS).eval()


def random_dna(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), length))


def labelled(sequence: str) -> list[int]:
    """``+1`` after a G, ``-1`` before a C (after a G of the other strand); both or neither is ``none``."""
    after, before = ([letter == wanted for letter in sequence] for wanted in "GC")
    pairs = zip([False, *after[:-1]], [*before[1:], False], strict=True)
    return [{(True, False): 1, (False, True): 2}.get(pair, 0) for pair in pairs]


def table(sequences: list[str], features: Kmers = DNA2) -> pa.Table:
    columns = {
        "id": pa.array([f"row-{number}" for number in range(len(sequences))]),
        "sequence": pa.array(sequences),
        "labels": pa.array([labelled(sequence) for sequence in sequences], pa.large_list(pa.int8())),
    }
    plain = pa.table(columns).replace_schema_metadata({"labels": json.dumps(LABELS)})
    schema, rows = featurize(plain, features)
    return pa.Table.from_pylist(list(rows), schema)


def one(pattern: Tagger, sequence: str, labels: list[int] | None = None):
    """The only window of a sequence, its labels those given or none."""
    numbers = np.array([-1] * len(sequence) if labels is None else labels, np.int8)
    (window,) = pattern.windows("one", encode(sequence, pattern.features), numbers)
    return window


def biased(pattern: Tagger, probabilities: list[float]) -> Tagger:
    """One that gives these probabilities at every step, whatever it reads."""
    with torch.no_grad():
        pattern.output.weight.zero_()
        pattern.output.bias.copy_(torch.tensor(probabilities).log())
    return pattern


def test_made_for_its_examples():
    pattern = Tagger.for_examples(table(["ACGTAC"]), CODONS, variant())
    assert pattern.features == DNA2
    assert pattern.labels == LABELS
    assert pattern.output.out_features == 3
    assert pattern.encoder.embedding.weight.shape == (3 * 17, 5)
    assert not pattern.encoder.embedding.weight[[16, 33, 50]].any()


@pytest.mark.parametrize(("stack", "window", "margin"), [(1, 10, 0), (1, 10, 4), (1, 9, 3), (3, 36, 6), (3, 3, 0)])
def test_the_cores_of_equal_windows_tile_a_row_of_any_length(stack, window, margin):
    pattern = made(Settings(stack, window, margin, masked=0.0, both_strands=False, crf=False))
    for length in range(1, 5 * window):
        codes = np.arange(length, dtype=np.int16)
        found = pattern.windows("row", codes, codes.astype(np.int8))
        judged = [each.start // stack + step for each in found for step in range(*each.core)]
        assert judged == list(range(-(-length // stack)))
        assert {pattern.steps(each) for each in found} == {min(-(-length // stack), window // stack)}
        assert all(np.array_equal(each.inputs, codes[each.start :][: len(each.inputs)]) for each in found)
        assert len(found) == max(1, -(-(-(-length // stack) * stack - 2 * margin) // (window - 2 * margin)))
        for each in found:  # a core keeps away from the edges of its window, unless these are the row's
            assert each.start == 0 or each.core[0] * stack >= margin
            assert each.start + len(each.inputs) == length or len(each.inputs) - each.core[1] * stack >= margin


def test_windows_literally():
    pattern = made(Settings(3, 12, 3, masked=0.0, both_strands=False, crf=False))
    codes = np.arange(20, dtype=np.int16)
    first, second, third = pattern.windows("row", codes, codes.astype(np.int8))
    assert (first.start, first.core, first.inputs.tolist()) == (0, (0, 2), list(range(12)))
    assert (second.start, second.core, second.inputs.tolist()) == (3, (1, 3), list(range(3, 15)))
    assert (third.start, third.core, third.inputs.tolist()) == (9, (1, 4), list(range(9, 20)))
    assert [pattern.truth(each).tolist() for each in (first, second, third)] == [[0, 3], [6, 9], [12, 15, 18]]


def test_windows_of_a_file_are_views(tmp_path):
    before = table([random_dna(100)])
    examples.write(tmp_path / "train.arrow", before.schema, before.to_pylist())
    pattern = made(CODONS)
    found = pattern.examples(examples.read(tmp_path / "train.arrow"))
    assert len(found) == 4
    assert {each.id for each in found} == {"row-0"}
    assert not any(each.inputs.flags.owndata or each.labels.flags.owndata for each in found)


def test_a_batch_to_judge_is_padded_and_knows_the_labels_of_the_cores_only():
    pattern = made(replace(CODONS, window=12, margin=3))
    long, short = pattern.windows("a", np.arange(14, dtype=np.int16), np.arange(14, dtype=np.int8) % 3)[0], "AC"
    batch = pattern.batch([long._replace(core=(1, 3)), one(pattern, short, [1, 2])])
    assert batch.ids == ["a", "one"]
    assert batch.inputs.tolist() == [list(range(12)), [1, 16] + [16] * 10]
    assert batch.lengths.tolist() == [12, 2]
    assert batch.labels.tolist() == [[-1, 0, 0, -1], [1, -1, -1, -1]]
    assert batch.cores == [(1, 3), (0, 1)]


def test_what_is_learned_from_is_either_strand_from_any_code_of_a_step():
    sequence, labels = "ACGGTCATT", [1, 2, 0, 1, 0, -1, 2, 1, 0]
    other, mirrored = "AATGACCGT", [0, 2, 1, -1, 0, 2, 0, 1, 2]
    pattern = made(CODONS)
    whole = one(pattern, sequence, labels)._replace(core=(1, 2))
    expected = {
        (tuple(encode(strand, DNA2)[phase:]) + (16,) * phase, tuple(known[phase::3]))
        for strand, known in ((sequence, labels), (other, mirrored))
        for phase in range(3)
    }
    rng = np.random.default_rng(0)
    batches = [pattern.batch([whole], rng) for _ in range(100)]
    assert {(tuple(each.inputs[0].tolist()), tuple(each.labels[0].tolist())) for each in batches} == expected
    again = pattern.batch([whole] * 9, np.random.default_rng(1))
    assert_close(again.inputs, pattern.batch([whole] * 9, np.random.default_rng(1)).inputs, rtol=0, atol=0)


def test_one_strand_and_one_code_a_step_leave_nothing_to_vary():
    pattern = made(PLAIN)
    window = one(pattern, "ACGGTC", [1, 2, 0, 1, 0, -1])
    for seed in range(9):
        batch = pattern.batch([window], np.random.default_rng(seed))
        assert batch.inputs[0].tolist() == encode("ACGGTC", DNA2).tolist()
        assert batch.labels.tolist() == [[1, 2, 0, 1, 0, -1]]


@pytest.mark.parametrize("crf", [False, True])
def test_ignored_labels_do_not_count(crf):
    pattern = biased(made(replace(PLAIN, crf=crf)), [0.5, 0.3, 0.2])
    batch = pattern.batch([one(pattern, "ACGT", [0, -1, 1, -1]), one(pattern, "AC", [2, 0])])
    # With transitions of zero the steps of the random field are independent.
    losses = [-log(probability) for probability in (0.5, 0.3, 0.2, 0.5)]
    assert pattern.loss(batch).item() == pytest.approx(np.mean(losses), rel=1e-5)
    assert pattern.validate([batch, batch]) == {"error_rate": 0.5, "loss": pytest.approx(np.mean(losses), rel=1e-5)}
    nothing = pattern.batch([one(pattern, "ACGT")])
    assert pattern.loss(nothing).item() == 0
    assert pattern.validate([nothing]) == {"error_rate": 0, "loss": 0}


def test_predictions_are_those_of_the_core():
    pattern = biased(made(CODONS), [0.2, 0.5, 0.3])
    window = one(pattern, "ACGTACGTACGT")._replace(core=(1, 3))
    ((probabilities, labels, whole),) = pattern.predict(pattern.batch([window]))
    assert probabilities.dtype == np.float32
    assert probabilities.tolist() == [[pytest.approx(0.2), pytest.approx(0.5), pytest.approx(0.3)]] * 2
    assert (labels.dtype, labels.tolist()) == (np.int16, [1, 1])
    assert whole.shape == (0,)


def test_a_random_field_reads_the_whole_sequence():
    """Each step alone would be ``none``; but ``+1`` and ``-1`` in turn are common, ``none`` beside itself is not."""
    pattern = biased(made(replace(PLAIN, crf=True)), [0.4, 0.3, 0.3])
    with torch.no_grad():
        pattern.chains[0].transitions.copy_(torch.tensor([[-5.0, 0, 0], [0, 0, 2.0], [0, 1.0, 0]]))
    ((probabilities, labels, whole),) = pattern.predict(pattern.batch([one(pattern, "ACGT")]))
    assert labels.tolist() == [1, 2, 1, 2]
    assert probabilities.sum(1).tolist() == pytest.approx([1] * 4)
    assert (probabilities.argmax(1) == labels).all()
    assert whole.shape == (0,)


@pytest.mark.parametrize("crf", [False, True])
@pytest.mark.parametrize("layer", ["rnn", "lstm", "gru", "mingru"])
def test_company_and_padding_change_nothing(layer, crf):
    pattern = made(replace(PLAIN, stack=2, crf=crf), variant(layer))
    windows = [one(pattern, random_dna(length), labelled(random_dna(length))) for length in (31, 8, 1)]
    together = pattern.batch(windows)
    alone = [pattern.batch([each]) for each in windows]
    for found, batch in zip(pattern.predict(together), alone, strict=True):
        (expected,) = pattern.predict(batch)
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
        assert np.array_equal(found.labels, expected.labels)
    counts = [16, 4, 1]
    losses = [pattern.loss(batch).item() for batch in alone]
    assert pattern.loss(together).item() == pytest.approx(np.average(losses, weights=counts), rel=1e-5)
    padding = torch.arange(32) >= 2 * (-(-together.lengths // 2))[:, None]
    soiled = together._replace(inputs=together.inputs.masked_fill(padding, 3))
    assert_close(pattern.loss(soiled), pattern.loss(together))


def forgetful(settings: Settings, bidirectional: bool) -> Tagger:
    """Its layers forget after exactly three steps: the recurrent weights lead from each of four units to the next."""
    pattern = made(settings, variant("rnn", 4, bidirectional))
    with torch.no_grad():
        for name, weight in pattern.named_parameters():
            if "weight_hh" in name:
                weight.copy_(torch.randn(4, 4).tril(-1))
    return pattern


def predicted(pattern: Tagger, sequence: str) -> Tagged:
    windows = pattern.windows("", encode(sequence, DNA2), np.zeros(len(sequence), np.int8))
    return joined(pattern.predict(pattern.batch(windows)))


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("stack", [1, 3])
def test_where_windows_are_cut_changes_nothing_if_the_margin_is_the_memory(stack, bidirectional):
    """Two layers remember six steps."""
    settings = Settings(stack, window=300, margin=0, masked=0.0, both_strands=False, crf=False)
    pattern = forgetful(settings, bidirectional)
    sequence = random_dna(200)
    whole = predicted(pattern, sequence)
    for margin, window in ((6, 13), (6, 14), (6, 20), (10, 30)):
        pattern.settings = replace(settings, window=window * stack, margin=margin * stack)
        np.testing.assert_allclose(predicted(pattern, sequence).probabilities, whole.probabilities, atol=1e-6)
        assert np.array_equal(predicted(pattern, sequence).labels, whole.labels)
    pattern.settings = replace(settings, window=20 * stack)
    assert abs(predicted(pattern, sequence).probabilities - whole.probabilities).max() > 1e-4


@pytest.mark.parametrize("crf", [False, True])
def test_a_long_sequence_is_read_a_few_windows_at_a_time(monkeypatch, crf):
    pattern = made(replace(CODONS, crf=crf))
    expected = predicted(pattern, random_dna(500))
    assert expected.labels.shape == (167,)
    for at_once in (1, 30, 10_000):
        monkeypatch.setattr(tagger, "STEPS_AT_ONCE", at_once)
        found = pattern.tag(random_dna(500))
        np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
        assert np.array_equal(found.labels, expected.labels)


@pytest.mark.parametrize("crf", [False, True])
def test_a_checkpoint_restores_everything(tmp_path, crf):
    pattern = made(replace(CODONS, crf=crf))
    if crf:
        torch.nn.init.normal_(pattern.chains[0].transitions)
    torch.save(pattern.checkpoint(), tmp_path / "model.pt")
    restored = Tagger.restored(torch.load(tmp_path / "model.pt", weights_only=True))
    assert not restored.training
    for name in ("settings", "model", "inputs", "labels", "classes"):
        assert getattr(restored, name) == getattr(pattern, name)
    for found, expected in zip(restored.tag(random_dna(100)), pattern.tag(random_dna(100)), strict=True):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("crf", [False, True])
def test_it_learns(crf):
    """What stands before and behind a letter, on both strands."""
    features = Kmers("dna", 1)
    settings = Settings(stack=1, window=60, margin=5, masked=0.0, both_strands=True, crf=crf)
    rows = table([random_dna(300, seed) for seed in range(2)], features)
    pattern = Tagger.for_examples(rows, settings, variant("gru", 8))
    windows = pattern.examples(rows)
    optimizer = torch.optim.Adam(pattern.parameters(), 0.04)
    rng = np.random.default_rng(0)
    for _ in range(40):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(windows, rng)).backward()
        optimizer.step()
    unseen = random_dna(500, 9)
    held_out = pattern.eval().batch(pattern.examples(table([unseen], features)))
    assert pattern.validate([held_out])["error_rate"] < 0.03
    assert (pattern.tag(unseen).labels == labelled(unseen)).mean() > 0.97


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 37}, "window and margin should be multiples of stack"),
        ({"margin": 7}, "window and margin should be multiples of stack"),
        ({"margin": 18}, "window should be longer than two margins"),
    ],
)
def test_windows_that_cannot_be_are_refused(change, message):
    block = {"stack": 3, "window": 36, "margin": 6, "masked": 0.0, "both_strands": True, "crf": False} | change
    with pytest.raises(UserError, match=f"params.yaml: biology.genes.tagger: {message}"):
        params.check(Settings, block, "params.yaml: biology.genes.tagger")


def test_both_strands_need_dna_and_labels_in_pairs():
    with pytest.raises(UserError, match=r"tagger.both_strands: a sequence of protein has one strand"):
        Tagger.for_examples(table(["ACG"], Kmers("protein", 1)), CODONS, variant())
    with pytest.raises(UserError, match=r"tagger.both_strands: the label \+2 has no other with the opposite sign"):
        Tagger(CODONS, variant(), inputs(DNA2), ["none", "+1", "+2", "-1"])


def moving(length: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A bright column among six that stands, goes left or goes right, by turns; and which of it at each step."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(0, 3, -(-length // 6)), 6)[:length]
    places = np.cumsum(np.array([0, -1, 1])[labels]) % 6
    return (np.eye(6)[places] * 200 + rng.integers(0, 50, (length, 6))).astype(np.uint8), labels.astype(np.int8)


SEEING = TaggerModel(
    Recurrent("gru", 8, 1, True, 0.0), 1, 0.01, Vision([], 8, 2, 0, mirror=False), start="video/actions/gru"
)
FRAMES = Settings(stack=2, window=24, margin=6, masked=0.0, both_strands=False, crf=False)


def test_it_learns_from_frames(seen):
    frames, labels = zip(*(moving(60, seed) for seed in range(6)), strict=True)
    rows = seen(frames, (1, 1, 6), labels=labels)
    pattern = Tagger.for_examples(rows, FRAMES, SEEING)
    windows = pattern.examples(rows)
    assert not any(window.inputs.flags.owndata for window in windows)
    optimizer, rng = torch.optim.Adam(pattern.parameters(), 0.02), np.random.default_rng(0)
    for _ in range(80):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(windows, rng)).backward()
        optimizer.step()
    frames, labels = moving(101, seed=9)
    found = pattern.eval().tag_steps(frames)
    assert found.probabilities.shape == (51, 3)
    assert (found.labels == labels[::2]).mean() > 0.9
    restored = Tagger.restored(pattern.checkpoint())
    assert np.array_equal(restored.tag_steps(frames).probabilities, found.probabilities)


def test_it_starts_from_the_encoder_of_a_classifier(seen):
    rows = seen([moving(9)[0], moving(8)[0]], shape=(1, 1, 6), label=["a", "b"])
    model = ClassifierModel(SEEING.recurrent, 1, 0.01, SEEING.embedding, "", frozen=False)
    other = Classifier.for_examples(rows, ClassifierSettings(["mean"], 0.0, False), model)
    pattern = Tagger(FRAMES, SEEING, Inputs.of(rows), LABELS)
    pattern.start_from(other.checkpoint())
    assert pattern.encoder.mean.item() == other.encoder.mean.item() > 0
    for found, expected in zip(pattern.encoder.parameters(), other.encoder.parameters(), strict=True):
        assert torch.equal(found, expected)
    with pytest.raises(UserError, match="video/actions/gru cannot start this model: it reads kmers with"):
        pattern.start_from(made(PLAIN).checkpoint())


def test_frames_have_no_strands(seen):
    rows = seen([moving(9)[0]], shape=(1, 1, 6))
    with pytest.raises(UserError, match=r"tagger.both_strands: a sequence of frames has one strand"):
        Tagger.for_examples(rows, replace(FRAMES, both_strands=True), SEEING)


READING = TaggerModel(Recurrent("gru", 8, 1, True, 0.0), 1, 0.01, WordEmbedding(6, 0.5, 8), start="")
SENTENCES = Settings(stack=1, window=8, margin=2, masked=0.1, both_strands=False, crf=True)
NAMES = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Jim", "Kay", "Max", "Tom", "Zoe"]
FILLERS = ["met", "saw", "and", "the", "or", "old"]


def sentences(count: int, seed: int = 0, names: list[str] = NAMES) -> pa.Table:
    """Names, alone or two in a row, among other words; ``label`` says whether there is a question mark."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(count):
        own = [str(word) for word in rng.choice(FILLERS, rng.integers(3, 7))]
        tags = ["O"] * len(own)
        for place in sorted(rng.choice(len(own), 2, replace=False), reverse=True):
            name = [str(part) for part in rng.choice(names, rng.integers(1, 3))]
            own[place:place], tags[place:place] = name, ["B-PER", "I-PER"][: len(name)]
        own.append("?" if number % 2 else ".")
        tags.append("O")
        kinds = ["name" if word in names else "mark" if word in "?." else "word" for word in own]
        label = "asked" if number % 2 else "said"
        rows.append({"id": f"s{number}", "label": label, "words": own, "kind": kinds, "entity": tags})
    columns = {"id": pa.string(), "label": pa.string()} | dict.fromkeys(("words", "kind", "entity"), words.TAGS)
    return pa.Table.from_pylist(rows, pa.schema(list(columns.items())))


@pytest.fixture
def worded(tmp_path):
    """Makes the features of tables of sentences, the first of which is learned from: read from files."""

    def made(*tables: pa.Table) -> list[pa.Table]:
        settings = words.Words(vocabulary=20, letters=4)
        learned = words.learn(tables[0], settings)
        for number, each in enumerate(tables):
            examples.write(tmp_path / f"{number}.arrow", *words.featurize(each, settings, learned))
        return [examples.read(tmp_path / f"{number}.arrow") for number in range(len(tables))]

    return made


def test_words_have_several_labels_and_their_row_one(worded):
    (rows,) = worded(sentences(4))
    pattern = Tagger.for_examples(rows, SENTENCES, READING).eval()
    assert pattern.labels == {"kind": ["mark", "name", "word"], "entity": ["B-PER", "I-PER", "O"]}
    assert pattern.classes == ["asked", "said"]
    assert pattern.output.out_features == 6
    found = pattern.examples(rows)
    assert not any(each.inputs.flags.owndata or each.labels.flags.owndata for each in found)
    predictions = [(each.id, *pattern.predict(pattern.batch([each]))) for each in found]
    whole = [joined([own for name, own in predictions if name == wanted]) for wanted in ("s0", "s1")]
    truth = np.concatenate([pattern.truth(each) for each in found if each.id == "s1"])
    assert pattern.named(truth) == {kind: rows[kind][1].as_py() for kind in ("kind", "entity")}
    for number, own in enumerate(whole):
        length = len(rows["words"][number].as_py())
        assert (own.probabilities.shape, own.labels.shape, own.whole.shape) == ((length, 6), (length, 2), (2,))
        np.testing.assert_allclose(own.probabilities.reshape(length, 2, 3).sum(2), 1, rtol=1e-5)
        assert own.whole.sum() == pytest.approx(1)
    batch = pattern.batch(found[:2])
    assert batch.labels.shape == (2, max(map(pattern.steps, found[:2])), 2)
    assert batch.whole.tolist() == [pattern.classes.index(each.label) for each in found[:2]]


def test_the_losses_of_all_labels_are_added_up(worded):
    (rows,) = worded(sentences(3))
    pattern = Tagger.for_examples(rows, replace(SENTENCES, crf=False), READING).eval()
    with torch.no_grad():
        pattern.output.weight.zero_()
        pattern.output.bias.copy_(torch.tensor([0.2, 0.3, 0.5, 0.1, 0.2, 0.7]).log())
        pattern.whole.weight.zero_()
        pattern.whole.bias.copy_(torch.tensor([0.25, 0.75]).log())
    (asked,) = pattern.windows("", rows_of(rows)[0][:3], np.array([[0, 1], [1, -1], [2, 2]], np.int16), "asked")
    other = asked._replace(label="whispered")  # never heard of in training
    kinds = -np.mean(np.log([0.2, 0.3, 0.5])), -np.mean(np.log([0.2, 0.7])), -log(0.25)
    batch = pattern.batch([asked, other])
    assert pattern.loss(batch).item() == pytest.approx(sum(kinds), rel=1e-5)
    wrong = np.mean([2 / 3, 1 / 2, 1])
    scores = pattern.validate([batch, batch])
    assert scores == {"error_rate": pytest.approx(wrong), "loss": pytest.approx(sum(kinds), rel=1e-5)}


def test_names_of_spans_are_kept_in_order(worded):
    """An ``I-PER`` behind an ``O`` is impossible, however probable it is by itself."""
    (rows,) = worded(sentences(2))
    pattern = Tagger.for_examples(rows, SENTENCES, READING).eval()
    with torch.no_grad():
        pattern.output.weight.zero_()
        pattern.output.bias.copy_(torch.tensor([0.1, 0.2, 0.7, 0.3, 0.5, 0.2]).log())
    (window, *_) = pattern.examples(rows)
    ((_, labels, _),) = pattern.predict(pattern.batch([window._replace(core=(0, 3))]))
    assert pattern.named(labels) == {"kind": ["word"] * 3, "entity": ["I-PER"] * 3}
    with torch.no_grad():
        pattern.output.bias.copy_(torch.tensor([0.1, 0.2, 0.7, 0.2, 0.37, 0.43]).log())
    ((probabilities, labels, _),) = pattern.predict(pattern.batch([window._replace(core=(0, 3))]))
    assert pattern.named(labels)["entity"] == ["O"] * 3
    assert (probabilities[1:, 4] < 0.37).all()


def test_it_learns_from_words(worded):
    """Names that training never showed are known by their capitals, their letters and their place."""
    train, unseen = worded(sentences(60), sentences(40, 9, ["Al", "Jo", "Cy"]))
    pattern = Tagger.for_examples(train, replace(SENTENCES, window=20, masked=0.3), READING)
    windows, rng = pattern.examples(train), np.random.default_rng(0)
    optimizer = torch.optim.Adam(pattern.parameters(), 0.05)
    for _ in range(40):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(windows, rng)).backward()
        optimizer.step()
    pattern.eval()
    found = pattern.tag_rows(rows_of(unseen))
    for kind in ("kind", "entity"):
        pairs = zip(unseen[kind].to_pylist(), found, strict=True)
        assert np.mean([np.mean(np.array(true) == pattern.named(own.labels)[kind]) for true, own in pairs]) > 0.95
    said = [pattern.classes[own.whole.argmax()] for own in found]
    assert np.mean(np.array(said) == unseen["label"].to_pylist()) > 0.95
    assert pattern.validate([pattern.batch(pattern.examples(unseen))])["error_rate"] < 0.05
    restored = Tagger.restored(pattern.checkpoint())
    again = restored.tag_rows(rows_of(unseen))
    assert all(np.array_equal(*pair) for rows in zip(found, again, strict=True) for pair in zip(*rows, strict=True))


def test_rows_are_tagged_together_as_alone(worded, monkeypatch):
    (rows,) = worded(sentences(20))
    pattern = Tagger.for_examples(rows, SENTENCES, READING).eval()
    alone = [pattern.tag_steps(row) for row in rows_of(rows)]
    for at_once in (1, 30, 10_000):
        monkeypatch.setattr(tagger, "STEPS_AT_ONCE", at_once)
        for found, expected in zip(pattern.tag_rows(rows_of(rows)), alone, strict=True):
            np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)
            np.testing.assert_allclose(found.whole, expected.whole, atol=1e-6)
            assert np.array_equal(found.labels, expected.labels)


def test_words_have_no_strands_and_are_read_one_by_one(worded):
    (rows,) = worded(sentences(2))
    with pytest.raises(UserError, match=r"tagger.both_strands: a sequence of words has one strand"):
        Tagger.for_examples(rows, replace(SENTENCES, both_strands=True), READING)
    with pytest.raises(UserError, match="stack: 2 words are no step"):
        Tagger.for_examples(rows, replace(SENTENCES, stack=2), READING)

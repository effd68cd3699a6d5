from dataclasses import replace
from itertools import pairwise, product
from math import log

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.testing import assert_close

from unroll import examples, params
from unroll.decoding.beam import Beam
from unroll.errors import UserError
from unroll.features import tokens
from unroll.features.tokens import Tokens
from unroll.params import Recurrent
from unroll.patterns import translator
from unroll.patterns.encoder import Embedding
from unroll.patterns.inputs import Inputs
from unroll.patterns.ngrams import NGrams
from unroll.patterns.translator import END, Batch, Settings, Translation, Translator, TranslatorModel
from unroll.patterns.vision import Vision

PLAIN = Settings(Beam(width=3, length_penalty=0.6), longest=30)
SPELLING = Tokens({"source": "characters", "target": "words"}, 0, placeholders=False)
WORDS = Tokens({"source": "words", "target": "words"}, 0, placeholders=True)
PAIRS = [("cab", "K AE B"), ("a", "AH"), ("abba", "AE B AH")]
# Vocabularies: unknown 0, a 1, b 2, c 3; unknown 0, AE 1, AH 2, B 3, K 4. Their ends are 4 and 5.
KINDS = pytest.mark.parametrize(
    ("attention", "input_feeding"),
    [(attention, feeding) for attention in ("none", "additive", "multiplicative") for feeding in (False, True)],
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def variant(
    attention: str = "multiplicative", input_feeding: bool = False, tied: bool = False, layer: str = "lstm"
) -> TranslatorModel:
    recurrent = Recurrent(layer, hidden=6, layers=2, bidirectional=True, dropout=0.1)
    ngrams = NGrams(longest=3, buckets=40)
    return TranslatorModel(
        recurrent, 1, 0.01, Embedding(5, 0.5), ngrams, attention, input_feeding, tied, 0.0, None, 1, "", False
    )


def wide(attention: str = "multiplicative", input_feeding: bool = False) -> TranslatorModel:
    """One that learns quickly."""
    recurrent = Recurrent("gru", hidden=24, layers=1, bidirectional=True, dropout=0.0)
    return replace(variant(attention, input_feeding), recurrent=recurrent, embedding=Embedding(16, 0.5), ngrams=None)


def table(pairs: list[tuple[str, str]], settings: Tokens = SPELLING) -> pa.Table:
    sources, targets = zip(*pairs, strict=True)
    plain = pa.table({"id": [f"row-{n}" for n in range(len(pairs))], "source": sources, "target": targets})
    schema, rows = tokens.featurize(plain, settings, tokens.learn(plain, settings))
    return pa.Table.from_pylist(list(rows), schema)


def made(model: TranslatorModel | None = None, settings: Settings = PLAIN, rows: pa.Table | None = None) -> Translator:
    return Translator.for_examples(rows or table(PAIRS), settings, model or variant()).eval()


def biased(pattern: Translator, probabilities: list[float]) -> Translator:
    """One that gives these probabilities whatever it reads and wrote."""
    with torch.no_grad():
        pattern.decoder.output.weight.zero_()
        pattern.decoder.output.bias.copy_(torch.tensor(probabilities).log())
    return pattern


def all_of(pattern: Translator, rows: pa.Table | None = None) -> Batch:
    return pattern.batch(pattern.examples(rows or table(PAIRS)))


def told(pattern: Translator, source: str, target: str, ended: bool) -> float:
    """The log-probability of a target given all at once, its end included where it has one."""
    codes = pattern.target.encode(target)
    row = pattern.examples(table(PAIRS))[0]._replace(source=pattern.source.encode(source), target=codes)
    log_probs = pattern(pattern.batch([row])).log_softmax(1)
    wanted = [*codes.tolist(), pattern.end][: len(codes) + ended]
    return log_probs[torch.arange(len(wanted)), wanted].sum().item()


def learn(pattern: Translator, rows: pa.Table, steps: int) -> Translator:
    batch = all_of(pattern.train(), rows)
    optimizer = torch.optim.Adam(pattern.parameters(), 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        pattern.loss(batch).backward()
        optimizer.step()
    return pattern.eval()


def same(found: Translation, expected: Translation) -> None:
    """The same but for the last digits."""
    assert (found.text, found.symbols) == (expected.text, expected.symbols)
    assert found.log_prob == pytest.approx(expected.log_prob, rel=1e-4)
    assert [text for text, _ in found.alternatives] == [text for text, _ in expected.alternatives]
    if expected.attention is None:
        assert found.attention is None
    else:
        np.testing.assert_allclose(found.attention, expected.attention, atol=1e-5)


def test_made_for_its_examples():
    pattern = made()
    assert pattern.source.symbols == ("\ufffd", "a", "b", "c")
    assert pattern.target.symbols == ("\ufffd", "AE", "AH", "B", "K")
    assert pattern.end == 5
    assert pattern.decoder.output.weight.shape == pattern.decoder.embedding.weight.shape == (6, 5)
    assert pattern.encoder.embedding.weight.shape == (5, 5)
    # The decoder reads symbols, what it attended to before, and without attention the summary of the source.
    widths = {kind: made(variant(*kind)).decoder.layers.levels[0].kernel.input_size for kind in (
        ("additive", False), ("additive", True), ("none", False), ("none", True)
    )}  # fmt: skip
    assert list(widths.values()) == [5, 10, 17, 22]


def test_a_batch_is_padded_with_ends():
    batch = all_of(made())
    assert batch.ids == ["row-0", "row-1", "row-2"]
    assert batch.source.tolist() == [[3, 1, 2, 4, 4], [1, 4, 4, 4, 4], [1, 2, 2, 1, 4]]
    assert batch.source_lengths.tolist() == [4, 2, 5]
    assert batch.target.tolist() == [[4, 1, 3, 5], [2, 5, 5, 5], [1, 3, 2, 5]]
    assert batch.target_lengths.tolist() == [4, 2, 4]
    assert batch.slots == [[], [], []]
    assert [made().steps(row) for row in made().examples(table(PAIRS))] == [4, 2, 5]


def test_examples_of_a_file_are_views_with_their_placeholders(tmp_path):
    before = table([("open {a} or {b}", "ouvrir {b} ou {a}"), ("file", "fichier")], WORDS)
    examples.write(tmp_path / "train.arrow", before.schema, before.to_pylist())
    rows = examples.read(tmp_path / "train.arrow")
    pattern = made(rows=rows)
    first, second = pattern.examples(rows)
    assert (first.id, first.slots, second.slots) == ("row-0", ["{a}", "{b}"], [])
    assert pattern.source.decode(first.source) == "open \ue000 or \ue001"
    assert pattern.target.decode(first.target) == "ouvrir \ue001 ou \ue000"
    assert not any(part.flags.owndata for part in (first.source, first.target, second.source, second.target))


def test_loss_and_scores_by_hand():
    pattern = biased(made(), [0.05, 0.3, 0.1, 0.2, 0.1, 0.25])
    batch = all_of(pattern)
    known = [[0.1, 0.3, 0.2, 0.25], [0.1, 0.25], [0.3, 0.2, 0.1, 0.25]]
    nats = -sum(log(p) for row in known for p in row) / 10
    assert pattern.loss(batch).item() == pytest.approx(nats)
    # AE is the most probable: right twice out of ten.
    expected = {"nats_per_symbol": pytest.approx(nats), "wrong_symbols": pytest.approx(0.8)}
    assert pattern.validate([batch, batch]) == expected
    pattern.model = replace(pattern.model, label_smoothing=0.1)
    uniform = -sum(map(log, [0.05, 0.3, 0.1, 0.2, 0.1, 0.25])) / 6
    assert pattern.loss(batch).item() == pytest.approx(0.9 * nats + 0.1 * uniform)
    assert pattern.validate([batch]) == expected


def test_beams_by_hand():
    pattern = biased(made(settings=Settings(Beam(4, 0.0), 3)), [0.05, 0.35, 0.05, 0.05, 0.05, 0.45])
    (found,) = pattern.translate(["cab"], n_best=3)
    assert (found.text, found.symbols, found.log_prob) == ("", [END], pytest.approx(log(0.45)))
    assert found.alternatives == [
        ("", pytest.approx(log(0.45))),
        ("AE", pytest.approx(log(0.35 * 0.45))),
        ("AE AE", pytest.approx(log(0.35 * 0.35 * 0.45))),
    ]
    biased(pattern, [0.05, 0.65, 0.05, 0.05, 0.05, 0.15])
    assert pattern.translate(["cab"])[0].text == ""
    pattern.settings = Settings(Beam(4, 3.0), 3)  # ((5 + n) / 6) ** 3 prefers what is longer
    assert pattern.translate(["cab"])[0].text == "AE AE"


@pytest.mark.parametrize("layer", ["rnn", "lstm", "gru", "mingru"])
@KINDS
def test_company_and_padding_change_nothing(attention, input_feeding, layer):
    pattern = made(variant(attention, input_feeding, layer=layer))
    rows = pattern.examples(table(PAIRS))
    together, alone = pattern.batch(rows), [pattern.batch([row]) for row in rows]
    for found, batch in zip(pattern.predict(together, n_best=2), alone, strict=True):
        same(found, pattern.predict(batch, n_best=2)[0])
    losses = [pattern.loss(batch).item() for batch in alone]
    assert pattern.loss(together).item() == pytest.approx(np.average(losses, weights=[4, 2, 4]), rel=1e-5)
    outside = [
        torch.arange(part.shape[1]) >= lengths[:, None]
        for part, lengths in ((together.source, together.source_lengths), (together.target, together.target_lengths))
    ]
    soiled = together._replace(
        source=together.source.masked_fill(outside[0], 2), target=together.target.masked_fill(outside[1], 3)
    )
    assert_close(pattern.loss(soiled), pattern.loss(together))
    blind = together._replace(target=together.target.new_zeros(3, 1), target_lengths=torch.ones(3, dtype=torch.long))
    for found, expected in zip(pattern.predict(blind), pattern.predict(together), strict=True):
        same(found, expected)


@KINDS
def test_what_is_written_has_the_probability_that_is_read(attention, input_feeding):
    pattern = made(variant(attention, input_feeding), replace(PLAIN, longest=6))
    lengths = set()
    for bias in (-9.0, 0.0, 2.0):
        with torch.no_grad():
            pattern.decoder.output.bias[pattern.end] = bias
        for source, found in zip(("cab", "a"), pattern.translate(["cab", "a"], n_best=3), strict=True):
            assert found.alternatives[0] == (found.text, found.log_prob)
            assert found.symbols == found.text.split() + [END] * (len(found.text.split()) < 6)
            assert len({text for text, _ in found.alternatives}) == 3
            for text, log_prob in found.alternatives:
                symbols = len(text.split())
                assert log_prob == pytest.approx(told(pattern, source, text, ended=symbols < 6), rel=1e-4)
                lengths.add(symbols)
    assert {0, 6} < lengths


@KINDS
def test_a_symbol_is_scored_by_what_stands_before_it_alone(attention, input_feeding):
    pattern = made(variant(attention, input_feeding))
    batch = all_of(pattern)
    changed = batch.target.clone()
    changed[0, 1] = 4
    before, after = (pattern(each) for each in (batch, batch._replace(target=changed)))
    # The first row's four symbols, then those of the others.
    assert (before != after).any(1).tolist() == [False, False, True, True] + [False] * 6
    other = batch.source.clone()
    other[0, 1] = 2
    assert (before != pattern(batch._replace(source=other))).any(1).tolist() == [True] * 4 + [False] * 6


@KINDS
def test_where_it_looked(attention, input_feeding):
    pattern = made(variant(attention, input_feeding))
    for source, found in zip(("abba", "b"), pattern.translate(["abba", "b"]), strict=True):
        if attention == "none":
            assert found.attention is None
            continue
        assert found.attention.dtype == np.float32
        assert found.attention.shape == (len(found.symbols), len(source) + 1)
        np.testing.assert_allclose(found.attention.sum(1), 1, rtol=1e-5)


def test_what_is_cut_off_has_no_end():
    pattern = biased(made(settings=Settings(Beam(1, 0.0), 3)), [0.05, 0.7, 0.05, 0.05, 0.05, 0.1])
    (found,) = pattern.translate(["cab"])
    assert (found.text, found.symbols) == ("AE AE AE", ["AE"] * 3)
    assert found.attention.shape == (3, 4)
    pattern.settings = Settings(Beam(1, 0.0), 100)  # but never more than twice the source and ten: with its end 2 + 10
    lengths = [len(found.symbols) for found in pattern.translate(["", "cab"])]
    assert lengths == [12, 18]


@pytest.mark.parametrize(
    ("steps", "groups"),
    [
        ([], []),
        ([5, 2, 2, 3, 12, 2], [[1, 2, 5], [3, 0], [4]]),
        ([4, 3, 3], [[1, 2], [0]]),
        ([10, 5, 5], [[1, 2], [0]]),
        ([11, 11], [[0], [1]]),
    ],
)
def test_sources_of_like_length_are_read_together(steps, groups, monkeypatch):
    monkeypatch.setattr(translator, "TOGETHER", 10)
    assert list(translator._together(steps)) == groups


def test_groups_are_bounded_with_their_padding(monkeypatch):
    monkeypatch.setattr(translator, "TOGETHER", 100)
    steps = np.random.default_rng(0).integers(1, 120, 300).tolist()
    groups = list(translator._together(steps))
    rows = [row for group in groups for row in group]
    assert sorted(rows) == list(range(300))
    assert [steps[row] for row in rows] == sorted(steps)
    lengths = [[steps[row] for row in group] for group in groups]
    assert all(len(own) == 1 or max(own) * len(own) <= 100 for own in lengths)
    for own, after in pairwise(lengths):
        assert (len(own) + 1) * after[0] > 100  # no group could take one more


def test_order_is_kept(monkeypatch):
    pattern = made()
    texts = ["abbacab", "a", "cab", "", "abba", "a", "bb"]
    alone = [pattern.translate([text])[0] for text in texts]
    for together in (1, 2, 128):
        monkeypatch.setattr(translator, "TOGETHER", together)
        for found, expected in zip(pattern.translate(texts), alone, strict=True):
            same(found, expected)
    assert pattern.translate([]) == []


def test_a_text_without_symbols_and_symbols_never_seen():
    pattern = made()
    (nothing,) = pattern.translate([""])
    assert nothing.attention.tolist() == [[1.0]] * len(nothing.symbols)
    assert pattern.source_symbols("") == [END]
    assert pattern.source_symbols("cxb") == ["c", "\ufffd", "b", END]
    same(*pattern.translate(["cxb", "cyb"]))
    assert pattern.translate(["xyz"])[0].attention.shape[1] == 4


def test_placeholders_are_carried_over():
    """Whatever they are called, and in another order."""
    words = [("open", "ouvrir"), ("read", "lire"), ("file", "fichier")]
    pairs = [(f"{word} {{a}} <b>", f"<b> {{a}} {other}") for word, other in words] + words
    pattern = learn(made(wide(), rows=table(pairs, WORDS)), table(pairs, WORDS), 40)
    (found,) = pattern.translate(["read %s &nbsp;"], n_best=2)
    assert found.text == "&nbsp; %s lire"
    assert found.symbols == ["&nbsp;", "%s", "lire", END]
    assert found.alternatives[0][0] == found.text
    assert "\ue000" not in found.alternatives[1][0]
    assert pattern.source_symbols("read %s &nbsp;") == ["read", "%s", "&nbsp;", END]
    batch = all_of(pattern, table([("file {x} {y}", "")], WORDS))
    assert batch.slots == [["{x}", "{y}"]]


@pytest.mark.parametrize("placeholders", [False, True])
def test_placeholders_are_slots_only_where_they_were_in_training(placeholders):
    rows = table([("a {x} b", "b {x} a")], replace(SPELLING, placeholders=placeholders))
    pattern = made(rows=rows)
    for each in (pattern, Translator.restored(pattern.checkpoint())):
        assert each.placeholders == placeholders
        assert each.source_symbols("a {x}") == ["a", " ", *(["{x}"] if placeholders else ["{", "x", "}"]), END]
        (found,) = each.translate(["a {x}"])
        assert found.attention.shape[1] == (4 if placeholders else 6)


def test_tied_tables_are_one():
    both = Tokens({"source": "bpe", "target": "bpe"}, 300, placeholders=True)
    shared = made(variant(tied=True), rows=table(PAIRS, both))
    assert shared.encoder.embedding.weight is shared.decoder.embedding.weight is shared.decoder.output.weight
    apart = made(variant(tied=True))
    assert apart.decoder.output.weight is apart.decoder.embedding.weight is not apart.encoder.embedding.weight
    free = made(variant(tied=False), rows=table(PAIRS, both))
    assert len({id(part.weight) for part in (free.encoder.embedding, free.decoder.embedding, free.decoder.output)}) == 3
    for pattern, tables in ((shared, 1), (apart, 1), (free, 2)):
        restored = Translator.restored(pattern.checkpoint())
        assert (restored.decoder.output.weight is restored.decoder.embedding.weight) == (tables == 1)
        assert sum(p.numel() for p in restored.parameters()) == sum(p.numel() for p in pattern.parameters())
    (found,) = shared.translate(["cab é"])
    assert len(found.symbols) == len(found.attention)


@KINDS
@pytest.mark.parametrize("tied", [False, True])
def test_gradients_reach_every_weight(attention, input_feeding, tied):
    pattern = made(variant(attention, input_feeding, tied))
    pattern.loss(all_of(pattern)).backward()
    assert [name for name, weight in pattern.named_parameters() if not weight.grad.abs().max() > 0] == []


@KINDS
def test_a_checkpoint_restores_everything(tmp_path, attention, input_feeding):
    pattern = made(variant(attention, input_feeding, tied=True))
    torch.save(pattern.checkpoint(), tmp_path / "model.pt")
    restored = Translator.restored(torch.load(tmp_path / "model.pt", weights_only=True))
    assert not restored.training
    for name in ("settings", "model", "source", "target", "placeholders"):
        assert getattr(restored, name) == getattr(pattern, name)
    batch = all_of(pattern)
    assert restored.loss(batch).item() == pattern.loss(batch).item()
    for found, expected in zip(restored.predict(batch), pattern.predict(batch), strict=True):
        same(found, expected)


@KINDS
def test_it_learns_to_spell(attention, input_feeding):
    """Letters as words, the other way round; of an eighth of the words it knows only the letters."""
    words = ["".join(letters) for length in (1, 2, 3) for letters in product("abcd", repeat=length)]
    pairs = [(word, " ".join(reversed(word.upper()))) for word in words]
    rows = table([pair for number, pair in enumerate(pairs) if number % 8 != 7])
    pattern = learn(made(wide(attention, input_feeding), rows=rows), rows, 120)
    right = [found.text == target for found, (_, target) in zip(pattern.translate(words), pairs, strict=True)]
    seen, unseen = (np.array(right)[(np.arange(len(words)) % 8 == 7) == which] for which in (False, True))
    assert seen.mean() > 0.95
    assert unseen.any()  # by chance one in 64


def test_settings_that_cannot_be_are_refused():
    where = "params.yaml: translation.interface.translator"
    block = {"beam": {"width": 0, "length_penalty": 1.0}, "longest": 0}
    with pytest.raises(UserError, match=r"translator\.beam\.width: should be greater than 0, not 0\n.*longest: should"):
        params.check(Settings, block, where)
    model = {
        "recurrent": {"layer": "gru", "hidden": 4, "layers": 1, "bidirectional": True, "dropout": 0.0},
        "steps": 1,
        "learning_rate": 0.1,
        "embedding": {"features": 4, "spread": 0.1},
        "attention": "dot",
        "input_feeding": False,
        "tied_embeddings": False,
        "label_smoothing": 1.0,
    }
    with pytest.raises(
        UserError, match=r"attention: .*'none', 'additive' or 'multiplicative'(?s:.)*label_smoothing: .* less"
    ):
        params.check(TranslatorModel, model, "params.yaml: translation.interface.models.lstm")


SEEING = Vision(channels=[4], features=8, steps=2, shift=0, mirror=False)


def signs(text: str, rng: np.random.Generator) -> np.ndarray:
    """Four pictures of 2 × 4 pixels for each word, which are bright where the word says: frames (T, 8)."""
    places = {"left": 0, "middle": 1, "right": 2}
    frames = np.concatenate([np.eye(4)[[places[word]] * 4] for word in text.split()])
    return (np.repeat(frames, 2, axis=0).reshape(-1, 8) * 200 + rng.integers(0, 50, (len(frames), 8))).astype(np.uint8)


@pytest.mark.parametrize("attention", ["none", "additive", "multiplicative"])
def test_it_learns_to_describe_frames(attention, seen):
    rng = np.random.default_rng(0)
    texts = 3 * [" ".join(words) for count in (1, 2) for words in product(["left", "middle", "right"], repeat=count)]
    rows = seen([signs(text, rng) for text in texts], (1, 2, 4), target=texts, references=[[text] for text in texts])
    model = replace(wide(attention), vision=SEEING)
    pattern = learn(Translator.for_examples(rows, PLAIN, model), rows, 60)
    assert pattern.target.symbols == ("\ufffd", "left", "middle", "right")
    assert not any(row.source.flags.owndata for row in pattern.examples(rows))
    for text in ("left", "right middle", "middle left"):
        (found,) = pattern.describe([signs(text, rng)])
        assert found.text == text
        if attention != "none":
            assert found.attention.shape == (len(text.split()) + 1, 2 * len(text.split()))
    restored = Translator.restored(pattern.checkpoint())
    frames = signs("right left", rng)
    assert restored.describe([frames])[0].text == pattern.describe([frames])[0].text == "right left"


def test_company_and_padding_change_nothing_of_frames(seen):
    rng = np.random.default_rng(0)
    texts = ["left", "right left middle", "middle right"]
    rows = seen(
        [signs(text, rng)[number:] for number, text in enumerate(texts)],
        (1, 2, 4),
        target=texts,
        references=[[text] for text in texts],
    )
    pattern = Translator.for_examples(rows, PLAIN, replace(variant(), vision=SEEING, ngrams=None)).eval()
    examples = pattern.examples(rows)
    together = pattern.predict(pattern.batch(examples))
    for found, row in zip(together, examples, strict=True):
        same(found, pattern.predict(pattern.batch([row]))[0])
    counts = [2, 4, 3]
    losses = [pattern.loss(pattern.batch([row])).item() for row in examples]
    assert pattern.loss(pattern.batch(examples)).item() == pytest.approx(np.average(losses, weights=counts), rel=1e-4)


def test_training_draws_from_the_wordings_of_frames(seen):
    rows = seen(
        [signs("left", np.random.default_rng(0))], (1, 2, 4), target=["left"], references=[["left", "to the right"]]
    )
    pattern = Translator.for_examples(rows, PLAIN, replace(variant(), vision=SEEING, ngrams=None))
    assert pattern.target.symbols == ("\ufffd", "left", "right", "the", "to")
    examples = pattern.examples(rows)
    assert pattern.steps(examples[0]) == 5
    assert pattern.batch(examples).target.tolist() == [[1, 5]]
    drawn = {tuple(pattern.batch(examples, np.random.default_rng(seed)).target[0].tolist()) for seed in range(20)}
    assert drawn == {(1, 5), (4, 3, 2, 5)}


def test_some_steps_only_are_remembered(seen):
    rng = np.random.default_rng(0)
    texts = ["left", "right left middle"]  # of 4 and 12 frames, which are 2 and 6 steps of the encoder
    rows = seen([signs(text, rng) for text in texts], (1, 2, 4), target=texts, references=[[text] for text in texts])
    every, fourth = (
        Translator.for_examples(rows, PLAIN, replace(variant(), vision=SEEING, ngrams=None, stride=stride)).eval()
        for stride in (1, 4)
    )
    fourth.load_state_dict(every.state_dict())
    batch = every.batch(every.examples(rows))
    steps = every.encoder(batch.source, batch.source_lengths)
    memory = fourth.decoder.remember(steps, every.encoder.steps(batch.source_lengths), 4)
    assert torch.equal(memory.steps, steps[:, [0, 4]])
    assert memory.padding.tolist() == [[False, True], [False, False]]
    assert [found.attention.shape[1] for found in fourth.predict(batch)] == [1, 2]
    summary = every.decoder.remember(steps, every.encoder.steps(batch.source_lengths)).summary
    assert torch.equal(memory.summary, summary)


def test_it_starts_from_an_encoder_of_frames_only(seen):
    rows = seen([signs("left", np.random.default_rng(0))], (1, 2, 4), target=["left"], references=[["left"]])
    model = replace(variant(), vision=SEEING, ngrams=None, start="video/events/gru")
    other, pattern = (Translator.for_examples(rows, PLAIN, model) for _ in range(2))
    pattern.start_from(other.checkpoint())
    for found, expected in zip(pattern.encoder.parameters(), other.encoder.parameters(), strict=True):
        assert torch.equal(found, expected)
    frozen = Translator.for_examples(rows, PLAIN, replace(model, frozen=True)).train()
    assert not frozen.encoder.training
    assert frozen.decoder.training
    frozen.loss(frozen.batch(frozen.examples(rows))).backward()
    assert all(weight.grad is None for weight in frozen.encoder.parameters())
    with pytest.raises(ValueError, match="frozen wants a start"):
        replace(model, start="", frozen=True)
    with pytest.raises(ValueError, match="start wants a vision"):
        replace(variant(), start="video/events/gru")
    with pytest.raises(UserError, match="vision: the source is a text, and no frames are to be seen"):
        made(replace(variant(), vision=SEEING, ngrams=None))
    with pytest.raises(UserError, match="pixels makes frames: their models want the settings of a vision"):
        Translator(PLAIN, variant(), Inputs.of(rows), pattern.target, placeholders=False)

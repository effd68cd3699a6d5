import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from math import log

import numpy as np
import pyarrow as pa
import pytest
import torch

from unroll import examples, params
from unroll.decoding import ctc
from unroll.errors import UserError
from unroll.features.distortion import Distortion
from unroll.metrics.error_rates import error_rates
from unroll.params import Recurrent
from unroll.patterns.inputs import Inputs
from unroll.patterns.transcriber import Beam, Example, Settings, Transcriber, TranscriberModel, Word
from unroll.patterns.vision import Vision

FEATURES = {"sample_rate": 8000, "n_fft": 400, "hop": 200, "mels": 128, "coefficients": 4, "top_db": 80.0}
PIXELS = {"size": 0, "background": False, "difference": False, "reduce": 1}
STILL = Distortion(warp=0, tempo=0, tilt=0, noise=0, noise_db=0, masks=0, mask_frames=0)
GREEDY = Beam(width=1, order=0, weight=0.0, bonus=0.0)
WORDS = Settings(units="words", stack=2, distortion=STILL, beam=GREEDY)
CHARACTERS = replace(WORDS, units="characters")
LAYERS = ("rnn", "lstm", "gru", "mingru")
FRAME = 0.025  # seconds


def variant(layer: str = "lstm", normalise: str = "recording", bidirectional: bool = True) -> TranscriberModel:
    recurrent = Recurrent(layer, hidden=12, layers=2, bidirectional=bidirectional, dropout=0.1)
    return TranscriberModel(recurrent, steps=1, learning_rate=0.01, normalise=normalise, vision=None)


def spoken(text: str, rng: np.random.Generator) -> np.ndarray:
    """Frames (T, 4), eight of each character: six of its own feature, then two of the fourth, silence; so a space.

    One less at the end, so that the last step of two is not full.
    """
    frames = np.concatenate([np.eye(4)[["abc ".index(character)] * 6 + [3] * 2] for character in text])
    return (frames + rng.normal(0, 0.2, frames.shape)).astype(np.float32)[:-1]


def table(texts: Sequence[str], frames: Sequence[np.ndarray] | None = None) -> pa.Table:
    """A featurized table of the texts, with frames that say them unless others are given."""
    rng = np.random.default_rng(0)
    schema = [("id", pa.string()), ("text", pa.string()), ("frames", examples.matrix_type(4))]
    metadata = {"featurizer": "mfcc", "settings": json.dumps(FEATURES)}
    sounds = [spoken(text, rng) for text in texts] if frames is None else frames
    flat = pa.FixedSizeListArray.from_arrays(pa.array(np.concatenate(sounds).ravel()), type=schema[2][1].value_type)
    offsets = np.cumsum([0, *map(len, sounds)])
    matrices = pa.LargeListArray.from_arrays(pa.array(offsets), flat).cast(schema[2][1])
    ids = pa.array([f"example-{i}" for i in range(len(texts))])
    return pa.table([ids, pa.array(texts), matrices], schema=pa.schema(schema, metadata))


TEXTS = ["a b", "c", "b a c", "a a", "c c b a", "b"]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def made(settings: Settings = WORDS, model: TranscriberModel | None = None) -> tuple[Transcriber, list[Example]]:
    """A new transcriber, ready to predict, and the examples that it was made for."""
    rows = table(TEXTS)
    pattern = Transcriber.for_examples(rows, settings, model or variant()).eval()
    return pattern, pattern.examples(rows)


def heard(probabilities: Sequence[Sequence[float]], settings: Settings = WORDS) -> Transcriber:
    """A transcriber of ``a``, ``b`` and ``c`` that gives these probabilities of blank and symbols, step by step."""
    pattern, _ = made(settings)
    log_probs = torch.tensor(probabilities).log()[None]
    pattern.forward = lambda frames, lengths: (log_probs, torch.tensor([len(probabilities)]))
    return pattern


def one(pattern: Transcriber, text: str = "a"):
    return pattern.batch([Example("one", np.zeros((2, 4), np.float32), text)])


def test_made_for_its_examples():
    frames = [np.array([[1, 10, 0, 5], [3, 10, 0, 5]], np.float32), np.array([[5, 10, 0, 5]] * 2, np.float32)]
    pattern = Transcriber.for_examples(table(["b a", "c a"], frames), WORDS, variant())
    assert pattern.symbols == ["a", "b", "c"]
    assert pattern.encoder.mean.tolist() == [3.5, 10, 0, 5]
    assert pattern.encoder.deviation.tolist() == pytest.approx([1.659 + 0.001, 0.001, 0.001, 0.001], abs=1e-3)
    assert pattern.output.out_features == 4
    assert pattern.language is None


def test_texts_and_symbols():
    words, _ = made()
    assert words.encode("c a  a") == [3, 1, 1]
    assert words.encode("a unknown b") == [1, 2]
    assert words.decode([3, 1, 1]) == "c a a"
    characters, _ = made(CHARACTERS)
    assert characters.symbols == [" ", "a", "b", "c"]
    assert characters.encode("ca b?") == [4, 2, 1, 3]
    assert characters.decode([4, 2, 1, 3]) == "ca b"
    assert words.encode("") == []
    assert words.decode([]) == ""


def test_examples_too_short_for_their_text_are_left_out():
    """Two frames are a step; equal neighbours need a blank between them."""
    pattern, _ = made()
    texts, lengths = ["a b", "a b", "a a", "a a", "unknown"], [3, 2, 4, 5, 1]
    rows = table(texts, [np.zeros((length, 4), np.float32) for length in lengths])
    assert [example.id for example in pattern.examples(rows)] == ["example-0", "example-3", "example-4"]
    assert [pattern.steps(example) for example in pattern.examples(rows)] == [2, 3, 1]


def test_a_batch_is_padded():
    pattern, rows = made()
    batch = pattern.batch(rows[:3])
    assert batch.ids == ["example-0", "example-1", "example-2"]
    assert batch.texts == TEXTS[:3]
    assert batch.frames.shape == (3, 39, 4)
    assert batch.lengths.tolist() == [23, 7, 39]
    assert batch.symbols.tolist() == [1, 2, 3, 2, 1, 3]
    assert batch.symbol_counts.tolist() == [2, 1, 3]
    torch.testing.assert_close(batch.frames[1, :7], torch.from_numpy(np.array(rows[1].frames)))
    assert not batch.frames[1, 7:].any()


def test_only_a_batch_for_training_is_distorted():
    pattern, rows = made(replace(WORDS, distortion=replace(STILL, tempo=0.3, tilt=3)))
    before = [example.frames.copy() for example in rows]
    first, again, other = (pattern.batch(rows, np.random.default_rng(seed)) for seed in (1, 1, 2))
    torch.testing.assert_close(first.frames, again.frames, rtol=0, atol=0)
    assert first.lengths.tolist() != other.lengths.tolist()
    assert pattern.batch(rows).lengths.tolist() == [len(frames) for frames in before]
    assert all(np.array_equal(example.frames, frames) for example, frames in zip(rows, before, strict=True))


def test_the_loss_sums_over_all_alignments():
    pattern = heard([[0.5, 0.3, 0.1, 0.1], [0.6, 0.2, 0.1, 0.1]])
    alignments = 0.3 * 0.2 + 0.3 * 0.6 + 0.5 * 0.2
    assert pattern.loss(one(pattern)).item() == pytest.approx(-log(alignments))


@pytest.mark.parametrize("normalise", ["recording", "corpus"])
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("settings", [WORDS, replace(CHARACTERS, beam=Beam(4, 2, 0.5, 0.1))], ids=["greedy", "beam"])
def test_company_and_padding_change_nothing(settings, layer, normalise):
    pattern, rows = made(settings, variant(layer, normalise))
    whole = pattern.batch(rows)
    alone = [pattern.batch([row]) for row in rows]
    losses = [pattern.loss(batch).item() for batch in alone]
    assert pattern.loss(whole).item() == pytest.approx(np.mean(losses), rel=1e-4)
    together = pattern.predict(whole)
    for transcript, batch in zip(together, alone, strict=True):
        (expected,) = pattern.predict(batch)
        assert transcript.text == expected.text
        assert transcript.confidence == pytest.approx(expected.confidence, abs=1e-4)
        assert [word[:3] for word in transcript.words] == [word[:3] for word in expected.words]
    padding = torch.arange(whole.frames.shape[1]) >= whole.lengths[:, None]
    soiled = whole._replace(frames=whole.frames.masked_fill(padding[..., None], 1e3))
    torch.testing.assert_close(pattern.loss(soiled), pattern.loss(whole))


@pytest.mark.parametrize("layer", LAYERS)
def test_a_model_that_streams_hears_nothing_of_the_future(layer):
    pattern, rows = made(model=variant(layer, "corpus", bidirectional=False))
    frames = pattern.batch([rows[4]]).frames
    with torch.no_grad():
        whole, _ = pattern(frames, torch.tensor([frames.shape[1]]))
        for length in (2, 10, 30):
            part, steps = pattern(frames[:, :length], torch.tensor([length]))
            assert steps.tolist() == [length // 2]
            torch.testing.assert_close(part, whole[:, : length // 2])


def test_a_last_step_that_is_not_full_counts():
    pattern, _ = made()
    log_probs, steps = pattern(torch.zeros(2, 7, 4), torch.tensor([7, 4]))
    assert steps.tolist() == [4, 2]
    torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(2, 4))


def test_normalised_by_itself_a_recording_may_be_of_any_loudness():
    moved = {}
    for normalise in ("recording", "corpus"):
        torch.manual_seed(0)
        pattern, rows = made(model=variant(normalise=normalise))
        frames = torch.from_numpy(np.tile(rows[4].frames, (40, 1)))[None]
        length = torch.tensor([frames.shape[1]])
        with torch.no_grad():
            moved[normalise] = (pattern(frames + 0.5, length)[0] - pattern(frames, length)[0]).abs().max().item()
    assert moved["recording"] < 0.3 * moved["corpus"]


@pytest.mark.parametrize("layer", LAYERS)
def test_it_learns(layer):
    texts = [" ".join(np.random.default_rng(i).choice([*"abc"], 1 + i % 3)) for i in range(30)]
    rows = table(texts)
    pattern = Transcriber.for_examples(rows, WORDS, variant(layer))
    batch = pattern.batch(pattern.examples(rows))
    optimizer = torch.optim.Adam(pattern.parameters(), 0.03)
    before = pattern.eval().validate([batch])
    for _ in range(60):
        optimizer.zero_grad()
        pattern.train().loss(batch).backward()
        optimizer.step()
    after = pattern.eval().validate([batch])
    assert before["loss"] > 2
    assert before["word_error_rate"] > 0.5
    assert after["loss"] < 0.2
    assert after["word_error_rate"] < 0.05


@pytest.mark.parametrize("unit", ["word", "character"])
def test_validation_measures_all_batches_together(unit):
    pattern, rows = made(replace(WORDS, units=f"{unit}s"))
    scores = pattern.validate([pattern.batch(rows[:2]), pattern.batch(rows[2:])])
    log_probs, steps = pattern(pattern.batch(rows).frames, pattern.batch(rows).lengths)
    heard = [pattern.decode(symbols) for symbols in ctc.greedy(log_probs, steps)]
    assert list(scores) == [f"{unit}_error_rate", "loss"]
    assert scores[f"{unit}_error_rate"] == error_rates(TEXTS, heard)[f"{unit}_error_rate"]
    assert scores["loss"] == pytest.approx(pattern.loss(pattern.batch(rows)).item(), rel=1e-5)


def test_words_with_their_places_and_confidences():
    """A step is two frames of 25 ms."""
    sure = [[0.9, 0.04, 0.03, 0.03], [0.1, 0.8, 0.05, 0.05], [0.2, 0.6, 0.1, 0.1], [0.9, 0.04, 0.03, 0.03],
            [0.05, 0.05, 0.05, 0.85]]  # fmt: skip
    pattern = heard(sure)
    (transcript,) = pattern.predict(one(pattern))
    assert transcript.text == "a c"
    assert transcript.words == [
        Word("a", pytest.approx(0.05), pytest.approx(0.15), pytest.approx(0.7)),
        Word("c", pytest.approx(0.2), pytest.approx(0.25), pytest.approx(0.85)),
    ]
    assert transcript.confidence == pytest.approx(0.775)


def test_characters_are_gathered_into_words():
    blank, space, a, b = 0, 1, 2, 3
    sure = {blank: 0.9, space: 0.9, a: 0.8, b: 0.6}
    said = [space, a, blank, b, space, blank, space, b, space]
    pattern = heard([[sure[s] if i == s else (1 - sure[s]) / 4 for i in range(5)] for s in said], CHARACTERS)
    (transcript,) = pattern.predict(one(pattern))
    assert transcript.text == "ab b"
    assert transcript.words == [
        Word("ab", pytest.approx(0.05), pytest.approx(0.2), pytest.approx(0.7)),
        Word("b", pytest.approx(0.35), pytest.approx(0.4), pytest.approx(0.6)),
    ]


def test_silence_is_an_empty_text_without_confidence():
    pattern = heard([[0.97, 0.01, 0.01, 0.01]] * 3)
    (transcript,) = pattern.predict(one(pattern))
    assert transcript == ("", [], 0.0, [])


@pytest.mark.parametrize("settings", [WORDS, CHARACTERS], ids=["words", "characters"])
@pytest.mark.parametrize("layer", LAYERS)
def test_words_lie_in_order_within_the_recording(settings, layer):
    pattern, rows = made(settings, variant(layer))
    pattern.output.weight.data *= 20  # so that it says much
    found = pattern.predict(pattern.batch(rows))
    assert sum(len(transcript.words) for transcript in found) > 3
    for row, transcript in zip(rows, found, strict=True):
        places = [place for word in transcript.words for place in (word.start, word.stop)]
        assert places == sorted(places)
        assert all(word.start < word.stop and 0 < word.confidence <= 1 for word in transcript.words)
        last_step = pattern.steps(row) * 2 * FRAME
        assert all(0 <= place <= last_step + 1e-9 for place in places)
        assert transcript.text == " ".join(word.text for word in transcript.words)


def test_the_language_model_decides_what_the_ear_cannot():
    """``ab`` was often said, ``ac`` never; ``b`` and ``c`` sound alike here, ``c`` a little more so."""
    settings = replace(CHARACTERS, beam=Beam(width=8, order=2, weight=1.0, bonus=0.0))
    rows = table(["ab", "ab", "c"])
    sounds = [[0.05, 0.9, 0.025, 0.025], [0.1, 0.1, 0.38, 0.42]]
    for weight, said in ((1.0, "ab"), (0.0, "ac")):
        settings = replace(settings, beam=replace(settings.beam, weight=weight))
        pattern = Transcriber.for_examples(rows, settings, variant())
        log_probs = torch.tensor(sounds).log()[None]
        pattern.forward = lambda frames, lengths, log_probs=log_probs: (log_probs, torch.tensor([2]))
        (transcript,) = pattern.predict(one(pattern))
        assert transcript.text == said


@pytest.mark.parametrize("order", [0, 3])
def test_a_checkpoint_restores_everything(tmp_path, order):
    settings = replace(CHARACTERS, beam=Beam(width=4, order=order, weight=0.5, bonus=0.1))
    pattern, rows = made(settings, variant("mingru", "corpus"))
    torch.save(pattern.checkpoint(), tmp_path / "model.pt")
    restored = Transcriber.restored(torch.load(tmp_path / "model.pt", weights_only=True))
    assert not restored.training
    assert (restored.settings, restored.model, restored.symbols) == (pattern.settings, pattern.model, pattern.symbols)
    assert restored.features == pattern.features
    assert (restored.language is None) == (order == 0)
    assert restored.predict(restored.batch(rows)) == pattern.predict(pattern.batch(rows))
    assert restored.loss(restored.batch(rows)).item() == pattern.loss(pattern.batch(rows)).item()


READING = Settings(units="characters", stack=2, distortion=None, beam=GREEDY)
SEEING = TranscriberModel(Recurrent("gru", 12, 1, True, 0.0), 1, 0.01, None, Vision([4, 6], 8, 2, 1, mirror=False))


def written(text: str, rng: np.random.Generator) -> np.ndarray:
    """Columns (T, 8) of pixels: a thick stroke as high as the place of a letter in the alphabet, and a gap."""
    columns = np.zeros((6 * len(text), 8))
    for number, letter in enumerate(text):
        if letter != " ":
            columns[6 * number : 6 * number + 4, 2 * "abc".index(letter) :][:, :3] = 255
    return np.clip(columns + rng.normal(0, 20, columns.shape), 0, 255).astype(np.uint8)


def test_it_learns_to_read_lines(seen):
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice([*"abc"], 2 + n % 3)) for n in range(24)]
    texts += [f"{text[:1]} {text[1:]}" for text in texts[:12]]
    rows = seen([written(text, rng) for text in texts], (1, 8, 1), text=texts)
    pattern = Transcriber.for_examples(rows, READING, SEEING)
    lines = pattern.examples(rows)
    assert pattern.shape == [1, 8, 1]
    assert not any(line.frames.flags.owndata for line in lines)
    optimizer = torch.optim.Adam(pattern.parameters(), 0.02)
    for _ in range(60):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(lines, rng)).backward()
        optimizer.step()
    pattern.eval()
    assert pattern.validate([pattern.batch(lines)])["character_error_rate"] < 0.05
    # Places are in columns, of which two are a step.
    (transcript,) = pattern.read([written("ab ca", rng)])
    assert transcript.text == "ab ca"
    assert [symbol.text for symbol in transcript.symbols] == [*"ab ca"]
    for number, symbol in enumerate(transcript.symbols):
        assert symbol.text == " " or 6 * number - 3 <= symbol.start < symbol.stop <= 6 * number + 9
    assert [word.text for word in transcript.words] == ["ab", "ca"]
    assert transcript.words[0][1:3] == (transcript.symbols[0].start, transcript.symbols[1].stop)
    assert Transcriber.restored(pattern.checkpoint()).read([written("ab", rng)])[0].text == "ab"


def test_symbols_have_their_own_places_and_confidences():
    sure = [[0.9, 0.04, 0.03, 0.03], [0.1, 0.8, 0.05, 0.05], [0.2, 0.1, 0.6, 0.1]]
    (transcript,) = heard(sure).predict(one(heard(sure)))
    assert transcript.symbols == transcript.words
    assert [word.text for word in transcript.words] == ["a", "b"]


def test_a_model_hears_or_sees():
    block = {"recurrent": asdict(SEEING.recurrent), "steps": 1, "learning_rate": 0.1}
    for both in ({"normalise": None, "vision": None}, {"normalise": "corpus", "vision": asdict(SEEING.vision)}):
        with pytest.raises(
            UserError, match=r"^lstm: either normalise, of sound, or vision, of pictures, should be set"
        ):
            params.check(TranscriberModel, block | both, "lstm")
    sound, picture = Inputs("mfcc", FEATURES), Inputs("pixels", PIXELS, [1, 8, 1])
    for settings, model, inputs in (
        (WORDS, SEEING, picture),
        (READING, variant(), sound),
        (READING, SEEING, sound),
        (WORDS, variant(), picture),
    ):
        with pytest.raises(UserError, match="models of sound want distortion and normalise, those of pictures vision"):
            Transcriber(settings, model, inputs, ["a"])
    with pytest.raises(UserError, match="stack: 4 inputs are a step of the task, but 2 of this model's vision"):
        Transcriber(replace(READING, stack=4), SEEING, picture, ["a"])

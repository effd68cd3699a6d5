from dataclasses import asdict, replace
from itertools import islice
from math import log

import numpy as np
import pyarrow as pa
import pytest
import torch
from lightning_fabric import Fabric
from torch.testing import assert_close

from unroll import examples, params
from unroll.decoding.beam import Beam, beam_search
from unroll.decoding.greedy import greedy
from unroll.decoding.sampling import Sampling, sample
from unroll.decoding.writing import select
from unroll.errors import UserError
from unroll.params import Recurrent, Train
from unroll.patterns.encoder import Embedding
from unroll.patterns.language_model import Head, LanguageModel, LanguageModelModel, Settings
from unroll.patterns.ngrams import NGrams
from unroll.training.batches import lanes
from unroll.training.fit import fit

V = 5  # codes, so that 5 is the start and the end
PLAIN = Settings(window=100, carry=False)
LAYERS = ["rnn", "lstm", "gru", "mingru"]
KINDS = pytest.mark.parametrize(("streams", "clocks", "history"), [(1, 0, 1), (1, 3, 2), (4, 0, 3), (4, 3, 1)])
AS_IT_IS = Sampling(temperature=1.0, top_k=0, top_p=1.0, repetition=1.0)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def variant(layer: str = "lstm", history: int = 1, head: int = 16, bidirectional: bool = False) -> LanguageModelModel:
    recurrent = Recurrent(layer, hidden=6, layers=2, bidirectional=bidirectional, dropout=0.1)
    return LanguageModelModel(
        recurrent, 1, 0.01, Embedding(4, 0.5), history, None, head, tied=False, locked_dropout=0.0, weight_drop=0.0
    )


def surely(model: LanguageModelModel) -> LanguageModelModel:
    """One that drops nothing, so that it reads in training as it does in use."""
    return replace(model, recurrent=replace(model.recurrent, dropout=0.0))


def table(rows: list[list[list[int]]], clocks: int = 0, codes: int = V) -> pa.Table:
    """A row of codes is a list of steps, each a list of its streams' codes; the clock counts up from 1."""
    flat = [np.array(row, np.int32).ravel() for row in rows]
    shown = [(np.arange(len(row) + 1, dtype=np.int32) + 1) % max(clocks, 1) for row in rows]
    columns = {
        "id": pa.array([f"row-{number}" for number in range(len(rows))]),
        "codes": pa.array(flat, pa.large_list(pa.int32())),
        "clock": pa.array(shown, pa.large_list(pa.int32())),
    }
    streams = next(len(step) for row in rows for step in row)
    metadata = {"featurizer": "notes", "codes": str(codes), "streams": str(streams), "clocks": str(clocks)}
    return pa.table(columns).replace_schema_metadata(metadata)


def random_rows(streams: int, lengths: tuple[int, ...] = (6, 3, 1), seed: int = 0) -> list[list[list[int]]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(V, size=(length, streams)).tolist() for length in lengths]


def made(rows: pa.Table, settings: Settings = PLAIN, model: LanguageModelModel | None = None) -> LanguageModel:
    return LanguageModel.for_examples(rows, settings, model or variant()).eval()


def biased(pattern: LanguageModel, *probabilities: list[float]) -> LanguageModel:
    """One whose streams have these probabilities whatever stands before; only the first one can end."""
    with torch.no_grad():
        for head, known in zip(pattern.heads, probabilities, strict=True):
            head.output.weight.zero_()
            head.output.bias.fill_(-torch.inf)[: len(known)] = torch.tensor(known).log()
    return pattern


def learn(pattern: LanguageModel, rows: pa.Table, steps: int) -> LanguageModel:
    known, rng = pattern.train().examples(rows), np.random.default_rng(0)
    optimizer = torch.optim.Adam(pattern.parameters(), 0.03)
    for _ in range(steps):
        optimizer.zero_grad()
        pattern.loss(pattern.batch(known, rng)).backward()
        optimizer.step()
    return pattern.eval()


def test_only_the_first_head_can_end():
    heads = made(table(random_rows(3))).heads
    assert [head.output.out_features for head in heads] == [6, 5, 5]
    assert [len(head.mix) for head in heads] == [0, 1, 2]


@pytest.mark.parametrize(("features", "stream", "expected"), [(0, 0, -1.0), (2, 0, 1.0), (2, 1, 9.0)])
def test_a_head_by_hand(features, stream, expected):
    head = Head(2, features, stream, codes=3)
    for part in head.parameters():
        torch.nn.init.zeros_(part)
    torch.nn.init.ones_(head.output.weight)
    if features:
        torch.nn.init.eye_(head.project.weight)
    for table in head.mix:
        torch.nn.init.constant_(table.weight[2], 5.0)
    known = [torch.tensor([2])] * stream
    # 1 - 2 as it is; 1 + 0 where features are rectified; 6 + 3 with what is mixed in.
    assert head(torch.tensor([[1.0, -2.0]]), known).tolist() == [[expected] * (3 + (not stream))]


def test_made_for_its_examples():
    pattern = made(table(random_rows(4), clocks=3))
    assert pattern.codes == (5, 4, 3, {"featurizer": "notes"})
    assert (pattern.start, pattern.end) == (5, 5)
    assert pattern.embedding.weight.shape == (4 * 6 + 3, 4)
    assert made(table(random_rows(4)), model=variant(history=3)).embedding.weight.shape == (3 * 4 * 6, 4)
    assert made(table(random_rows(1)), model=variant(head=0)).heads[0].output.in_features == 6


def test_examples_of_a_file_are_views(tmp_path):
    before = table([[[1, 2], [3, 4]], [[0, 1]]], clocks=3)
    examples.write(tmp_path / "train.arrow", before.schema, before.to_pylist())
    rows = examples.read(tmp_path / "train.arrow")
    pattern = made(rows)
    first, second = pattern.examples(rows)
    assert (first.id, first.codes.tolist(), first.clock.tolist()) == ("row-0", [[1, 2], [3, 4]], [1, 2, 0])
    assert (second.id, second.codes.tolist(), second.clock.tolist()) == ("row-1", [[0, 1]], [1, 2])
    assert not any(part.flags.owndata for row in (first, second) for part in row[1:3])
    assert [pattern.steps(row) for row in (first, second)] == [3, 2]
    short = made(rows, Settings(window=2, carry=False))
    assert [short.train().steps(row) for row in (first, second)] == [2, 2]
    assert [short.eval().steps(row) for row in (first, second)] == [3, 2]  # in use, all of it is read


def test_a_batch_of_one_stream():
    pattern = made(table([[[1]]]))
    batch = pattern.batch(pattern.examples(table([[[3], [0], [4]], [[2]]])))
    assert batch.ids == ["row-0", "row-1"]
    assert batch.before[..., 0].tolist() == [[5, 3, 0, 4], [5, 2, 0, 0]]
    assert batch.codes[..., 0].tolist() == [[3, 0, 4, 5], [2, 5, 0, 0]]
    assert batch.lengths.tolist() == [4, 2]


def test_a_batch_of_two_streams_and_a_clock():
    rows = table([[[3, 1], [0, 2]], [[2, 4]]], clocks=3)
    batch = made(rows).batch(made(rows).examples(rows))
    assert batch.before.tolist() == [[[5, 5], [3, 1], [0, 2]], [[5, 5], [2, 4], [0, 0]]]
    assert batch.codes.tolist() == [[[3, 1], [0, 2], [5, 0]], [[2, 4], [5, 0], [0, 0]]]
    assert batch.clock.tolist() == [[1, 2, 0], [1, 2, 0]]
    assert batch.lengths.tolist() == [3, 2]


def test_a_batch_of_some_history():
    rows = table([[[3, 1], [0, 2], [4, 4]]])
    pattern = made(rows, Settings(window=2, carry=False), variant(history=3))
    before = [[5, 5, 5, 5, 5, 5], [3, 1, 5, 5, 5, 5], [0, 2, 3, 1, 5, 5], [4, 4, 0, 2, 3, 1]]
    assert pattern.batch(pattern.examples(rows)).before.tolist() == [before]
    stretches = [pattern.batch(pattern.examples(rows), np.random.default_rng(seed)) for seed in range(40)]
    found = {tuple(map(tuple, batch.before[0].tolist())) for batch in stretches}
    assert found == {tuple(map(tuple, before[first : first + 2])) for first in range(3)}


def test_training_reads_stretches_begun_anywhere():
    rows = table([[[3, 1], [0, 2], [4, 4]], [[2, 4]]], clocks=9)
    pattern = made(rows, Settings(window=2, carry=False))
    first, second = pattern.examples(rows)
    found = {}
    for seed in range(40):
        batch = pattern.batch([first, second], np.random.default_rng(seed))
        assert batch.lengths.tolist() == [2, 2]
        assert batch.codes[1].tolist() == [[2, 4], [5, 0]]
        found[tuple(batch.clock[0].tolist())] = (batch.before[0].tolist(), batch.codes[0].tolist())
    assert found == {  # by the clock: from the first, the second and the third step on
        (1, 2): ([[5, 5], [3, 1]], [[3, 1], [0, 2]]),
        (2, 3): ([[3, 1], [0, 2]], [[0, 2], [4, 4]]),
        (3, 4): ([[0, 2], [4, 4]], [[4, 4], [5, 0]]),
    }
    again = [pattern.batch([first] * 9, np.random.default_rng(1)).codes for _ in range(2)]
    assert_close(*again, rtol=0, atol=0)
    assert pattern.batch([first]).lengths.tolist() == [4]  # whole, where nothing is random


def test_an_end_counts_in_the_first_stream_and_only_where_it_is_reached():
    rows = table([[[3, 1], [0, 2]], [[2, 4]]])
    first = [0.3, 0.05, 0.1, 0.25, 0.1, 0.2]
    second = [0.1, 0.2, 0.3, 0.15, 0.25]
    pattern = biased(made(rows, Settings(window=2, carry=False)), first, second)
    batch = pattern.batch(pattern.examples(rows))
    long, short = pattern.predict(batch)
    assert long.nats.dtype == np.float32
    expected = [[-log(0.25), -log(0.2)], [-log(0.3), -log(0.3)], [-log(0.2), 0]]
    np.testing.assert_allclose(long.nats, expected, rtol=1e-5)
    np.testing.assert_allclose(short.nats, [[-log(0.1), -log(0.25)], [-log(0.2), 0]], rtol=1e-5)
    total = np.sum(long.nats) + np.sum(short.nats)
    assert pattern.loss(batch).item() == pytest.approx(total / 5)
    assert pattern.validate([batch, batch]) == {"nats_per_step": pytest.approx(total / 5)}
    known = pattern.examples(rows)[:1]
    losses = {round(pattern.loss(pattern.batch(known, np.random.default_rng(seed))).item(), 5) for seed in range(20)}
    inside, at_the_end = np.sum(expected[:2]) / 2, np.sum(expected[1:]) / 2
    assert losses == {round(inside, 5), round(at_the_end, 5)}


def test_the_end_is_never_the_best_code():
    rows = table([[[3, 1], [0, 2]], [[2, 4]]])
    pattern = biased(made(rows), [0.1, 0.1, 0.1, 0.2, 0.1, 0.4], [0.1, 0.6, 0.1, 0.1, 0.1])
    long, short = pattern.predict(pattern.batch(pattern.examples(rows)))
    assert (long.best.dtype, long.best.tolist()) == (np.int32, [[3, 1], [3, 1]])
    assert short.best.tolist() == [[3, 1]]


def test_a_row_without_codes_is_an_end():
    pattern = biased(made(table([[[1]]])), [0.1, 0.1, 0.1, 0.2, 0.1, 0.4])
    nothing = pattern.examples(table([[[1]]]))[0]._replace(codes=np.zeros((0, 1), np.int32))
    ((nats, best),) = pattern.predict(pattern.batch([nothing]))
    assert nats.tolist() == [[pytest.approx(-log(0.4))]]
    assert best.shape == (0, 1)


@pytest.mark.parametrize("layer", LAYERS)
@KINDS
def test_company_and_padding_change_nothing(streams, clocks, history, layer):
    rows = table(random_rows(streams), clocks)
    pattern = made(rows, model=variant(layer, history))
    known = pattern.examples(rows)
    together, alone = pattern.batch(known), [pattern.batch([row]) for row in known]
    for found, batch in zip(pattern.predict(together), alone, strict=True):
        (expected,) = pattern.predict(batch)
        np.testing.assert_allclose(found.nats, expected.nats, atol=1e-5)
        assert np.array_equal(found.best, expected.best)
    losses = [pattern.loss(batch).item() for batch in alone]
    assert pattern.loss(together).item() == pytest.approx(np.average(losses, weights=[7, 4, 2]), rel=1e-5)
    padding = torch.arange(7) >= together.lengths[:, None]
    soiled = together._replace(
        before=together.before.masked_fill(padding[..., None], 3),
        codes=together.codes.masked_fill(padding[..., None], 2),
        clock=together.clock.masked_fill(padding, max(0, clocks - 1)),
    )
    assert_close(pattern.loss(soiled), pattern.loss(together))


def test_a_code_is_scored_by_what_stands_before_it_alone():
    rows = table(random_rows(4, (6,)))
    pattern = made(rows)
    batch = pattern.batch(pattern.examples(rows))
    before = pattern(batch)
    changed = batch.codes.clone()
    changed[0, 3, 1] = (changed[0, 3, 1] + 1) % V  # the second stream of the fourth step
    after = pattern(batch._replace(codes=changed, before=torch.cat((batch.before[:, :1], changed[:, :-1]), 1)))
    different = torch.stack([(new != old).any(1) for new, old in zip(after, before, strict=True)], 1)
    assert different.tolist() == [[False] * 4] * 3 + [[False, False, True, True]] + [[True] * 4] * 3


@pytest.mark.parametrize("layer", LAYERS)
@KINDS
def test_writing_gives_the_scores_of_reading(streams, clocks, history, layer):
    """Two rows side by side, code by code, up to their end."""
    rows = table(random_rows(streams, (4, 4)), clocks)
    pattern = made(rows, model=variant(layer, history))
    batch = pattern.batch(pattern.examples(rows))
    whole = [scores.unflatten(0, (2, -1)) for scores in pattern(batch)]
    state, codes = pattern.begin(2, batch.clock[0] if clocks else None), torch.full((2,), pattern.start)
    for place in range(4 * streams + 1):
        scores, state = pattern.step(codes, state)
        step, stream = divmod(place, streams)
        if stream:
            assert (scores[:, pattern.end] == -torch.inf).all()
            assert_close(scores[:, :V], whole[stream][:, step])
        else:
            assert_close(scores, whole[0][:, step])
        codes = batch.codes.flatten(1)[:, place]


@pytest.mark.parametrize("history", [1, 4])
def test_ngrams_are_read_and_written_alike_window_after_window(history):
    rows = table(random_rows(1, (6,)))
    model = replace(surely(variant(history=history)), ngrams=NGrams(3, 40))
    pattern = made(rows, Settings(window=2, carry=True), model)
    for weight in pattern.ngrams.parameters():
        torch.nn.init.normal_(weight)
    (example,) = pattern.examples(rows)
    whole = pattern.batch([example])
    assert whole.before[0, 2].tolist() == [*example.codes[1::-1, 0], 5, 5][: max(3, history)]
    (scores,) = pattern(whole)
    state, code = pattern.begin(1), torch.tensor([pattern.start])
    for step, expected in enumerate(scores):
        found, state = pattern.step(code, state)
        assert_close(found[0], expected)
        code = whole.codes[0, step]
    (surprise,) = pattern.predict(whole)
    for window in pattern.train().windows(example):
        assert pattern.loss(pattern.batch([window])).item() == pytest.approx(
            surprise.nats[window.part].mean(), rel=1e-5
        )


@KINDS
def test_what_is_written_is_read_with_the_same_probability(streams, clocks, history):
    pattern = made(table(random_rows(streams), clocks), model=variant("gru", history))
    clock = torch.arange(1, 8) % clocks if clocks else None
    starts = torch.full((20,), pattern.start)
    generator = torch.Generator().manual_seed(0)
    found = sample(pattern.step, pattern.begin(20, clock), starts, pattern.end, 6 * streams, AS_IT_IS, generator)
    assert any(written.ended for written in found)
    assert not all(written.ended for written in found)
    for written in found:
        steps = np.array(written.codes, np.int32).reshape(-1, streams)
        shown = np.zeros(0, np.int32) if clock is None else clock[: len(steps) + 1].int().numpy()
        example = pattern.examples(table([[[0] * streams]], clocks))[0]._replace(codes=steps, clock=shown)
        (reading,) = pattern.predict(pattern.batch([example]))
        told = reading.nats if written.ended else reading.nats[:-1]
        assert -written.log_prob == pytest.approx(told.sum(), rel=1e-5)


@KINDS
def test_rows_can_be_chosen_in_the_midst_of_a_step(streams, clocks, history):
    """As beam search does."""
    pattern = made(table(random_rows(streams), clocks), model=variant("lstm", history))
    state, codes = pattern.begin(3, torch.arange(6) % clocks if clocks else None), torch.full((3,), pattern.start)
    for _ in range(2 * streams - 1):
        _, state = pattern.step(codes, state)
        codes = torch.tensor([0, 1, 2])
    chosen = torch.tensor([2, 0, 2, 1])
    expected, _ = pattern.step(codes, state)
    found, _ = pattern.step(codes[chosen], select(state, chosen))
    assert_close(found, expected[chosen])


def test_beam_search_finds_the_best_row_of_all():
    """Of those with one step of two streams, by what reading says of each of them."""
    rows = table([[[first, second]] for first in range(V) for second in range(V)])
    pattern = made(rows)
    batch = pattern.batch(pattern.examples(rows))
    surprise = [found.nats.sum() for found in pattern.predict(batch)]
    codes = torch.arange(V + 1)
    allowed = [codes != pattern.end, None, codes == pattern.end]
    start = torch.tensor([pattern.start])
    ((best,),) = beam_search(
        pattern.step, pattern.begin(1), start, pattern.end, 3, Beam(V * V, 0.0), allowed=lambda place: allowed[place]
    )
    assert best.codes == [*divmod(int(np.argmin(surprise)), V)]
    assert -best.log_prob == pytest.approx(min(surprise))


@pytest.mark.parametrize(("streams", "history"), [(1, 1), (1, 2), (2, 1)])
def test_nothing_is_written_where_the_clock_ends(streams, history):
    pattern = made(table(random_rows(streams), clocks=3), model=variant(history=history))
    state, start = pattern.begin(1, torch.tensor([1])), torch.tensor([pattern.start])
    for code in (start, torch.tensor([2]))[:streams]:
        _, state = pattern.step(code, state)
    with pytest.raises(IndexError):
        pattern.step(torch.tensor([0]), state)


def test_carrying_training_reads_windows_one_after_the_other():
    rows = table([[[3, 1], [0, 2], [4, 4]], [[2, 4]]], clocks=9)
    pattern = made(rows, Settings(window=3, carry=True), variant(history=2))
    long, short = pattern.train().examples(rows)
    assert [pattern.steps(row) for row in (long, short)] == [4, 2]
    first, second = pattern.windows(long)
    (whole,) = pattern.windows(short)
    assert [pattern.steps(each) for each in (first, second, whole)] == [3, 1, 2]
    batch = pattern.batch([second, first, whole], np.random.default_rng(0))
    assert batch.lengths.tolist() == [1, 3, 2]
    assert batch.begins.tolist() == [False, True, True]
    assert batch.before[0, :1].tolist() == [[4, 4, 0, 2]]
    assert batch.before[1].tolist() == [[5, 5, 5, 5], [3, 1, 5, 5], [0, 2, 3, 1]]
    assert batch.codes[0, :1].tolist() == [[5, 0]]
    assert batch.codes[1].tolist() == [[3, 1], [0, 2], [4, 4]]
    assert batch.clock.tolist() == [[4, 0, 0], [1, 2, 3], [1, 2, 0]]


@pytest.mark.parametrize("layer", LAYERS)
@KINDS
def test_carried_windows_are_read_as_whole_rows_are(streams, clocks, history, layer):
    """Side by side in two lanes, in which rows follow each other; what is validated in between disturbs nothing."""
    rows = table(random_rows(streams, (6, 3, 1, 4)), clocks)
    pattern = made(rows, Settings(window=2, carry=True), surely(variant(layer, history)))
    known = pattern.examples(rows)
    whole = pattern.batch(known)
    surprise = [found.nats.sum(1) for found in pattern.predict(whole)]
    parts = [pattern.windows(example) for example in known]
    windows = [window for each in parts for window in each]
    pattern.train()
    order = islice(lanes([len(each) for each in parts], 2, np.random.default_rng(0)), 12)
    for taken in ([windows[i] for i in numbers] for numbers in order):
        expected = np.concatenate([surprise[int(window.id[4:])][window.part] for window in taken])
        loss = pattern.loss(pattern.batch(taken))
        assert loss.item() == pytest.approx(expected.mean(), rel=1e-5)
        loss.backward()  # nothing is left of the last window to learn through
        pattern.eval().validate([whole])
        pattern.train()


def test_only_what_is_carried_is_remembered():
    rows = table(random_rows(1))
    forgets = made(rows, Settings(window=3, carry=False), surely(variant())).train()
    carries = LanguageModel(Settings(window=3, carry=True), forgets.model, forgets.codes).train()
    carries.load_state_dict(forgets.state_dict())
    windows = carries.windows(carries.examples(rows)[0])
    first, second = ([each.loss(each.batch([window])).item() for window in windows[:2]] for each in (forgets, carries))
    assert first[0] == second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("head", [0, 4])
def test_tied_scores_are_the_embeddings(head):
    recurrent = replace(variant().recurrent, hidden=6 if head else 4)
    rows = table(random_rows(1))
    free = made(rows, model=replace(variant(head=head), recurrent=recurrent))
    tied = made(rows, model=replace(free.model, tied=True))
    assert tied.heads[0].output.weight is tied.embedding.weight
    assert sum(map(torch.numel, free.parameters())) - sum(map(torch.numel, tied.parameters())) == (V + 1) * 4
    restored = LanguageModel.restored(tied.checkpoint())
    assert restored.heads[0].output.weight is restored.embedding.weight
    batch = tied.batch(tied.examples(rows))
    assert restored.loss(batch).item() == tied.loss(batch).item()


@pytest.mark.parametrize(
    ("streams", "clocks", "changes"),
    [(2, 0, {}), (1, 3, {}), (1, 0, {"history": 2}), (1, 0, {"head": 5}), (1, 0, {"head": 0})],
)
def test_scores_that_cannot_be_embeddings_are_refused(streams, clocks, changes):
    rows, model = table(random_rows(streams), clocks), replace(variant(head=4), tied=True)
    assert made(table(random_rows(1)), model=model).model.tied
    with pytest.raises(UserError, match=r"^tied: .* a single stream without a clock, where history is 1 and head"):
        made(rows, model=replace(model, **changes))


@pytest.mark.parametrize("changes", [{"locked_dropout": 0.5}, {"weight_drop": 0.5}], ids=str)
def test_what_training_drops_is_there_in_use(changes):
    rows = table(random_rows(1))
    sure = made(rows, model=surely(variant()))
    pattern = LanguageModel(PLAIN, replace(sure.model, **changes), sure.codes)
    pattern.load_state_dict(sure.state_dict())
    batch = pattern.batch(pattern.examples(rows))
    first, second = (pattern.train().loss(batch) for _ in range(2))
    assert len({first.item(), second.item(), sure.loss(batch).item()}) == 3
    first.backward()
    assert all(weight.grad.isfinite().all() for weight in pattern.parameters())
    assert_close(pattern.eval().loss(batch), sure.loss(batch), rtol=0, atol=0)
    assert all(torch.equal(*weights) for weights in zip(pattern.parameters(), sure.parameters(), strict=True))


def test_locked_features_are_dropped_around_the_layers():
    wide = Recurrent("lstm", 30, 2, False, 0.0)
    model = replace(variant(head=0), recurrent=wide, embedding=Embedding(30, 0.5), locked_dropout=0.5)
    pattern, read = made(table(random_rows(1)), model=model).train(), []
    for part in (*pattern.layers.levels, pattern.heads[0]):
        part.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    row = pattern.examples(table(random_rows(1, (9,))))
    pattern.loss(pattern.batch(row))
    for given in read:
        zero = given.reshape(10, -1) == 0
        assert zero.any()
        assert torch.equal(zero, zero[:1].expand_as(zero))


@KINDS
def test_a_checkpoint_restores_everything(tmp_path, streams, clocks, history):
    rows = table(random_rows(streams), clocks)
    pattern = made(rows, model=variant("mingru", history))
    torch.save(pattern.checkpoint(), tmp_path / "model.pt")
    restored = LanguageModel.restored(torch.load(tmp_path / "model.pt", weights_only=True))
    assert not restored.training
    for name in ("settings", "model", "codes"):
        assert getattr(restored, name) == getattr(pattern, name)
    batch = pattern.batch(pattern.examples(rows))
    for found, expected in zip(restored.predict(batch), pattern.predict(batch), strict=True):
        assert all(np.array_equal(*parts) for parts in zip(found, expected, strict=True))


def test_gradients_reach_every_weight():
    rows = table(random_rows(4), clocks=3)
    pattern = made(rows)
    pattern.loss(pattern.batch(pattern.examples(rows))).backward()
    assert [name for name, weight in pattern.named_parameters() if not weight.grad.abs().max() > 0] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_it_learns_to_count(layer):
    """From stretches of long rows whose codes follow each other."""
    rows = table([[[number % V] for number in range(first, first + 15)] for first in range(V)])
    pattern = learn(made(rows, Settings(window=12, carry=False), variant(layer, head=0)), rows, 70)
    unseen = table([[[number % V] for number in range(2, 30)]])
    ((_, best),) = pattern.predict(pattern.batch(pattern.examples(unseen)))
    assert best[1:, 0].tolist() == [number % V for number in range(3, 30)]
    state = pattern.begin(1)
    for code in (pattern.start, 3):
        _, state = pattern.step(torch.tensor([code]), state)
    (written,) = greedy(pattern.step, state, torch.tensor([4]), pattern.end, 8)
    assert written.codes == [0, 1, 2, 3, 4, 0, 1, 2]


def test_it_learns_in_carried_windows():
    rows = table([[[number % V] for number in range(first, first + 15)] for first in range(V)])
    recurrent, embedding = Recurrent("gru", 12, 1, False, 0.0), Embedding(12, 0.5)
    model = LanguageModelModel(
        recurrent,
        120,
        0.03,
        embedding,
        history=1,
        ngrams=None,
        head=0,
        tied=True,
        locked_dropout=0.05,
        weight_drop=0.05,
    )
    pattern = LanguageModel.for_examples(rows, Settings(window=4, carry=True), model)
    known = pattern.examples(rows)
    train = Train(batch_steps=40, weight_decay=0.0, clip=1.0, validations=3, patience=3)
    found = fit(Fabric(accelerator="cpu", devices=1), pattern, known, known, train, model, 1.0, seed=1)
    # Where a row begins is left to chance, and that its 15 steps are over may come as a surprise.
    assert found.scores["nats_per_step"] < 0.45


def test_it_learns_what_goes_together():
    """The first stream is the clock, the second anything, the third the second of the same step, and one more."""

    def of(seed: int) -> list[list[int]]:
        free = np.random.default_rng(seed).integers(V, size=12)
        return np.stack(((np.arange(12) + 1) % 3, free, (free + 1) % V), 1).tolist()

    rows, unseen = table([of(seed) for seed in range(10)], clocks=3), table([of(99)], clocks=3)
    pattern = learn(made(rows, model=variant("gru", head=16)), rows, 100)
    ((nats, best),) = pattern.predict(pattern.batch(pattern.examples(unseen)))
    assert np.array_equal(best[:, [0, 2]], np.array(of(99))[:, [0, 2]])
    assert nats[:-1].mean(0) == pytest.approx([0, log(V), 0], abs=0.3)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(UserError, match=r"music\.tunes\.language_model\.window: should be greater than 0, not 0"):
        params.check(Settings, {"window": 0, "carry": False}, "params.yaml: music.tunes.language_model")
    with pytest.raises(UserError, match=r"set recurrent\.bidirectional to false"):
        made(table(random_rows(1)), model=variant(bidirectional=True))
    with pytest.raises(UserError, match="set head above 0"):
        made(table(random_rows(2)), model=replace(variant(), head=0))
    with pytest.raises(UserError, match="set ngrams to null"):
        made(table(random_rows(2)), model=replace(variant(), ngrams=NGrams(3, 40)))
    with pytest.raises(UserError, match=r"lstm: weight_drop should be 0: a mingru has no recurrent weights"):
        params.check(LanguageModelModel, asdict(variant("mingru")) | {"weight_drop": 0.2}, "lstm")

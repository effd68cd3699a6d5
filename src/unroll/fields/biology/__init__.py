"""Biology: genomes and proteins to examples, and how genes, structures, classes and start sites are shown.

Each task has a module of its own, with ``prepare``, ``measure``, ``as_lines`` and ``exhibits``; its docstring says what
an example holds. They share how genomes are cut (``blocks``), which domains (``domains``) and chains of proteins there
are (``chains``) and how relatives are kept on one side (``splits``).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic.dataclasses import dataclass

from unroll.fields.biology import genes, protein_class, secondary_structure, start_sites
from unroll.fields.biology.genes import Genes
from unroll.fields.biology.protein_class import ProteinClass
from unroll.fields.biology.secondary_structure import SecondaryStructure
from unroll.fields.biology.splits import Split
from unroll.fields.biology.start_sites import StartSites
from unroll.params import STRICT
from unroll.reports.exhibits import Exhibit

TITLE = "Biology"
ABOUT = (
    "Genomes and proteins are text in alphabets of four and twenty letters. A recurrent network reads a few letters a"
    " step, in both directions, and says of each step or of the whole what it is."
)
TASKS = {
    "genes": (
        "Where the protein-coding genes of a bacterial genome lie: a label for every third base, decoded into genes"
        " that begin with a start codon and end with a stop codon. Tested on a sixth of the genome of E. coli, in"
        " blocks cut between genes, and on all of S. aureus, of which nothing was trained on. The headline is the F1 of"
        " (base, strand) pairs. Pseudogenes, genes in several parts and those whose length is no multiple of three"
        " count neither for nor against."
    ),
    "secondary_structure": (
        "Helix, strand or coil at each residue of a protein, from its sequence alone, without its relatives. Trained on"
        " chains that ProteinNet lists for CASP12, no two of them more than 30 % identical; the headline is of the"
        " chains it lists for validation. The metrics of superfamilies are of domains of SCOPe. No chain trained on"
        " shares ten letters in a row with what is tested, or is known to be of a superfamily of it. Residues that a"
        " crystal does not show are marked as loops in the data; one pair of metrics leaves out runs of eight or more."
    ),
    "protein_class": (
        "The SCOPe class of a protein domain, from its sequence alone: tested on the superfamilies held out for"
        " secondary structure too, so a model it starts from has met no known member of them. Multi-domain proteins"
        " come from too few superfamilies to be learned, so the macro F1 is that of the other six."
    ),
    "start_sites": (
        "Where the translation of a gene of E. coli begins: its annotated start codon against the nearest others in its"
        " frame, none of them the start of any gene; 30 bases at either side are read. Tested on the blocks of the"
        " genes task."
    ),
}


@dataclass(frozen=True, config=STRICT)
class Params:
    """The block ``biology`` of ``params.yaml``."""

    genes: Genes
    secondary_structure: SecondaryStructure
    protein_class: ProteinClass
    start_sites: StartSites


_MODULES = {
    "genes": genes,
    "secondary_structure": secondary_structure,
    "protein_class": protein_class,
    "start_sites": start_sites,
}


def prepare(task: str, settings: Genes | SecondaryStructure | ProteinClass | StartSites, seed: int) -> Iterator[Split]:
    """The splits of a task's examples."""
    return _MODULES[task].prepare(settings, seed)


def measure(
    task: str, rows: Sequence[Mapping[str, Any]], seconds: float, models: Mapping[str | None, Any], train: pa.Table
) -> dict[str, float]:
    """Metrics of predicted rows, which took ``seconds`` to predict."""
    return _MODULES[task].measure(rows, seconds)


def as_lines(task: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Predictions as lines of a table for people."""
    return _MODULES[task].as_lines(rows)


def exhibits(
    task: str, rows: Sequence[Mapping[str, Any]], patterns: Mapping[str | None, Any], folder: Path
) -> list[Exhibit]:
    """Error analysis of predicted rows and some to look at; their files are written to ``folder``."""
    if task == "start_sites":
        return start_sites.exhibits(rows, patterns.get(None), folder)
    return _MODULES[task].exhibits(rows, folder)

"""Proteins with what is known of them: secondary structure in the states of DSSP, a SCOPe class, a label.

Residues are upper case, one of twenty letters, or X for any other. States are those of DSSP (Kabsch & Sander 1983):
H α-helix, G 3₁₀-helix, I π-helix, E strand, B bridge, T turn, S bend, L none of these or not resolved.
"""

import csv
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError
from unroll.sources import fasta

STATES = "HGIEBTSL"
_RESIDUES = frozenset("ACDEFGHIKLMNPQRSTVWYX")
_OTHER = str.maketrans("BZUOJ", "XXXXX")
_NUCLEOTIDES, _TELLING = frozenset("ACGTUN"), 30  # no protein of so many residues is made of these letters alone
_NONE = str.maketrans(" -.CP", "LLLLL")  # how files write a residue of no state; P (polyproline) is new in DSSP 4


class Protein(NamedTuple):
    """A chain or domain: ``structure`` has a state per residue; ``scop`` is such as ``a.1.1.2``; "" is unknown."""

    id: str
    sequence: str
    structure: str = ""
    scop: str = ""

    @property
    def superfamily(self) -> str:
        """The SCOPe superfamily, such as ``a.1.1``: proteins thought to share an ancestor."""
        return self.scop.rpartition(".")[0]


class Labelled(NamedTuple):
    """A protein and the one word that says what it is."""

    protein: Protein
    label: str


def read_sidechainnet(path: Path) -> list[Protein]:
    """The proteins of an annotation file of SidechainNet (King & Koes 2021): a JSON object per id."""
    try:
        rows = json.loads(fasta.text(path))
        found = [Protein(name, row["Sequence"], row["DSSP"], row.get("SCCS", "")) for name, row in rows.items()]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        raise UserError(f"{path} is no annotation file of SidechainNet ({error!r}): fetch it anew") from None
    for protein in found:
        if len(protein.sequence) != len(protein.structure) or not set(protein.structure) <= set(STATES):
            raise UserError(f"{path}, record {protein.id}: not one state of {STATES} for each residue: fetch it anew")
    return found


def read_proteinnet(path: Path, name: str) -> set[str]:
    """The ids in one of the lists of ProteinNet, such as ``casp12_training_30``, from SidechainNet's table of them.

    The id ``10#1HF2_1_A`` of a list to validate on is that of ``1HF2_1_A``: its class of identity is left out.
    """
    table = csv.DictReader(io.StringIO(fasta.text(path)))
    if missing := {"pnid", name} - set(table.fieldnames or ()):
        raise UserError(f"{path} has no column {min(missing)}: fetch it anew")
    return {row["pnid"].rpartition("#")[2] for row in table if row[name] == "1"}


def read_structures(path: Path) -> list[Protein]:
    """The chains of a file in the form of ``ss.txt`` of the RCSB Protein Data Bank.

    Each chain has two records, ``>101M:A:sequence`` and ``>101M:A:secstr``; a blank stands for no state.
    """
    lines = fasta.text(path).split("\n")
    titles = [number for number, line in enumerate(lines) if line.startswith(">")]
    if not titles or any(line.strip() for line in lines[: titles[0]]):
        raise UserError(f"{path}, line 1: not the form of ss.txt: it should begin with >")
    found: dict[str, dict[str, str]] = {}
    for start, stop in pairwise([*titles, len(lines)]):
        name, _, kind = lines[start][1:].strip().rpartition(":")
        if not name or kind not in ("sequence", "secstr"):
            raise UserError(f"{path}, line {start + 1}: a title ends in :sequence or :secstr")
        found.setdefault(name, {})[kind] = "".join(lines[start + 1 : stop])
    return [_chain(name, records, f"{path}, record {name}") for name, records in found.items()]


def read_labelled(path: Path) -> list[Labelled]:
    """The proteins of a FASTA file whose titles say ``>id label``."""
    found = []
    for record in fasta.read(path):
        if not record.about:
            raise UserError(f"{path}, record {record.id} has no label: write >{record.id} label")
        protein = Protein(record.id, _residues(record.letters, f"{path}, record {record.id}"))
        found.append(Labelled(protein, record.about))
    return found


def read_fasta(path: Path) -> Iterator[Protein]:
    """The proteins of a FASTA file."""
    for record in fasta.read(path):
        yield Protein(record.id, _residues(record.letters, f"{path}, record {record.id}"))


def _chain(name: str, records: dict[str, str], where: str) -> Protein:
    if missing := {"sequence", "secstr"} - records.keys():
        raise UserError(f"{where} has no :{missing.pop()}")
    sequence = _residues(records["sequence"], where)
    structure = records["secstr"].upper().translate(_NONE)
    if len(structure) != len(sequence):
        raise UserError(f"{where}: {len(structure)} states for {len(sequence)} residues: blanks at line ends count too")
    if other := set(structure) - set(STATES):
        raise UserError(f"{where}: {min(other)!r} is no state of DSSP: the states are {STATES}, or a blank")
    return Protein(name, sequence, structure)


def _residues(letters: str, where: str) -> str:
    """Letters as residues, without the stop that ends a translation; refuses DNA and what is no residue."""
    letters = letters.upper().strip().removesuffix("*")
    if not letters:
        raise UserError(f"{where} is empty: complete it or take it out")
    if len(letters) >= _TELLING and set(letters) <= _NUCLEOTIDES:
        raise UserError(f"{where} reads as DNA or RNA: translate it, a protein is needed")
    residues = letters.translate(_OTHER)
    if other := set(residues) - _RESIDUES:
        raise UserError(f"{where}: {min(other)!r} is no residue: write one of twenty letters, or X")
    return residues

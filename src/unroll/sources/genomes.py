"""Genomes and their protein-coding genes: GenBank, or FASTA with GFF3; genes written as GFF3.

Coordinates here are those of Python: from 0, the stop excluded. Bases are upper case A, C, G, T and N; RNA is read
as DNA, and the ambiguity codes of the IUPAC as N.
"""

import io
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TextIO
from urllib.parse import quote, unquote

from Bio import BiopythonParserWarning, SeqIO
from Bio.Seq import UndefinedSequenceError
from Bio.SeqFeature import SeqFeature
from Bio.SeqRecord import SeqRecord

from unroll.errors import UserError
from unroll.sources import fasta

GENBANK = (".gb", ".gbk", ".gbff")
FASTA = (".fna", ".fa", ".fasta", ".ffn")
GFF = (".gff", ".gff3")
START_CODONS = ("ATG", "GTG", "TTG")  # those that bacteria use but for rare exceptions
STOP_CODONS = ("TAA", "TAG", "TGA")
# What a base can be: no part of a gene, or the first to third of a codon of either strand.
LABELS = ("none", "+1", "+2", "+3", "-1", "-2", "-3")
_BASES = str.maketrans("URYSWKMBDHVX", "T" + 11 * "N")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


class Gene(NamedTuple):
    """A protein-coding gene, from the first base of its start codon to the last of its stop codon.

    ``strand`` is 1 or -1; ``parts`` the stretches of a gene in several, in order, else empty; ``pseudo`` marks a
    gene said to be broken; ``score`` belongs to a predicted one.
    """

    start: int
    stop: int
    strand: int
    parts: tuple[tuple[int, int], ...] = ()
    pseudo: bool = False
    name: str = ""
    score: float | None = None

    @property
    def whole(self) -> bool:
        """Whether it reads from start to stop in one frame, so that its codons are known."""
        return not self.pseudo and not self.parts and (self.stop - self.start) % 3 == 0

    @property
    def stretches(self) -> tuple[tuple[int, int], ...]:
        """Where it lies: its ``parts``, or the one stretch that it is."""
        return self.parts or ((self.start, self.stop),)


class Genome(NamedTuple):
    """A chromosome or contig: ``sequence`` of ACGTN, and its ``genes`` by position."""

    id: str
    organism: str
    sequence: str
    genes: list[Gene]


def reverse_complement(sequence: str) -> str:
    """The other strand, read in its own direction."""
    return sequence.translate(_COMPLEMENT)[::-1]


def read_genomes(path: Path) -> list[Genome]:
    """The annotated records of a GenBank file, of a FASTA file beside a GFF3 file of the same stem, or of a folder.

    Raises ``UserError`` naming the file and record of what cannot be read.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in GENBANK + FASTA)
        if not files:
            raise UserError(f"{path} holds no genome: it needs {', '.join(GENBANK)}, or {', '.join(FASTA)} with GFF3")
        return [genome for file in files for genome in read_genomes(file)]
    if path.suffix.lower() in GENBANK:
        return read_genbank(path)
    annotation = next((path.with_suffix(end) for end in GFF if path.with_suffix(end).is_file()), None)
    if path.is_file() and annotation is None:
        raise UserError(f"{path} has no genes: put them beside it as {path.stem}.gff, or name a GenBank file")
    genomes = read_fasta(path)
    genes = read_gff(annotation, {genome.id: len(genome.sequence) for genome in genomes})
    return [genome._replace(genes=genes.get(genome.id, [])) for genome in genomes]


def read_sequences(path: Path) -> list[Genome]:
    """The records of a GenBank or a FASTA file, to be annotated; genes that it may state are of no matter."""
    return read_genbank(path) if path.suffix.lower() in GENBANK else read_fasta(path)


def read_genbank(path: Path) -> list[Genome]:
    """The records of a GenBank file with their coding sequences (CDS features)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BiopythonParserWarning)
        # These two say that the file ends too soon; the others concern its layout.
        warnings.filterwarnings("error", "Premature end|Expected sequence length", BiopythonParserWarning)
        try:
            records = list(SeqIO.parse(io.StringIO(fasta.text(path)), "genbank"))
        except (ValueError, BiopythonParserWarning) as error:
            raise UserError(f"{path} is cut off or damaged ({error}): fetch it anew") from None
    if not records:
        raise UserError(f"{path} holds no GenBank record: its first line should begin with LOCUS")
    return [_genome(record, f"{path}, record {record.id}") for record in records]


def read_fasta(path: Path) -> list[Genome]:
    """The records of a FASTA file of DNA or RNA, without genes."""
    return [
        Genome(record.id, " ".join(record.about.split()[:2]), _bases(record.letters, f"{path}, record {record.id}"), [])
        for record in fasta.read(path)
    ]


def read_gff(path: Path, lengths: dict[str, int]) -> dict[str, list[Gene]]:
    """The coding sequences (CDS) of a GFF3 file by record; ``lengths`` are those of the records there are.

    Lines of the same record and ID are the parts of one gene.
    """
    parts: dict[tuple[str, str], list[tuple[Gene, int]]] = {}
    for number, line in enumerate(fasta.text(path).splitlines(), 1):
        if line.startswith("##FASTA"):
            break
        columns = line.split("\t")
        if line.startswith("#") or not line.strip() or (len(columns) == 9 and columns[2] != "CDS"):
            continue
        where = f"{path}, line {number}"
        record, gene, phase = _gff_gene(columns, where)
        if record not in lengths:
            raise UserError(f"{where}: the FASTA file has no record {record}: the two files must fit")
        if not 0 <= gene.start < gene.stop <= lengths[record]:
            raise UserError(f"{where}: not within the {lengths[record]} bases of {record}")
        parts.setdefault((record, gene.name or str(number)), []).append((gene, phase))
    genes: dict[str, list[Gene]] = {}
    for (record, _), group in parts.items():
        genes.setdefault(record, []).append(_joined(group))
    return {record: sorted(found) for record, found in genes.items()}


def write_gff(out: TextIO, record: str, length: int, genes: Iterable[Gene]) -> None:
    """Writes the genes of a record of ``length`` bases as CDS lines of GFF3, after its ``##sequence-region``.

    A gene that lacks its start or stop because the record ends says ``partial=true``. Whoever calls this first
    writes the line ``##gff-version 3``, once a file.
    """
    seqid = quote(record, safe=".:^*$@!+_?|-")
    print(f"##sequence-region {seqid} 1 {length}", file=out)
    for gene in genes:
        score = "." if gene.score is None else f"{gene.score:.1f}"
        partial = ";partial=true" if gene.start < 3 or gene.stop > length - 3 else ""
        columns = (seqid, "Unroll", "CDS", gene.start + 1, gene.stop, score, "+" if gene.strand > 0 else "-", 0)
        print(*columns, f"ID={gene.name}{partial}", sep="\t", file=out)


def _bases(letters: str, where: str) -> str:
    """Letters as ACGTN; refuses what no nucleic acid is written in."""
    bases = letters.upper().translate(_BASES)
    if other := sorted(set(bases) - set("ACGTN")):
        hint = "is this a protein? DNA or RNA is needed" if set(other) & set("EFILPQZ") else "write A, C, G, T or N"
        raise UserError(f"{where}: {other[0]!r} is no base: {hint}")
    return bases


def _genome(record: SeqRecord, where: str) -> Genome:
    try:
        bases = _bases(str(record.seq), where)
    except UndefinedSequenceError:
        bases = ""
    if not bases:
        raise UserError(f"{where} has no sequence: fetch the full record, with its bases under ORIGIN")
    organism = " ".join(record.annotations.get("organism", "").split()[:2])
    genes = sorted(_genbank_gene(feature) for feature in record.features if feature.type == "CDS")
    return Genome(record.id, organism, bases, genes)


def _genbank_gene(feature: SeqFeature) -> Gene:
    names = feature.qualifiers
    name = next((names[key][0] for key in ("gene", "locus_tag", "protein_id") if key in names), "")
    pseudo = "pseudo" in names or "pseudogene" in names
    phase = int(names.get("codon_start", ["1"])[0]) - 1
    pieces = feature.location.parts
    genes = [Gene(int(p.start), int(p.end), -1 if p.strand == -1 else 1, (), pseudo, name) for p in pieces]
    return _joined([(gene, phase if number == 0 else 0) for number, gene in enumerate(genes)])


def _gff_gene(columns: list[str], where: str) -> tuple[Gene, int]:
    """The record's name, the gene (or part of one) of a line and its phase: how many bases precede a whole codon."""
    if len(columns) != 9:
        raise UserError(f"{where}: {len(columns)} columns, not the 9 of GFF3, parted by tabs")
    record, _, _, start, stop, _, strand, phase, rest = columns
    attributes = dict(pair.strip().partition("=")[::2] for pair in rest.split(";"))
    if not (start.isdigit() and stop.isdigit() and strand in ("+", "-") and phase in ("0", "1", "2", ".")):
        raise UserError(f"{where}: start, stop, strand or phase of this CDS is no such thing")
    name = unquote(attributes.get("ID", ""))
    gene = Gene(int(start) - 1, int(stop), 1 if strand == "+" else -1, (), attributes.get("pseudo") == "true", name)
    return unquote(record), gene, int(phase.replace(".", "0"))


def _joined(parts: list[tuple[Gene, int]]) -> Gene:
    """One gene of its parts and their phases; one in a single part begins with its first whole codon."""
    first, phase = parts[0]
    if len(parts) > 1:
        stretches = tuple(sorted((gene.start, gene.stop) for gene, _ in parts))
        return first._replace(start=stretches[0][0], stop=max(stop for _, stop in stretches), parts=stretches)
    if first.strand > 0:
        return first._replace(start=first.start + phase)
    return first._replace(stop=first.stop - phase)

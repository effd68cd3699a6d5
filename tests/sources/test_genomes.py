import io

import pytest
from Bio import SeqIO
from Bio.Seq import Seq
from Bio.SeqFeature import CompoundLocation, SeqFeature, SimpleLocation
from Bio.SeqRecord import SeqRecord

from unroll.errors import UserError
from unroll.sources import genomes
from unroll.sources.genomes import Gene

FASTA = ">chr1 Escherichia coli K-12\nACGTACGTAC\nGTACGTACGT\n>plasmid\nACGTTTTTTT\n"
GFF = (
    "##gff-version 3\n"
    "chr1\tRefSeq\tgene\t1\t9\t.\t+\t.\tID=g1\n"
    "chr1\tRefSeq\tCDS\t10\t18\t.\t-\t0\tID=c2;pseudo=true\n"
    "chr1\tRefSeq\tCDS\t1\t9\t.\t+\t0\tID=c1\n"
    "plasmid\tRefSeq\tCDS\t1\t4\t.\t+\t1\tID=c%203\n"
    "plasmid\tRefSeq\tCDS\t5\t6\t.\t+\t0\tID=c4\n"
    "plasmid\tRefSeq\tCDS\t8\t10\t.\t+\t0\tID=c4\n"
    "##FASTA\n>chr1\nACGT\n"
)


@pytest.fixture
def genbank(tmp_path):
    """A GenBank file of a record with a gene on either strand, one in two parts and a broken one."""
    features = [
        SeqFeature(SimpleLocation(0, 9, 1), "CDS", qualifiers={"gene": ["abc"]}),
        SeqFeature(SimpleLocation(20, 31, -1), "CDS", qualifiers={"gene": ["def"], "codon_start": ["3"]}),
        SeqFeature(CompoundLocation([SimpleLocation(50, 60, 1), SimpleLocation(0, 5, 1)]), "CDS"),
        SeqFeature(SimpleLocation(33, 42, 1), "CDS", qualifiers={"pseudo": [""]}),
        SeqFeature(SimpleLocation(0, 9, 1), "gene"),
    ]
    annotations = {"molecule_type": "DNA", "organism": "Escherichia coli str. K-12"}
    record = SeqRecord(Seq("ATGAAATAA" + "acgtn" * 10 + "R"), "U1.1", annotations=annotations, features=features)
    path = tmp_path / "own.gb"
    SeqIO.write(record, path, "genbank")
    return path


def write(tmp_path, text: str, name: str = "own.fna"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_reads_genbank(genbank):
    (found,) = genomes.read_genomes(genbank)
    assert (found.id, found.organism) == ("U1.1", "Escherichia coli")
    assert found.sequence == "ATGAAATAA" + "ACGTN" * 10 + "N"
    assert found.genes == [
        Gene(0, 9, 1, (), False, "abc"),
        Gene(0, 60, 1, ((0, 5), (50, 60)), False, ""),
        Gene(20, 29, -1, (), False, "def"),
        Gene(33, 42, 1, (), True, ""),
    ]
    assert [gene.whole for gene in found.genes] == [True, False, True, False]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.98])
def test_refuses_a_truncated_genbank_file_by_name(genbank, share):
    text = genbank.read_text()
    genbank.write_text(text[: int(share * len(text))])
    with pytest.raises(UserError, match=r"own\.gb is cut off or damaged"):
        genomes.read_genomes(genbank)


def test_refuses_a_genbank_file_without_its_bases(genbank):
    text = genbank.read_text()
    genbank.write_text(text[: text.index("ORIGIN")] + "//\n")
    with pytest.raises(UserError, match=r"own\.gb"):
        genomes.read_genomes(genbank)


def test_refuses_what_is_no_genbank(tmp_path):
    with pytest.raises(UserError, match=r"own\.gb holds no GenBank record"):
        genomes.read_genbank(write(tmp_path, "hello\n", "own.gb"))


def test_reads_fasta_with_gff3(tmp_path):
    path = write(tmp_path, FASTA)
    write(tmp_path, GFF, "own.gff")
    chromosome, plasmid = genomes.read_genomes(tmp_path)
    assert (chromosome.id, chromosome.organism, chromosome.sequence) == ("chr1", "Escherichia coli", "ACGT" * 5)
    assert chromosome.genes == [Gene(0, 9, 1, (), False, "c1"), Gene(9, 18, -1, (), True, "c2")]
    assert plasmid.genes == [
        Gene(1, 4, 1, (), False, "c 3"),  # its first codon begins one base later
        Gene(4, 10, 1, ((4, 6), (7, 10)), False, "c4"),
    ]
    assert genomes.read_genomes(path) == [chromosome, plasmid]


def test_windows_line_ends_make_no_difference(tmp_path):
    plain, windows = tmp_path / "plain", tmp_path / "windows"
    for folder, end in ((plain, "\n"), (windows, "\r\n")):
        folder.mkdir()
        write(folder, FASTA.replace("\n", end))
        write(folder, GFF.replace("\n", end), "own.gff")
    assert genomes.read_genomes(plain) == genomes.read_genomes(windows)


@pytest.mark.parametrize(
    ("letters", "bases"), [("acgt", "ACGT"), ("ACGU", "ACGT"), ("ARYN", "ANNN"), ("acguswkmbdhvx", "ACGT" + 9 * "N")]
)
def test_reads_lower_case_rna_and_ambiguous_bases(tmp_path, letters, bases):
    (found,) = genomes.read_fasta(write(tmp_path, f">one\n{letters}\n"))
    assert found.sequence == bases


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">p1 globin\nMVLSEGEWQL\n", r"own\.fna, record p1: 'E' is no base: is this a protein"),
        (">one\nAC-GT\n", r"own\.fna, record one: '-' is no base"),
        (">one\nACGT\n>two\n", r"own\.fna, record two is empty"),
        (">one\nACGT\n>one\nACGT\n", "record one: there is another of this name"),
        (">\nACGT\n", "record 1 has no name"),
        ("ACGT\n", "is not FASTA"),
        ("", "is not FASTA"),
    ],
)
def test_refuses_by_file_and_record(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        genomes.read_fasta(write(tmp_path, text))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\tx\tCDS\t1\t9", "line 2: 5 columns, not the 9"),
        ("chr1\tx\tCDS\tone\t9\t.\t+\t0\tID=a", "line 2: start, stop, strand or phase"),
        ("chr1\tx\tCDS\t1\t9\t.\t?\t0\tID=a", "line 2: start, stop, strand or phase"),
        ("chr9\tx\tCDS\t1\t9\t.\t+\t0\tID=a", "line 2: the FASTA file has no record chr9"),
        ("chr1\tx\tCDS\t1\t21\t.\t+\t0\tID=a", "line 2: not within the 20 bases of chr1"),
        ("chr1\tx\tCDS\t0\t3\t.\t+\t0\tID=a", "line 2: not within the 20 bases of chr1"),
    ],
)
def test_refuses_a_gff_line_by_its_number(tmp_path, line, message):
    path = write(tmp_path, f"##gff-version 3\n{line}\n", "own.gff")
    with pytest.raises(UserError, match=rf"own\.gff, {message}"):
        genomes.read_gff(path, {"chr1": 20})


def test_asks_for_what_is_missing(tmp_path):
    with pytest.raises(UserError, match="holds no genome"):
        genomes.read_genomes(tmp_path)
    with pytest.raises(UserError, match=r"own\.fna has no genes"):
        genomes.read_genomes(write(tmp_path, FASTA))
    with pytest.raises(UserError, match="is missing"):
        genomes.read_genomes(tmp_path / "other.gb")
    path = tmp_path / "packed.fna"
    path.write_bytes(b"\x1f\x8b\x08\xff")
    with pytest.raises(UserError, match="unpack it"):
        genomes.read_sequences(path)


def test_writes_gff_that_it_reads_back(tmp_path):
    genes = [Gene(0, 9, 1, name="a_1", score=12.34), Gene(12, 18, -1, name="a_2")]
    out = io.StringIO()
    genomes.write_gff(out, "chr 1", 20, genes)
    assert out.getvalue() == (
        "##sequence-region chr%201 1 20\n"
        "chr%201\tUnroll\tCDS\t1\t9\t12.3\t+\t0\tID=a_1;partial=true\n"
        "chr%201\tUnroll\tCDS\t13\t18\t.\t-\t0\tID=a_2;partial=true\n"
    )
    path = write(tmp_path, out.getvalue(), "own.gff")
    assert genomes.read_gff(path, {"chr 1": 20}) == {"chr 1": [gene._replace(score=None) for gene in genes]}


def test_the_reverse_complement():
    assert genomes.reverse_complement("AACGTN") == "NACGTT"

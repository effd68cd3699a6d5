import json
import sys

import numpy as np
import pytest
from Bio.Seq import Seq

from unroll import cli
from unroll.patterns.tagger import Tagged
from unroll.sources import genomes
from unroll.sources.genomes import LABELS
from unroll.sources.proteins import STATES
from unroll.stages import use

GENE = "ATG" + "GCAAAACTGGAC" * 10 + "TAA"
FILL = "CCC" * 20


class Finds:
    """A tagger of genes that takes everything but runs of C for coding, in the frame of the sequence."""

    def __init__(self):
        self.labels = list(LABELS)

    def tag(self, sequence: str) -> Tagged:
        codons = [sequence[i : i + 3] for i in range(0, len(sequence), 3)]
        labels = np.array([int(codon != "CCC") for codon in codons], np.int8)
        return Tagged(np.where(np.eye(7, dtype=bool)[labels], 0.94, 0.01), labels)


class Folds:
    """A tagger of structure that takes A for helix, V for strand and all else for turn."""

    def __init__(self):
        self.labels = list(STATES)

    def tag(self, sequence: str) -> Tagged:
        labels = np.array([{"A": 0, "V": 3}.get(residue, 5) for residue in sequence], np.int8)
        return Tagged(np.where(np.eye(8, dtype=bool)[labels], 0.93, 0.01), labels)


@pytest.fixture
def run(root, tmp_path, capsys, monkeypatch):
    """Runs the command with a trained model and the text of a file: status, standard output and error."""
    monkeypatch.chdir(root)

    def command(model: object, text: str, *arguments: object) -> tuple[int, str, str]:
        file = tmp_path / "own.fasta"
        file.write_text(text)
        monkeypatch.setattr(use, "trained", lambda task, name, kind: model)
        words = [str(file) if word == "FILE" else str(word) for word in arguments]
        monkeypatch.setattr(sys, "argv", ["unroll", *words])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        return caught.value.code or 0, *capsys.readouterr()

    return command


def test_annotate_writes_gff3_that_translates(run, tmp_path):
    text = f">chr1 Testus\n{FILL}{GENE}{FILL}\n>chr2\n{FILL}\n".lower()
    status, out, _ = run(Finds(), text, "annotate", "FILE")
    assert status == 0
    header, *lines = out.splitlines()
    assert header == "##gff-version 3"
    assert [line for line in lines if line.startswith("##")] == [
        "##sequence-region chr1 1 246",
        "##sequence-region chr2 1 60",
    ]
    path = tmp_path / "own.gff"
    path.write_text(out)
    (gene,) = genomes.read_gff(path, {"chr1": 246, "chr2": 60})["chr1"]
    assert (gene.start, gene.stop, gene.strand, gene.name) == (60, 186, 1, "chr1_1")
    bases = Seq(f"{FILL}{GENE}{FILL}"[gene.start : gene.stop])
    assert bases.translate(table=11, cds=True) == "M" + "AKLD" * 10


def test_annotate_writes_a_file_instead(run, tmp_path):
    output = tmp_path / "found.gff"
    status, out, _ = run(Finds(), f">chr1\n{FILL}{GENE}{FILL}\n", "annotate", "FILE", "-o", output)
    assert (status, out) == (0, "")
    assert output.read_text().startswith("##gff-version 3\n##sequence-region chr1 1 246\nchr1\tUnroll\tCDS\t61\t186\t")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">p1\nMVLSEGEWQL\n", "own.fasta, record p1: 'E' is no base: is this a protein?"),
        (">one\nACGT\n>two\n", "own.fasta, record two is empty"),
        ("ACGT\n", "own.fasta is not FASTA"),
    ],
)
def test_annotate_refuses_by_file_and_record(run, tmp_path, text, message):
    output = tmp_path / "found.gff"
    status, out, err = run(Finds(), text, "annotate", "FILE", "-o", output)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert not output.exists()


def test_annotate_refuses_a_model_of_something_else(run):
    status, _, err = run(Folds(), f">chr1\n{FILL}\n", "annotate", "FILE")
    assert status == 2
    assert "not genes" in err


def test_structure_writes_states_below_residues(run):
    status, out, _ = run(Folds(), ">p1 globin\nmaav\nGG*\n>p2\nAA\n", "structure", "FILE", "--eight")
    assert status == 0
    assert out.splitlines() == [
        ">p1 (95% sure)",
        "MAAVGG",
        "CHHECC",
        "THHETT",
        "999999",
        ">p2 (95% sure)",
        "AA",
        "HH",
        "HH",
        "99",
    ]


def test_structure_writes_json(run):
    status, out, _ = run(Folds(), ">p1\nAV\n", "structure", "FILE", "--json")
    assert status == 0
    assert json.loads(out) == {"id": "p1", "sequence": "AV", "three": "HE", "confidence": [0.95, 0.94]}


def test_structure_refuses_dna(run):
    status, out, err = run(Folds(), f">d1\n{GENE}\n", "structure", "FILE")
    assert (status, out) == (2, "")
    assert "own.fasta, record d1 reads as DNA or RNA" in err

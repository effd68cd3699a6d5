"""Metrics, lines and exhibits of all four tasks, on predictions written out."""

import numpy as np
import pytest

from unroll.fields import biology
from unroll.fields.biology import secondary_structure, start_sites
from unroll.params import Recurrent
from unroll.patterns import classifier
from unroll.patterns.classifier import Class, Classifier, ClassifierModel
from unroll.patterns.encoder import Embedding
from unroll.patterns.inputs import Inputs
from unroll.patterns.tagger import Tagged
from unroll.sources.genomes import Gene
from unroll.sources.proteins import STATES

GENE = "ATG" + "GCAAAACTGGAC" * 10 + "TAA"
SEQUENCE = "CCC" * 20 + GENE + "CCC" * 20
LABELS = np.repeat(np.array([0, 1, 0], np.int8), [20, 42, 20])


def tagged(labels: np.ndarray, names: int) -> Tagged:
    return Tagged(np.where(np.eye(names, dtype=bool)[labels], 0.9, 0.1 / (names - 1)).astype(np.float32), labels)


def block(name: str, prediction, trained: bool = True) -> dict:
    return {
        "id": name,
        "species": "Testus primus" if trained else "Testus alter",
        "trained": trained,
        "start": 1000,
        "sequence": SEQUENCE,
        "genes": [{"start": 60, "stop": 186, "strand": 1}],
        "unscored": [{"start": 240, "stop": 246}],
        "prediction": prediction,
        "fold": None,
    }


WINDOWS = [block("a", tagged(LABELS[:30], 7)), block("a", tagged(LABELS[30:], 7))]


def test_genes_are_measured_over_all_windows_of_a_block():
    found = biology.measure("genes", [*WINDOWS, block("b", tagged(LABELS * 0, 7), trained=False)], 1.0, {}, None)
    seconds = found.pop("predict_seconds_per_megabase")
    assert found == {
        "strand_base_f1": 1.0,
        "gene_3_prime_recall": 1.0,
        "gene_3_prime_precision": 1.0,
        "exact_match_recall": 1.0,
        "exact_match_precision": 1.0,
        "other_species_f1": 0.0,
        "other_species_gene_3_prime_recall": 0.0,
        "other_species_gene_3_prime_precision": 0.0,
        "other_species_exact_match_recall": 0.0,
        "other_species_exact_match_precision": 0.0,
        "undecoded_f1": 1.0,
    }
    assert seconds > 1.0 / 492 * 1e6  # finding the genes takes time too


def test_undecoded_labels_are_measured_by_strand():
    labels = LABELS.copy()
    labels[20:41] = 4  # half of the gene on the wrong strand
    assert biology.measure("genes", [block("a", tagged(labels, 7))], 1.0, {}, None)["undecoded_f1"] == 0.5


def test_genes_of_a_peer_are_measured_alike():
    found = biology.measure("genes", [block("a", [Gene(66, 186, 1)])], 1.0, {}, None)
    assert found["strand_base_f1"] == pytest.approx(2 * 120 / (120 + 126), abs=1e-6)
    assert (found["gene_3_prime_recall"], found["exact_match_recall"]) == (1.0, 0.0)
    assert "undecoded_f1" not in found
    assert list(found)[-1] == "predict_seconds_per_megabase"


def test_genes_are_listed_with_their_verdict():
    rows = [*WINDOWS, block("b", [Gene(66, 186, 1), Gene(3, 93, -1)]), block("c", [])]
    lines = biology.as_lines("genes", rows)
    assert [(line["block"], line["start"], line["stop"], line["strand"], line["verdict"]) for line in lines] == [
        ("a", 1061, 1186, "+", "exact"),
        ("b", 1004, 1093, "-", "new"),
        ("b", 1067, 1186, "+", "start"),
        ("c", 1061, 1186, "+", "missed"),
    ]
    assert (lines[2]["true_start"], lines[2]["true_stop"]) == (1061, 1186)


def test_genes_are_shown_for_each_species(tmp_path):
    rows = [*WINDOWS, block("b", tagged(LABELS, 7), trained=False)]
    shown = biology.exhibits("genes", rows, {}, tmp_path)
    assert [exhibit.title for exhibit in shown] == ["Testus primus", "Testus alter"]
    assert "never trained on" in shown[1].caption
    assert all((tmp_path / exhibit.image).is_file() for exhibit in shown)


def protein(name: str, structure: str, found: str, held_out: str = "") -> dict:
    labels = np.array([STATES.index(state) for state in found], np.int8)
    return {
        "id": name,
        "superfamily": "a.1.1",
        "held_out": held_out,
        "sequence": "M" * len(structure),
        "structure": structure,
        "prediction": tagged(labels, 8),
        "fold": None,
    }


PROTEINS = [protein("p1", "HHGEBTSL", "HHHEETSL"), protein("p2", "L" * 8 + "HE", "H" * 8 + "EE")]


def test_structure_is_measured_literally():
    assert biology.measure("secondary_structure", PROTEINS, 0.5, {}, None) == {
        "q3": 0.5,  # 8 and 1 of 18
        "q8": pytest.approx(7 / 18, abs=1e-6),
        "q3_without_unresolved": 0.9,
        "q8_without_unresolved": 0.7,
        "helix_f1": pytest.approx(2 * 3 / (4 + 11), abs=1e-6),
        "strand_f1": pytest.approx(2 * 3 / (3 + 4), abs=1e-6),
        "coil_f1": pytest.approx(2 * 3 / (11 + 3), abs=1e-6),
        "predict_seconds_per_protein": 0.25,
    }


def test_superfamilies_held_out_are_measured_apart(tmp_path):
    rows = [protein("c", "HE", "HE", "casp12"), protein("d", "HHHG", "HEHH", "superfamily")]
    found = biology.measure("secondary_structure", rows, 0.5, {}, None)
    assert (found["q3"], found["q8"], found["strand_f1"]) == (1.0, 1.0, 1.0)
    assert (found["superfamily_q3"], found["superfamily_q8"]) == (0.75, 0.5)
    assert found["predict_seconds_per_protein"] == 0.25
    assert [line["held_out"] for line in biology.as_lines("secondary_structure", rows)] == ["casp12", "superfamily"]
    shown = biology.exhibits("secondary_structure", rows, {}, tmp_path)
    assert {exhibit.title for exhibit in shown[1:]} == {"c"}


def test_three_states_are_those_of_the_largest_sum():
    probabilities = np.array([[0.3, 0, 0, 0.2, 0, 0.15, 0.15, 0.2]], np.float32)  # helix alone, but coil in three kinds
    found = secondary_structure.read_off(Tagged(probabilities, np.array([0], np.int8)))
    assert (found.eight, found.three) == ("H", "C")
    assert found.confidence == pytest.approx([0.5])


def test_structures_are_listed_and_shown(tmp_path):
    lines = biology.as_lines("secondary_structure", PROTEINS)
    assert [(line["id"], line["q3"]) for line in lines] == [("p1", 1.0), ("p2", 0.1)]
    assert (lines[0]["predicted"], lines[0]["predicted_3"]) == ("HHHEETSL", "HHHEECCC")
    shown = biology.exhibits("secondary_structure", PROTEINS, {}, tmp_path)
    assert all((tmp_path / exhibit.image).is_file() for exhibit in shown)
    assert shown[1].caption == "10% of its residues are right."


def classed(label: str, found: str) -> dict:
    probabilities = {"all alpha": 0.25, "alpha/beta": 0.25, "alpha+beta": 0.25, "multi-domain": 0.25} | {found: 0.5}
    return {
        "id": f"{label}-{found}",
        "superfamily": "a.1.1",
        "sequence": "MVL",
        "label": label,
        "prediction": Class(found, probabilities),
        "fold": None,
    }


CLASSED = [
    classed("all alpha", "all alpha"),
    classed("alpha/beta", "alpha/beta"),
    classed("alpha+beta", "alpha/beta"),
    classed("multi-domain", "all alpha"),
]


def test_classes_are_measured_literally():
    assert biology.measure("protein_class", CLASSED, 1.0, {}, None) == {
        "accuracy": 0.5,
        "macro_f1": pytest.approx((2 / 3 + 2 / 3) / 3, abs=1e-6),
        "macro_f1_with_rare": pytest.approx((2 / 3 + 2 / 3) / 4, abs=1e-6),
        "all_alpha_f1": pytest.approx(2 / 3, abs=1e-6),
        "alpha_plus_beta_f1": 0.0,
        "alpha_beta_f1": pytest.approx(2 / 3, abs=1e-6),
        "multi_domain_f1": 0.0,
        "predict_seconds_per_protein": 0.25,
    }


def test_classes_are_listed_and_shown(tmp_path):
    assert biology.as_lines("protein_class", CLASSED)[2] == {
        "id": "alpha+beta-alpha/beta",
        "superfamily": "a.1.1",
        "label": "alpha+beta",
        "predicted": "alpha/beta",
        "probability": 0.5,
    }
    shown = biology.exhibits("protein_class", CLASSED, {}, tmp_path)
    assert all((tmp_path / exhibit.image).is_file() for exhibit in shown)


def site(gene: str, label: str, codon: str, sure: float) -> dict:
    return {
        "id": f"{gene}-{codon}-{sure}",
        "gene": gene,
        "strand": "+",
        "codon": codon,
        "sequence": "AGGAGGAC" + codon + "ACGTACGT",
        "label": label,
        "prediction": Class(label, {"start": sure, "decoy": 1 - sure}),
        "fold": None,
    }


SITES = [
    site("a", "start", "ATG", 0.9),
    site("a", "decoy", "GTG", 0.2),
    site("b", "start", "GTG", 0.6),
    site("b", "decoy", "ATG", 0.8),
    site("c", "start", "ATG", 0.3),  # alone, so no choice
]


def test_start_sites_are_measured_literally():
    assert biology.measure("start_sites", SITES, 1.0, {}, None) == {
        "average_precision": pytest.approx((1 + 2 / 3 + 3 / 4) / 3, abs=1e-6),
        "roc_auc": pytest.approx(4 / 6, abs=1e-6),
        "atg_average_precision": pytest.approx((1 + 2 / 3) / 2, abs=1e-6),
        "atg_roc_auc": 0.5,
        "gene_accuracy": 0.5,
        "start_share": 0.6,
        "predict_seconds_per_site": 0.2,
    }


def test_start_sites_are_listed():
    line = biology.as_lines("start_sites", SITES)[3]
    assert (line["gene"], line["label"], line["start_probability"]) == ("b", "decoy", 0.8)


def test_information_is_two_bits_where_one_of_four_even_bases_always_stands():
    sequences = [base + other + "ACGT" for base, other in zip("ACGT" * 50, "A" * 200, strict=True)]
    found = start_sites.information(sequences)
    assert found.shape == (6, 4)
    assert found[0] == pytest.approx(np.zeros(4), abs=0.06)
    assert found[1].argmax() == 0
    assert found[3, 1] > 1.9


class Knows(Classifier):
    """A classifier to which a G at place 2 is worth 4 in log-odds, an A there 1, and no other place anything."""

    def predict(self, batch):
        odds = [{0: 1.0, 2: 4.0}.get(int(codes[2]), 0.0) for codes in batch.inputs]
        return [Class("start", {"start": 1 / (1 + np.exp(-each)), "decoy": 1 / (1 + np.exp(each))}) for each in odds]


@pytest.fixture
def pattern():
    recurrent = Recurrent(layer="gru", hidden=2, layers=1, bidirectional=False, dropout=0.0)
    model = ClassifierModel(
        recurrent=recurrent, steps=1, learning_rate=0.1, embedding=Embedding(2, 0.5), start="", frozen=False
    )
    return Knows(
        classifier.Settings(["mean"], 0.0, False),
        model,
        Inputs("kmers", {"alphabet": "dna", "k": 1}),
        ["decoy", "start"],
    )


def test_mutagenesis_finds_what_the_model_reads(pattern):
    found = start_sites.effects(pattern, ["CCGCC", "CCACC"])
    expected = np.zeros((5, 4))
    expected[2, 2] = (4 - (1 + 0 + 0) / 3) / 2  # in one of two sequences
    expected[2, 0] = (1 - (4 + 0 + 0) / 3) / 2
    assert found == pytest.approx(expected, abs=1e-5)


def test_start_sites_are_shown_with_and_without_a_model(pattern, tmp_path):
    for patterns in ({None: pattern}, {}):
        shown = biology.exhibits("start_sites", SITES, patterns, tmp_path)
        assert [exhibit.image for exhibit in shown] == ["precision.png", "motif.png"]
        assert all((tmp_path / exhibit.image).is_file() for exhibit in shown)

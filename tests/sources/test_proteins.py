import json

import pytest

from unroll.errors import UserError
from unroll.sources import proteins
from unroll.sources.proteins import Labelled, Protein

SS = ">101M:A:sequence\nMVLS\nEG\n>101M:A:secstr\n HHH\n T\n>102L:B:sequence\nMN\n>102L:B:secstr\nEP\n"


def write(tmp_path, text: str, name: str = "own.fasta"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def test_reads_sidechainnet(tmp_path):
    rows = {"1A_d1": {"Sequence": "MVL", "DSSP": "LHH", "SCCS": "a.1.1.2"}, "1B_1_A": {"Sequence": "MX", "DSSP": "LE"}}
    found = proteins.read_sidechainnet(write(tmp_path, json.dumps(rows)))
    assert found == [Protein("1A_d1", "MVL", "LHH", "a.1.1.2"), Protein("1B_1_A", "MX", "LE")]
    assert [protein.superfamily for protein in found] == ["a.1.1", ""]


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"Sequence": "M"}}'])
def test_refuses_what_is_no_annotation_file(tmp_path, text):
    with pytest.raises(UserError, match=r"own\.fasta is no annotation file"):
        proteins.read_sidechainnet(write(tmp_path, text))


def test_refuses_a_residue_without_a_state(tmp_path):
    rows = {"a": {"Sequence": "MV", "DSSP": "L"}}
    with pytest.raises(UserError, match="record a: not one state"):
        proteins.read_sidechainnet(write(tmp_path, json.dumps(rows)))


def test_reads_a_list_of_proteinnet(tmp_path):
    path = write(tmp_path, "pnid,casp12_validation,casp12_training_30\n10#1HF2_1_A,1,0\n1A0P_1_A,0,1\n1B_1_A,0,0\n")
    assert proteins.read_proteinnet(path, "casp12_validation") == {"1HF2_1_A"}
    assert proteins.read_proteinnet(path, "casp12_training_30") == {"1A0P_1_A"}
    with pytest.raises(UserError, match=r"own\.fasta has no column casp13: fetch it anew"):
        proteins.read_proteinnet(path, "casp13")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_reads_the_form_of_ss_txt(tmp_path, end):
    found = proteins.read_structures(write(tmp_path, SS.replace("\n", end)))
    assert found == [Protein("101M:A", "MVLSEG", "LHHHLT"), Protein("102L:B", "MN", "EL")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MVLS\n", "line 1: not the form"),
        (">101M\nMV\n", "line 1: a title ends in"),
        (">a:sequence\nMV\n", "record a has no :secstr"),
        (">a:sequence\nMV\n>a:secstr\nH\n", "record a: 1 states for 2 residues"),
        (">a:sequence\nMV\n>a:secstr\nHZ\n", "record a: 'Z' is no state"),
    ],
)
def test_refuses_structures_by_line_or_record(tmp_path, text, message):
    with pytest.raises(UserError, match=rf"own\.fasta, {message}"):
        proteins.read_structures(write(tmp_path, text))


def test_reads_labelled_fasta(tmp_path):
    found = proteins.read_labelled(write(tmp_path, ">p1 all alpha\nmvls\nEG*\n>p2 b\nBZUOJX\n"))
    assert found == [Labelled(Protein("p1", "MVLSEG"), "all alpha"), Labelled(Protein("p2", "XXXXXX"), "b")]
    with pytest.raises(UserError, match=r"record p1 has no label: write >p1 label"):
        proteins.read_labelled(write(tmp_path, ">p1\nMV\n"))


@pytest.mark.parametrize(
    ("letters", "message"),
    [
        ("ACGTN" * 6, "reads as DNA or RNA"),
        ("ACGU" * 8, "reads as DNA or RNA"),
        ("MV1", "'1' is no residue"),
        ("*", "empty"),
    ],
)
def test_refuses_what_is_no_protein(tmp_path, letters, message):
    with pytest.raises(UserError, match=rf"own\.fasta, record p1.*{message}"):
        list(proteins.read_fasta(write(tmp_path, f">p1\n{letters}\n")))


def test_a_short_peptide_may_look_like_dna(tmp_path):
    assert list(proteins.read_fasta(write(tmp_path, ">p1\nGATTACA\n"))) == [Protein("p1", "GATTACA")]

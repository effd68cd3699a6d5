"""Examples of proteins: what is in them, and that no relatives are on two sides."""

import json
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.fields.biology import chains, domains, protein_class, secondary_structure, splits
from unroll.sources.proteins import Protein

AMINO = list("ACDEFGHIKLMNPQRSTVWY")
SIDES = {family: splits.drawn(f"{'abcdefg'[family % 7]}.{family}.1", 1) for family in range(120)}
TRAIN, OTHER_TRAIN = [family for family, side in SIDES.items() if side == "train"][:2]
VALID = next(family for family, side in SIDES.items() if side == "valid")
TEST = next(family for family, side in SIDES.items() if side == "test")


def random_sequence(rng: np.random.Generator) -> str:
    return "".join(rng.choice(AMINO, 40))


def scope(rng: np.random.Generator) -> dict[str, dict[str, str]]:
    """120 superfamilies of 3 domains, each in the chains A and B of one entry, such as 0007_d0007a1."""
    rows = {}
    for family in SIDES:
        for domain in range(3):
            sequence = random_sequence(rng)
            for letter in "ab":
                scop = f"{'abcdefg'[family % 7]}.{family}.1.{domain}"
                name = f"{family:04}_d{family:04}{letter}{domain}"
                rows[name] = {"Sequence": sequence, "DSSP": "LH" * 20, "SCCS": scop}
    return rows


def proteinnet(rng: np.random.Generator, held_out: list[str]) -> dict[str, str]:
    """Sequences by id; some have nine or ten letters of a domain that is held out."""
    plain, known, tested = random_sequence(rng), random_sequence(rng), random_sequence(rng)
    return {
        "9000_1_A": plain,
        "9000_1_B": plain,
        "9000_2_C": plain,
        f"{TRAIN:04}_1_A": random_sequence(rng),
        f"{TEST:04}_1_A": random_sequence(rng),
        f"{TEST:04}_1_C": random_sequence(rng),
        f"{VALID:04}_1_B": random_sequence(rng),
        "9001_1_A": known,
        f"{VALID:04}_1_A": known,
        "9001_1_B": known,
        f"{OTHER_TRAIN:04}_1_A": tested,
        f"{OTHER_TRAIN:04}_1_B": random_sequence(rng),
        "9002_1_A": random_sequence(rng) + held_out[0][20:29],
        "9003_1_A": random_sequence(rng) + tested[20:30],
        "9004_1_A": random_sequence(rng),
    } | {f"{9010 + number}_1_A": random_sequence(rng) + domain[20:30] for number, domain in enumerate(held_out)}


TRAINED = {"9000_1_A", f"{TRAIN:04}_1_A", f"{TEST:04}_1_C", "9002_1_A"}
TESTED = f"{OTHER_TRAIN:04}_1_A"
NOT_LISTED = {"9000_1_B", "9000_2_C", f"{VALID:04}_1_A", "9001_1_B", "9004_1_A", TESTED}


@pytest.fixture
def fetched(tmp_path) -> SimpleNamespace:
    """Settings whose source is a folder like that of the fetched data set; a domain in three is beyond the cap."""
    rng = np.random.default_rng(1)
    known = scope(rng)
    held_out = [known[f"{family:04}_d{family:04}a{domain}"] for family in (VALID, TEST) for domain in range(3)]
    sequences = proteinnet(rng, [domain["Sequence"] for domain in held_out])
    rows = {name: {"Sequence": one, "DSSP": "E" * len(one)} for name, one in sequences.items()}
    rows["9000_1_B"]["DSSP"] = rows["9000_2_C"]["DSSP"] = "H" + "E" * 39
    lists = ["pnid,casp12_validation,casp12_training_30", f"10#{TESTED},1,0", "70#9999_1_A,1,0", "9999_d9999a1,0,1"]
    lists += [f"{name},0,{int(name not in NOT_LISTED)}" for name in rows if name != TESTED]
    for path, text in (
        (domains.FILE, json.dumps(known)),
        (chains.FILE, json.dumps(rows)),
        (chains.LISTS, "\n".join(lists) + "\n"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return SimpleNamespace(source=str(tmp_path), cap=2)


def test_no_relative_of_what_is_tested_or_held_out_is_trained_on(fetched):
    train, test = chains.read(Path(fetched.source), 1)
    assert {chain.id for chain in train} == TRAINED
    assert [chain.id for chain in test] == [TESTED]


def test_a_chain_has_the_states_that_most_of_its_copies_have(fetched):
    train, test = chains.read(Path(fetched.source), 1)
    assert train[0].structure == "H" + "E" * 39
    assert test[0].structure == "E" * 40


def test_refuses_a_list_of_no_chain(fetched):
    (Path(fetched.source) / chains.LISTS).write_text("pnid,casp12_validation,casp12_training_30\n9000_1_A,0,1\n")
    with pytest.raises(UserError, match="no chain of casp12_validation: fetch it anew"):
        chains.read(Path(fetched.source), 1)


def test_what_is_held_out_is_said(fetched):
    rows = {side: list(rows) for side, _, rows in secondary_structure.prepare(fetched, 1)}
    assert {row["held_out"] for row in rows["train"]} == {""}
    assert {row["held_out"] for row in rows["valid"]} == {"superfamily"}
    assert [row["id"] for row in rows["test"] if row["held_out"] == "casp12"] == [TESTED]
    assert all(row["superfamily"] for row in rows["test"] if row["held_out"] == "superfamily")


def test_superfamilies_are_on_one_side_the_same_for_both_tasks(fetched):
    classes = {side: list(rows) for side, _, rows in protein_class.prepare(fetched, 1)}
    families = {side: {row["superfamily"] for row in own} for side, own in classes.items()}
    assert all(not families[a] & families[b] for a, b in combinations(families, 2))
    assert sum(map(len, families.values())) == 120
    assert all(len(own) == 2 * len(families[side]) for side, own in classes.items())
    for side, _, rows in secondary_structure.prepare(fetched, 1):
        held_out = {row["id"] for row in rows if row["held_out"] == "superfamily"}
        assert held_out == ({row["id"] for row in classes[side]} if side != "train" else set())


def test_a_family_lies_on_its_side_whatever_others_there_are():
    families = [f"a.{i}.1" for i in range(1000)]
    sides = {family: splits.drawn(family, 1) for family in families}
    shares = [sum(side == name for side in sides.values()) / 1000 for name in ("train", "valid", "test")]
    assert shares == pytest.approx([0.72, 0.08, 0.2], abs=0.04)
    assert any(splits.drawn(family, 2) != side for family, side in sides.items())


def test_structures_are_numbered_by_state(fetched):
    _, schema, rows = list(secondary_structure.prepare(fetched, 1))[1]
    row = next(iter(rows))
    assert json.loads(schema.metadata[b"labels"]) == list("HGIEBTSL")
    assert row["structure"] == "LH" * 20
    assert row["labels"].tolist() == [7, 0] * 20


def test_classes_have_names(fetched):
    for _, _, rows in protein_class.prepare(fetched, 1):
        for row in rows:
            assert row["label"] == protein_class.CLASSES[row["superfamily"][0]]


def test_copies_become_one_with_the_state_that_most_have():
    copies = [
        Protein("a", "MVL", "LLH"),
        Protein("b", "MVL", "LHH"),
        Protein("c", "MVL", "EHH"),
        Protein("d", "M", "L"),
    ]
    assert domains.unique(copies) == [Protein("a", "MVL", "LHH"), Protein("d", "M", "L")]


def test_relatives_of_the_test_are_left_out_of_the_rest():
    rng = np.random.default_rng(2)
    sequences = ["".join(rng.choice(AMINO, 60)) for _ in range(200)]
    relatives = [sequence[:50] + "A" for sequence in sequences]
    sides = splits.apart([*sequences, *relatives], 1)
    for one, other in zip(sequences, relatives, strict=True):
        if one in sides and other in sides:
            assert sides[one] == sides[other]
    assert {*sides.values()} == {"train", "valid", "test"}
    assert all(sequence in sides for sequence in sequences if splits.drawn(sequence, 1) == "test")


def test_a_stranger_shares_no_word_or_few():
    assert splits.strangers({"ACDEFGHIKLMNPQRSTVWY"}, {"ACDEFGHIKL"}) == {"ACDEFGHIKLMNPQRSTVWY"}  # one of eleven
    assert splits.strangers({"ACDEFGHIKLMNPQRSTVWY"}, {"ACDEFGHIKLM"}) == set()
    assert splits.strangers({"ACDEFGHIKLMNPQRSTVWY"}, {"ACDEFGHIKL"}, shared=0) == set()
    assert splits.strangers({"ACDEFGHIKLMNPQRSTVWY"}, {"ACDEFGHIK"}, shared=0) == {"ACDEFGHIKLMNPQRSTVWY"}


def test_reads_structures_and_labels_of_ones_own(tmp_path):
    rng = np.random.default_rng(3)
    sequences = ["".join(rng.choice(AMINO, 40)) for _ in range(60)]
    path = tmp_path / "ss.txt"
    path.write_text("".join(f">p{i}:A:sequence\n{s}\n>p{i}:A:secstr\n{'H ' * 20}\n" for i, s in enumerate(sequences)))
    settings = SimpleNamespace(source=str(path), cap=1)
    rows = {side: list(rows) for side, _, rows in secondary_structure.prepare(settings, 1)}
    assert sum(map(len, rows.values())) == 60
    assert rows["test"][0]["structure"] == "HL" * 20
    assert {row["held_out"] for own in rows.values() for row in own} == {""}
    path.write_text("".join(f">p{i} kind{i % 2}\n{s}\n" for i, s in enumerate(sequences)))
    rows = {side: list(rows) for side, _, rows in protein_class.prepare(settings, 1)}
    assert sum(map(len, rows.values())) == 60
    assert {row["label"] for row in rows["train"]} == {"kind0", "kind1"}


@pytest.mark.parametrize("task", [secondary_structure, protein_class])
def test_refuses_too_few_proteins(tmp_path, task):
    path = tmp_path / "few.fasta"
    path.write_text(">p1:sequence\nMV\n>p1:secstr\nHH\n" if task is secondary_structure else ">p1 a\nMV\n")
    with pytest.raises(UserError, match=r"few\.fasta: too few proteins"):
        list(task.prepare(SimpleNamespace(source=str(path), cap=1), 1))

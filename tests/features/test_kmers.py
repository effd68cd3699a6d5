import json

import numpy as np
import pyarrow as pa
import pytest

from unroll import examples, params
from unroll.errors import UserError
from unroll.features.kmers import Kmers, complement, encode, featurize, reverse_complement

DNA2 = Kmers("dna", 2)


def random_dna(length: int, letters: str = "ACGT", seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list(letters), length))


def reversed_strand(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_literally():
    assert encode("AACGTT", DNA2).tolist() == [0, 1, 6, 11, 15, 16]
    assert encode("ACGT", Kmers("dna", 1)).tolist() == [0, 1, 2, 3]
    assert encode("ACDY", Kmers("protein", 1)).tolist() == [0, 1, 2, 19]
    assert encode("CAAY", Kmers("protein", 3)).tolist() == [400, 19, 8000, 8000]


def test_what_is_no_kmer_is_unknown():
    assert encode("ACNGT", DNA2).tolist() == [1, 16, 16, 11, 16]
    assert encode("ANä", Kmers("dna", 1)).tolist() == [0, 4, 4]
    assert encode("MXJ*", Kmers("protein", 1)).tolist() == [10, 20, 20, 20]
    assert encode("AC", Kmers("dna", 3)).tolist() == [64, 64]
    assert encode("", DNA2).tolist() == []


@pytest.mark.parametrize(("alphabet", "k"), [("dna", 1), ("dna", 3), ("dna", 7), ("protein", 2), ("protein", 3)])
def test_a_code_is_the_number_that_the_letters_spell(alphabet, k):
    letters = {"dna": "ACGT", "protein": "ACDEFGHIKLMNPQRSTVWY"}[alphabet]
    settings = Kmers(alphabet, k)
    assert settings.unknown == len(letters) ** k
    assert settings.codes == settings.unknown + 1
    sequence = random_dna(300, letters + "N" * (alphabet == "dna") + letters)
    spelled = []
    for start in range(len(sequence)):
        digits = [letters.find(letter) for letter in sequence[start : start + k]]
        known = len(digits) == k and -1 not in digits
        spelled.append(sum(d * len(letters) ** p for p, d in enumerate(digits[::-1])) if known else settings.unknown)
    codes = encode(sequence, settings)
    assert codes.dtype == np.int16
    assert codes.tolist() == spelled


def test_settings_are_checked():
    for alphabet, largest in (("dna", 7), ("protein", 3)):
        assert params.check(Kmers, {"alphabet": alphabet, "k": largest}, "kmers").codes < 2**15
        with pytest.raises(UserError, match=r"kmers: .*k should be at most 7 for dna and 3 for protein"):
            params.check(Kmers, {"alphabet": alphabet, "k": largest + 1}, "kmers")
    with pytest.raises(UserError, match=r"kmers: alphabet: .*'dna' or 'protein', not 'rna'"):
        params.check(Kmers, {"alphabet": "rna", "k": 1}, "kmers")


def test_complement_literally():
    assert complement(1).tolist() == [3, 2, 1, 0, 4]
    # AA AC AG AT CA CC CG CT ... → TT GT CT AT TG GG CG AG ...
    assert complement(2).tolist()[:8] == [15, 11, 7, 3, 14, 10, 6, 2]
    assert complement(2)[16] == 16


@pytest.mark.parametrize("k", range(1, 8))
def test_the_other_strand_is_that_of_the_reverse_complemented_sequence(k):
    settings = Kmers("dna", k)
    assert np.array_equal(complement(k)[complement(k)], np.arange(settings.codes))
    for length in (0, 1, k - 1, k, k + 1, 200):
        sequence = random_dna(length, "ACGTACGTACGTN", seed=length)
        codes = encode(sequence, settings)
        other = reverse_complement(codes, k)
        assert other.dtype == np.int16
        assert np.array_equal(other, encode(reversed_strand(sequence), settings))
        assert np.array_equal(reverse_complement(other, k), codes)


def test_a_part_of_a_sequence_is_a_part_of_its_codes():
    """A view from the middle still knows the letters behind its end; reversed, it must not."""
    sequence = random_dna(50)
    part = encode(sequence, DNA2)[10:30]
    assert np.array_equal(part[:-1], encode(sequence[10:30], DNA2)[:-1])
    assert np.array_equal(reverse_complement(part, 2), encode(reversed_strand(sequence[10:30]), DNA2))


def table(sequences: list[str]) -> pa.Table:
    schema = pa.schema(
        [("id", pa.string()), ("sequence", pa.string()), ("labels", pa.large_list(pa.int8())), ("fold", pa.int32())],
        {"labels": '["none", "+1"]'},
    )
    labels = [[number % 2 - 1 for number in range(len(sequence))] for sequence in sequences]
    columns = [[f"row-{number}" for number in range(len(sequences))], sequences, labels, [7] * len(sequences)]
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)


def test_featurized_tables_keep_what_they_were_and_go_through_a_file(tmp_path):
    before = table(["ACGT", "", "NAC"])
    examples.write(tmp_path / "train.arrow", *featurize(before, DNA2))
    after = examples.read(tmp_path / "train.arrow")
    assert after.column_names == ["id", "sequence", "labels", "fold", "codes"]
    assert after.drop_columns(["codes"]).to_pydict() == before.to_pydict()
    assert after["codes"].to_pylist() == [[1, 6, 11, 16], [], [16, 1, 16]]
    assert after.schema.field("codes").type == pa.large_list(pa.int16())
    metadata = {key.decode(): value.decode() for key, value in after.schema.metadata.items()}
    assert json.loads(metadata.pop("settings")) == {"alphabet": "dna", "k": 2}
    assert metadata == {"labels": '["none", "+1"]', "featurizer": "kmers"}

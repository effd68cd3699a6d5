"""Protein chains in the lists of ProteinNet (AlQuraishi 2019, BMC Bioinformatics 20:311), relatives left out."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from unroll.errors import UserError
from unroll.fields.biology import domains, splits
from unroll.sources import proteins
from unroll.sources.proteins import Protein

FILE = Path("sidechainnet/resources/full_protein_dssp_annotations.json")
LISTS = Path("sidechainnet/resources/all_proteinnet_ids.csv")
TRAIN, TEST = "casp12_training_30", "casp12_validation"


class Chains(NamedTuple):
    """The chains to train on, each with the states that most of its copies have, and those to test on, as they are."""

    train: list[Protein]
    test: list[Protein]


def read(source: Path, seed: int) -> Chains:
    """The chains of two lists, those to train on without the relatives of what is tested or held out.

    A relative has a superfamily that is held out (``splits.drawn``) or occurs among the chains to test on, as far as
    SCOPe knows it; or it shares a ten-letter word with one of these chains or with any domain held out.
    """
    chains = proteins.read_sidechainnet(source / FILE)
    scope = proteins.read_sidechainnet(source / domains.FILE)
    held_out = [domain for domain in scope if splits.drawn(domain.superfamily, seed) != "train"]
    families = _superfamilies(chains, scope)
    test = _listed(source, chains, TEST)
    unwanted = {domain.superfamily for domain in held_out}.union(*(families[chain.sequence] for chain in test))
    train = [
        chain
        for chain in _voted(_listed(source, chains, TRAIN), chains)
        if families[chain.sequence].isdisjoint(unwanted)
    ]
    others = {protein.sequence for protein in [*test, *held_out]}
    strangers = splits.strangers({chain.sequence for chain in train}, others, shared=0)
    return Chains([chain for chain in train if chain.sequence in strangers], test)


def _listed(source: Path, chains: Sequence[Protein], name: str) -> list[Protein]:
    ids = proteins.read_proteinnet(source / LISTS, name)
    found = [chain for chain in chains if chain.id in ids]
    if not found:
        raise UserError(f"{source / FILE}: no chain of {name}: fetch it anew")
    return found


def _voted(listed: Sequence[Protein], chains: Sequence[Protein]) -> list[Protein]:
    """The listed chains, each residue in the state that most copies have: one crystal shows what another does not."""
    sequences, ids = {chain.sequence for chain in listed}, {chain.id for chain in listed}
    copies = [chain for chain in chains if chain.sequence in sequences and chain.id not in ids]
    return domains.unique([*listed, *copies])


def _superfamilies(chains: Sequence[Protein], scope: Sequence[Protein]) -> dict[str, set[str]]:
    """The superfamilies of the known domains of each sequence, in whichever of its copies they are known."""
    known = defaultdict(set)
    for domain in scope:
        entry, _, name = domain.id.partition("_")  # such as 3OZU_d3ozua1: entry 3OZU, chain A, its first domain
        known[entry, name[5:6].upper()].add(domain.superfamily)
    found = defaultdict(set)
    for chain in chains:
        entry, _, name = chain.id.partition("_")  # such as 1HF2_1_A
        found[chain.sequence] |= known.get((entry, name[-1:].upper()), set())
    return found

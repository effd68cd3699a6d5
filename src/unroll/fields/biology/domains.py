"""Protein domains of SCOPe (Chandonia et al. 2019, Nucleic Acids Research 47:D475) in splits of whole superfamilies."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unroll.errors import UserError
from unroll.fields.biology import splits
from unroll.sources import proteins
from unroll.sources.proteins import STATES, Protein

FILE = Path("sidechainnet/resources/single_domain_dssp_annotations.json")


def read(source: Path, cap: int, seed: int) -> dict[splits.Name, list[Protein]]:
    """The domains of each split, no sequence twice, at most ``cap`` of a superfamily, drawn at random but seeded."""
    families = defaultdict(list)
    for domain in unique(proteins.read_sidechainnet(source / FILE)):
        families[domain.superfamily].append(domain)
    found: dict[splits.Name, list[Protein]] = {"train": [], "valid": [], "test": []}
    for family, members in sorted(families.items()):
        members.sort(key=lambda domain: splits.rank(domain.sequence, seed))
        found[splits.drawn(family, seed)] += members[:cap]
    if empty := [split for split, own in found.items() if not own]:
        raise UserError(f"{source / FILE}: too few superfamilies for the split {empty[0]}")
    return found


def unique(domains: Sequence[Protein]) -> list[Protein]:
    """A protein per sequence under its first name; each residue has the state that most of its copies have.

    Copies are the same protein in several crystals or several chains of one.
    """
    copies = defaultdict(list)
    for domain in domains:
        copies[domain.sequence].append(domain)
    return [own[0]._replace(structure=_common([domain.structure for domain in own])) for own in copies.values()]


def _common(structures: Sequence[str]) -> str:
    if len(set(structures)) == 1:
        return structures[0]
    letters = np.array([np.frombuffer(structure.encode(), np.uint8) for structure in structures])
    votes = np.array([(letters == ord(state)).sum(0) for state in STATES])
    return "".join(STATES[best] for best in votes.argmax(0))

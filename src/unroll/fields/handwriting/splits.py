"""The sides of a split, and how what one brings oneself is drawn for them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa

Name = Literal["train", "valid", "test"]
SPLITS: tuple[Name, ...] = ("train", "valid", "test")
Split = tuple[Name, pa.Schema, Iterator[Mapping[str, Any]]]  # its name, and its examples


def drawn(names: Iterable[str], rng: np.random.Generator) -> dict[str, Name]:
    """A split for each of the names: test for a tenth of them, valid for a tenth, at least one each where there are."""
    known = sorted(set(names))
    tenth = max(1, len(known) // 10)
    shuffled = rng.permutation(known).tolist()
    side: dict[str, Name] = dict.fromkeys(known, "train")
    return side | dict.fromkeys(shuffled[:tenth], "test") | dict.fromkeys(shuffled[tenth : 2 * tenth], "valid")

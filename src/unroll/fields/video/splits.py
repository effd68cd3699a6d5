"""The splits of clips."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa

Name = Literal["train", "valid", "test"]
SPLITS: tuple[Name, ...] = ("train", "valid", "test")
Split = tuple[Name, pa.Schema, Iterator[Mapping[str, Any]]]  # its name, and its examples

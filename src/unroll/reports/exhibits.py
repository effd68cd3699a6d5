"""What ``evaluate`` hands to ``report``: exhibits of a model, each a picture, a sound or a text with a caption."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from unroll.errors import UserError

FILE = "exhibits.json"


@dataclass(frozen=True)
class Exhibit:
    """One thing to look at or listen to.

    ``section`` groups exhibits under a heading; ``image`` and ``audio`` are file names beside ``exhibits.json``;
    ``lines`` are (label, text) pairs, such as what was said and what was heard; ``verdict`` marks an example as
    right (True) or wrong (False).
    """

    section: str
    title: str
    caption: str = ""
    image: str | None = None
    audio: str | None = None
    lines: list[tuple[str, str]] = field(default_factory=list)
    verdict: bool | None = None


def write(folder: Path, exhibits: list[Exhibit]) -> None:
    """Writes the list beside the files it names."""
    (folder / FILE).write_text(json.dumps([asdict(exhibit) for exhibit in exhibits], indent=1) + "\n")


def read(folder: Path) -> list[Exhibit]:
    """The exhibits in a folder; none where there is no list."""
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Exhibit(**{**row, "lines": [tuple(line) for line in row["lines"]]}) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is not whole ({error}): delete its folder and run `dvc repro`") from None

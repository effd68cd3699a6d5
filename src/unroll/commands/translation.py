"""``unroll translate``: texts, and gettext catalogues; ``unroll pronounce``: the phones of words."""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.errors import UserError
from unroll.files import opened
from unroll.stages.paths import enter_project

if TYPE_CHECKING:
    from unroll.fields.translation.own import Way
    from unroll.patterns.translator import Translator

AT_ONCE = 200  # texts, so that what is piped through needs little memory

app = typer.Typer()
Model = Annotated[str, typer.Option(help="A model of the task; else the best on validation.")]
Count = Annotated[int, typer.Option(min=1, help="How many of the most probable, best first.")]
Out = Annotated[Path | None, typer.Option("-o", "--output", help="A file to write to; else standard output.")]


@app.command(epilog='Example: `unroll translate "Copy this page"`, `unroll translate --po messages.po -o fr.po`')
def translate(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; `-` for the lines of standard input.")] = None,
    po: Annotated[Path | None, typer.Option("--po", help="A gettext catalogue, to fill what is untranslated.")] = None,
    language: Annotated[str, typer.Option(help="What the model writes, where the catalogue names none.")] = "fr",
    n_best: Count = 1,
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "translation/interface",
    model: Model = "",
    output: Out = None,
) -> None:
    """Translate strings of software, or a whole catalogue of them.

    With `--n-best`, a line is the number of a text, the logarithm of a probability and a translation, with tabs
    between. Entries of a catalogue that are filled are marked fuzzy, for a person to look at; those whose translation
    would lose or invent a placeholder stay empty.
    """
    if bool(texts) == bool(po):
        raise UserError("name texts, or - for the lines of standard input, or a catalogue with --po, and not both")
    if po and n_best > 1:
        raise UserError("a catalogue has room for one translation: leave out --n-best, or name texts instead of --po")
    po, output = (path and path.absolute() for path in (po, output))
    enter_project()
    from unroll.patterns.translator import Translator
    from unroll.stages import settings, use

    _, _, block = settings.of_task(task)
    pattern = use.trained(task, model, Translator)
    _check(n_best, pattern)
    if not hasattr(block, "longest_words"):
        raise UserError(f"{task} is no task of texts: `unroll tasks` says what each is for")
    if po:
        _fill(pattern, po, language, output)
        return
    with opened(output) as out:
        for number, ways in enumerate(_translated(pattern, _given(texts), n_best), start=1):
            for text, log_prob in ways:
                print(text if n_best == 1 else f"{number}\t{log_prob:.3f}\t{text}", file=out)


@app.command(epilog="Example: `unroll pronounce recurrent networks`")
def pronounce(
    words: Annotated[list[str], typer.Argument(help="Words; `-` for those of standard input.")],
    n_best: Count = 1,
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "translation/pronunciation",
    model: Model = "",
    output: Out = None,
) -> None:
    """Say how words are pronounced, in the phones and the form of the CMU dictionary."""
    output = output and output.absolute()
    enter_project()
    from unroll.fields.translation import own
    from unroll.patterns.translator import Translator
    from unroll.stages import use

    pattern = use.trained(task, model, Translator)
    _check(n_best, pattern)
    failed = False
    with opened(output) as out:
        for word in (word for line in _given(words) for word in line.split()):
            try:
                found = own.pronounce(pattern, word, n_best)
            except UserError as error:
                failed = True
                print(f"error: {error}", file=sys.stderr)
                continue
            for number, (phones, _) in enumerate(found, start=1):
                print(f"{word}{f'({number})' * (number > 1)}  {phones}", file=out)
    if failed:
        raise typer.Exit(2)


def _check(count: int, pattern: "Translator") -> None:
    if count > pattern.settings.beam.width:
        raise UserError(f"--n-best {count} is too many: the search of this model keeps {pattern.settings.beam.width}")


def _given(texts: Sequence[str]) -> Iterator[str]:
    """The texts, with the lines of standard input where a ``-`` stands."""
    for number, text in enumerate(texts, start=1):
        if text != "-":
            yield _checked(text.encode("utf-8", "surrogateescape"), f"text {number}")
            continue
        for line, content in enumerate(sys.stdin.buffer, start=1):
            yield _checked(content.rstrip(b"\r\n"), f"standard input, line {line}")


def _checked(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{where} is not UTF-8: convert it, as with `iconv -t UTF-8`") from None


def _translated(pattern: "Translator", texts: Iterator[str], count: int) -> Iterator[list["Way"]]:
    """The ways to translate each text; says on standard error what is too long, or lost a placeholder."""
    from unroll.fields.translation import own

    done, longest = 0, own.most_words(pattern)
    while chunk := list(islice(texts, AT_ONCE)):
        for number, text in enumerate(chunk, start=done + 1):
            words = len(text.split())
            if words > longest:
                print(
                    f"note: text {number} has {words:,} words, and the model translates {longest} at a time: it is"
                    f" translated in {sum(map(own.has_letters, own.cut(text, longest))):,} pieces",
                    file=sys.stderr,
                )
        found = own.translate(pattern, chunk, count)
        for number, (text, ((best, _), *_)) in enumerate(zip(chunk, found, strict=True), start=done + 1):
            if not own.keeps_placeholders(text, best):
                print(f"note: text {number}: a placeholder was lost or invented", file=sys.stderr)
        yield from found
        done += len(chunk)


def _fill(pattern: "Translator", po: Path, language: str, output: Path | None) -> None:
    from tqdm import tqdm

    from unroll.fields.translation import catalogue_filling, own

    def translate(texts: Sequence[str]) -> list[str]:
        in_order = sorted(texts, key=len)  # those of like length are translated together
        found = {}
        with tqdm(desc=po.name, total=len(texts), unit=" texts", disable=None) as bar:
            for start in range(0, len(texts), AT_ONCE):
                chunk = in_order[start : start + AT_ONCE]
                ways = own.translate(pattern, chunk)
                found |= {text: best for text, ((best, _), *_) in zip(chunk, ways, strict=True)}
                bar.update(len(chunk))
        return [found[text] for text in texts]

    filled = catalogue_filling.fill(po, translate, language)
    with opened(output) as out:
        out.write(filled.text)
    print(
        f"{po.name}: entries filled and marked fuzzy: {filled.filled}; left empty, lest a placeholder be lost or"
        f" invented: {filled.left}; translated before: {filled.before}",
        file=sys.stderr,
    )

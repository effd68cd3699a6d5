"""``unroll translate``: texts, and gettext catalogues; ``unroll pronounce``: the phones of words."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.commands import Model
from unroll.errors import UserError
from unroll.files import check_writable, opened
from unroll.stages.paths import RAW, enter_project

if TYPE_CHECKING:
    from unroll.fields.translation.own import Way
    from unroll.patterns.translator import Translator

AT_ONCE = 200  # texts, so that what is piped through needs little memory

app = typer.Typer()
Count = Annotated[int, typer.Option(min=1, help="How many of the most probable, best first.")]
Out = Annotated[Path | None, typer.Option("-o", "--output", help="A file to write to; else standard output.")]


@app.command(epilog='Example: `unroll translate "Copy this page"`, `unroll translate --po messages.po -o fr.po`')
def translate(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts; `-` for the lines of standard input.")] = None,
    po: Annotated[Path | None, typer.Option("--po", help="A gettext catalogue, to fill what is untranslated.")] = None,
    language: Annotated[
        str, typer.Option(help="What a model of your own data writes into a catalogue, such as de; others write fr.")
    ] = "",
    n_best: Count = 1,
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "translation/interface",
    model: Model = "",
    output: Out = None,
) -> None:
    """Translate strings of software, or a whole catalogue of them.

    With `--n-best`, a line is the number of a text, the logarithm of a probability and a translation, with tabs
    between. Entries of a catalogue that are filled are marked fuzzy, for a person to look at; those whose translation
    would lose or invent a placeholder stay empty, and those in letters that the model never met.
    """
    _check_asked(texts, po, language, n_best)
    po, output = (path and path.absolute() for path in (po, output))
    if output:
        check_writable(output)
    enter_project()
    from unroll.patterns.translator import Translator
    from unroll.stages import settings, use

    _, _, block = settings.of_task(task)
    pattern = use.trained(task, model, Translator)
    _check_count(n_best, pattern)
    if not hasattr(block, "longest_words"):
        raise UserError(f"{task} is no task of texts: for the phones of words there is `unroll pronounce`")
    if po:
        _fill(pattern, po, _written(language, Path(block.source)), output)
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
    if output:
        check_writable(output)
    enter_project()
    from unroll.fields.translation import own
    from unroll.patterns.translator import Translator
    from unroll.stages import use

    pattern = use.trained(task, model, Translator)
    _check_count(n_best, pattern)
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


def _check_asked(texts: list[str] | None, po: Path | None, language: str, count: int) -> None:
    if bool(texts) == bool(po):
        raise UserError("name texts, or - for the lines of standard input, or a catalogue with --po, and not both")
    if po and count > 1:
        raise UserError("a catalogue has room for one translation: leave out --n-best, or name texts instead of --po")
    if language and not po:
        raise UserError("--language is written into a catalogue: leave it out, or name a catalogue with --po")


def _check_count(count: int, pattern: "Translator") -> None:
    if count > pattern.settings.beam.width:
        raise UserError(f"--n-best {count} is too many: the search of this model keeps {pattern.settings.beam.width}")


def _written(language: str, source: Path) -> str:
    """The language that a model trained on ``source`` writes: of data of one's own, what the user says it is."""
    from unroll.fields.translation.catalogue_filling import spoken
    from unroll.fields.translation.interface import LANGUAGE

    if source.is_relative_to(RAW) and spoken(language or LANGUAGE) != LANGUAGE:
        raise UserError(
            f"--language {language}: the model learned from {source} and writes {LANGUAGE}: leave it out, or train on"
            " data of your own (`source` in params.yaml)"
        )
    return language or LANGUAGE


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


def _groups(texts: Iterator[str]) -> Iterator[list[str]]:
    """The texts, so many at once; those before one that is refused come first."""
    group: list[str] = []
    try:
        for text in texts:
            group.append(text)
            if len(group) == AT_ONCE:
                yield group
                group = []
    except UserError:
        yield group
        raise
    yield group


def _translated(pattern: "Translator", texts: Iterator[str], count: int) -> Iterator[list["Way"]]:
    """The ways to translate each text; says on standard error what is too long or foreign, or lost a placeholder."""
    from unroll.fields.translation import own

    done, longest = 0, own.most_words(pattern)
    for group in _groups(texts):
        for number, text in enumerate(group, start=done + 1):
            words = len(text.split())
            if words > longest:
                _note(
                    f"text {number} has {words:,} words, and the model translates {longest} at a time: it is"
                    f" translated in {sum(map(own.has_letters, own.cut(text, longest))):,} pieces"
                )
        found = own.translate(pattern, group, count)
        for number, (text, ((best, _), *_)) in enumerate(zip(group, found, strict=True), start=done + 1):
            if own.is_foreign(pattern, text):
                _note(f"text {number}: its letters are foreign to the model, so the translation means nothing")
            if not own.keeps_placeholders(text, best):
                _note(f"text {number}: a placeholder was lost or invented")
        yield from found
        done += len(group)


def _fill(pattern: "Translator", po: Path, language: str, output: Path | None) -> None:
    from tqdm import tqdm

    from unroll.fields.translation import catalogue_filling, own

    def translate(texts: Sequence[str]) -> list[str]:
        found = dict.fromkeys(texts, "")  # what is foreign stays empty
        known = sorted((text for text in texts if not own.is_foreign(pattern, text)), key=len)  # like lengths together
        if foreign := len(texts) - len(known):
            _note(f"{po.name}: texts in letters that are foreign to the model, left empty: {foreign}")
        with tqdm(desc=po.name, total=len(known), unit=" texts", disable=None) as bar:
            for start in range(0, len(known), AT_ONCE):
                chunk = known[start : start + AT_ONCE]
                ways = own.translate(pattern, chunk)
                found |= {text: best for text, ((best, _), *_) in zip(chunk, ways, strict=True)}
                bar.update(len(chunk))
        return [found[text] for text in texts]

    filled = catalogue_filling.fill(po, translate, language)
    with opened(output) as out:
        out.write(filled.text)
    print(
        f"{po.name}: entries filled and marked fuzzy: {filled.filled}; left empty, since foreign or lest a placeholder"
        f" be lost or invented: {filled.left}; translated before: {filled.before}",
        file=sys.stderr,
    )
    if filled.filled:
        _note("look through what is fuzzy and remove the flags: until then msgfmt passes these entries over")


def _note(said: str) -> None:
    print(f"note: {said}", file=sys.stderr)

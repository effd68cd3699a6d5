"""``unroll compose``: tunes and chorales; ``unroll harmonise``: three voices below a melody."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unroll.commands import Model
from unroll.files import check_writable
from unroll.stages.paths import enter_project

if TYPE_CHECKING:
    from unroll.fields.music.composing import Piece

app = typer.Typer()


@app.command(epilog="Example: `unroll compose --key G --metre 6/8 --bars 16 --seed 1 -o tune.mid`")
def compose(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A file to write: .mid, .musicxml, or .abc for a tune.")
    ],
    task: Annotated[str, typer.Option(help="music/tunes or music/chorales.")] = "music/tunes",
    key: Annotated[str, typer.Option(help="Such as G, Bb or Em; else G or that of the opening.")] = "",
    metre: Annotated[
        str, typer.Option(help="Such as 6/8; a chorale is in 4/4 or 3/4. Else 4/4 or that of the opening.")
    ] = "",
    bars: Annotated[int, typer.Option(min=1, max=128, help="How many bars to write.")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other music; the same seed, the same music.")] = 1,
    temperature: Annotated[
        float, typer.Option(min=0.1, max=2.0, help="Below 1 plainer, above 1 bolder than what was learned from.")
    ] = 0.8,
    top_k: Annotated[int, typer.Option(min=0, help="Only so many of the most probable codes; 0: all.")] = 0,
    top_p: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Only the most probable codes that together have this probability.")
    ] = 1.0,
    repetition: Annotated[
        float,
        typer.Option(
            min=1.0, max=2.0, help="Makes every code written before rarer, bar lines too: a little above 1 at most."
        ),
    ] = 1.0,
    opening: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="ABC, MIDI or MusicXML to go on from.")
    ] = None,
    model: Model = "",
) -> None:
    """Write a tune, or a chorale in four voices: the best of those drawn.

    Of tunes that is the one with most bars as long as the metre says, rather one that ends on the tonic; of chorales
    one with the tonic in the bass at the end, and with the fewest parallel fifths and octaves.
    """
    output, opening = output.absolute(), opening and opening.absolute()
    check_writable(output)
    enter_project()
    from unroll.decoding.sampling import Sampling
    from unroll.fields.music import composing
    from unroll.fields.music.composing import Wish
    from unroll.patterns.language_model import LanguageModel
    from unroll.sources import score_writing
    from unroll.stages import use

    score_writing.format_of(output)
    pattern = use.trained(task, model, LanguageModel)
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, repetition=repetition)
    wish = Wish(key, metre, bars, sampling, seed, opening)
    if pattern.codes.streams == 1:
        text = composing.tune(pattern, wish)
        score_writing.write_tune(output, text, f"Composed from seed {seed}")
        _say(f"wrote {output.name}: {composing.about_tune(text)}")
    else:
        score_writing.format_of(output, ("midi", "musicxml"))
        _write(output, composing.chorale(pattern, wish))


@app.command(epilog="Example: `unroll harmonise melody.musicxml -o chorale.mid`")
def harmonise(
    melody: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="MusicXML, MIDI or ABC; of notes at once the highest is taken."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="A file to write: .mid or .musicxml.")],
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "music/chorales",
    model: Model = "",
) -> None:
    """Set a melody for four voices, as in the chorales of Bach."""
    melody, output = melody.absolute(), output.absolute()
    check_writable(output)
    enter_project()
    from unroll.errors import UserError
    from unroll.fields.music import composing
    from unroll.fields.music.chorales import VOICES
    from unroll.patterns.language_model import LanguageModel
    from unroll.sources import score_writing
    from unroll.stages import use

    score_writing.format_of(output, ("midi", "musicxml"))
    pattern = use.trained(task, model, LanguageModel)
    if pattern.codes.streams != len(VOICES):
        raise UserError(f"{task} has no model of four voices: use music/chorales")
    _write(output, composing.harmonise(pattern, melody))


def _write(output: Path, piece: "Piece") -> None:
    from unroll.fields.music import composing
    from unroll.fields.music.chorales import VOICES
    from unroll.sources import score_writing

    for note in piece.said:
        _say(f"note: {note}")
    score_writing.write_voices(output, piece.voices, piece.clock, piece.metre, piece.key, VOICES, composing.TEMPO)
    _say(f"wrote {output.name}: {composing.about_piece(piece)}")


def _say(line: str) -> None:
    print(line, file=sys.stderr)

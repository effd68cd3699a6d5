"""``unroll annotate``: the genes of a genome; ``unroll structure``: the local shape of proteins."""

import json
from pathlib import Path
from typing import Annotated

import typer

from unroll.commands import Model
from unroll.files import opened
from unroll.stages.paths import enter_project

app = typer.Typer()


@app.command(epilog="Example: `unroll annotate genome.fna -o genome.gff`")
def annotate(
    file: Annotated[Path, typer.Argument(help="A genome or contigs of bacteria or archaea: FASTA or GenBank.")],
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "biology/genes",
    model: Model = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A GFF3 file; else standard output.")] = None,
) -> None:
    """Find the protein-coding genes of a genome, as GFF3."""
    file, output = file.absolute(), output and output.absolute()
    enter_project()
    from tqdm import tqdm

    from unroll.fields.biology import genes
    from unroll.patterns.tagger import Tagger
    from unroll.sources import genomes
    from unroll.stages import use

    records = genomes.read_sequences(file)
    pattern = use.trained(task, model, Tagger)
    bases = sum(len(record.sequence) for record in records)
    with (
        opened(output) as out,
        tqdm(desc=file.name, total=bases, unit=" bases", unit_scale=True, disable=None) as bar,
    ):
        print("##gff-version 3", file=out)
        for record in records:
            genomes.write_gff(out, record.id, len(record.sequence), genes.annotate(pattern, record))
            bar.update(len(record.sequence))


@app.command(epilog="Example: `unroll structure protein.fasta --eight`")
def structure(
    file: Annotated[Path, typer.Argument(help="Proteins as FASTA.")],
    task: Annotated[str, typer.Option(help="What was learned: see `unroll tasks`.")] = "biology/secondary_structure",
    model: Model = "",
    eight: Annotated[bool, typer.Option("--eight", help="The eight states of DSSP too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a protein.")] = False,
) -> None:
    """Predict the secondary structure of proteins.

    Below each sequence stand H for helix, E for strand, C for coil, and how sure that is from 0 (no more than a tenth)
    to 9 (nine tenths or more).
    """
    file = file.absolute()
    enter_project()
    from unroll.fields.biology import secondary_structure
    from unroll.patterns.tagger import Tagger
    from unroll.sources import proteins
    from unroll.stages import use

    records = list(proteins.read_fasta(file))
    pattern = use.trained(task, model, Tagger)
    for record in records:
        found = secondary_structure.predict(pattern, record.sequence)
        if as_json:
            states = {"three": found.three, "eight": found.eight} if eight else {"three": found.three}
            sure = [round(float(each), 3) for each in found.confidence]
            print(json.dumps({"id": record.id, "sequence": record.sequence, **states, "confidence": sure}))
        else:
            digits = "".join(str(min(9, int(10 * each))) for each in found.confidence)
            lines = [record.sequence, found.three, *([found.eight] if eight else []), digits]
            print(f">{record.id} ({found.confidence.mean():.0%} sure)", *lines, sep="\n")

"""How well a model expects the notes of chorales, and whether what it writes itself can be sung."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unroll.features import notes
from unroll.fields.music import writing
from unroll.fields.music.chorales import VOICES
from unroll.fields.music.voice_leading import crossed, out_of_range, parallels
from unroll.fields.music.writing import Model
from unroll.patterns.language_model import Example
from unroll.sources.clock import bar_sixteenths, clock_of

Rows = Sequence[Mapping[str, Any]]
PIECES, BARS, METRE = 16, 8, "4/4"  # that are written to be judged, from the seed 0


def measure(rows: Rows, seconds: float, models: Mapping[str | None, Model]) -> dict[str, float]:
    """Metrics of predicted rows, which took ``seconds`` to predict.

    Nats per step of all four voices, without the end and with it, and per note; the share of codes that were the most
    probable, by voice and where a note begins; then the shares of sounding sixteenths out of range, of sixteenths in
    which voices cross, and of parallels where two voices move, in pieces that the model writes and in those that Bach
    did.
    """
    model = models[None]
    truth = np.concatenate([row["example"].codes for row in rows])
    best = np.concatenate([row["prediction"].best for row in rows])
    nats = np.concatenate([row["prediction"].nats[:-1] for row in rows]).sum(dtype=np.float64)
    ends = sum(float(row["prediction"].nats[-1].sum()) for row in rows)
    begins, right = truth % 2 == 1, truth == best
    clock = clock_of(METRE, BARS * bar_sixteenths(METRE))
    drawn = writing.chorales(model, clock, PIECES, writing.at(1.0), writing.seeded(0))
    written = [voices for voices, _ in drawn]
    bach = [voices_of(row["example"], model) for row in rows]
    scores = {
        "nats_per_step": nats / len(truth),
        "nats_per_step_with_end": (nats + ends) / (len(truth) + len(rows)),
        "nats_per_note": nats / begins.sum(),
        **{f"{voice}_accuracy": right[:, number].mean() for number, voice in enumerate(VOICES)},
        "onset_accuracy": right[begins].mean(),
        "out_of_range_share": out_of_range(written),
        "out_of_range_share_bach": out_of_range(bach),
        "crossed_share": crossed(written),
        "crossed_share_bach": crossed(bach),
        "parallels_share": parallels(written),
        "parallels_share_bach": parallels(bach),
        "predict_seconds_per_step": seconds / len(truth),
    }
    return {name: round(float(value), 6) for name, value in scores.items()}


def as_lines(rows: Rows) -> list[dict[str, Any]]:
    """A line per piece: how surprising it was, and in how many codes the most probable one was right."""
    return [
        {
            "id": row["id"],
            "title": row["title"],
            "sixteenths": len(row["example"].codes),
            "nats_per_step": round(float(row["prediction"].nats[:-1].sum()) / len(row["example"].codes), 4),
            "accuracy": round(float((row["example"].codes == row["prediction"].best).mean()), 4),
        }
        for row in rows
    ]


def voices_of(example: Example, model: Model) -> np.ndarray:
    """int16 (T, K): the voices of an example."""
    return notes.decode(example.codes.ravel(), example.codes.shape[1], writing.notes_of(model))

"""Stage ``speak``: the sentences of speech/commands, synthesised, into ``data/raw/spoken-commands``.

``python -m unroll.stages.speak``
"""

from pathlib import Path

from unroll.errors import ends_clearly
from unroll.files import written_whole
from unroll.sources import intents, spoken
from unroll.sources.espeak import Espeak
from unroll.stages import settings

RAW = Path("data/raw")
TEMPLATES = RAW / "home-assistant-intents/home_assistant_intents/data/en.json"


def main() -> None:
    """Draws the sentences and speaks them, all or none."""
    run, _, block = settings.of_task("speech/commands")
    engine = Espeak(RAW / "espeakng-loader")
    drawn = intents.sentences(TEMPLATES, block.spoken.utterances, run.seed)
    with written_whole(RAW / "spoken-commands") as fresh:
        spoken.speak_all(fresh, engine, [sentence.text for sentence in drawn], block.spoken, run.seed)


if __name__ == "__main__":
    with ends_clearly():
        main()

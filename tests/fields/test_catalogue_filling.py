import shutil
import subprocess

import pytest

from unroll.errors import UserError
from unroll.fields.translation import catalogue_filling
from unroll.sources import gettext_layout

HEADER = (
    'msgid ""\nmsgstr ""\n"Language: fr\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
    '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
)
# What is translated as it should be, and what in every way that it should not.
FRENCH = {
    "Open": "Ouvrir",
    "Open the file %(name)s\n": "Ouvrir le fichier %(name)s\n",
    "%d file": "%d fichier",
    "%d files": "%d fichiers",
    "One file": "Un fichier",
    "Page %s of %s by %d": "Par %d, la page %s de %s",
    "Delete %(name)s": "Supprimer",
    "Delete": "Supprimer %s",
    "Copy %s": "Copier %d",
    "Half": "50 % du tout",
    "100% done": "100 % fait",
    "{0} and {1}": "{1} et {0}",
    "{} and {name}": "{name} et",
    "Read <b>this</b>": "Lisez <b>ceci",
    "Close\n": "Fermer",
    "Strange": "�trange",
    "Quit": " ",
    "Find %1": "Trouver %2",
    "Go to $HOME": "Aller à $MAISON",
    "~a files": "~s fichiers",
    "{0} pages": "{0} pages",
    "%zu bytes": "%zd octets",
    "Sure": "Certain",
}


@pytest.fixture
def fill(tmp_path):
    """Fills a text as the catalogue own.po, which msgfmt has to accept, fuzzy entries and all."""

    def of_text(text: str, language: str = "fr") -> catalogue_filling.Filled:
        path = tmp_path / "own.po"
        path.write_bytes(text.encode())
        filled = catalogue_filling.fill(path, lambda texts: [FRENCH.get(text, f"«{text}»") for text in texts], language)
        path.write_bytes(filled.text.encode())
        if shutil.which("msgfmt"):
            check = ["msgfmt", "--check-format", "--use-fuzzy", "--output-file=/dev/null", str(path)]
            checked = subprocess.run(check, capture_output=True, text=True, check=False)
            assert (checked.returncode, checked.stderr) == (0, "")
        return filled

    return of_text


def entry(source: str, flags: str = "", translation: str = "") -> str:
    written = [text.replace('"', '\\"').replace("\n", "\\n") for text in (source, translation)]
    return (f"#, {flags}\n" if flags else "") + 'msgid "{}"\nmsgstr "{}"\n\n'.format(*written)


def plural(singular: str, several: str, *forms: str, flags: str = "python-format") -> str:
    lines = [f'msgstr[{number}] "{form}"' for number, form in enumerate(forms)]
    return "\n".join([f"#, {flags}", f'msgid "{singular}"', f'msgid_plural "{several}"', *lines, "", ""])


def test_what_is_untranslated_is_filled_and_marked_fuzzy(fill):
    kept = entry("Save", translation="Enregistrer") + "#. A comment.\n#: menu.c:3\n"
    obsolete = '#~ msgid "Old"\n#~ msgstr "Vieux"\n'
    filled = fill(HEADER + kept + entry("Open") + entry("Undo", "fuzzy", "Refaire") + obsolete)
    assert (
        filled.text == HEADER + kept + entry("Open", "fuzzy", "Ouvrir") + entry("Undo", "fuzzy", "Refaire") + obsolete
    )
    assert filled[1:] == (1, 0, 2)


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("Delete %(name)s", ""),
        ("Delete", ""),
        ("Copy %s", "python-format"),
        ("Page %s of %s by %d", "c-format"),
        ("Half", ""),
        ("100% done", "python-format"),
        ("{} and {name}", "python-brace-format"),
        ("Read <b>this</b>", ""),
        ("Close\n", ""),
        ("Strange", ""),
        ("Quit", ""),
        ("Find %1", "qt-format"),
        ("Go to $HOME", "sh-format"),
        ("~a files", "lisp-format"),
        ("{0} pages", "csharp-format"),
        ("%zu bytes", "c-format"),
    ],
)
def test_what_would_break_stays_empty_and_is_counted(fill, source, flags):
    text = HEADER + entry(source, flags) + entry("Open")
    filled = fill(text)
    assert filled.text == HEADER + entry(source, flags) + entry("Open", "fuzzy", "Ouvrir")
    assert filled[1:] == (1, 1, 0)


@pytest.mark.parametrize(
    ("source", "target", "flags"),
    [
        ("Open the file %(name)s\n", "Ouvrir le fichier %(name)s\n", "python-format"),
        ("{0} and {1}", "{1} et {0}", "python-brace-format"),
        ("100% done", "100 % fait", "no-python-format"),
        ("%s: %d", "%s: %d", "c-format"),
        ("...", "...", ""),
        ("{0} pages", "{0} pages", "python-brace-format"),
        ("{0} pages", "{0} pages", "no-csharp-format"),
        ("Sure", "Certain", "qt-format"),
    ],
)
def test_what_keeps_its_placeholders_is_filled(fill, source, target, flags):
    filled = fill(HEADER + entry(source, flags))
    assert filled.text == HEADER + entry(source, f"fuzzy, {flags}" if flags else "fuzzy", target)


def test_every_form_is_filled(fill):
    filled = fill(HEADER + plural("%d file", "%d files", "", ""))
    assert filled.text == HEADER + plural(
        "%d file", "%d files", "%d fichier", "%d fichiers", flags="fuzzy, python-format"
    )


def test_a_singular_without_the_placeholder_is_that_of_the_plural(fill):
    filled = fill(HEADER + plural("One file", "%d files", "", ""))
    assert 'msgstr[0] "%d fichiers"\nmsgstr[1] "%d fichiers"\n' in filled.text


def test_a_form_that_a_person_wrote_stays(fill):
    filled = fill(HEADER + plural("%d file", "%d files", "%d dossier", ""))
    assert 'msgstr[0] "%d dossier"\nmsgstr[1] "%d fichiers"\n' in filled.text
    assert filled[1:] == (1, 0, 0)


@pytest.mark.parametrize(("count", "forms"), [(1, ["%d fichiers"]), (3, ["%d fichier"] + 2 * ["%d fichiers"])])
def test_there_are_as_many_forms_as_the_header_says(fill, count, forms):
    header = HEADER.replace("nplurals=2; plural=(n > 1)", f"nplurals={count}; plural=0")
    filled = fill(header + plural("%d file", "%d files", ""))
    assert filled.text == header + plural("%d file", "%d files", *forms, flags="fuzzy, python-format")


def test_contexts_are_filled_apart(fill):
    filled = fill(HEADER + 'msgctxt "a"\n' + entry("Open") + 'msgctxt "b"\n' + entry("Open", translation="Ouvert"))
    assert filled.text.count('"Ouvrir"') == 1
    assert '#, fuzzy\nmsgctxt "a"\nmsgid "Open"\nmsgstr "Ouvrir"\n' in filled.text


def test_line_ends_stay_those_of_windows(fill):
    filled = fill((HEADER + entry("Open")).replace("\n", "\r\n"))
    assert filled.text == (HEADER + entry("Open", "fuzzy", "Ouvrir")).replace("\n", "\r\n")


TEMPLATE = (
    'msgid ""\nmsgstr ""\n"Project-Id-Version: x\\n"\n"Language: \\n"\n"Content-Type: text/plain; charset=CHARSET\\n"\n'
    '"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\\n"\n\n'
)


@pytest.mark.parametrize(
    "header", [TEMPLATE, HEADER.replace('"Language: fr\\n"\n', "").replace('"Plural', '"X-Plural'), ""]
)
def test_a_header_is_completed(fill, tmp_path, header):
    fill(header + plural("%d file", "%d files", "", ""))
    found = gettext_layout.read(tmp_path / "own.po")
    assert found.stated("Language") == "fr"
    assert found.stated("Content-Type") == "text/plain; charset=UTF-8"
    assert found.stated("Plural-Forms") == "nplurals=2; plural=(n > 1);"


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        (HEADER.replace("fr", "de"), "fr", "own.po: its language is de, and the model writes fr"),
        (TEMPLATE + plural("a", "b", ""), "no language", "'no language' is no language: write it as fr or pt_BR"),
        (HEADER.replace("nplurals=2", "nplurals=99"), "fr", "own.po: Plural-Forms states 99 forms"),
        (HEADER + 'msgid "\\w"\nmsgstr ""\n', "fr", "own.po, line 7: "),
    ],
)
def test_what_cannot_be_filled_is_refused(fill, text, language, said):
    with pytest.raises(UserError, match=said):
        fill(text, language)


def test_another_country_is_no_other_language(fill):
    assert fill(HEADER.replace("fr", "fr_CA") + entry("Open")).filled == 1

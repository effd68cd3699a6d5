from pathlib import Path

import pytest
from babel.messages import Catalog, mofile

from unroll.errors import UserError
from unroll.sources.gettext_catalogues import Message, read, read_catalogue

HEADER = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Language: fr\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\n"
"""


def catalogue(path: Path, body: str, header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{header.lstrip()}\n{body}", encoding="utf-8")
    return path


def pairs(messages) -> list[tuple[str, str]]:
    return [(message.source, message.target) for message in messages]


def test_what_is_translated_is_read(tmp_path):
    body = r"""
# a comment
#: file.py:1
#, python-format
msgctxt "menu"
msgid "Copy \"%s\""
msgstr ""
"Copier\n"
"« %s »"

msgid "Untranslated"
msgstr ""

#, fuzzy
#| msgid "Opened"
msgid "Open"
msgstr "Ouvert"

#~| msgid "Older"
#~ msgid "Obsolete"
#~ msgstr "Obsolète"
"""
    assert pairs(read_catalogue(catalogue(tmp_path / "a.po", body))) == [('Copy "%s"', "Copier\n« %s »")]


@pytest.mark.parametrize(
    ("forms", "plural"), [(["%d page", "%d pages"], "%d pages"), (["%d page", "%d de pages", "%d pages"], "%d pages")]
)
def test_plural_forms_are_two_pairs_however_many_the_header_states(tmp_path, forms, plural):
    lines = [f'msgstr[{number}] "{form}"' for number, form in enumerate(forms)]
    path = catalogue(tmp_path / "a.po", "\n".join(['msgid "a page"', 'msgid_plural "%d of them"', *lines]))
    assert pairs(read(path)) == [("a page", "%d page"), ("%d of them", plural)]


def test_compiled_catalogues_are_read(tmp_path):
    source = Catalog("fr")
    source.add("Copy", "Copier")
    source.add(("page", "pages"), ("page", "des pages"))
    with (tmp_path / "a.mo").open("wb") as file:
        mofile.write_mo(file, source)
    assert pairs(read(tmp_path / "a.mo")) == [("Copy", "Copier"), ("page", "page"), ("pages", "des pages")]


def test_a_folder_is_all_catalogues_below_it_the_po_first(tmp_path):
    catalogue(tmp_path / "b" / "fr" / "x.po", 'msgid "Copy"\nmsgstr "Copier"\n')
    (tmp_path / "b" / "fr" / "x.mo").write_bytes(b"not read")
    catalogue(tmp_path / "a" / "fr" / "y.po", 'msgid "Open"\nmsgstr "Ouvrir"\n\nmsgid "Copy"\nmsgstr "Copier"\n')
    catalogue(tmp_path / "c.po", 'msgid "Copy"\nmsgstr "Copier"\n')
    assert read(tmp_path) == [
        Message("Open", "Ouvrir", "a"),
        Message("Copy", "Copier", "a"),
        Message("Copy", "Copier", "b"),
        Message("Copy", "Copier", "c"),
    ]


def test_a_folder_of_two_languages_is_refused(tmp_path):
    catalogue(tmp_path / "fr.po", 'msgid "Copy"\nmsgstr "Copier"\n')
    catalogue(tmp_path / "de.po", 'msgid "Copy"\nmsgstr "Kopieren"\n', HEADER.replace("fr", "de"))
    with pytest.raises(UserError, match=r"has catalogues of de, fr: name a folder of one language"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('msgid "Copy \\q"\nmsgstr "x"\n', r"a.po, line 7: 'msgid \"Copy .*has an escape unknown"),
        ('msgid "Copy\nmsgstr "x"\n', r"a.po, line 7: "),
        ('msgid "Copy"\nmsgstr "a"b"\n', r"a.po, line 8: "),
        ('msgid "Copy"\nmessage "a"\n', r"a.po, line 8: "),
        ('msgid "Copy"\n\nmsgid "Open"\nmsgstr "Ouvrir"\n', r"a.po, line 7: missing msgstr for msgid 'Copy'"),
    ],
)
def test_broken_catalogues_are_refused_by_line(tmp_path, body, message):
    with pytest.raises(UserError, match=message):
        read(catalogue(tmp_path / "a.po", body))


def test_other_files_are_refused_by_name(tmp_path):
    catalogue(tmp_path / "a.po", 'msgid "é"\nmsgstr "x"\n').write_bytes(
        (HEADER.lstrip() + '\nmsgid "é"\nmsgstr "x"\n').encode("latin-1")
    )
    (tmp_path / "b.mo").write_bytes(b"\xde\x12\x04\x95")
    (tmp_path / "c.txt").write_text("text")
    (tmp_path / "empty").mkdir()
    for name, message in {
        "a.po": r"a\.po is not in the encoding that its header states",
        "b.mo": r"b\.mo cannot be read as a gettext catalogue",
        "c.txt": r"c\.txt is neither a \.tsv, \.po or \.mo file nor a folder",
        "none": r"none is missing",
        "none.po": r"none\.po is missing",
        "empty": r"empty has neither catalogues .* nor parallel files",
    }.items():
        with pytest.raises(UserError, match=message):
            read(tmp_path / name)


def test_a_table_of_pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("Copy\tCopier\n\nOpen\tOuvrir\nCopy\tCopier\n")
    assert read(path) == [Message("Copy", "Copier", "pairs"), Message("Open", "Ouvrir", "pairs")]
    for line in ("no tab", "a\tb\tc", "a\t", "\tb"):
        path.write_text(f"Copy\tCopier\n{line}\n")
        with pytest.raises(UserError, match=r"pairs\.tsv, line 2: write a source and a target with one tab"):
            read(path)


def parallel(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        folder.joinpath(name.replace("_", ".")).write_text(text)
    return folder


def test_parallel_files(tmp_path):
    parallel(tmp_path, train_en="Copy\nOpen\n\n", train_fr="Copier\nOuvrir\n\n")
    assert pairs(read(tmp_path)) == [("Copy", "Copier"), ("Open", "Ouvrir")]
    assert {message.split for message in read(tmp_path)} == {""}
    parallel(tmp_path, valid_en="Page\n", valid_fr="Page\n", test_en="Quit\n", test_fr="Quitter\n")
    assert read(tmp_path)[-1] == Message("Quit", "Quitter", tmp_path.name, "test")
    assert [message.split for message in read(tmp_path)] == ["train", "train", "valid", "test"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"train_fr": "Copier\n"}, r"but train\.en 2 and train\.fr 1 lines"),
        ({"train_fr": "a\nb\n", "train_de": "a\nb\n"}, r"train should be two files"),
        ({"train_fr": "a\nb\n", "test_en": "a\n", "test_fr": "a\n"}, r"files of train and test: name the third split"),
        (
            {"train_fr": "a\nb\n", "test_en": "a\n", "test_de": "a\n", "valid_en": "a\n", "valid_fr": "a\n"},
            r"test should be two files, of the languages of train, not test\.de, test\.en",
        ),
    ],
)
def test_parallel_files_that_do_not_fit_are_refused(tmp_path, files, message):
    with pytest.raises(UserError, match=message):
        read(parallel(tmp_path, train_en="Copy\nOpen\n", **files))

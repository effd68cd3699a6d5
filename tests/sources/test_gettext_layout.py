import pytest

from unroll.errors import UserError
from unroll.sources import gettext_layout

HEADER = 'msgid ""\nmsgstr ""\n"Language: fr\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
CATALOGUE = f"""# A project.
{HEADER}
#. From the menu.
#: menu.c:12
#| msgid "Opne"
msgid "Open"
msgstr ""

#, c-format
msgctxt "files"
msgid ""
"%d \\"files\\"\\n"
"were found"
msgid_plural "%d"
msgstr[0] "%d fichier"
msgstr[1] ""

#, fuzzy
#~ msgid "Old"
#~ msgstr "Vieux"
#~| msgid "Older"
"""


@pytest.fixture
def read(tmp_path):
    """Reads a text as the catalogue own.po."""

    def from_text(text: str | bytes) -> gettext_layout.Catalogue:
        path = tmp_path / "own.po"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return gettext_layout.read(path)

    return from_text


def test_entries_know_their_lines(read):
    found = read(CATALOGUE)
    assert found.stated("Language") == "fr"
    assert found.stated("Plural-Forms") == ""
    first, second = found.entries
    assert (first.source, first.plural, first.context, first.flags) == ("Open", None, None, [])
    assert (first.forms, first.flags_line, first.flags_place) == ([("", 10, 11)], None, 8)
    assert (second.source, second.plural, second.context) == ('%d "files"\nwere found', "%d", "files")
    assert [form.text for form in second.forms] == ["%d fichier", ""]
    assert (second.flags, second.flags_line) == (["c-format"], 12)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_filling_changes_the_filled_lines_alone(read, end):
    text = CATALOGUE.replace("\n", end)
    filled = gettext_layout.written(read(text), {0: ["Ouvrir"], 1: ["", "%d\n«\t»"]}, {})
    expected = (
        text.replace(f'#| msgid "Opne"{end}msgid "Open"{end}msgstr ""', f'#, fuzzy{end}#| msgid "Opne"{end}msgid "Open"'
                     f'{end}msgstr "Ouvrir"')
        .replace("#, c-format", "#, fuzzy, c-format")
        .replace('msgstr[1] ""', f'msgstr[1] ""{end}"%d\\n"{end}"«\\t»"')
    )  # fmt: skip
    assert filled == expected


def test_nothing_filled_is_the_same_file(read):
    assert gettext_layout.written(read(CATALOGUE), {}, {}) == CATALOGUE
    assert gettext_layout.written(read(""), {}, {}) == ""


def test_a_flag_of_fuzziness_is_not_set_twice(read):
    text = HEADER + '\n#, fuzzy\nmsgid "Open"\nmsgstr ""\n'
    assert gettext_layout.written(read(text), {0: ["Ouvrir"]}, {}) == text.replace(
        '"Open"\nmsgstr ""', '"Open"\nmsgstr "Ouvrir"'
    )


def test_forms_that_are_missing_are_added(read):
    text = HEADER + '\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[1] ""\n'
    filled = gettext_layout.written(read(text), {0: ["un", "deux", "trois"]}, {})
    assert filled.endswith('msgstr[0] "un"\nmsgstr[1] "deux"\nmsgstr[2] "trois"\n')


def test_a_header_states_what_it_should(read):
    filled = gettext_layout.written(read(CATALOGUE), {}, {"Language": "fr_CA", "Plural-Forms": "nplurals=1; plural=0;"})
    assert filled == CATALOGUE.replace("fr\\n", "fr_CA\\n").replace(
        'charset=UTF-8\\n"', 'charset=UTF-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"'
    )


def test_a_header_is_made_where_there_is_none(read):
    filled = gettext_layout.written(read('msgid "Open"\nmsgstr ""\n'), {}, {"Language": "fr"})
    again = read(filled)
    assert (again.stated("Language"), again.stated("Content-Type")) == ("fr", "text/plain; charset=UTF-8")
    assert filled.endswith('\n\nmsgid "Open"\nmsgstr ""\n')


def test_a_flag_stands_above_its_entry_and_below_a_header_that_is_made(read):
    filled = gettext_layout.written(read('msgid "a"\nmsgstr ""\n'), {0: ["un"]}, {"Language": "fr"})
    assert filled.startswith('msgid ""\nmsgstr ""\n"MIME-Version: 1.0\\n"\n')
    assert filled.endswith('"Language: fr\\n"\n\n#, fuzzy\nmsgid "a"\nmsgstr "un"\n')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + '\nmsgid "a\\q"\nmsgstr ""\n', "line 6: 'msgid .* is no keyword with .*, or has an escape"),
        (HEADER + '\nmsgid "a\nmsgstr ""\n', "line 6: .* is no keyword with a string"),
        (HEADER + '\nmsgid "a"\nmsgstring ""\n', "line 7: "),
        (HEADER + '\nmsgid "a"\nmsgstr[x] ""\n', "line 7: "),
        ('"a"\n', "line 1: '\"a\"' belongs to no entry"),
        (HEADER + '\nmsgid "a"\nmsgid "b"\nmsgstr ""\n', "line 7: 'msgid \"b\"' belongs to no entry"),
        (HEADER + '\nmsgid "a"\n', "line 6: the entry needs a msgid, and a msgstr"),
        (HEADER + '\nmsgid "a"\nmsgid_plural "b"\nmsgstr ""\n', "line 6: the entry needs"),
        (HEADER + '\nmsgid "a"\nmsgid_plural "b"\nmsgstr[0] ""\nmsgstr[2] ""\n', "line 6: the entry needs"),
        (HEADER + '\nmsgstr "a"\n', "line 6: 'msgstr \"a\"' belongs to no entry"),
        ('msgstr "a"\n', "line 1: the entry needs"),
        ((HEADER + '\nmsgid "é"\nmsgstr ""\n').encode("latin-1"), "line 6 is not UTF-8: convert it with `msgconv"),
        (HEADER.replace("UTF-8", "ISO-8859-1"), "own.po is in ISO-8859-1: convert it with `msgconv"),
        ("just a text\n", "line 1: 'just a text' is no keyword"),
    ],
)  # fmt: skip
def test_broken_files_are_refused_by_line(read, text, said):
    with pytest.raises(UserError, match=said):
        read(text)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"none\.po cannot be read \(No such file or directory\)"):
        gettext_layout.read(tmp_path / "none.po")
    with pytest.raises(UserError, match="cannot be read"):
        gettext_layout.read(tmp_path)

import pytest

from unroll.features.placeholders import MOST, SLOTS, find, mask, restore, without_accelerator, without_accelerators


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Copy %s of %d files", ["%s", "%d"]),
        ("%(name)s has %(count)d", ["%(name)s", "%(count)d"]),
        ("%2$s before %1$s", ["%2$s", "%1$s"]),
        ("%.2f of %04d, %ld", ["%.2f", "%04d", "%ld"]),
        ("100%% of {0}, {name}, {:>10} and {}", ["%%", "{0}", "{name}", "{:>10}", "{}"]),
        ("{{ user.name }} and {% now %} and ${total}", ["{{ user.name }}", "{% now %}", "${total}"]),
        ('See <a href="{url}" target="_blank">this</a>.<br/>', ['<a href="{url}" target="_blank">', "</a>", "<br/>"]),
        ("Tom&nbsp;&amp; Jerry&#8217;s", ["&nbsp;", "&amp;", "&#8217;"]),
        ("Visit https://example.org/a?b=1. Or me@example.org.", ["https://example.org/a?b=1", "me@example.org"]),
        ("(see http://example.org/)", ["http://example.org/"]),
        ("%zu %p %*d %'d %m %-8.*f %hhx", ["%zu", "%p", "%*d", "%'d", "%m", "%-8.*f", "%hhx"]),
        ("twice %s and %s", ["%s", "%s"]),
        ("50 % of 100% sure, 20 % more, 5% per page, %", []),
        ("%" + "0" * 20_000, []),
        ("50% of people with <name> < 3 & more {not one}", []),
        ("", []),
    ],
)
def test_placeholders_are_found_whole_and_in_order(text, found):
    assert find(text) == found


def test_each_distinct_placeholder_is_a_slot():
    assert mask("%s: <b>%s</b> {n}") == ("\ue000: \ue001\ue000\ue002 \ue003", ["%s", "<b>", "</b>", "{n}"])


def test_a_target_has_the_slots_of_its_source():
    _, slots = mask("%(a)s by %(b)s")
    assert mask("%(c)s : %(b)s par %(a)s", slots) == ("%(c)s : \ue001 par \ue000", slots)


@pytest.mark.parametrize("text", ["", "plain", "%s", "é %(x)s<b>{y}</b> &nbsp; %s %s", "{{ a }}{a}"])
def test_restoring_undoes_masking(text):
    assert restore(*mask(text)) == text


def test_more_placeholders_than_slots_stay_text():
    text = " ".join(f"{{a{number}}}" for number in range(MOST + 2))
    masked, slots = mask(text)
    assert len(slots) == MOST
    assert masked.endswith(f"{SLOTS[-1]} {{a16}} {{a17}}")
    assert restore(masked, slots) == text


def test_stray_slots_are_no_placeholders():
    assert mask("a\ue000b") == ("a\ufffdb", [])
    assert restore("a\ue000b\ue005", ["%s"]) == "a%sb"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("_File", "File"),
        ("Save _As...", "Save As..."),
        ("&Open %s", "Open %s"),
        ("snake_case", "snake_case"),
        ("_one and _two", "_one and _two"),
        ("%(a)s &amp; <b>_Go</b>", "%(a)s &amp; <b>Go</b>"),
        ("B & W, __init__, _1", "B & W, __init__, _1"),
    ],
)
def test_accelerators_are_dropped(text, plain):
    assert without_accelerator(text) == plain


def test_an_accelerator_of_the_target_may_be_inside_a_word():
    assert without_accelerators("_Edit %(my_x)s", "É_diter %(my_x)s") == ("Edit %(my_x)s", "Éditer %(my_x)s")
    assert without_accelerators("Edit snake_case", "Éditer snake_case") == ("Edit snake_case", "Éditer snake_case")

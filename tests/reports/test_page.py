import base64
import io
import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unroll.errors import UserError
from unroll.reports import exhibits, motion, page
from unroll.reports.exhibits import Exhibit
from unroll.reports.results import Row

SCRIPT = '"><script>alert(1)</script>'
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")
HISTORY = {"step": [1.0, 2.0], "seconds": [1.0, 2.0], "train_loss": [2.0, 1.0], "word_error_rate": [0.9, 0.5]}


class Elements(HTMLParser):
    """The elements of a page as (tag, attributes), and its text; asserts that they are properly nested."""

    VOID = ("meta", "link", "img", "br", "source")

    def __init__(self, html: str):
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.stack = "", []
        self.feed(html)
        assert not self.stack

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    @property
    def sources(self) -> list[str]:
        return [value for _, attributes in self.found for name, value in attributes.items() if name in ("src", "href")]


def row(model: str, rate: float, task: str = "digits") -> Row:
    return Row("speech", task, model, {"word_error_rate": rate, "parameters": 1200, "train_seconds": 3.0})


def task(name: str, rows: list[Row], folder: Path, **histories: list) -> page.Task:
    figures = {r.model: folder / r.model for r in rows}
    trained = {r.model: histories.get(r.model, []) for r in rows}
    return page.Task("speech", name, f"About {name}.", rows, trained, figures)


def field(*tasks: page.Task) -> page.Field:
    return page.Field("speech", "Speech", "Recordings to text.", list(tasks))


def show(folder: Path, *shown: Exhibit) -> None:
    folder.mkdir(parents=True)
    for name in {one.image for one in shown} | {one.audio for one in shown}:
        if name and "/" not in name:
            (folder / name).write_bytes(PNG)
    exhibits.write(folder, list(shown))


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> page.Field:
    """A field with two models that have everything, a task of folds and a task without models."""
    tmp_path = tmp_path_factory.mktemp("full")
    right = Exhibit("Examples", "test-1", "Of theo.", "1.png", "1.ogg", [("said", "one"), ("heard", "one")], True)
    wrong = Exhibit("Examples", "test-2", "", None, "2.ogg", [("said", "two"), ("heard", SCRIPT)], False)
    show(tmp_path / "gru", Exhibit("Errors", "By length", "Longer is harder.", "1.png"), right, wrong)
    show(tmp_path / "rnn", Exhibit("Errors", "By length of rnn", image="1.png"))
    digits = task("digits", [row("gru", 0.02), row("rnn", 0.05)], tmp_path, gru=[HISTORY], rnn=[HISTORY])
    unseen = task("unseen", [row("gru_", 0.1, "unseen")], tmp_path, gru_=[HISTORY, HISTORY])
    return field(digits, unseen, task("commands", [], tmp_path))


@pytest.fixture(scope="module")
def pages(full) -> dict[str, str]:
    """The pages of that field alone by their file names."""
    return {"index.html": page.front([full]), "pages/speech.html": page.field([full], full)}


def test_a_field_page_shows_tables_curves_and_exhibits(pages):
    elements = Elements(pages["pages/speech.html"])
    assert [section["id"] for section in elements.all("section")] == ["digits", "unseen", "commands"]
    assert elements.text.count("No model of this task has been evaluated yet.") == 1
    assert "A closer look: gru" in elements.text
    assert elements.text.index("By length") < elements.text.index("test-1") < elements.text.index("The same for rnn")
    assert [a["class"] for a in elements.all("figure") if "class" in a] == ["plain", "right", "wrong", "plain"]
    assert len(elements.all("audio")) == 2
    assert len(elements.all("details")) == 1
    assert "<strong>2.0 %</strong>" in pages["pages/speech.html"]


def test_every_picture_has_words(pages):
    words = [image["alt"] for image in Elements(pages["pages/speech.html"]).all("img")]
    assert words == [
        "Learning curves of speech/digits: the validation score and the training loss of gru, rnn against seconds of "
        "training.",
        "By length. Longer is harder.",
        "test-1. Of theo.",
        "By length of rnn",
        "Learning curves of speech/unseen: the validation score and the training loss of gru_ against seconds of "
        "training.",
    ]


def test_pages_hold_all_they_show(pages):
    for html in pages.values():
        elements = Elements(html)
        assert not re.search(r"""url\(|@import|<script|(src|href)=["']?(https?:)?//""", html)
        for source in elements.sources:
            assert source.startswith(("data:", "#")) or re.fullmatch(r"(\.\./|pages/)?\w+\.html(#\w+)?", source)
        for source in filter(lambda source: source.startswith("data:") and source != "data:,", elements.sources):
            kind, content = re.fullmatch(r"data:([a-z]+/[a-z]+);base64,(.+)", source).groups()
            assert base64.b64decode(content, validate=True).startswith(PNG[:8])
            assert kind in page.TYPES.values()
        assert any("default-src 'none'" in meta.get("content", "") for meta in elements.all("meta"))
        assert any(meta.get("name") == "viewport" for meta in elements.all("meta"))


def test_links_between_pages_lead_somewhere(pages):
    parsed = {name: Elements(html) for name, html in pages.items()}
    for name, elements in parsed.items():
        for link in elements.all("a"):
            target, _, anchor = link["href"].partition("#")
            page_name = posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) if target else name
            ids = [a["id"] for _, a in parsed[page_name].found if "id" in a]
            assert not anchor or anchor in ids


def test_the_front_page_has_the_results_of_every_task(pages):
    text = " ".join(Elements(pages["index.html"]).text.split())
    assert "Recordings to text." in text
    assert "speech/digits Word error rate ↓ gru2.0 %1.2 k3.0 s–" in text
    assert "speech/unseen Word error rate ↓ gru_10.0 %1.2 k3.0 s–" in text
    assert "speech/commands" not in text


def test_hostile_text_stays_text(tmp_path):
    model = '"><script>alert(1)'
    show(tmp_path / model, Exhibit(SCRIPT, SCRIPT, SCRIPT, "1.png", "1.ogg", [(SCRIPT, SCRIPT)], False))
    one = task("digits", [row(model, 0.5)], tmp_path)._replace(about=SCRIPT)
    hostile = page.Field("speech", SCRIPT, SCRIPT, [one])
    for html in (page.front([hostile]), page.field([hostile], hostile)):
        elements = Elements(html)
        assert "script" not in [tag for tag, _ in elements.found]
        assert SCRIPT in elements.text


@pytest.mark.parametrize("image", ["../1.png", "/etc/hostname", "gone.png", ""])
def test_exhibits_name_only_files_beside_them(tmp_path, image):
    (tmp_path / "1.png").write_bytes(PNG)
    (tmp_path / "gru").mkdir()
    exhibits.write(tmp_path / "gru", [Exhibit("Errors", "one", image=image)])
    one = field(task("digits", [row("gru", 0.1)], tmp_path))
    with pytest.raises(UserError, match="is not a file beside"):
        page.field([one], one)


def test_only_known_kinds_of_file_are_shown(tmp_path):
    with pytest.raises(UserError, match=r"a\.svg: a page shows only \.png"):
        page.data_uri(tmp_path / "a.svg")


def test_sections_keep_the_order_of_their_first_exhibits(tmp_path):
    show(tmp_path / "gru", *(Exhibit(section, title) for section, title in ("Zb", "Aa", "Zc")))
    (gallery,) = page.galleries(task("digits", [row("gru", 0.1)], tmp_path))
    titles = {name: [card.exhibit.title for card in cards] for name, cards in gallery.sections}
    assert list(titles.items()) == [("Z", ["b", "c"]), ("A", ["a"])]


def test_the_same_inputs_give_the_same_pages(full, pages):
    assert {"index.html": page.front([full]), "pages/speech.html": page.field([full], full)} == pages


def test_nothing_yet_is_fine():
    empty = field()
    assert "No model of this field has been evaluated yet." in page.front([empty])
    assert "The project has no fields yet." in page.front([])
    assert Elements(page.field([empty], empty)).all("h1")
    assert page.readme([]).startswith("# Results\n")


def test_readme_has_all_results(full):
    text = page.readme([full])
    assert "\n| speech/digits | Word error rate ↓ | gru | **2.0 %** | 1.2 k | 3.0 s | – |\n" in text
    assert "\n| gru | **2.0 %** | 1.2 k | 3.0 s | – |\n" in text
    assert "### speech/commands\n\nAbout commands.\n\nNot evaluated yet.\n" in text


@pytest.fixture(scope="module")
def moving(tmp_path_factory) -> str:
    """The page of a field with a section of loops and one of a loop beside a picture."""
    folder = tmp_path_factory.mktemp("moving")
    clips = [Exhibit("Clips", name, image=f"{name}.gif", lines=[("found", name)], verdict=True) for name in ("a", "b")]
    mixed = [Exhibit("Mixed", "c", image="c.gif"), Exhibit("Mixed", "d", image="d.png")]
    show(folder / "gru", *clips, *mixed)
    for number, name in enumerate(("a", "b", "c")):
        motion.loop(folder / "gru" / f"{name}.gif", np.full((2, 8, 8), 30 * number, np.uint8), 12.0)
    return page.field([], field(task("digits", [row("gru", 0.1)], folder)))


def test_loops_stand_side_by_side(moving):
    assert [a["class"] for a in Elements(moving).all("div") if "gallery" in a.get("class", "")] == [
        "gallery small",
        "gallery",
    ]


def test_a_loop_stands_still_for_who_wants_that_and_on_paper(moving):
    elements = Elements(moving)
    stills, images = elements.all("source"), elements.all("img")
    assert [still["media"] for still in stills] == ["print, (prefers-reduced-motion: reduce)"] * 3
    for number, still in enumerate(stills):
        kind, _, content = still["srcset"].partition(",")
        assert kind == "data:image/png;base64"
        with Image.open(io.BytesIO(base64.b64decode(content))) as first:
            assert abs(first.convert("L").getpixel((4, 4)) - 30 * number) < 5
    assert [image["src"].partition(";")[0] for image in images] == ["data:image/gif"] * 3 + ["data:image/png"]
    assert [image["alt"] for image in images] == ["a", "b", "c", "d"]

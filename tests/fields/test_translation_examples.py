"""What is learned and tested on: splits without relatives, and the tables of both tasks."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.fields import translation
from unroll.fields.translation import splits

NOUNS = ["apple", "bridge", "candle", "dolphin", "engine", "forest", "guitar", "hammer", "island", "jacket"]
VERBS = {
    "open": "ouvrir",
    "delete": "supprimer",
    "export": "exporter",
    "rename": "renommer",
    "synchronise": "synchroniser",
}


def words(count: int) -> list[str]:
    """Words of eight letters that are no relatives."""
    rng = np.random.default_rng(0)
    return ["".join(rng.choice(list("bcdfghjklmnpqrtvwxz"), 8)) for _ in range(count)]


def table(path: Path, pairs: list[tuple[str, str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{source}\t{target}\n" for source, target in pairs))
    return path


def catalogue(folder: Path, pairs: list[tuple[str, str]]) -> None:
    folder.mkdir()
    entries = (f'msgid "{source}"\nmsgstr "{target}"\n' for source, target in pairs)
    (folder / "messages.po").write_text("\n".join(entries))


def interface(source: Path, valid: int = 2, test: int = 3, longest_words: int = 12, seed: int = 0) -> dict[str, list]:
    settings = SimpleNamespace(source=str(source), valid=valid, test=test, longest_words=longest_words)
    return {split: list(rows) for split, _, rows in translation.prepare("interface", settings, seed)}


def pronunciation(source: Path, valid: int, test: int) -> dict[str, list]:
    settings = SimpleNamespace(source=str(source), valid=valid, test=test)
    return {split: list(rows) for split, _, rows in translation.prepare("pronunciation", settings, 0)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Delete the selected images", "Delete the selected image?"),
        ("Save 3 pages now", "save pages: now"),
        ("Copy all categories", "Copy all category"),
        ("The discount has been deleted.", "The discounts have been deleted"),
        ("Chinese (Traditional)", "Traditional Chinese"),
    ],
)
def test_near_duplicates(one, other):
    first, second, third = splits.near_duplicates([one, other, "Something else altogether"], "here")
    assert first == second != third


def test_near_duplicates_are_linked_by_chains_and_over_blocks(monkeypatch):
    monkeypatch.setattr(splits, "TOGETHER", 3)
    texts = ["copy the page", "copy this page", "copies this pages", *words(20)]
    groups = splits.near_duplicates(texts, "here")
    assert len(set(groups[:3])) == 1
    assert sorted(Counter(groups).values()) == [1] * 20 + [3]


def test_different_texts_are_no_near_duplicates():
    texts = ["Open", "Close", "Delete page", "Create a site", "Rename this folder", "Go to the last page"]
    assert len(set(splits.near_duplicates(texts, "here"))) == len(texts)


def test_families_of_words():
    words = ["abandon", "abandoned", "abandonment's", "abandonment", "hope", "hoping", "stop", "stopped", "happy"]
    words += ["happiness", "happily", "internation", "internationalists", "tomato", "boss'", "boss", "hop", "cat", "at"]
    groups = dict(zip(words, splits.families(words), strict=True))
    families = [["abandon", "abandoned", "abandonment's", "abandonment"], ["hope", "hoping"], ["stop", "stopped"]]
    families += [["happy"], ["internation", "internationalists"], ["tomato"], ["boss'", "boss"], ["cat"], ["at"]]
    for family in families:
        assert len({groups[word] for word in family}) == 1
    assert len({groups[family[0]] for family in families}) == len(families)
    assert groups["hop"] == groups["hope"]  # hoping could be of either


def test_no_group_is_on_two_sides_and_large_ones_are_trained_on():
    groups = [0] * 30 + [number for number in range(1, 60) for _ in range(3)] + list(range(60, 80))
    sides = splits.drawn(groups, valid=20, test=40, seed=1, where="here")
    assert Counter(sides) == {"train": len(groups) - 60, "test": 40, "valid": 20}
    assert len({*zip(groups, sides, strict=True)}) == 80
    assert set(sides[:30]) == {"train"}
    assert sides == splits.drawn(groups, 20, 40, 1, "here") != splits.drawn(groups, 20, 40, 2, "here")


def test_too_few_to_test_on_are_refused():
    with pytest.raises(UserError, match=r"here: 10 are too few to validate on 3 and test on 3: lower the keys"):
        splits.drawn(range(10), 3, 3, 0, "here")


def test_pairs_of_several_packages_become_rows(tmp_path):
    names = words(30)
    catalogue(tmp_path / "one", [(f"_Open  {name} %s", f"O_uvrir l’{name}\u00a0: %s") for name in names[:20]])
    catalogue(tmp_path / "two", [(f"Open {name} %s", f"Ouvrir {name} %s") for name in names[10:]])
    found = interface(tmp_path)
    rows = [row for split in splits.SPLITS for row in found[split]]
    assert {row["source"]: row["words"] for row in rows} == {f"Open {name} %s": 3 for name in names}
    assert [len({row["source"] for row in found[split]}) for split in splits.SPLITS] == [25, 2, 3]
    assert {row["package"] for row in rows} == {"one", "two"}
    by_source = {row["source"]: row for row in rows}
    assert by_source[f"Open {names[0]} %s"]["target"] == f"Ouvrir l'{names[0]} : %s"
    assert by_source[f"Open {names[12]} %s"]["references"] == [f"Ouvrir l'{names[12]} : %s", f"Ouvrir {names[12]} %s"]
    assert len({row["id"] for row in rows}) == len(rows)
    repeated = Counter(row["source"] for row in found["train"])
    assert {repeated[f"Open {name} %s"] for name in names[10:20]} <= {0, 2}
    assert all(row["target"] == row["references"][0] for row in found["valid"] + found["test"])


def test_no_source_and_no_near_duplicate_is_on_two_sides(tmp_path):
    pairs = [
        (f"{verb.title()} the {noun}{end}", f"{own} {noun}")
        for verb, own in VERBS.items()
        for noun in NOUNS
        for end in ("", "s!")
    ]
    found = interface(table(tmp_path / "a.tsv", pairs), valid=10, test=20)
    side = {row["source"]: split for split, rows in found.items() for row in rows}
    assert Counter(side.values()) == {"train": 70, "valid": 10, "test": 20}
    for verb in VERBS:
        for noun in NOUNS:
            assert side[f"{verb.title()} the {noun}"] == side[f"{verb.title()} the {noun}s!"]


def test_what_is_no_text_to_learn_from_is_left_out(tmp_path):
    good = [(name, f"le {name}") for name in words(10)]
    bad = [
        ("%(number)d %", "%(number)d %"),
        ("12:30", "12 h 30"),
        ("Family_Editor_dialog", "Le dialogue"),
        ("This is not translated", "This is not translated"),
        ("%s: this is not", "%s: this is not"),
        ("word " * 13, "mot"),
        ("a word", "mot " * 13),
    ]
    kept = [
        ("URL", "URL"),
        ("Wagtail API", "Wagtail API"),
        ("Set intersphinx_mapping to", "Mettre intersphinx_mapping à"),
    ]
    found = interface(table(tmp_path / "a.tsv", good + bad + kept))
    sources = {row["source"] for rows in found.values() for row in rows}
    assert sources == {source for source, _ in good + kept}


def test_the_splits_that_parallel_files_state_are_kept(tmp_path):
    for split, names in {"train": ["Copy", "Open", "Quit"], "valid": ["Paste"], "test": ["Quit", "Save"]}.items():
        (tmp_path / f"{split}.en").write_text("".join(f"{name}\n" for name in names))
        (tmp_path / f"{split}.fr").write_text("".join(f"{name} en français\n" for name in names))
    found = interface(tmp_path)
    assert {split: [row["source"] for row in rows] for split, rows in found.items()} == {
        "train": ["Copy", "Open"],
        "valid": ["Paste"],
        "test": ["Quit", "Save"],
    }


def test_packages_are_the_folders_and_ids_tell_their_strings_apart(tmp_path):
    for package, names in {"my.app": words(10), "my.lib": words(20)[10:]}.items():
        catalogue(tmp_path / package, [(name, f"le {name}") for name in names])
    rows = [row for own in interface(tmp_path).values() for row in own]
    assert Counter(row["package"] for row in rows) == {"my.app": 10, "my.lib": 10}
    assert len({row["id"] for row in rows}) == 20
    assert all(row["id"].startswith(f"{row['package']}-") for row in rows)


def test_packages_of_two_languages_are_refused(tmp_path):
    for language in ("de", "fr"):
        catalogue(tmp_path / language, [("", f"Language: {language}\\n"), ("Copy", "x")])
    with pytest.raises(UserError, match="has catalogues of de, fr: name a folder of one language"):
        interface(tmp_path)


@pytest.mark.parametrize("pairs", [[], [("12", "12"), ("word " * 13, "mot")]])
def test_a_source_of_which_nothing_is_left_is_named(tmp_path, pairs):
    with pytest.raises(UserError, match=r"a\.tsv: no pair is left .* of 12 words .* raise longest_words"):
        interface(table(tmp_path / "a.tsv", pairs))


def test_more_sources_than_can_be_compared_need_splits(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "COMPARED", 19)
    path = table(tmp_path / "a.tsv", [(name, f"le {name}") for name in words(20)])
    with pytest.raises(UserError, match=r"a\.tsv: 20 different texts are too many .*valid\.\* and test\.\*"):
        interface(path)
    assert len(splits.near_duplicates(words(19), "here")) == 19


def test_preparing_is_repeatable_and_depends_on_the_seed(tmp_path):
    path = table(tmp_path / "a.tsv", [(name, f"le {name}") for name in words(40)])
    assert interface(path) == interface(path)
    assert interface(path)["test"] != interface(path, seed=1)["test"]


def test_words_are_rows_and_pronunciations_too_where_they_are_trained_on(tmp_path):
    path = tmp_path / "words.dict"
    names = words(12)
    path.write_text("".join(f"{name} K AE1 T\n{name}(2) K AA1 T\n{name}'s K AE1 T S\n" for name in names))
    found = pronunciation(path, valid=4, test=6)
    side = {row["source"]: split for split, rows in found.items() for row in rows}
    assert len(side) == 24
    assert all(side[name] == side[f"{name}'s"] for name in names)
    assert [len(found[split]) for split in splits.SPLITS] == [7 + 14, 4, 6]
    first = next(name for name in names if side[name] == "train")
    assert [row for row in found["train"] if row["source"] == first] == [
        {"id": first, "source": first, "target": "K AE1 T", "references": ["K AE1 T", "K AA1 T"], "family": first},
        {
            "id": f"{first}(2)",
            "source": first,
            "target": "K AA1 T",
            "references": ["K AE1 T", "K AA1 T"],
            "family": first,
        },
    ]
    assert {row["family"] for row in found["test"]} <= set(names)

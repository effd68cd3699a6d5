"""The whole road of music, shrunk: reproduced, changed, and used to write music and to set melodies of one's own."""

import numpy as np
import pytest

from unroll.fields.music.chorales import VOICES
from unroll.sources import abc, abc_bars, score_writing, scores
from unroll.sources.clock import clock_of
from unroll.sources.scores import Key

HEADLINES = {"chorales": "nats_per_step", "tunes": "bits_per_character"}
MODELS = {"chorales": "lstm", "tunes": "mingru"}
BASELINES = {"chorales": "voice_counts", "tunes": "ngram"}
CHORDS = ((72, 67, 64, 48), (74, 67, 62, 55), (76, 67, 60, 48), (77, 69, 60, 53), (79, 67, 59, 55), (72, 69, 65, 53))
BARS = ("G2B2 d2B2", "c2e2 A2c2", "d2ef gfed", "B2A2 G2A2", "e4 d2c2", "d2B2 A2F2", "gfga g2d2", "A2Bc B4", "g2d2 e2c2")
DRUMS = b"MThd\0\0\0\6\0\0\0\1\0\4MTrk\0\0\0\x0d\0\x99\x26\x40\4\x89\x26\0\0\xff\x2f\0"  # one stroke of the snare


def write_chorale(path, rng, bars=4):
    """Chords of C major, a quarter each, at random but for the last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chords = np.array([*rng.choice(CHORDS, 4 * bars - 1), CHORDS[0]], np.int16)
    voices = np.stack([chords, -chords, -chords, -chords], axis=1).reshape(-1, len(VOICES))
    score_writing.write_voices(path, voices, clock_of("4/4", len(voices)), "4/4", Key(0, "major"), VOICES, 80)


@pytest.fixture(scope="module")
def project(project_of, tmp_path_factory):
    """Chorales and tunes in the folders and forms of music21's corpus, few and plain enough to be learned."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("made")
    corpus = folder / "music21/music21/corpus"
    for number in range(12):
        write_chorale(corpus / f"bach/bwv{number}.xml", rng)
    for collection in ("essenFolksong", "ryansMammoth"):
        (corpus / collection).mkdir()
        tunes = [" | ".join(rng.choice(BARS, 15)) for _ in range(20)]
        text = [f"X:{i}\nT: Number {i}\nM:4/4\nL:1/8\nK:G\n{tune} | G8 |]\n" for i, tune in enumerate(tunes, 1)]
        (corpus / collection / "all.abc").write_text("\n".join(text))

    def shrink(music):
        for task, block in music.items():
            for kind, names in (("models", MODELS), ("baselines", BASELINES)):
                block[kind] = {names[task]: block[kind][names[task]]}
            block["models"][MODELS[task]]["recurrent"] |= {"hidden": 48, "layers": 1, "dropout": 0.0}
        music["chorales"]["transpositions"] = [0, 2]
        music["tunes"]["models"]["mingru"] |= {"steps": 20_000, "learning_rate": 0.02}

    return project_of("music", ["music21"], shrink, folder.joinpath)


@pytest.mark.parametrize("task", HEADLINES)
def test_every_model_and_baseline_is_measured(project, task):
    for kind in (MODELS, BASELINES):
        found = project.metrics(f"music/{task}", kind[task])
        assert next(iter(found)) == HEADLINES[task]
        assert found[HEADLINES[task]] > 0
        assert any(name.startswith("predict_seconds_per_") for name in found)
        assert found.get("baseline", False) == (kind is BASELINES)


def test_what_is_written_is_measured_beside_what_is_real(project):
    found = project.metrics("music/tunes", "mingru")
    assert found["bars_right"] > 0.8 > found["bars_right_shuffled"]
    assert found["bars_right_real"] == 1
    found = project.metrics("music/chorales", "voice_counts")
    assert found["crossed_share"] > found["crossed_share_bach"] == 0
    assert project.predictions("music/chorales", "lstm")[0] == "id,title,sixteenths,nats_per_step,accuracy"


def test_the_report_shows_every_model_and_lets_what_it_wrote_be_heard(project):
    table = (project.path / "reports/README.md").read_text()
    page = (project.path / "reports/pages/music.html").read_text()
    for task in HEADLINES:
        assert f"music/{task}" in table
        assert all(kind[task] in table and kind[task] in page for kind in (MODELS, BASELINES))
    titles = [f"Tune {seed}" for seed in range(1, 6)] + ["Chorale 1", "Chorale 2", "by Bach"]
    assert all(title in page for title in titles)
    assert page.count("<audio") >= len(titles)
    assert 'src="http' not in page


def test_a_second_run_has_nothing_to_do(project):
    assert "Data and pipelines are up to date" in project.run("dvc", "repro")


@pytest.mark.parametrize(
    ("parameter", "value", "stages"),
    [
        ("tunes.models.mingru.history", 2, {"train_tunes@mingru", "evaluate_tunes@mingru"}),
        ("chorales.baselines.voice_counts.novelty", 1.0, {"baseline_chorales@voice_counts"}),
    ],
)
def test_a_parameter_makes_only_that_stale_which_reads_it(project, parameter, value, stages):
    with project.changed({f"music.{parameter}": value}):
        assert project.stages_run("--dry", "--force-downstream") == stages | {"report"}


def test_composing_a_tune(project, tmp_path):
    """The bars are as long as the metre says; the same seed gives the same tune in another format."""
    paths = [tmp_path / "tune.abc", tmp_path / "tune.musicxml"]
    for path in paths:
        asked = ("--key", "G", "--bars", "4", "--seed", "3", "-o", str(path))
        said = f"wrote {path.name}: 4 bars in G; 2 of 2 inner bars add up\n"
        assert project.run("unroll.cli", "compose", *asked) == said
    (tune,) = abc.read_tunes(paths[0])
    assert tune.text.startswith("M:4/4\nL:1/8\nK:G\n")
    assert [bar.length for bar in abc_bars.bars(tune.text)] == [1] * 4
    played = scores.parse(paths[1])
    assert played.metre == "4/4"
    assert (played.voices[:, 0] > 0).sum() == len(abc.heights(tune.text))


def test_the_same_seed_writes_the_same_chorale(project, tmp_path):
    paths = [tmp_path / "one.mid", tmp_path / "two.mid"]
    for path in paths:
        asked = ("--task", "music/chorales", "--metre", "3/4", "--bars", "2", "--seed", "3", "-o", str(path))
        assert project.run("unroll.cli", "compose", *asked) == f"wrote {path.name}: 2 bars in G major\n"
    one, two = (path.read_bytes() for path in paths)
    assert one == two
    assert one.startswith(b"MThd")


def test_harmonising_a_melody(project, tmp_path):
    """Unknown fields, chords and lyrics do no harm; the melody stays as it is."""
    melody, path = tmp_path / "melody.abc", tmp_path / "chorale.musicxml"
    melody.write_text("X:1\nT:Mine\nY:unknown\nM:4/4\nL:1/4\nK:C\nc d [ce] g | f e d2 |\nw:some words\nc4 |]\n")
    said = project.run("unroll.cli", "harmonise", str(melody), "-o", str(path)).splitlines()
    assert said == ["note: taken to be in C major, as the file states", "wrote chorale.musicxml: 3 bars in C major"]
    found = scores.parse(path)
    assert found.voices.shape == (48, len(VOICES))
    begun = found.voices[:, 0]
    assert begun[begun > 0].tolist() == [72, 74, 76, 79, 77, 76, 74, 72]


def test_drums_alone_are_no_melody(project, tmp_path):
    path = tmp_path / "drums.mid"
    path.write_bytes(DRUMS)
    said = project.refused("unroll.cli", "harmonise", str(path), "-o", str(tmp_path / "chorale.mid"))
    assert "drums.mid has no note of a pitch that lasts a sixteenth or longer, only drums" in said

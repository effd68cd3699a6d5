import json

import pytest

from unroll.errors import UserError
from unroll.sources import manifest
from unroll.sources.manifest import Utterance

GOOD = '{"audio_filepath": "a.wav", "text": "one"}'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "a.wav").touch()
    (tmp_path / "clips" / "b.flac").touch()
    return tmp_path


def test_read_gives_the_utterances_in_order(folder):
    lines = [
        {"audio_filepath": "clips/b.flac", "text": " zwölf \n", "split": "test", "speaker": "anna", "duration": 1.5},
        {"audio_filepath": str(folder / "a.wav"), "text": "one", "speaker": 7, "offset": 0.0},
    ]
    (folder / "manifest.jsonl").write_text("\n\n".join(json.dumps(line) for line in lines) + "\n")
    assert manifest.read(folder) == [
        Utterance(folder / "clips" / "b.flac", "zwölf", "test", "anna"),
        Utterance(folder / "a.wav", "one", None, "7"),
    ]


def test_read_accepts_a_manifest_saved_on_windows(folder):
    (folder / "manifest.jsonl").write_bytes(b"\xef\xbb\xbf" + GOOD.encode() + b"\r\n" + GOOD.encode() + b"\r\n")
    assert manifest.read(folder) == [Utterance(folder / "a.wav", "one")] * 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{not json", "not JSON"),
        ('["a.wav", "one"]', "not a JSON object"),
        ('{"text": "one"}', "audio_filepath is missing"),
        ('{"audio_filepath": "a.wav"}', "text is missing"),
        ('{"audio_filepath": "a.wav", "text": " "}', "text is ' '"),
        ('{"audio_filepath": "a.wav", "text": null}', "text is None"),
        ('{"audio_filepath": 5, "text": "one"}', "audio_filepath is 5"),
        ('{"audio_filepath": "gone.wav", "text": "one"}', "gone.wav: paths are relative to"),
        ('{"audio_filepath": "clips", "text": "one"}', "there is no file"),
        ('{"audio_filepath": "a.wav", "text": "one", "split": "dev"}', "write one of train, valid, test"),
        ('{"audio_filepath": "a.wav", "text": "one", "offset": 2.5}', "offset is not supported"),
    ],
)
def test_read_names_the_line_that_is_wrong(folder, line, said):
    (folder / "manifest.jsonl").write_text(f"{GOOD}\n\n{line}\n{GOOD}\n")
    with pytest.raises(UserError) as refused:
        manifest.read(folder)
    assert str(refused.value).startswith(f"{folder / 'manifest.jsonl'}, line 3: ")
    assert said in str(refused.value)


def test_read_refuses_a_folder_without_recordings(folder):
    with pytest.raises(UserError, match=r"manifest\.jsonl is missing"):
        manifest.read(folder)
    with pytest.raises(UserError, match=r"manifest\.jsonl is missing"):
        manifest.read(folder / "a.wav")
    (folder / "manifest.jsonl").write_text("\n \n")
    with pytest.raises(UserError, match="lists no recording"):
        manifest.read(folder)
    (folder / "manifest.jsonl").write_bytes(b'{"text": "\xff"}')
    with pytest.raises(UserError, match="not text in UTF-8"):
        manifest.read(folder)


def test_write_gives_the_same_lines_each_time_with_paths_inside_the_folder(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("elsewhere") / "c.wav"
    outside.touch()
    utterances = [
        Utterance(folder / "clips" / "b.flac", "zwölf\u2028dreizehn", "train", "anna"),
        Utterance(outside, "one"),
    ]
    manifest.write(folder, utterances)
    assert (folder / "manifest.jsonl").read_bytes().decode() == (
        '{"audio_filepath": "clips/b.flac", "speaker": "anna", "split": "train", "text": "zwölf\u2028dreizehn"}\n'
        f'{{"audio_filepath": "{outside.as_posix()}", "text": "one"}}\n'
    )
    assert manifest.read(folder) == utterances

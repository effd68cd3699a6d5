import os
import tempfile

import pytest

from unroll.files import check_writable, opened, sha256, written_whole


def test_a_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "deep" / "er" / "a.txt"
    with written_whole(path) as fresh:
        fresh.write_text("new")
        assert fresh.name == "a.txt"
        assert not path.exists()
    assert path.read_text() == "new"
    assert os.listdir(path.parent) == ["a.txt"]


def test_a_file_is_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old, and longer")
    with written_whole(tmp_path / "a.txt") as fresh:
        fresh.write_text("new")
        number = fresh.stat().st_ino
        assert (tmp_path / "a.txt").read_text() == "old, and longer"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "a.txt").stat().st_ino == number  # renamed, not copied


def failing(path, error: type[BaseException]) -> None:
    """Writes half of a file and raises."""
    with written_whole(path) as fresh:
        fresh.write_text("half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_file_and_nothing_beside_it(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error):
        failing(tmp_path / "a.txt", error)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_never_replaces_a_folder(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "precious").write_text("old")
    with pytest.raises(IsADirectoryError, match="work"), opened(folder) as out:
        out.write("new")
    assert (folder / "precious").read_text() == "old"
    assert os.listdir(tmp_path) == ["work"]


def test_a_folder_is_replaced_with_all_that_was_in_it(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "stale").write_text("old")
    with written_whole(tmp_path / "model") as fresh:
        fresh.mkdir()
        (fresh / "weights").write_text("new")
        assert os.listdir(tmp_path / "model") == ["stale"]
    assert os.listdir(tmp_path / "model") == ["weights"]
    assert os.listdir(tmp_path) == ["model"]


def test_an_exception_leaves_the_old_folder_and_nothing_beside_it(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "stale").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        failing(tmp_path / "model", KeyboardInterrupt)
    assert os.listdir(tmp_path / "model") == ["stale"]
    assert os.listdir(tmp_path) == ["model"]


def test_a_link_to_a_folder_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "kept").write_text("old")
    (tmp_path / "model").symlink_to(tmp_path / "store")
    with written_whole(tmp_path / "model") as fresh:
        fresh.mkdir()
    assert not (tmp_path / "model").is_symlink()
    assert os.listdir(tmp_path / "store") == ["kept"]


def test_a_place_to_write_at_is_looked_at_and_left_as_it_is(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    check_writable(tmp_path / "old.txt")
    check_writable(tmp_path / "deep" / "er" / "new.txt")
    assert os.listdir(tmp_path) == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


def test_a_place_where_no_file_can_be_is_refused_by_name(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    with pytest.raises(IsADirectoryError) as caught:
        check_writable(tmp_path)
    assert caught.value.filename == str(tmp_path)
    with pytest.raises(NotADirectoryError) as caught:
        check_writable(tmp_path / "old.txt" / "new.txt")
    assert caught.value.filename == str(tmp_path / "old.txt" / "new.txt")


def test_a_place_that_may_not_be_written_in_is_refused_by_name(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied", f"{dir}/tmp1234")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(PermissionError) as caught:
        check_writable(tmp_path / "deep" / "new.txt")
    assert caught.value.filename == str(tmp_path / "deep" / "new.txt")


def test_sha256_literally(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_results_go_to_a_whole_file_or_to_standard_output(tmp_path, capsys):
    with opened(None) as out:
        print("a", file=out)
    assert capsys.readouterr().out == "a\n"
    with opened(tmp_path / "b.txt") as out:
        print("b", file=out)
        assert not (tmp_path / "b.txt").exists()
    assert (tmp_path / "b.txt").read_bytes() == b"b\n"

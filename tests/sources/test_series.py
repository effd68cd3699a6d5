from pathlib import Path

import numpy as np
import pytest

from unroll.errors import UserError
from unroll.sources import series

HOUR = 3600


@pytest.fixture
def written(tmp_path):
    """Writes text as ``load.csv`` and gives its path."""

    def write(text: str | bytes, name: str = "load.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_a_file_without_names_is_one_series_called_after_it(written):
    (found,) = series.read_csv(written("ds,y\n2024-01-31 22:00,1\n2024-01-31 23:00,2.5\n2024-02-01 00:00,-3e1\n"))
    assert found.id == "load"
    assert found.start == np.datetime64("2024-01-31T22:00:00")
    assert (found.step, found.known, found.covariates) == (HOUR, 3, {})
    assert found.y.tolist() == [1.0, 2.5, -30.0]
    assert str(found.stamps[2]) == "2024-02-01T00:00:00"


def test_rows_in_any_order_of_several_series_with_covariates(written):
    text = "unique_id,ds,y,wind\nb,2024-01-02,4,0.4\na,2024-01-03,2,\nb,2024-01-01,3,0.3\na,2024-01-02,1,0.1\n"
    b, a = series.read_csv(written(text))
    assert (b.id, b.y.tolist(), b.covariates["wind"].tolist()) == ("b", [3.0, 4.0], [0.3, 0.4])
    assert (a.id, a.y.tolist(), a.start) == ("a", [1.0, 2.0], np.datetime64("2024-01-02T00:00:00"))
    assert a.covariates["wind"][0] == 0.1
    assert np.isnan(a.covariates["wind"][1])


def test_gaps_become_missing_values(written):
    rows = ["2024-01-01 00:00,1", "2024-01-01 01:00,", "2024-01-01 02:00,NA", "2024-01-01 05:00,6"]
    (found,) = series.read_csv(written("ds,y\n" + "\n".join(rows)))
    assert found.step == HOUR
    np.testing.assert_array_equal(found.y, [1, np.nan, np.nan, np.nan, np.nan, 6])
    assert found.known == 6


def test_rows_at_the_end_with_covariates_but_no_value_are_the_future(written):
    text = "ds,y,holiday\n2024-01-01,5,0\n2024-01-02,6,0\n2024-01-03,,1\n2024-01-04,,0\n"
    (found,) = series.read_csv(written(text))
    assert found.known == 2
    assert found.covariates["holiday"].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffds,y\n2024-01-01,1\n2024-01-02,2\n",
        "ds,y\r\n2024-01-01,1\r\n2024-01-02,2\r\n",
        "ds,y\n\n2024-01-01, 1\n\n2024-01-02,2 \n\n",
        "y, ds\n1,2024-01-01\n2,2024-01-02\n",
        "ds,y\n2024-01-01T02:00:00+02:00,1\n2024-01-02T00:00:00Z,2\n",
    ],
    ids=["mark", "windows", "blank lines", "other order", "time zones"],
)
def test_ways_to_write_the_same(written, text):
    (found,) = series.read_csv(written(text))
    assert found.y.tolist() == [1.0, 2.0]
    assert found.start == np.datetime64("2024-01-01T00:00:00")
    assert found.step == 24 * HOUR


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "load.csv cannot be read as CSV"),
        ("ds,y\n", "load.csv has no rows"),
        ("ds,value\n2024-01-01,1\n", "load.csv, line 1: no column y"),
        ("time,y\n2024-01-01,1\n", "load.csv, line 1: no column ds"),
        ("ds,y,y\n2024-01-01,1,2\n", "load.csv, line 1: two columns are called 'y'"),
        ("ds,y\n2024-01-01,1\n", "load.csv, line 2: load has one row only"),
        ("ds,y\n2024-01-01,1\n2024-01-02,many\n", "load.csv, line 3: y: 'many' is not a number"),
        ("ds,y\n2024-01-01,1\n\n2024-01-02,inf\n", "load.csv, line 4: y: 'inf' is not a number"),
        ("ds,y,wind\n2024-01-01,1,2\n2024-01-02,1,1_0\n", "load.csv, line 3: wind: '1_0' is not a number"),
        ("ds,y\n2024-01-01,1\n31/01/2024,2\n", "load.csv, line 3: '31/01/2024' is not a stamp"),
        ("ds,y\n2024-01-01,1\n,2\n", "load.csv, line 3: '' is not a stamp"),
        ("ds,y\n2024-01-01,1\n2024-01-02,2,3\n", "load.csv cannot be read as CSV: .*line 3"),
        (
            "ds,y\n2024-01-02,1\n2024-01-01,2\n2024-01-02,3\n",
            "load.csv, lines 2 and 4: load has two rows with the same stamp",
        ),
        (
            "unique_id,ds,y\na,2024-01-01,1\na,2024-01-01,2\n",
            "load.csv, lines 2 and 3: a has two rows with the same stamp",
        ),
        (
            "ds,y\n2024-01-01 00:00,1\n2024-01-01 01:00,1\n2024-01-01 02:00,1\n2024-01-01 02:50,1\n",
            "load.csv, line 5: load is 3000 s after the row before it, but its steps are 3600 s",
        ),
        (
            "ds,y\n2024-01-01 00:00,1\n2024-01-01 00:01,1\n2024-01-01 00:02,1\n2042-01-01 00:00,1\n",
            "load.csv, line 5: load jumps by 568079880 s",
        ),
        (b"ds,y\n2024-01-01,\xff\n", "load.csv is not text in UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line_and_name(written, text, said):
    with pytest.raises(UserError, match=said):
        series.read_csv(written(text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.csv is missing"):
        series.read_csv(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match="is a folder"):
        series.read_csv(tmp_path)

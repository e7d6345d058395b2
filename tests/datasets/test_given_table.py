"""A CSV file that the user may name: read as text, absent without harm, never written to."""

import pytest
from kedro.io import DatasetError

from covid_xray.datasets import GivenTableDataset


def dataset(path):
    return GivenTableDataset(filepath=path and str(path), columns=["image_id", "split"])


def test_known_columns_are_read_as_text(tmp_path):
    file = tmp_path / "splits.csv"
    file.write_text("n;Image ID;SPLIT\n1;007;NA\n", "utf-8")
    table = dataset(file).load()
    assert table.to_dict("list") == {"image_id": ["007"], "split": ["NA"]}


def test_a_file_that_is_left_out_is_there_and_loads_as_none():
    none = dataset(None)
    assert none.exists()
    assert none.load() is None
    assert none.fingerprint() == "none"


def test_a_fingerprint_changes_with_the_content_alone(tmp_path):
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("image_id,split\na,test\n", "utf-8")
    other.write_bytes(one.read_bytes())
    before = dataset(one).fingerprint()
    assert dataset(other).fingerprint() == before
    one.write_text("image_id,split\nb,test\n", "utf-8")
    assert dataset(one).fingerprint() != before


@pytest.mark.parametrize("ask", [GivenTableDataset.load, GivenTableDataset.fingerprint])
def test_a_missing_file_is_named(tmp_path, ask):
    absent = dataset(tmp_path / "absent.csv")
    assert not absent.exists()
    with pytest.raises(DatasetError, match="absent.csv can't be read.*Check the path"):
        ask(absent)


def test_a_file_that_is_no_csv_is_named(tmp_path):
    file = tmp_path / "splits.xlsx"
    file.write_bytes(b"PK\x03\x04\xff")
    with pytest.raises(DatasetError, match="splits.xlsx: not a CSV file in UTF-8"):
        dataset(file).load()


def test_given_files_are_never_written_to(tmp_path):
    with pytest.raises(DatasetError, match="never writes"):
        dataset(tmp_path / "splits.csv").save("anything")

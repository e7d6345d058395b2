import signal
import subprocess
import sys
import tempfile
import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from covid_xray.datasets import (
    CSVDataset,
    JSONDataset,
    ParquetDataset,
    PickleDataset,
    TextDataset,
)
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.scoring import score_predictions
from covid_xray.whole import remove_partial_files

TABLE = pd.DataFrame({"image_id": ["COVID-1"], "luminosity": [130.5]})
CASES = [
    (CSVDataset, "table.csv", TABLE),
    (ParquetDataset, "table.parquet", TABLE),
    (PickleDataset, "models.pickle", {"svm": [1.5, None]}),
    (JSONDataset, "summary.json", {"epochs": 10}),
    (TextDataset, "tables.md", "# Tables\n"),
]


@pytest.mark.parametrize(("dataset_type", "name", "data"), CASES)
def test_data_come_back_and_nothing_else_stays(tmp_path, dataset_type, name, data):
    dataset = dataset_type(filepath=str(tmp_path / "folder" / name))
    dataset.save(data)
    loaded = dataset.load()
    assert loaded.equals(data) if isinstance(data, pd.DataFrame) else loaded == data
    there = {path.name for path in (tmp_path / "folder").iterdir()}
    assert there == ({name, "table.parquet"} if dataset_type is CSVDataset else {name})


class Unwritable:
    """Something that can't be turned into any of the formats."""

    def __reduce__(self):
        raise TypeError("not to be pickled")


@pytest.mark.parametrize(("dataset_type", "name", "data"), CASES)
def test_a_failed_save_leaves_the_file_as_it_was(tmp_path, dataset_type, name, data):
    dataset = dataset_type(filepath=str(tmp_path / name))
    dataset.save(data)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(DatasetError):
        dataset.save({"epochs": Unwritable()} if dataset_type is JSONDataset else Unwritable())
    assert (tmp_path / name).read_bytes() == before


def _started(folder):
    """Half-written files that hold something already."""
    return [path for path in folder.glob(".table.*.partial.csv") if path.stat().st_size]


def test_a_killed_save_leaves_no_file(tmp_path):
    # A table that takes seconds to write; the process is killed while it does.
    script = (
        "import sys, pandas as pd, numpy as np;"
        "from covid_xray.datasets import CSVDataset;"
        "table = pd.DataFrame(np.random.rand(2_000_000, 4));"
        "print('saving', flush=True);"
        "CSVDataset(filepath=sys.argv[1]).save(table)"
    )
    path = tmp_path / "table.csv"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "saving\n"
    deadline = time.monotonic() + 30
    while not (started := _started(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert started, "the save was not caught midway"
    assert not CSVDataset(filepath=str(path)).exists()
    CSVDataset(filepath=str(path)).save(TABLE)
    remove_partial_files(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"table.csv", "table.parquet"}


# What CSV takes for missing, for a number or for a truth value.
NAMES = ["None", "NA", "nan", "", "1", "007", "TRUE", "1e5", " a ", 'say "no", twice', "é"]


@given(st.lists(st.sampled_from(NAMES) | st.text(max_size=4), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_names_come_back_as_they_were(names):
    table = pd.DataFrame({"label": names, "n": range(len(names)), "score": 0.1})
    with tempfile.TemporaryDirectory() as folder:
        dataset = CSVDataset(filepath=f"{folder}/table.csv")
        dataset.save(table)
        loaded = dataset.load()
    assert loaded["label"].tolist() == names
    assert loaded["n"].dtype == table["n"].dtype
    assert loaded.equals(table.astype(loaded.dtypes.to_dict()))


def test_classes_that_csv_takes_for_missing_count_in_the_scores(tmp_path):
    """`None` and `NA` dropped out of a recall of 0.75, which became 1."""
    classes = ["None", "NA", "1", "TRUE"]
    predictions = pd.DataFrame({"label": classes * 4, "split": "test", "predicted": classes * 4})
    predictions.loc[:3, "predicted"] = classes[::-1]
    predictions = predictions.assign(**{f"probability_{name}": 0.25 for name in classes})
    dataset = CSVDataset(filepath=str(tmp_path / "predictions.csv"))
    dataset.save(predictions)
    intervals = Intervals(n_resamples=100, confidence=0.95, seed=1)
    scores = score_predictions(dataset.load(), intervals).set_index(["label", "score"])
    for name in classes:
        assert scores.loc[(name, "recall"), ["value", "support"]].tolist() == [0.75, 4]


def test_a_table_is_there_when_both_files_are(tmp_path):
    dataset = CSVDataset(filepath=str(tmp_path / "table.csv"))
    dataset.save(TABLE)
    assert dataset.exists()
    for name in ("table.csv", "table.parquet"):
        (tmp_path / name).rename(tmp_path / "aside")
        assert not dataset.exists()
        with pytest.raises(DatasetError, match="There is no .*table.csv"):
            dataset.load()
        (tmp_path / "aside").rename(tmp_path / name)

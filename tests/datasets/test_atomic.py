import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from kedro.io import DatasetError

from covid_xray.datasets import (
    CSVDataset,
    JSONDataset,
    ParquetDataset,
    PickleDataset,
    TextDataset,
)
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
    assert [path.name for path in (tmp_path / "folder").iterdir()] == [name]


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
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]

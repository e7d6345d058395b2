"""Outputs that a study can't have, on disk."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset
from kedro.utils import load_obj

from covid_xray.absence import NotMade
from covid_xray.datasets import (
    ActivationsDataset,
    ArrayDataset,
    CSVDataset,
    ParquetDataset,
    RunStoreDataset,
    TextDataset,
)
from covid_xray.datasets.absence import AbsenceMixin
from covid_xray.datasets.catalog import StudyCatalog
from covid_xray.datasets.figures import MatplotlibDataset
from covid_xray.training.activations import Activations
from covid_xray.training.runs import RunPlan
from support.memory import catalog_entries

ABSENT = NotMade("the study has no lung masks, says Zoë.")
ROWS = np.arange(6.0).reshape(3, 2)
TABLE = pd.DataFrame({"x": [1]})
SAVED = {
    "table.csv": (CSVDataset, TABLE),
    "table.parquet": (ParquetDataset, TABLE),
    "page.md": (TextDataset, "words"),
    "array.npy": (ArrayDataset, ROWS),
    "activations.npy": (ActivationsDataset, Activations({"of": "a test"}, ROWS)),
}


@pytest.mark.parametrize("file", SAVED)
@pytest.mark.parametrize("kept", [True, False], ids=["in place of one", "from the start"])
def test_an_absent_output_is_a_text_that_says_why(file, kept, tmp_path):
    dataset_class, data = SAVED[file]
    catalog = StudyCatalog({"it": dataset_class(filepath=str(tmp_path / file))})
    if kept:
        catalog.save("it", data)
    catalog.save("it", ABSENT)
    (only,) = tmp_path.iterdir()
    assert only.name == f"{file}.not_made.txt"
    assert only.read_text("utf-8") == "the study has no lung masks, says Zoë.\n"
    assert catalog.exists("it") and catalog.load("it") == ABSENT


@pytest.mark.parametrize("file", SAVED)
def test_what_is_made_after_all_takes_the_place_of_the_reason(file, tmp_path):
    dataset_class, data = SAVED[file]
    catalog = StudyCatalog({"it": dataset_class(filepath=str(tmp_path / file))})
    catalog.save("it", ABSENT)
    catalog.save("it", data)
    assert not list(tmp_path.glob("*.not_made.txt"))
    assert catalog.exists("it")
    assert not isinstance(catalog.load("it"), NotMade)


def test_a_folder_goes_as_a_whole(tmp_path):
    dataset = RunStoreDataset(filepath=str(tmp_path / "runs"))
    catalog = StudyCatalog({"runs": dataset})
    catalog.save("runs", RunPlan({}))
    assert (tmp_path / "runs").is_dir()
    catalog.save("runs", ABSENT)
    assert [path.name for path in tmp_path.iterdir()] == ["runs.not_made.txt"]


@pytest.mark.parametrize(
    ("file", "dataset_class"),
    [(file, of) for file, (of, _) in SAVED.items()]
    + [("runs", RunStoreDataset), ("figure.png", MatplotlibDataset)],
)
def test_outside_a_run_loading_it_says_why(file, dataset_class, tmp_path):
    dataset = dataset_class(filepath=str(tmp_path / file))
    dataset.save_not_made(ABSENT)
    with pytest.raises(DatasetError, match=f"{file}: not made: .*no lung masks"):
        DataCatalog({"it": dataset}).load("it")


def test_a_hidden_output_counts_as_missing_until_it_is_saved(tmp_path):
    catalog = StudyCatalog({"it": CSVDataset(filepath=str(tmp_path / "it.csv"))})
    for data in (TABLE, ABSENT):
        catalog.save("it", data)
        catalog.hide("it")
        assert not catalog.exists("it")
        catalog.save("it", data)
        assert catalog.exists("it")


def test_other_datasets_are_as_kedros(tmp_path):
    catalog = StudyCatalog({"it": MemoryDataset()})
    assert not catalog.exists("it")
    catalog.save("it", ABSENT)
    assert catalog.load("it") == ABSENT


def test_every_output_of_the_catalog_can_be_absent():
    ours = {
        entry["type"] for entry in catalog_entries().values() if entry["type"].startswith("covid")
    }
    given = {"RadiographyStudyDataset", "GivenTableDataset"}
    for name in ours:
        assert issubclass(load_obj(name), AbsenceMixin) or name.rpartition(".")[2] in given, name

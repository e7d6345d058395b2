"""docs/data.md, and the schemas that it reads, which Kedro holds every saved table to."""

from __future__ import annotations

import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Node, Pipeline
from kedro.runner import SequentialRunner
from kedro.validation import DataValidationError

from covid_xray.data_docs import UndescribedDatasetError, describe_data, describe_project
from support.project import ROOT


def count(study):
    return study


def draw(counts):
    return counts


PIPELINES = {
    "counting": Pipeline([Node(count, "study", "b_counts", name="counting.b.count")]),
    "drawing": Pipeline([Node(draw, "b_counts", "figure", name="draw_it")]),
}


def entries(folder):
    return {
        "study": {"type": "MemoryDataset", "metadata": {"description": "A folder"}},
        "{letter}_counts": {
            "type": "covid_xray.datasets.CSVDataset",
            "filepath": f"{folder}/mine/{{letter}}/counts.csv",
            "validator": {"class": "support.schemas.COUNTS", "on": "save"},
        },
        "figure": {"type": "MemoryDataset", "metadata": {"description": "Figure 1"}},
    }


def test_a_page_tells_maker_reader_and_columns_of_each_dataset():
    text = describe_data(entries("data"), PIPELINES, "mine")
    for cell in (
        "| `<letter>_counts` | data/<study>/<letter>/counts.csv |",
        f"| `count` ({count.__module__}) | drawing |",
        f"| `draw_it` (`draw`, {draw.__module__}) |",
        "| A class: `label` its name; `n` its radiographs |",
    ):
        assert cell in text
    assert "| `study` |  |  | counting | A folder |" in text


def test_a_dataset_without_description_is_named():
    silent = entries("data") | {"figure": {"type": "MemoryDataset"}}
    with pytest.raises(UndescribedDatasetError, match=r"neither .*: figure\.$"):
        describe_data(silent, PIPELINES, "mine")


def test_a_table_against_its_schema_leaves_the_old_file(tmp_path):
    catalog = DataCatalog.from_config(entries(tmp_path))
    good = pd.DataFrame({"label": ["COVID"], "n": [3]})
    catalog["study"] = good
    SequentialRunner().run(PIPELINES["counting"], catalog)
    catalog["study"] = good.assign(n=-1)
    with pytest.raises(DataValidationError, match=r"(?s)'b_counts' on save.*n: .*\(0\).*-1"):
        SequentialRunner().run(PIPELINES["counting"], catalog)
    pd.testing.assert_frame_equal(catalog.load("b_counts"), good)


def test_docs_describe_every_dataset_as_it_is():
    assert (ROOT / "docs/data.md").read_text("utf-8") == describe_project(ROOT)

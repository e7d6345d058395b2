"""Pipelines as Kedro-Viz shows them, one box each, and the schemas of their tables."""

import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project

from support.memory import catalog_entries, schema_of
from support.project import ROOT

PIPELINES = ["data_engineering", "exploration", "segmentation", "modeling", "ablation", "screening"]
MOST_IN_A_BOX = 20
FOR_DEPLOYMENT = {"screening_models"}


@pytest.fixture(scope="module", autouse=True)
def project():
    bootstrap_project(ROOT)


def test_schemas_say_what_every_column_means():
    for name, entry in catalog_entries().items():
        schema = schema_of(entry)
        if schema is not None:
            assert schema.description, name
            assert all(column.description for column in schema.columns.values()), name


@pytest.mark.parametrize(
    "pipeline", ["data_engineering", "exploration", "segmentation", "ablation"]
)
def test_every_table_names_its_schema(pipeline):
    outputs = pipelines[pipeline].all_outputs()
    without = [
        name
        for name, entry in catalog_entries().items()
        if name in outputs
        and entry["type"].endswith(("CSVDataset", "ParquetDataset"))
        and schema_of(entry) is None
    ]
    assert without == []


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_pipeline_is_one_box_of_readable_size(pipeline):
    nodes = pipelines[pipeline].nodes
    assert {node.namespace.split(".")[0] for node in nodes} == {pipeline}
    inside = {node.name.split(".")[1] for node in nodes}
    assert len(inside) <= MOST_IN_A_BOX
    assert not any("." in name for name in pipelines[pipeline].all_outputs())


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_nothing_but_the_page_lies_unread_beside_the_box(pipeline):
    read = {name for other in pipelines.values() for name in other.inputs()} | FOR_DEPLOYMENT
    assert pipelines[pipeline].outputs() - read <= {f"{pipeline}_page"}

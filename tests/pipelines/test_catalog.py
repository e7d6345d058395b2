"""The catalog as code: every dataset that a pipeline names is kept, whole, under its study."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from kedro.framework.project import pipelines
from kedro.framework.startup import bootstrap_project
from kedro.io import MemoryDataset
from kedro.pipeline import Pipeline
from kedro_datasets.pandas import CSVDataset

from covid_xray.datasets import (
    ActivationsDataset,
    ArrayDataset,
    AtomicSaveMixin,
    KerasModelDataset,
    KerasModelsDataset,
    LiteRTModelsDataset,
    RunStoreDataset,
)
from support.project import ROOT

ENVIRONMENTS = ["demo", "study", "base"]


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def resolved(request, load_catalog):
    """Every dataset of every registered pipeline, by name, in one environment."""
    catalog = load_catalog(ROOT, env=request.param)
    names = {name for pipeline in pipelines.values() for name in pipeline.datasets()}
    return {
        name: catalog.get(name)
        for name in sorted(names)
        if not name.startswith("params:") and name != "parameters"
    }


def test_every_dataset_of_every_pipeline_is_catalogued(resolved):
    assert len(resolved) > 25
    nowhere = (MemoryDataset, type(None))
    assert [name for name, dataset in resolved.items() if type(dataset) in nowhere] == []


def test_every_output_appears_whole_or_not_at_all(resolved):
    atomic = (
        ActivationsDataset,
        ArrayDataset,
        AtomicSaveMixin,
        KerasModelDataset,
        KerasModelsDataset,
        LiteRTModelsDataset,
        RunStoreDataset,
    )
    outputs = {name for pipeline in pipelines.values() for name in pipeline.all_outputs()}
    half_written = [name for name in outputs if not isinstance(resolved[name], atomic)]
    assert half_written == []


def test_no_two_datasets_share_a_file(resolved):
    # Inputs that the user may give have no file where none is given.
    paths = [dataset._filepath for dataset in resolved.values()]
    files = [str(path) for path in paths if path is not None]
    assert len(files) > 25
    assert len(files) == len(set(files))


def test_outputs_lie_under_the_name_of_their_study(resolved):
    outputs = {name for pipeline in pipelines.values() for name in pipeline.all_outputs()}
    studies = {Path(resolved[name]._filepath).relative_to(ROOT).parts[2] for name in outputs}
    assert len(studies) == 1
    assert studies <= {"phantom_study", "study", "covid19_radiography"}


def test_every_dataset_has_a_layer_for_kedro_viz(resolved):
    layers = {
        name: (dataset.metadata or {}).get("kedro-viz", {}).get("layer")
        for name, dataset in resolved.items()
    }
    assert [name for name, layer in layers.items() if not layer] == []


LAYERS = [
    "raw",
    "intermediate",
    "primary",
    "feature",
    "model_input",
    "models",
    "model_output",
    "reporting",
]


def test_data_flow_down_the_layers_only(resolved):
    """Or Kedro-Viz can't draw them, and hides them all."""

    def layer(name):
        return LAYERS.index(resolved[name].metadata["kedro-viz"]["layer"])

    for node in sum(pipelines.values(), Pipeline([])).nodes:
        sources = [layer(name) for name in node.inputs if not name.startswith("params:")]
        assert max(sources) <= min(layer(name) for name in node.outputs), node.name


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("../shared/radiographs", "radiographs"),
        ("my study.zip", "my_study"),
        ("archive/COVID-19_Radiography_Dataset", "COVID-19_Radiography_Dataset"),
    ],
)
def test_a_study_given_at_run_time_has_outputs_of_its_own(load_catalog, path, folder):
    catalog = load_catalog(ROOT, env="study", params={"study_path": path})
    assert Path(catalog.get("images")._filepath).parent.name == folder
    assert Path(catalog.get("mobilenet_activations")._filepath).parts[-3] == folder


def test_the_published_tables_are_there(load_catalog):
    catalog = load_catalog(ROOT, env="demo")
    rows = {"1": 4, "2": 12, "3": 10, "4": 5, "5": 12}
    for table, n_rows in rows.items():
        assert isinstance(catalog.get(f"published_table_{table}"), CSVDataset)
        assert len(catalog.load(f"published_table_{table}")) == n_rows


@pytest.fixture
def nodes():
    """Every node of every registered pipeline."""
    bootstrap_project(ROOT)
    return sum(pipelines.values(), Pipeline([])).nodes


def test_every_node_has_a_name_of_its_own(nodes):
    names = [node.name for node in nodes]
    assert len(names) == len(set(names))
    # Kedro's own names for nameless nodes spell out their inputs.
    assert [name for name in names if not name.replace("_", "").replace(".", "").isalnum()] == []


def test_no_dataset_has_a_dot_in_its_name(nodes):
    """Kedro warns of dots: it takes them for a namespace's."""
    names = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    assert [name for name in names if "." in name and not name.startswith("params:")] == []


# Keys of the first two are names that the user chooses; the last is a text.
FREE = ("class_weights", "optimisers", "study_name")


def test_every_node_has_hints_that_kedro_can_read(nodes):
    """Or its parameters would be passed on unvalidated, as plain dictionaries."""
    for node in nodes:
        for name, hint in inspect.get_annotations(node.func, eval_str=True).items():
            assert hint is not None or name == "return"
        typed = [n for n in node.inputs if n.startswith("params:") and not n.endswith(FREE)]
        hints = inspect.get_annotations(node.func, eval_str=True)
        validated = [hint for hint in hints.values() if hasattr(hint, "model_validate")]
        assert len(validated) == len(typed), node.name

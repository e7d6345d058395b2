"""Records down the graph of the real pipelines: a change touches what follows from it, no more."""

from __future__ import annotations

import copy

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Node, Pipeline

from covid_xray.imaging.augmentation import move_pair
from covid_xray.lineage import graph
from covid_xray.lineage.graph import records_of
from covid_xray.records import record_key
from support.project import ROOT


@pytest.fixture(scope="module")
def whole():
    """All pipelines in one."""
    bootstrap_project(ROOT)
    return sum((of for name, of in pipelines.items() if name != "__default__"), Pipeline([]))


@pytest.fixture(scope="module")
def parameters():
    """The demo's parameters, as its files give them."""
    bootstrap_project(ROOT)
    with KedroSession.create(ROOT, env="demo") as session:
        return dict(session.load_context().config_loader["parameters"])


@pytest.fixture(scope="module")
def roots(whole):
    return {name: "as it was" for name in whole.inputs() if not name.startswith("params:")}


def changed_outputs(whole, before, parameters, roots):
    after = records_of(whole, parameters, roots)
    return {name for name in before if before[name] != after[name]}


def altered(parameters, path, value):
    copied = copy.deepcopy(parameters)
    *groups, leaf = path.split(".")
    group = copied
    for name in groups:
        group = group[name]
    assert group[leaf] != value
    group[leaf] = value
    return copied


def outputs_after(whole, nodes):
    """What nodes make and all that follows from it, as Kedro finds it."""
    return set(whole.from_nodes(*(node.name for node in nodes)).all_outputs())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("reading.side", 99),
        ("splitting.seed", 8),
        ("sharpness.thresholds", [1]),
        ("modeling.class_weights.covid_weight_2.COVID", 9),
        ("segmentation.unet.augmentation.zoom", 0.3),
        ("intervals.n_resamples", 7),
        ("optimisers.adagrad.learning_rate", 1.0),
        ("exploration.examples.seed", 8),
    ],
)
def test_a_parameter_touches_what_follows_from_its_readers(whole, parameters, roots, path, value):
    before = records_of(whole, parameters, roots)
    changed = changed_outputs(whole, before, altered(parameters, path, value), roots)
    readers = [
        node
        for node in whole.nodes
        if any(f"{path}.".startswith(f"{name[7:]}.") for name in node.inputs if name[6:7] == ":")
    ]
    assert readers
    assert changed == outputs_after(whole, readers)


@pytest.mark.parametrize("path", ["reading.workers", "reading.scratch_folder"])
def test_what_changes_no_output_touches_nothing(whole, parameters, roots, path):
    before = records_of(whole, parameters, roots)
    assert changed_outputs(whole, before, altered(parameters, path, "3"), roots) == set()


def test_another_study_touches_everything_that_reads_it(whole, parameters, roots):
    before = records_of(whole, parameters, roots)
    other = roots | {"radiography_study": "one file more"}
    readers = [node for node in whole.nodes if "radiography_study" in node.inputs]
    assert changed_outputs(whole, before, parameters, other) == outputs_after(whole, readers)


def test_changed_code_touches_what_follows_from_it(whole, parameters, roots, monkeypatch):
    before = records_of(whole, parameters, roots)
    real = graph.code_record
    touched = next(node for node in whole.nodes if node.name.endswith("measure_sharpness"))

    def changed(function):
        record = real(function)
        return record | {"sources": "other"} if function == touched.func else record

    monkeypatch.setattr(graph, "code_record", changed)
    assert changed_outputs(whole, before, parameters, roots) == outputs_after(whole, [touched])


def test_a_folder_that_a_parameter_names_counts_by_its_files(tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    node = Node(record_key, inputs="params:transfer", outputs="made", name="train")

    def record():
        return records_of(Pipeline([node]), {"transfer": {"weights": str(weights)}}, {})["made"]

    (weights / "a.h5").write_bytes(b"1234")
    before = record()
    assert record() == before
    (weights / "a.h5").write_bytes(b"12345")
    assert record() != before
    (weights / "a.h5").unlink()
    (weights / "b.h5").write_bytes(b"1234")
    assert record() != before


def test_two_arguments_that_change_places_are_a_change():
    def made(**inputs):
        node = Node(move_pair, inputs=inputs, outputs="made", name="move")
        given = {name: name for name in inputs.values()}
        return records_of(Pipeline([node]), {}, given)["made"]

    others = {"moves": "moves", "border": "border"}
    right = made(pixels="images", mask="masks", **others)
    assert right == made(pixels="images", mask="masks", **others)
    assert right != made(pixels="masks", mask="images", **others)

"""The pipeline `optimisers`: a run per optimiser, on the activations that `modeling` has made."""

import pytest

from covid_xray.models.backbone import BACKBONES
from covid_xray.pipelines.modeling import create_pipeline as create_modeling
from covid_xray.pipelines.optimisers.nodes import compare_optimisers
from covid_xray.pipelines.optimisers.parameters import OptimiserParameters
from covid_xray.pipelines.optimisers.pipeline import backbone_box, create_pipeline
from support.runs import HELD_OUT, INTERVALS, TRAINING, make_activations, run_on_study

pytestmark = pytest.mark.slow

OPTIMISERS = {
    "adam": {"optimiser": "adam", "learning_rate": 1e-3},
    "sgd_momentum": {"optimiser": "sgd_momentum", "learning_rate": 1e-2},
    "adagrad": {"optimiser": "adagrad", "learning_rate": 1e-2},
}


@pytest.fixture(scope="module")
def catalog(tiny_backbones, tmp_path_factory):
    """A catalog after a tiny backbone was trained under three optimisers."""
    return run_on_study(
        tmp_path_factory.mktemp("optimisers"),
        backbone_box(BACKBONES[0]),
        **{"mobilenet_activations": make_activations(), "params:optimisers": OPTIMISERS},
    )


def test_activations_are_modelings_and_come_from_nowhere_else():
    pipeline = create_pipeline()
    shared = {f"{backbone.id}_activations" for backbone in BACKBONES}
    assert shared <= pipeline.inputs() & create_modeling().all_outputs()
    assert not pipeline.all_outputs() & create_modeling().all_outputs()


def test_an_optimiser_changes_itself_and_its_rate_alone():
    other = OptimiserParameters(optimiser="adagrad", learning_rate=1e-2).applied_to(TRAINING)
    changed = {"optimiser": "adagrad", "learning_rate": 1e-2}
    assert other.model_dump() == TRAINING.model_dump() | changed


def test_an_unknown_optimiser_is_refused_by_name():
    with pytest.raises(ValueError, match="'adam', 'sgd_momentum' or 'adagrad'"):
        OptimiserParameters(optimiser="sgd", learning_rate=1e-2)


def test_each_optimiser_is_a_run_that_learns_its_own_way(catalog):
    runs = catalog.load("mobilenet_optimiser_runs")
    assert runs["run"].tolist() == list(OPTIMISERS)
    for column in ("optimiser", "learning_rate"):
        assert runs[column].tolist() == [setting[column] for setting in OPTIMISERS.values()]
    by_run = catalog.load("mobilenet_optimiser_predictions").groupby("run")
    assert all(t["image_id"].tolist() == HELD_OUT["image_id"].tolist() for _, t in by_run)
    assert len({tuple(table["probability_COVID"]) for _, table in by_run}) == 3


def test_the_comparison_has_scores_and_the_lowest_loss(catalog):
    runs, histories, predictions = (
        catalog.load(f"mobilenet_optimiser_{name}") for name in ("runs", "histories", "predictions")
    )
    table = compare_optimisers(runs, histories, predictions, INTERVALS)
    assert table["run"].tolist() == list(OPTIMISERS)
    assert table["f1_score"].between(0, 1).all()
    for run, lowest in zip(table["run"], table["lowest_val_loss"], strict=True):
        assert lowest == histories.loc[histories["run"] == run, "val_loss"].min()


def test_a_run_that_could_not_be_trained_keeps_its_row(catalog):
    runs, histories, predictions = (
        catalog.load(f"mobilenet_optimiser_{name}") for name in ("runs", "histories", "predictions")
    )
    without = predictions[predictions["run"] != "adagrad"]
    table = compare_optimisers(
        runs, histories[histories["run"] != "adagrad"], without, INTERVALS
    ).set_index("run")
    assert list(table.index) == list(OPTIMISERS)
    assert table.loc["adagrad", ["lowest_val_loss", "f1_score"]].isna().all()

"""The pipeline `cross_validation`: folds trained on the activations that `modeling` has made."""

import pytest

from covid_xray.models.backbone import BACKBONES
from covid_xray.pipelines.cross_validation.nodes import (
    assign_variant_to_folds,
    summarise_folds,
)
from covid_xray.pipelines.cross_validation.parameters import FoldParameters
from covid_xray.pipelines.cross_validation.pipeline import backbone_box, create_pipeline
from covid_xray.pipelines.modeling import create_pipeline as create_modeling
from covid_xray.studies.parameters import SplittingParameters
from covid_xray.training.runs import join_runs
from support.runs import (
    INTERVALS,
    ORIGINALS,
    ROWS,
    TRANSFER,
    make_activations,
    run_on_study,
)

pytestmark = pytest.mark.slow

SPLITTING = SplittingParameters(protocol="leak_free", train=0.7, validation=0.15, test=0.15, seed=3)


@pytest.fixture(scope="module")
def folds():
    return assign_variant_to_folds(ROWS, TRANSFER, SPLITTING, FoldParameters(n_folds=3))


@pytest.fixture(scope="module")
def catalog(tiny_backbones, tmp_path_factory, folds):
    """A catalog after a tiny backbone was trained on three folds."""
    return run_on_study(
        tmp_path_factory.mktemp("folds"),
        backbone_box(BACKBONES[0]),
        **{
            "folds": folds,
            "mobilenet_activations": make_activations(),
            "params:splitting": SPLITTING,
        },
    )


def test_activations_are_modelings_and_come_from_nowhere_else():
    pipeline = create_pipeline()
    shared = {f"{backbone.id}_activations" for backbone in BACKBONES}
    assert shared <= pipeline.inputs() & create_modeling().all_outputs()
    assert not pipeline.all_outputs() & create_modeling().all_outputs()


def test_the_parameters_say_how_many_folds(folds):
    assert sorted(folds["fold"].unique()) == [0, 1, 2]
    with pytest.raises(ValueError, match="n_folds"):
        FoldParameters(n_folds=2)


def test_each_fold_is_a_run_of_classes_of_equal_weight(catalog):
    runs = catalog.load("mobilenet_fold_runs")
    assert runs["run"].tolist() == ["fold_0", "fold_1", "fold_2"]
    assert runs["fold"].tolist() == [0, 1, 2]
    assert (runs["note"] == "").all()
    assert not [name for name in runs if name.startswith("weight_")]
    assert list(catalog.load("mobilenet_fold_classifiers")) == runs["run"].tolist()


def test_each_fold_is_tested_on_its_own_radiographs(catalog, folds):
    predictions = catalog.load("mobilenet_fold_predictions").merge(folds, on="group_id")
    own = predictions["run"].str.removeprefix("fold_").astype(int)
    assert (predictions["fold"] == own)[predictions["split"] == "test"].all()
    following = (own + 1) % 3
    assert (predictions["fold"] == following)[predictions["split"] == "validation"].all()
    tested = predictions.loc[predictions["split"] == "test", "image_id"]
    assert sorted(tested) == sorted(ORIGINALS["image_id"])


def test_scores_of_folds_end_in_their_mean(catalog):
    (joined,) = join_runs(mobilenet_predictions=catalog.load("mobilenet_fold_predictions"))
    scores, summary = summarise_folds(joined, INTERVALS)
    assert scores["run"].tolist() == ["fold_0", "fold_1", "fold_2"]
    mean = summary.set_index("score").loc["f1_score", "mean"]
    assert mean == pytest.approx(scores["f1_score"].mean())

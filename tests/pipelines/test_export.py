"""The pipeline `export`: Table 5's classifiers as LiteRT models."""

import numpy as np
import pandas as pd
import pytest

from covid_xray.datasets import RunStoreDataset
from covid_xray.models.backbone import BACKBONES
from covid_xray.pipelines.export.nodes import remove_resizing
from covid_xray.pipelines.export.pipeline import create_pipeline
from covid_xray.training.runs import RunPlan, TrainedRun
from support.runs import IMAGES, run_on_study
from support.transfer import build_tiny

CLASS_WEIGHTS = {"covid_weight_1": {"COVID": 1}, "covid_weight_2": {"COVID": 2}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the runs of a tiny backbone, a heavier one of Figure 14 among them."""
    folder = tmp_path_factory.mktemp("export")
    store = RunStoreDataset(filepath=str(folder / "mobilenet_classifiers"))
    names = [*CLASS_WEIGHTS, "covid_weight_9"]
    store.save(RunPlan({name: {} for name in names}))
    history, predictions = pd.DataFrame({"epoch": [0]}), pd.DataFrame({"image_id": ["a"]})
    for seed, name in enumerate(names):
        row = {"backbone": "mobilenet", "run": name}
        store.save(TrainedRun(name, row, history, predictions, build_tiny(seed=seed)))
    return folder


def test_every_backbones_runs_of_table_5_are_exported():
    assert create_pipeline().all_outputs() == {f"{b.id}_lite_models" for b in BACKBONES}


def test_behind_the_resizing_a_classifier_predicts_the_same(folder):
    classifiers = RunStoreDataset(filepath=str(folder / "mobilenet_classifiers")).load()
    models = remove_resizing(classifiers, CLASS_WEIGHTS)
    assert list(models) == list(CLASS_WEIGHTS)
    radiograph = IMAGES[:1, ..., None].astype("float32")
    for name, model in models.items():
        resized = classifiers[name].get_layer("resizing")(radiograph)
        expected = np.asarray(classifiers[name](radiograph, training=False))
        np.testing.assert_allclose(model(resized, training=False), expected, atol=1e-6)


@pytest.mark.slow
def test_the_pipeline_writes_a_file_per_run_of_table_5(folder):
    given = {"params:modeling.class_weights": CLASS_WEIGHTS}
    catalog = run_on_study(folder, create_pipeline().only_nodes("export.export_mobilenet"), **given)
    assert list(catalog.load("mobilenet_lite_models")) == list(CLASS_WEIGHTS)

"""Pre-trained weights that can't be had end a run before its first node."""

from __future__ import annotations

import os

import pytest
from kedro.framework.startup import bootstrap_project

from covid_xray.lineage.pretrained import weights_of
from covid_xray.lineage.study import all_pipelines
from covid_xray.models.backbone import BACKBONES, WeightsError
from support.command_line import kedro

pytestmark = pytest.mark.slow

TABLE_5 = {backbone.keras_name for backbone in BACKBONES}


@pytest.mark.parametrize(
    ("pipeline", "backbones"),
    [
        ("data_engineering", set()),
        ("segmentation", set()),
        ("modeling", TABLE_5),
        ("cross_validation", TABLE_5),
        ("optimisers", TABLE_5),
        ("ablation", {"MobileNet", "DenseNet201"}),
        ("screening", {"Xception"}),
        ("export", set()),
    ],
)
def test_it_is_known_whose_weights_a_pipeline_needs(project, load_catalog, pipeline, backbones):
    catalog = load_catalog(project, "base")
    bootstrap_project(project)
    nodes = all_pipelines()[pipeline].nodes
    wanted = {pair for node in nodes for pair in weights_of(node, catalog)}
    assert wanted == {(name, "imagenet") for name in backbones}


def test_all_missing_files_are_named_before_the_first_node(project, tmp_path, run_kedro, caplog):
    (tmp_path / "mobilenet_notop.weights.h5").touch()
    with pytest.raises(WeightsError) as refusal:
        run_kedro(project, params={"modeling": {"transfer": {"weights": str(tmp_path)}}})
    for name in ("efficientnetb0", "resnet50v2", "vgg19"):
        assert str(tmp_path / f"{name}_notop.weights.h5") in str(refusal.value)
    assert "mobilenet_notop" not in str(refusal.value)
    assert "Running node" not in caplog.text


def test_a_download_that_fails_ends_the_run_before_its_first_node(project, tmp_path):
    unreachable = {"KERAS_HOME": str(tmp_path / "keras"), "https_proxy": "http://127.0.0.1:9"}
    result = kedro(
        project,
        *("run", "--env", "test", "--params", "modeling.transfer.weights=imagenet"),
        env=os.environ | unreachable,
    )
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "ImageNet weights of EfficientNetB0 can't be had" in said
    assert "type --params weights=FOLDER" in said
    assert "Running node" not in said

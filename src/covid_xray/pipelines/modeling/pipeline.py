"""The pipeline `modeling`: a box per backbone, then Table 5 and Figure 14 on their joined runs."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pipelines.modeling.nodes import (
    BackboneNodes,
    draw_grad_cam,
    draw_runs,
    make_figure_14,
    make_table_5,
    score_classes,
    write_modeling_page,
)
from covid_xray.training.runs import join_runs, tabulate_runs

_TRANSFER = "params:modeling.transfer"
_CLASS_WEIGHTS = "params:modeling.class_weights"
_FIGURE_14 = "params:modeling.figure_14"
_STUDY = ["images", "augmented_images", "study_variants"]
_FIGURES = ("learning_curves", "confusion_matrices", "confidence", "grad_cam")


def backbone_template(backbone: Backbone) -> Pipeline:
    """Pass the study through a backbone's trunk, train its runs, and show what they learnt."""
    nodes = BackboneNodes(backbone)
    return Pipeline(
        [
            Node(
                nodes.extract_activations,
                inputs=[*_STUDY, _TRANSFER],
                outputs="activations",
                name="extract_activations",
            ),
            Node(
                nodes.train_classifiers,
                inputs=[
                    *_STUDY,
                    "activations",
                    _TRANSFER,
                    "params:modeling.training",
                    _CLASS_WEIGHTS,
                    _FIGURE_14,
                ],
                outputs="classifiers",
                name="train_classifiers",
            ),
            Node(
                tabulate_runs,
                inputs="classifiers",
                outputs=["runs", "histories", "predictions"],
                name="tabulate_runs",
            ),
            Node(
                score_classes,
                inputs=["runs", "histories", "predictions", _CLASS_WEIGHTS, "params:intervals"],
                outputs=["class_scores", "confusion", "overfitting"],
                name="score_classes",
            ),
            Node(
                draw_runs,
                inputs=["runs", "histories", "predictions", "confusion", "overfitting"],
                outputs=["learning_curves", "confusion_matrices", "confidence"],
                name="draw_runs",
            ),
            Node(
                draw_grad_cam,
                inputs=["images", "radiograph_index", "classifiers", _CLASS_WEIGHTS, _TRANSFER],
                outputs="grad_cam",
                name="draw_grad_cam",
            ),
        ]
    )


def backbone_box(backbone: Backbone) -> Pipeline:
    """A backbone's own nodes; its datasets are called `<backbone>_<name>`."""
    template = backbone_template(backbone)
    return Pipeline(
        template,
        namespace=backbone.id,
        outputs={name: f"{backbone.id}_{name}" for name in template.all_outputs()},
        prefix_datasets_with_namespace=False,
    )


def comparison() -> Pipeline:
    """Table 5, Figure 14, and the page."""
    shown = [
        f"{backbone.id}_{name}"
        for backbone in BACKBONES
        for name in (*_FIGURES, "class_scores", "overfitting")
    ]
    results = ["table_5", "figure_14_scores", "figure_14_class_weights", *shown]
    return Pipeline(
        [
            *[
                Node(
                    join_runs,
                    inputs={backbone.id: f"{backbone.id}_{table}" for backbone in BACKBONES},
                    outputs=f"classifier_{table}",
                    name=f"join_{table}",
                )
                for table in ("runs", "predictions")
            ],
            Node(
                make_table_5,
                inputs=[
                    "classifier_runs",
                    "classifier_predictions",
                    "published_table_5",
                    _CLASS_WEIGHTS,
                    "params:intervals",
                ],
                outputs="table_5",
                name="make_table_5",
            ),
            Node(
                make_figure_14,
                inputs=[
                    "classifier_runs",
                    "classifier_predictions",
                    _FIGURE_14,
                    "params:intervals",
                ],
                outputs=["figure_14_scores", "figure_14_class_weights"],
                name="make_figure_14",
            ),
            Node(
                write_modeling_page,
                inputs={name: name for name in results},
                outputs="modeling_page",
                name="write_modeling_page",
            ),
        ]
    )


def create_pipeline() -> Pipeline:
    """Four backbones under COVID weights: Report A's comparison of models."""
    boxes = [backbone_box(backbone) for backbone in BACKBONES]
    return Pipeline(
        sum(boxes, comparison()), namespace="modeling", prefix_datasets_with_namespace=False
    )

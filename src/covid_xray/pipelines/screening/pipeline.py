"""The pipeline `screening`: Report B rebuilt on the same study and splits, and its ideas."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.models.screening import FOUR_CLASSES, TWO_CLASSES
from covid_xray.pipelines.screening.nodes_page import write_screening_page
from covid_xray.pipelines.screening.nodes_results import (
    AnswerNodes,
    choose_operating_points,
    compare_screening_models,
    draw_screening_histories,
    explain_screening,
    measure_costs,
    tabulate_reports,
)
from covid_xray.pipelines.screening.nodes_training import (
    assemble_screening_models,
    describe_balancing,
    draw_preparation,
    equalise_radiographs,
    extract_convolution_features,
    fit_classical_classifiers,
    gather_answers,
    train_networks,
    vote,
)
from covid_xray.training.runs import tabulate_runs

_SCREENING = "params:screening"
_INTERVALS = "params:intervals"
_LUNGS = ["equalised_images", "predicted_masks"]


def preparation() -> Pipeline:
    """Equalise every radiograph, and show what the networks see."""
    return Pipeline(
        [
            Node(
                equalise_radiographs,
                inputs=["images", _SCREENING],
                outputs="equalised_images",
                name="equalise_radiographs",
            ),
            Node(
                draw_preparation,
                inputs=["images", *_LUNGS, "splits", _SCREENING],
                outputs=["grey_levels_figure", "masked_examples_figure"],
                name="draw_preparation",
            ),
            Node(
                describe_balancing,
                inputs=["splits", _SCREENING],
                outputs=["class_proportions", "class_proportions_figure"],
                name="describe_balancing",
            ),
        ]
    )


def training() -> Pipeline:
    """Train the networks, put the U-Net before them, and carry out the report's ideas."""
    return Pipeline(
        [
            Node(
                train_networks,
                inputs=["images", *_LUNGS, "splits", _SCREENING],
                outputs="screening_classifiers",
                name="train_networks",
            ),
            Node(
                tabulate_runs,
                inputs="screening_classifiers",
                outputs=["screening_runs", "screening_histories", "screening_predictions"],
                name="tabulate_screening_runs",
            ),
            Node(
                assemble_screening_models,
                inputs=["screening_classifiers", "screening_runs", "unet", _SCREENING],
                outputs="screening_models",
                name="assemble_screening_models",
            ),
            Node(
                extract_convolution_features,
                inputs=[*_LUNGS, _SCREENING, "screening_classifiers"],
                outputs="convolution_features",
                name="extract_convolution_features",
            ),
            Node(
                fit_classical_classifiers,
                inputs=["convolution_features", "splits", _SCREENING],
                outputs=["classical_classifiers", "classical_predictions"],
                name="fit_classical_classifiers",
            ),
            Node(
                vote,
                inputs=["screening_predictions", "screening_runs", "splits"],
                outputs="vote_predictions",
                name="vote",
            ),
            Node(
                gather_answers,
                inputs=["screening_predictions", "classical_predictions", "vote_predictions"],
                outputs="screening_answers",
                name="gather_answers",
            ),
        ]
    )


def scoring() -> Pipeline:
    """Scores, confusion matrices and confidence of each question, and learning curves."""
    # Two classes are scored at the test set's own prevalence, as in the report.
    two_classes = AnswerNodes(TWO_CLASSES, balance=False)
    four_classes = AnswerNodes(FOUR_CLASSES, balance=True)
    return Pipeline(
        [
            Node(
                draw_screening_histories,
                inputs=["screening_runs", "screening_histories"],
                outputs=["screening_overfitting", "screening_learning_curves"],
                name="draw_screening_histories",
            ),
            Node(
                two_classes.score,
                inputs=["screening_answers", _INTERVALS],
                outputs=["screening_class_scores", "screening_confusion"],
                name="score_two_classes",
            ),
            Node(
                two_classes.draw,
                inputs=["screening_confusion", "screening_answers"],
                outputs=["screening_confusion_matrices", "screening_confidence"],
                name="draw_two_classes",
            ),
            Node(
                four_classes.score,
                inputs=["screening_answers", _INTERVALS],
                outputs=["four_class_scores", "four_class_confusion"],
                name="score_four_classes",
            ),
            Node(
                four_classes.draw,
                inputs=["four_class_confusion", "screening_answers"],
                outputs=["four_class_confusion_matrices", "four_class_confidence"],
                name="draw_four_classes",
            ),
        ]
    )


def comparison() -> Pipeline:
    """One table of all models, their operating points, where they look, and the page."""
    return Pipeline(
        [
            Node(
                measure_costs,
                inputs=[
                    "images",
                    "unet",
                    "convolution_features",
                    "classical_classifiers",
                    _SCREENING,
                    "screening_classifiers",
                ],
                outputs="screening_costs",
                name="measure_costs",
            ),
            Node(
                compare_screening_models,
                inputs=[
                    "screening_answers",
                    "screening_runs",
                    "screening_costs",
                    "published_screening_scores",
                    "published_figures",
                    _INTERVALS,
                ],
                outputs="screening_comparison",
                name="compare_screening_models",
            ),
            Node(
                choose_operating_points,
                inputs=["screening_answers", _SCREENING, _INTERVALS],
                outputs=["operating_points", "screening_curves"],
                name="choose_operating_points",
            ),
            Node(
                explain_screening,
                inputs=[
                    "images",
                    *_LUNGS,
                    "splits",
                    "screening_classifiers",
                    "screening_predictions",
                    _SCREENING,
                    _INTERVALS,
                ],
                outputs=["lung_attribution", "lung_attribution_figure", "screening_grad_cam"],
                name="explain_screening",
            ),
            Node(
                tabulate_reports,
                inputs=["screening_class_scores", "published_screening_scores"],
                outputs="screening_reports",
                name="tabulate_reports",
            ),
        ]
    )


def create_pipeline() -> Pipeline:
    """Report B's system, its ideas, and one page that compares them."""
    results = preparation() + _box("training", training()) + _box("scoring", scoring())
    results += comparison()
    # The models are for deployment; what else nobody reads is shown on the page.
    shown = results.outputs() - {"screening_models"}
    tables = {"screening_runs", "screening_confusion", "published_screening_confusion"}
    page = Node(
        write_screening_page,
        inputs={name: name for name in sorted(shown | tables | {"four_class_scores"})},
        outputs="screening_page",
        name="write_screening_page",
    )
    return _box("screening", results + Pipeline([page]))


def _box(name: str, nodes: Pipeline) -> Pipeline:
    return Pipeline(nodes, namespace=name, prefix_datasets_with_namespace=False)

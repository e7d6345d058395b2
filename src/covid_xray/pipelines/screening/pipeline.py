"""The pipeline `screening`: Report B rebuilt on the same study and splits, and its ideas."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from covid_xray.models.screening import ALL_CLASSES, TWO_CLASSES
from covid_xray.pipelines.screening.nodes_page import write_screening_page
from covid_xray.pipelines.screening.nodes_results import (
    AnswerNodes,
    choose_operating_points,
    compare_screening_models,
    draw_screening_histories,
    explain_screening,
    measure_costs,
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
)
from covid_xray.steps import box, parameters, step, themselves
from covid_xray.training.runs import tabulate_runs

_SCREENING = parameters("screening")
_INTERVALS = parameters("intervals")
_COSTLY = ["unet", "convolution_features", "classical_classifiers"]
_PREPARATION = ["grey_levels_figure", "masked_examples_figure"]
_PROPORTIONS = ["class_proportions", "class_proportions_figure"]
_RUNS = ["screening_runs", "screening_histories", "screening_predictions"]
_HISTORIES = ["screening_overfitting", "screening_learning_curves"]
_COMPARED = ["screening_comparison", "screening_reports"]
_POINTS = ["operating_points", "screening_curves"]
_EXPLANATIONS = ["lung_attribution", "lung_attribution_figure", "screening_grad_cam"]


def training() -> Pipeline:
    """Train the networks, put the U-Net before them, and carry out the report's ideas."""
    classical = ["classical_classifiers", "classical_predictions"]
    return box(
        "training",
        step(train_networks, "screening_classifiers", without=["predicted_masks"], **_SCREENING),
        step(tabulate_runs, _RUNS, classifiers="screening_classifiers"),
        step(assemble_screening_models, "screening_models", **_SCREENING),
        step(extract_convolution_features, "convolution_features", **_SCREENING),
        step(fit_classical_classifiers, classical, **_SCREENING),
        step(gather_answers, "screening_answers", without=["classical_predictions"]),
    )


def scoring() -> Pipeline:
    """Both questions' scores: those of two classes at the test set's own prevalence (Report B)."""
    two_classes = AnswerNodes(TWO_CLASSES, balance=False).score
    all_classes = AnswerNodes(ALL_CLASSES, balance=True).score
    of_two = ["screening_class_scores", *_drawn("screening")]
    of_all = ["all_classes_scores", *_drawn("all_classes")]
    return box(
        "scoring",
        step(two_classes, of_two, "score_two_classes", **_INTERVALS),
        step(all_classes, of_all, "score_all_classes", **_INTERVALS),
        step(draw_screening_histories, _HISTORIES),
    )


def _drawn(prefix: str) -> list[str]:
    return [f"{prefix}_{name}" for name in ("confusion", "confusion_matrices", "confidence")]


def create_pipeline() -> Pipeline:
    """Report B's system, its ideas, and one page that compares them."""
    figures = [*_PREPARATION, _PROPORTIONS[1], _HISTORIES[1], _POINTS[1], *_EXPLANATIONS[1:]]
    figures += [*_drawn("screening")[1:], *_drawn("all_classes")[1:]]
    results = [*figures, *_COMPARED, _POINTS[0], _HISTORIES[0], _EXPLANATIONS[0]]
    results += ["screening_confusion", "all_classes_scores", "all_classes_confusion"]
    return box(
        "screening",
        step(equalise_radiographs, "equalised_images", **_SCREENING),
        step(draw_preparation, _PREPARATION, without=["predicted_masks"], **_SCREENING),
        step(describe_balancing, _PROPORTIONS, **_SCREENING),
        training(),
        scoring(),
        step(measure_costs, "screening_costs", without=_COSTLY, **_SCREENING),
        step(compare_screening_models, _COMPARED, **_INTERVALS),
        step(choose_operating_points, _POINTS, **_SCREENING, **_INTERVALS),
        step(explain_screening, _EXPLANATIONS, **_SCREENING, **_INTERVALS),
        step(write_screening_page, "screening_page", without=results, **themselves(*figures)),
    )

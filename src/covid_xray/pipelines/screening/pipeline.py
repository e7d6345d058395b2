"""The pipeline `screening`: Report B rebuilt on the same study and splits, and its ideas."""

from __future__ import annotations

from kedro.pipeline import Node, Pipeline

from covid_xray.pipelines.bound import bound
from covid_xray.pipelines.dotted_names import dotted_names
from covid_xray.pipelines.modeling.describing import (
    draw_histories,
    draw_predictions,
    score_classes,
)
from covid_xray.pipelines.screening.combining import (
    extract_convolution_features,
    fit_classical_classifiers,
)
from covid_xray.pipelines.screening.comparing import (
    choose_operating_points,
    compare_screening_models,
    measure_costs,
    tabulate_reports,
)
from covid_xray.pipelines.screening.explaining import EXPLAINED, explain_screening
from covid_xray.pipelines.screening.grid import (
    ANSWERS,
    CLASSICAL,
    FOUR_CLASSES,
    MODELS,
    ONE_AGAINST_REST,
    PAIR,
    TITLES,
    TWO_CLASSES,
    ScreeningModel,
)
from covid_xray.pipelines.screening.page import write_screening_page
from covid_xray.pipelines.screening.preparing import (
    describe_balancing,
    draw_preparation,
    equalise_radiographs,
)
from covid_xray.pipelines.screening.training import (
    assemble_screening_model,
    train_on_lungs,
    train_on_radiographs,
)
from covid_xray.pipelines.screening.voting import vote_one_against_rest, vote_softly

_SCREENING = "params:screening"
_INTERVALS = "params:intervals"
_LUNGS = ["equalised_images", "predicted_masks"]
_TRAINED = ["classifier", "history", "summary", "predictions"]


def _outputs(output: str, names: tuple[str, ...]) -> list[str]:
    return [f"screening.{name}.{output}" for name in names]


def preparation() -> Pipeline:
    """Equalise every radiograph, and show what the classifiers see."""
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


def training_template(model: ScreeningModel) -> Pipeline:
    """Train one classifier, and put the lungs' U-Net before it where it sees nothing else."""
    if not model.masked:
        naive = Node(
            bound(train_on_radiographs, model=model),
            inputs=["images", "splits", _SCREENING],
            outputs=_TRAINED,
            name="train_classifier",
        )
        return Pipeline([naive])
    return Pipeline(
        [
            Node(
                bound(train_on_lungs, model=model),
                inputs=[*_LUNGS, "splits", _SCREENING],
                outputs=_TRAINED,
                name="train_classifier",
            ),
            Node(
                assemble_screening_model,
                inputs=["classifier", "unet", _SCREENING],
                outputs="screening_model",
                name="assemble_screening_model",
            ),
        ]
    )


def training() -> Pipeline:
    """Every model of the grid."""
    shared = {"images", *_LUNGS, "splits", "unet"}
    instances = []
    for name, model in MODELS.items():
        template = training_template(model)
        instances.append(
            Pipeline(
                template,
                namespace=f"screening.{name}",
                inputs=shared & template.inputs(),
                parameters={_SCREENING},
            )
        )
    return sum(instances, Pipeline([]))


def ideas() -> Pipeline:
    """What the report proposes: votes, and features under classical classifiers."""
    return Pipeline(
        [
            Node(
                extract_convolution_features,
                inputs=[*_LUNGS, _SCREENING, *_outputs("classifier", PAIR)],
                outputs="convolution_features",
                name="extract_convolution_features",
            ),
            Node(
                fit_classical_classifiers,
                inputs=["convolution_features", "splits", _SCREENING],
                outputs=["classical_classifiers", *_outputs("predictions", tuple(CLASSICAL))],
                name="fit_classical_classifiers",
            ),
            Node(
                vote_softly,
                inputs=_outputs("predictions", PAIR),
                outputs="screening.soft_voting.predictions",
                name="vote_softly",
            ),
            Node(
                bound(
                    vote_one_against_rest,
                    targets=[str(MODELS[name].target) for name in ONE_AGAINST_REST],
                ),
                inputs=["splits", *_outputs("predictions", ONE_AGAINST_REST)],
                outputs="screening.one_against_rest.predictions",
                name="vote_one_against_rest",
            ),
        ]
    )


def scoring() -> Pipeline:
    """Scores, confusion matrices and learning curves, as `modeling` makes them."""
    two_classes, four_classes = (
        _outputs("predictions", names) for names in (TWO_CLASSES, FOUR_CLASSES)
    )
    return Pipeline(
        [
            Node(
                bound(score_classes, names=TWO_CLASSES, key="model", balance=False),
                inputs=[_INTERVALS, *two_classes],
                outputs=["screening_class_scores", "screening_confusion"],
                name="score_two_classes",
            ),
            Node(
                bound(score_classes, names=FOUR_CLASSES, key="model"),
                inputs=[_INTERVALS, *four_classes],
                outputs=["four_class_scores", "four_class_confusion"],
                name="score_four_classes",
            ),
            Node(
                bound(draw_predictions, names=TWO_CLASSES, key="model", titles=TITLES),
                inputs=["screening_confusion", *two_classes],
                outputs=["screening_confusion_matrices", "screening_confidence"],
                name="draw_two_class_predictions",
            ),
            Node(
                bound(draw_predictions, names=FOUR_CLASSES, key="model", titles=TITLES),
                inputs=["four_class_confusion", *four_classes],
                outputs=["four_class_confusion_matrices", "four_class_confidence"],
                name="draw_four_class_predictions",
            ),
            Node(
                bound(draw_histories, names=tuple(MODELS), titles=TITLES),
                inputs=_outputs("history", tuple(MODELS)),
                outputs=["screening_overfitting", "screening_learning_curves"],
                name="draw_screening_histories",
            ),
        ]
    )


def comparison() -> Pipeline:
    """One table of all models, their operating points, their gaze, and the page."""
    answers = _outputs("predictions", tuple(ANSWERS))
    explained = [
        f"screening.{name}.{output}"
        for name in EXPLAINED
        for output in ("classifier", "predictions")
    ]
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
                    *_outputs("classifier", tuple(MODELS)),
                ],
                outputs="screening_costs",
                name="measure_costs",
            ),
            Node(
                compare_screening_models,
                inputs=[
                    "screening_costs",
                    "published_screening_scores",
                    "published_figures",
                    _INTERVALS,
                    *answers,
                ],
                outputs="screening_comparison",
                name="compare_screening_models",
            ),
            Node(
                choose_operating_points,
                inputs=[_SCREENING, _INTERVALS, *answers],
                outputs=["operating_points", "screening_curves"],
                name="choose_operating_points",
            ),
            Node(
                explain_screening,
                inputs=["images", *_LUNGS, "splits", _SCREENING, _INTERVALS, *explained],
                outputs=["gaze", "gaze_figure", "screening_grad_cam"],
                name="explain_screening",
            ),
            Node(
                tabulate_reports,
                inputs=["screening_class_scores", "published_screening_scores"],
                outputs="screening_reports",
                name="tabulate_reports",
            ),
            Node(
                write_screening_page,
                inputs=[
                    "screening_comparison",
                    "screening_reports",
                    "screening_confusion",
                    "four_class_scores",
                    "operating_points",
                    "gaze",
                    "published_screening_confusion",
                    "screening.xception.summary",
                ],
                outputs="screening_page",
                name="write_screening_page",
            ),
        ]
    )


def create_pipeline() -> Pipeline:
    """Report B's system, its ideas, and one table that compares them."""
    with dotted_names():
        return preparation() + training() + ideas() + scoring() + comparison()

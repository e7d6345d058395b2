"""Nodes that score, compare and explain what answers. Keras is imported where it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.absence import CannotMakeError, NotMade
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.overfitting import overfitting_notes, overfitting_table
from covid_xray.evaluation.predictions import rows_by_run
from covid_xray.evaluation.published import stand_beside
from covid_xray.evaluation.scoring import confusion_shares_of_runs, score_runs
from covid_xray.evaluation.screening_comparison import (
    add_unanswered,
    classification_reports,
    compare_answers,
    operating_points_of,
    published_screening,
)
from covid_xray.evaluation.screening_scores import screening_view
from covid_xray.models.screening import (
    ANSWERS,
    LUNGS,
    NAIVE,
    PAIR,
    PUBLISHED,
    TITLES,
    TWO_CLASSES,
    one_against_rest,
    parts_of_answers,
    titles_of,
    why_unanswered,
)
from covid_xray.pipelines.screening.parameters import ScreeningParameters
from covid_xray.studies.pixels import MaskedImages
from covid_xray.training.runs import KeptRuns

Images = NDArray[np.uint8]
# matplotlib's and Keras's classes are not named here: that would load them with the pipelines.
Figure: TypeAlias = Any
KerasModel: TypeAlias = Any
EXPLAINED = (*PAIR, NAIVE)
_TIMED_IMAGES = 8


@dataclass(frozen=True)
class AnswerNodes:
    """The nodes that differ by the question that is answered.

    Attributes:
        answers: names of the answers.
        balance: whether scores weigh the classes equally; or else at their own prevalence.
    """

    answers: Sequence[str]
    balance: bool

    def score(
        self, screening_answers: pd.DataFrame, splits: pd.DataFrame, intervals: Intervals
    ) -> tuple[pd.DataFrame, pd.DataFrame, Figure, Figure]:
        """Score the answers and show what they take the classes for.

        Returns:
            By `model`, the scores of each class and the shares of the confusion matrix; confusion
            matrices; and the confidence of right and wrong predictions.

        Raises:
            CannotMakeError: if there is none of the answers.
        """
        from covid_xray.figures.predictions import draw_confidence, draw_confusion_matrices

        answers = _answers(screening_answers, self.answers, splits)
        models = pd.concat(answers.values(), keys=answers, names=["model"]).reset_index("model")
        confusion = confusion_shares_of_runs(models, intervals, keys=["model"])
        shares = {TITLES[str(name)]: own for name, own in confusion.groupby("model", sort=False)}
        return (
            score_runs(models, intervals, balance=self.balance, keys=["model"]),
            confusion,
            draw_confusion_matrices(shares),
            draw_confidence({TITLES[name]: rows for name, rows in answers.items()}),
        )


def draw_screening_histories(
    screening_runs: pd.DataFrame, screening_histories: pd.DataFrame
) -> tuple[pd.DataFrame, Figure]:
    """Learning curves, and the report's symptoms of overfitting."""
    from covid_xray.figures.curves import draw_learning_curves

    titles = titles_of(screening_runs)
    histories = rows_by_run(screening_histories, titles)
    symptoms = overfitting_table(histories)
    notes = {titles[run]: note for run, note in overfitting_notes(symptoms).items()}
    return symptoms, draw_learning_curves({titles[k]: own for k, own in histories.items()}, notes)


def measure_costs(
    images: Images,
    unet: KerasModel | NotMade,
    convolution_features: NDArray[np.float32] | NotMade,
    classical_classifiers: Mapping[str, Any] | NotMade,
    screening: ScreeningParameters,
    screening_classifiers: KeptRuns,
) -> pd.DataFrame:
    """Parameters, file size and time of each part that a screening system is made of.

    Returns:
        `part, parameters, file_bytes, ms_per_image`, on the study's first few radiographs; a
        network's time is that of equalised lungs, which the part `lung_extractor` makes.
    """
    from covid_xray.models.costs import classical_cost, network_cost
    from covid_xray.models.lung_extraction import build_lung_extractor
    from covid_xray.training.networks import as_inputs

    radiographs = as_inputs(images[:_TIMED_IMAGES])
    costs = {}
    if not isinstance(unet, NotMade):
        extractor = build_lung_extractor(unet, screening.equalisation)
        costs[LUNGS] = network_cost(extractor, radiographs)
    for name, network in screening_classifiers.items():
        costs[name] = network_cost(network, radiographs)
    if not isinstance(classical_classifiers, NotMade) and not isinstance(
        convolution_features, NotMade
    ):
        features = np.asarray(convolution_features[:_TIMED_IMAGES])
        for name, classifier in classical_classifiers.items():
            costs[name] = classical_cost(classifier, features)
    return pd.DataFrame([{"part": name} | asdict(cost) for name, cost in costs.items()])


def compare_screening_models(
    screening_answers: pd.DataFrame,
    screening_class_scores: pd.DataFrame,
    screening_runs: pd.DataFrame,
    screening_costs: pd.DataFrame,
    splits: pd.DataFrame,
    published_screening_scores: pd.DataFrame,
    published_figures: pd.DataFrame,
    intervals: Intervals,
) -> tuple[pd.DataFrame, pd.DataFrame | NotMade]:
    """One table of everything that answers "COVID or not", and the report's own reports.

    Returns:
        `model`, what `compare_answers` returns, and the published accuracy, COVID scores and file
        sizes beside ours; and the classification reports of the report's two models.
    """
    answers = _answers(screening_answers, ANSWERS, splits)
    parts = parts_of_answers(one_against_rest(screening_runs))
    ours = compare_answers(answers, TITLES, screening_costs, parts, intervals)
    asked = ANSWERS if splits.loc[splits["kept"], "label"].nunique() > 2 else TWO_CLASSES
    ours = add_unanswered(ours, {name: TITLES[name] for name in asked}, screening_runs)
    published = published_screening(published_screening_scores, published_figures, PUBLISHED)
    comparison = stand_beside(ours, published, list(published.columns)).reset_index()
    if not set(PUBLISHED) & set(answers):
        return comparison, NotMade("neither of Report B's two networks could be trained.")
    return (
        comparison,
        classification_reports(screening_class_scores, published_screening_scores, PUBLISHED),
    )


def choose_operating_points(
    screening_answers: pd.DataFrame,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
    intervals: Intervals,
) -> tuple[pd.DataFrame, Figure]:
    """The threshold that finds the wanted share of COVID on validation, and what it does on test.

    Returns:
        What `operating_points_of` returns; and ROC and precision-recall curves.

    Raises:
        CannotMakeError: if nothing answers "COVID or not".
    """
    from covid_xray.figures.screening import draw_screening_curves

    _answers(screening_answers, TWO_CLASSES, splits)
    answers = _answers(screening_answers, ANSWERS, splits)
    points = operating_points_of(answers, intervals, screening.wanted_sensitivity)
    views = {TITLES[name]: screening_view(own) for name, own in answers.items()}
    return points, draw_screening_curves(views, points.assign(model=points["model"].map(TITLES)))


def _answers(
    screening_answers: pd.DataFrame, wanted: Sequence[str], splits: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    given = [name for name in wanted if name in set(screening_answers["run"])]
    if not given:
        raise CannotMakeError(why_unanswered(wanted, splits.loc[splits["kept"], "label"]))
    return rows_by_run(screening_answers, given)


def explain_screening(
    images: Images,
    equalised_images: Images,
    predicted_masks: Images,
    splits: pd.DataFrame,
    screening_classifiers: KeptRuns,
    screening_predictions: pd.DataFrame,
    screening: ScreeningParameters,
    intervals: Intervals,
) -> tuple[pd.DataFrame, Figure, Figure]:
    """Grad-CAM of the two models and of the naive one, and how much of it lies in the lungs.

    Returns:
        `model`, and what `summarise_lung_attribution` returns, over all test radiographs; its
        figure; and panels of right and wrong predictions.

    Raises:
        CannotMakeError: if none of them could be trained.
    """
    from covid_xray.figures.grad_cam import draw_grad_cam_panels, explain_predictions
    from covid_xray.figures.screening import draw_lung_attribution
    from covid_xray.models.lung_attribution import measure_lung_attribution

    row_of = pd.Series(splits.index, index=splits["image_id"])
    lungs = MaskedImages(equalised_images, predicted_masks)
    tables, panels = {}, []
    explained = [name for name in EXPLAINED if name in screening_classifiers]
    if not explained:
        raise CannotMakeError(why_unanswered(TWO_CLASSES, splits.loc[splits["kept"], "label"]))
    for name, own in rows_by_run(screening_predictions, explained).items():
        classifier, pixels = screening_classifiers[name], images if name == NAIVE else lungs
        tables[name] = measure_lung_attribution(
            classifier, own, pixels, predicted_masks, row_of, intervals
        )
        panels.append(
            explain_predictions(TITLES[name], classifier, own, pixels, row_of, screening.seed)
        )
    attribution = pd.concat(tables, names=["model"]).reset_index("model").reset_index(drop=True)
    figure = draw_lung_attribution(attribution.assign(model=attribution["model"].map(TITLES)))
    return attribution, figure, draw_grad_cam_panels(panels)

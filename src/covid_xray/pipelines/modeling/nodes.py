"""Nodes of the pipeline. Keras is imported where a node needs it, never when it is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.absence import CannotMakeError, NotMade
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.model_comparison import (
    class_weight_table,
    model_comparison_table,
    run_titles,
)
from covid_xray.evaluation.overfitting import SYMPTOMS, overfitting_notes, overfitting_table
from covid_xray.evaluation.predictions import rows_by_run
from covid_xray.evaluation.scoring import (
    COVID,
    REPORT_SCORES,
    confusion_shares_of_runs,
    score_runs,
)
from covid_xray.models.backbone import BACKBONES, Backbone
from covid_xray.pages import (
    AS_IT_IS,
    NO_WEIGHTS_NOTE,
    SCORES_NOTE,
    bullets,
    figures,
    notes,
    page,
    section,
    table,
    where_made,
)
from covid_xray.pipelines.modeling.parameters import Figure14Parameters
from covid_xray.studies.variants import select_variant
from covid_xray.training.activations import Activations
from covid_xray.training.runs import KeptRuns, Run, RunPlan, TrainedRun
from covid_xray.training.settings import TrainingSettings, TransferSettings

Images = NDArray[np.uint8]
# A matplotlib Figure. Kedro resolves a node's hints, and naming the class here would load
# matplotlib with the list of pipelines.
Figure: TypeAlias = Any
ClassWeights = dict[str, dict[str, float]]


@dataclass(frozen=True)
class BackboneNodes:
    """The nodes that differ by backbone.

    Attributes:
        backbone: its cut and head.
    """

    backbone: Backbone

    def extract_activations(
        self,
        images: Images,
        augmented_images: Images,
        study_variants: pd.DataFrame,
        transfer: TransferSettings,
    ) -> Activations:
        """Pass the variant's rows once through the frozen trunk.

        Returns:
            Row i holds the activations at the cut for row i of the variant.
        """
        from covid_xray.training.transfer import TransferTrainer

        rows = select_variant(study_variants, transfer.variant)
        trainer = TransferTrainer(self.backbone, transfer, images, rows)
        return trainer.activations({"images": images, "augmented_images": augmented_images}, rows)

    def train_classifiers(
        self,
        images: Images,
        augmented_images: Images,
        study_variants: pd.DataFrame,
        activations: Activations,
        transfer: TransferSettings,
        training: TrainingSettings,
        class_weights: ClassWeights,
        figure_14: Figure14Parameters,
    ) -> Iterator[RunPlan | TrainedRun]:
        """Train the tail under each setting of class weights, and predict what is held out."""
        from covid_xray.training.transfer import TransferTrainer

        rows = select_variant(study_variants, transfer.variant)
        arrays = {"images": images, "augmented_images": augmented_images}
        of_backbone = class_weights_of(self.backbone, class_weights, figure_14)
        runs = [
            Run(name, rows, training, weights, {"variant": transfer.variant})
            for name, weights in of_backbone.items()
        ]
        trainer = TransferTrainer(self.backbone, transfer, images, rows)
        yield from trainer.train_runs(runs, activations, arrays, rows)

    def write_backbone_page(
        self,
        class_scores: pd.DataFrame,
        confusion: pd.DataFrame,
        overfitting: pd.DataFrame,
        **shown: Figure,
    ) -> str:
        """Scores, symptoms of overfitting, and figures (`**shown`) of the backbone's runs."""
        of_class = dict.fromkeys(("run", "label", "score"), AS_IT_IS)
        of_pair = dict.fromkeys(("run", "label", "predicted", "count"), AS_IT_IS)
        of_run = dict.fromkeys(("run", "n_epochs", *SYMPTOMS), AS_IT_IS)
        return page(
            self.backbone.report_name,
            section("Scores of each class", table(class_scores, of_class | {"value": ".1%"})),
            section("What classes are taken for", table(confusion, of_pair | {"share": ".1%"})),
            section("Overfitting", table(overfitting, of_run)),
            section("Figures", figures(shown)),
        )


def class_weights_of(
    backbone: Backbone, class_weights: ClassWeights, figure_14: Figure14Parameters
) -> ClassWeights:
    """The class weights under which a backbone is trained: Table 5's, and Figure 14's for one.

    Raises:
        ValueError: if Figure 14's backbone is none of ours.
    """
    known = [other.id for other in BACKBONES]
    if figure_14.backbone not in known:
        raise ValueError(
            f"modeling.figure_14.backbone is '{figure_14.backbone}'; the backbones are "
            f"{', '.join(known)}."
        )
    more = figure_14.class_weights if backbone.id == figure_14.backbone else {}
    return class_weights | more


def describe_runs(
    images: Images,
    radiograph_index: pd.DataFrame,
    classifiers: KeptRuns,
    runs: pd.DataFrame,
    histories: pd.DataFrame,
    predictions: pd.DataFrame,
    class_weights: ClassWeights,
    transfer: TransferSettings,
    intervals: Intervals,
) -> tuple[Any, ...]:
    """What the runs of Table 5 learnt: Figures 15 to 17, Annexes 7 to 9, and their numbers.

    Returns:
        Scores of each class, the confusion matrix as shares, the symptoms of overfitting; and the
        figures: learning curves, confusion matrices, confidence, and Grad-CAM.

    Raises:
        CannotMakeError: if none of them could be trained.
    """
    from covid_xray.figures.curves import draw_learning_curves
    from covid_xray.figures.predictions import draw_confidence, draw_confusion_matrices

    described = _of_table_5(runs, class_weights)
    trained = described[described["epochs_run"] > 0]
    if trained.empty:
        raise CannotMakeError(f"no run of Table 5 could be trained: {described['note'].iloc[0]}.")
    titles = run_titles(trained, classes=radiograph_index["label"].unique())
    predictions = predictions[predictions["run"].isin(list(titles))]
    confusion = confusion_shares_of_runs(predictions, intervals)
    symptoms = overfitting_table(rows_by_run(histories, titles))

    def titled(by_run: dict[str, Any]) -> dict[str, Any]:
        return {titles[run]: of_run for run, of_run in by_run.items()}

    answers = rows_by_run(predictions, titles)
    return (
        score_runs(predictions, intervals),
        confusion,
        symptoms.rename(columns={"model": "run"}),
        draw_learning_curves(
            titled(rows_by_run(histories, titles)), titled(overfitting_notes(symptoms))
        ),
        draw_confusion_matrices(titled(rows_by_run(confusion, titles))),
        draw_confidence(titled(answers)),
        _draw_grad_cam(images, radiograph_index, classifiers, answers, titles, transfer.seed),
    )


def _draw_grad_cam(
    images: Images,
    radiograph_index: pd.DataFrame,
    classifiers: KeptRuns,
    predictions: dict[str, pd.DataFrame],
    titles: dict[str, str],
    seed: int,
) -> Figure:
    """Figure 16: two right and two wrong test predictions of each run."""
    from covid_xray.figures.grad_cam import draw_grad_cam_panels, explain_predictions

    row_of = pd.Series(np.arange(len(radiograph_index)), index=radiograph_index["image_id"])
    return draw_grad_cam_panels(
        [
            explain_predictions(titles[run], classifiers[run], own, images, row_of, seed)
            for run, own in predictions.items()
        ]
    )


def compare_models(
    classifier_runs: pd.DataFrame,
    classifier_predictions: pd.DataFrame,
    published_table_5: pd.DataFrame,
    class_weights: ClassWeights,
    figure_14: Figure14Parameters,
    intervals: Intervals,
) -> tuple[pd.DataFrame, pd.DataFrame | NotMade, Figure | NotMade]:
    """Report A's Table 5 beside the published, and Figure 14: scores by the weight of COVID.

    Returns:
        Table 5; the scores of Figure 14; and their figure.
    """
    from covid_xray.figures.predictions import draw_class_weight_scores

    names = {backbone.id: backbone.report_name for backbone in BACKBONES}
    scores = score_runs(classifier_predictions, intervals)
    table_5 = model_comparison_table(
        _of_table_5(classifier_runs, class_weights), scores, published_table_5, names
    )
    of_backbone = classifier_runs[classifier_runs["backbone"] == figure_14.backbone]
    try:
        weighted = class_weight_table(of_backbone, scores, names[figure_14.backbone])
    except CannotMakeError as error:
        return table_5, NotMade(str(error)), NotMade(str(error))
    return table_5, weighted, draw_class_weight_scores(weighted)


def write_modeling_page(
    table_5: pd.DataFrame,
    figure_14_scores: pd.DataFrame | NotMade,
    figure_14_class_weights: Figure | NotMade,
    **pages: str | NotMade,
) -> str:
    """Table 5 and Figure 14 as one page, which names the backbones' own pages (`**pages`)."""
    named = ("backbone", "covid_weight" if "covid_weight" in table_5 else "run")
    sizes = dict.fromkeys((*named, "weights", "n_train", "n_test"), AS_IT_IS)
    linked = {name: text for name, text in pages.items() if isinstance(text, str)}
    return page(
        "Modeling: four backbones under class weights",
        NO_WEIGHTS_NOTE if (table_5["weights"] == "none").any() else "",
        section(
            "Table 5: comparison of models",
            SCORES_NOTE,
            table(table_5, sizes | _shares(table_5) | {"trainable_params": ",.0f"}),
            notes(table_5, "run"),
        ),
        section(
            f"Figure 14: scores by the weight of {COVID}",
            *where_made(_write_figure_14, figure_14_scores, figure_14_class_weights),
        ),
        section(
            "What each backbone learnt",
            bullets([f"[{text.splitlines()[0][2:]}]({name}.md)" for name, text in linked.items()]),
        ),
    )


def _write_figure_14(scores: pd.DataFrame, figure: Figure) -> tuple[str, ...]:
    return (
        f"Of {scores['backbone'].iloc[0]}.",
        table(scores, {"covid_weight": AS_IT_IS} | _shares(scores)),
        figures({"figure_14_class_weights": figure}),
    )


def _shares(scores: pd.DataFrame) -> dict[str, str]:
    return {name: ".1%" for name in REPORT_SCORES if name in scores}


def _of_table_5(frame: pd.DataFrame, class_weights: ClassWeights) -> pd.DataFrame:
    return frame[frame["run"].isin(list(class_weights))]

"""Nodes that prepare radiographs, and train what answers. Keras is imported where it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.absence import CannotMakeError, NotMade
from covid_xray.evaluation.predictions import long_predictions, prediction_table, rows_by_run
from covid_xray.evaluation.scoring import COVID
from covid_xray.evaluation.votes import vote_one_against_rest, vote_softly
from covid_xray.imaging.arrays import RowStream, row_batches
from covid_xray.imaging.equalisation import equalise, grey_level_shares
from covid_xray.models.screening import (
    ANSWERS,
    CLASSICAL,
    PAIR,
    TWO_CLASSES,
    ScreeningModel,
    networks_of,
    one_against_rest,
    why_unanswered,
)
from covid_xray.pipelines.screening.parameters import ScreeningParameters
from covid_xray.split import Split
from covid_xray.studies.pixels import MaskedImages, PixelArrays
from covid_xray.studies.questions import rows_of_question
from covid_xray.training.runs import KeptRuns, Run, RunPlan, TrainedRun
from covid_xray.training.targets import class_names

Images = NDArray[np.uint8]
# matplotlib's and Keras's classes are not named here: that would load them with the pipelines.
Figure: TypeAlias = Any
KerasModel: TypeAlias = Any
_BATCH = 64
_QUESTIONS = {"All classes": None, "COVID and the rest": COVID}


def equalise_radiographs(images: Images, screening: ScreeningParameters) -> RowStream:
    """Spread out the grey levels of every radiograph.

    Returns:
        uint8 array (n, side, side), in the index's order.
    """
    batches = row_batches(np.arange(len(images)), _BATCH, "Equalising radiographs")
    equalised = (equalise(np.asarray(images[rows]), screening.equalisation) for rows in batches)
    return RowStream(images.shape, np.uint8, equalised)


def draw_preparation(
    images: Images,
    equalised_images: Images,
    predicted_masks: Images | NotMade,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
) -> tuple[Figure, Figure | NotMade]:
    """Grey levels before and after equalisation, and examples of lungs cut out."""
    from covid_xray.figures.equalisation import draw_grey_levels, draw_masked_examples

    rows = rows_of_question(splits, None)
    shuffled = rows.sample(frac=1, random_state=screening.seed)
    examples = shuffled.groupby("label").head(screening.examples_per_class)
    examples = examples.sort_values(["label", "row"])
    numbers = examples["row"].to_numpy()
    shown, all_rows = (
        {str(label): own.to_numpy() for label, own in of.groupby("label")["row"]}
        for of in (examples, rows)
    )
    levels = draw_grey_levels(
        {label: images[own] for label, own in shown.items()},
        {label: equalised_images[own] for label, own in shown.items()},
        grey_level_shares(images, all_rows),
        grey_level_shares(equalised_images, all_rows),
    )
    if isinstance(predicted_masks, NotMade):
        return levels, predicted_masks
    masks, equalised = predicted_masks[numbers], equalised_images[numbers]
    titles = examples["image_id"].tolist()
    return levels, draw_masked_examples(
        images[numbers], equalised, masks, equalised * masks, titles
    )


def describe_balancing(
    splits: pd.DataFrame, screening: ScreeningParameters
) -> tuple[pd.DataFrame, Figure]:
    """Proportions of the classes among training radiographs and in the batches of an epoch.

    Returns:
        `question, sampling, label, n_radiographs, share`; and their figure.
    """
    from covid_xray.figures.screening import draw_class_proportions
    from covid_xray.training.balanced import class_proportions

    classes = class_names(rows_of_question(splits, None))
    asked = {name: of for name, of in _QUESTIONS.items() if of is None or of in classes}
    rows_of = {name: rows_of_question(splits, target) for name, target in asked.items()}
    training = {name: rows[rows["split"] == Split.TRAIN] for name, rows in rows_of.items()}
    table = class_proportions({k: rows["label"] for k, rows in training.items()}, screening.seed)
    panels = {
        f"{question}, {sampling}": dict(zip(own["label"], own["n_radiographs"], strict=True))
        for (question, sampling), own in table.groupby(["question", "sampling"], sort=False)
    }
    return table, draw_class_proportions(panels)


def train_networks(
    images: Images,
    equalised_images: Images,
    predicted_masks: Images | NotMade,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
) -> Iterator[RunPlan | TrainedRun]:
    """Train every network of the grid, on lungs or on radiographs as they came."""
    from covid_xray.training.networks import NetworkTrainer

    classes = class_names(rows_of_question(splits, None))
    arrays: PixelArrays = {"images": images}
    lacks = ""
    if isinstance(predicted_masks, NotMade):
        lacks = predicted_masks.reason
    else:
        arrays = {"images": images, "lungs": MaskedImages(equalised_images, predicted_masks)}
    runs = [
        _run(name, model, splits, screening, lacks=lacks if model.masked else "")
        for name, model in networks_of(classes).items()
    ]
    yield from NetworkTrainer(screening, screening.views, arrays).train_runs(runs)


def _run(
    name: str,
    model: ScreeningModel,
    splits: pd.DataFrame,
    screening: ScreeningParameters,
    *,
    lacks: str,
) -> Run:
    rows = rows_of_question(splits, model.target)
    rows.insert(0, "array", "lungs" if model.masked else "images")
    training = screening.training.of(model.architecture)
    return Run(name, rows, training, facts=model.facts(), lacks=lacks)


def assemble_screening_models(
    screening_classifiers: KeptRuns, unet: KerasModel, screening: ScreeningParameters
) -> dict[str, KerasModel]:
    """What is deployed: a radiograph as it came goes in, its lungs are found and equalised inside.

    Returns:
        By run, models from grey radiographs (n, side, side, 1), 0-255, to class probabilities.
    """
    from covid_xray.models.lung_extraction import build_lung_extractor, build_screening_model

    extractor = build_lung_extractor(unet, screening.equalisation)
    runs = screening_classifiers.runs
    masked = runs.loc[runs["masked"], "run"]
    return {
        run: build_screening_model(screening_classifiers[run], extractor)
        for run in masked
        if run in screening_classifiers
    }


def extract_convolution_features(
    equalised_images: Images,
    predicted_masks: Images,
    screening: ScreeningParameters,
    screening_classifiers: KeptRuns,
) -> RowStream:
    """What the last convolutions of the report's two networks find in each radiograph's lungs.

    Returns:
        float32 array (n, features), in the index's order: the pooled filters of both.

    Raises:
        CannotMakeError: if the two could not be trained.
    """
    from covid_xray.training.classical import convolution_features
    from covid_xray.training.networks import as_inputs

    if not set(PAIR) <= set(screening_classifiers):
        targets = screening_classifiers.runs["target"].dropna()
        raise CannotMakeError(why_unanswered(TWO_CLASSES, targets))
    models = [convolution_features(screening_classifiers[name]) for name in PAIR]
    lungs, n = MaskedImages(equalised_images, predicted_masks), len(equalised_images)
    size = screening.training.xception.batch_size
    found = (
        np.concatenate([model.predict_on_batch(as_inputs(lungs[rows])) for model in models], axis=1)
        for rows in row_batches(np.arange(n), size, "Features of convolutions")
    )
    width = sum(model.output.shape[-1] for model in models)
    return RowStream((n, width), np.float32, found)


def fit_classical_classifiers(
    convolution_features: NDArray[np.float32], splits: pd.DataFrame, screening: ScreeningParameters
) -> tuple[Mapping[str, Any], pd.DataFrame]:
    """Fit scikit-learn's classifiers to the training radiographs' features.

    Returns:
        The fitted classifiers by name, and their predictions, a run each.
    """
    from covid_xray.training import classical

    rows = rows_of_question(splits, COVID)
    classes = class_names(rows)
    training, held_out = (rows[(rows["split"] == Split.TRAIN) == part] for part in (True, False))
    labels = training["label"].to_numpy(str)
    fitted = classical.fit_classical_classifiers(
        convolution_features[training["row"]], labels, screening.seed
    )
    answers = {}
    for name in CLASSICAL:
        features = convolution_features[held_out["row"]]
        probabilities = classical.probabilities_in_order(fitted[name], features, classes)
        answers[name] = prediction_table(held_out, probabilities, classes)
    return fitted, long_predictions("classical", answers)


def gather_answers(
    screening_predictions: pd.DataFrame,
    classical_predictions: pd.DataFrame | NotMade,
    screening_runs: pd.DataFrame,
    splits: pd.DataFrame,
) -> pd.DataFrame:
    """Predictions of everything that answers a question, in the order of the tables.

    The votes are those of the report's two networks, and of the networks of one class each.

    Raises:
        CannotMakeError: if no network could be trained.
    """
    targets = one_against_rest(screening_runs)
    labels = splits.loc[splits["kept"]].set_index("image_id")["label"]
    votes = {}
    if set(PAIR) <= set(screening_predictions["run"]):
        votes["soft_voting"] = vote_softly(screening_predictions, PAIR)
    if set(labels) == set(targets.values()):
        votes["one_against_rest"] = vote_one_against_rest(screening_predictions, targets, labels)
    tables = [screening_predictions, *([long_predictions("vote", votes)] if votes else [])]
    if not isinstance(classical_predictions, NotMade):
        tables.append(classical_predictions)
    of_run = rows_by_run(pd.concat(tables, ignore_index=True), ANSWERS)
    answers = [rows for rows in of_run.values() if len(rows)]
    if not answers:
        raise CannotMakeError("no network could be trained; `screening_runs` has the reasons.")
    return pd.concat(answers, ignore_index=True)

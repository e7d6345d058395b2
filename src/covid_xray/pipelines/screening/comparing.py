"""Nodes that compare everything that answers "COVID or not"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.evaluation.published import published_value, stand_beside
from covid_xray.evaluation.screening_scores import (
    operating_point,
    score_screening,
    screening_view,
)
from covid_xray.evaluation.settings import IntervalParameters
from covid_xray.pipelines.screening.grid import ANSWERS, LUNGS, MODELS, PUBLISHED, TITLES
from covid_xray.pipelines.screening.parameters import ScreeningParameters

Images = NDArray[np.uint8]
Figure: TypeAlias = Any
KerasModel: TypeAlias = Any
_MEGABYTE = 1e6
_TIMED_IMAGES = 8


def measure_costs(
    images: Images,
    unet: KerasModel,
    convolution_features: NDArray[np.float32],
    classical_classifiers: Mapping[str, Any],
    screening: ScreeningParameters,
    *classifiers: KerasModel,
) -> pd.DataFrame:
    """Parameters, file size and time of each part that a screening system is made of.

    Args:
        images: the study's radiographs; the first few are timed.
        unet: the lungs' U-Net.
        convolution_features: what the classical classifiers take.
        classical_classifiers: fitted, by name.
        screening: how the lungs are equalised.
        *classifiers: in the order of the grid.

    Returns:
        `part, parameters, file_bytes, ms_per_image`; a classifier's time is that of equalised
        lungs, which the part `lung_extractor` makes.
    """
    from covid_xray.models.costs import classical_cost, network_cost
    from covid_xray.models.lung_extraction import build_lung_extractor

    networks = {LUNGS: build_lung_extractor(unet, screening.equalisation)}
    networks |= dict(zip(MODELS, classifiers, strict=True))
    radiographs = images[:_TIMED_IMAGES][..., None].astype(np.float32)
    features = np.asarray(convolution_features[:_TIMED_IMAGES])
    costs = {name: network_cost(model, radiographs) for name, model in networks.items()} | {
        name: classical_cost(model, features) for name, model in classical_classifiers.items()
    }
    return pd.DataFrame([{"part": name} | asdict(cost) for name, cost in costs.items()])


def compare_screening_models(
    screening_costs: pd.DataFrame,
    published_scores: pd.DataFrame,
    published_figures: pd.DataFrame,
    intervals: IntervalParameters,
    *predictions: pd.DataFrame,
) -> pd.DataFrame:
    """One table of everything that answers "COVID or not".

    Args:
        screening_costs: cost of each part.
        published_scores: Report B's classification reports.
        published_figures: single figures of the reports.
        intervals: bootstrap intervals.
        *predictions: in the order of `ANSWERS`.

    Returns:
        `model, title`; the scores on test radiographs with their intervals; `parameters,
        file_megabytes, ms_per_image`, summed over a model's parts; and the published accuracy,
        COVID scores and file sizes beside ours.
    """
    part = screening_costs.set_index("part")
    rows = []
    for (name, parts), table in zip(ANSWERS.items(), predictions, strict=True):
        cost = part.loc[list(parts)].sum()
        rows.append(
            {"model": name, "title": TITLES[name]}
            | score_screening(table, **intervals.model_dump())
            | {
                "parameters": int(cost["parameters"]),
                "file_megabytes": cost["file_bytes"] / _MEGABYTE,
                "ms_per_image": cost["ms_per_image"],
            }
        )
    published = _published(published_scores, published_figures)
    ours = pd.DataFrame(rows).set_index("model")
    return stand_beside(ours, published, list(published.columns)).reset_index()


def _published(scores: pd.DataFrame, figures: pd.DataFrame) -> pd.DataFrame:
    """Report B's figures of our models, by model."""
    covid = scores[scores["label"] == "COVID"].set_index("model")
    columns = ["accuracy", "recall", "precision", "f1_score"]
    rows = {
        ours: covid.loc[theirs, columns].to_dict()
        | {"file_megabytes": published_value(figures, f"{theirs}_file_megabytes", "B")}
        for ours, theirs in PUBLISHED.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def choose_operating_points(
    screening: ScreeningParameters, intervals: IntervalParameters, *predictions: pd.DataFrame
) -> tuple[pd.DataFrame, Figure]:
    """The threshold that finds the wanted share of COVID on validation, and what it does on test.

    Returns:
        `model`, and what `operating_point` returns; and ROC and precision-recall curves.
    """
    from covid_xray.figures.screening import draw_screening_curves

    options = intervals.model_dump()
    table = pd.DataFrame(
        [
            {"model": name}
            | operating_point(answers, sensitivity=screening.wanted_sensitivity, **options)
            for name, answers in zip(ANSWERS, predictions, strict=True)
        ]
    )
    views = {
        TITLES[name]: screening_view(answers)
        for name, answers in zip(ANSWERS, predictions, strict=True)
    }
    return table, draw_screening_curves(views, table.assign(model=table["model"].map(TITLES)))


def tabulate_reports(class_scores: pd.DataFrame, published_scores: pd.DataFrame) -> pd.DataFrame:
    """Classification reports of the report's two models in its form, the published ones beside.

    Args:
        class_scores: `model, label, score, value, low, high, support` at natural prevalence.
        published_scores: Report B's classification reports.

    Returns:
        `model, label, support`, each score with its interval, and `<score>_published`.
    """
    ours = class_scores[class_scores["model"].isin(PUBLISHED) & (class_scores["label"] != "all")]
    keys = ["model", "label"]
    by_score = {
        str(score): rows.set_index(keys)[["value", "low", "high"]]
        for score, rows in ours.groupby("score")
    }
    wide = pd.concat(
        [
            rows.set_axis([score, f"{score}_low", f"{score}_high"], axis="columns")
            for score, rows in by_score.items()
        ],
        axis="columns",
    )
    support = ours.drop_duplicates(keys).set_index(keys)["support"]
    names = {theirs: own for own, theirs in PUBLISHED.items()}
    theirs = published_scores.assign(model=published_scores["model"].map(names)).set_index(keys)
    return stand_beside(
        wide.assign(support=support), theirs, ["precision", "recall", "f1_score", "support"]
    ).reset_index()

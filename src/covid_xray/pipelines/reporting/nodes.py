"""Nodes of the pipeline: they read catalogued datasets only."""

from __future__ import annotations

import io
import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from covid_xray.absence import NotMade
from covid_xray.evaluation.intervals import Intervals
from covid_xray.evaluation.model_comparison import best_on_validation
from covid_xray.evaluation.planted import (
    DEMO_TRUTH,
    find_classes,
    find_copies,
    find_flaws,
    find_lungs,
)
from covid_xray.pages import AS_IT_IS, bullets, escape, page, section, table
from covid_xray.phantom.writing import PLAN_FILE, TRUTH_FILE
from covid_xray.pipelines.reporting.summary import Summary
from covid_xray.studies.parameters import SharpnessParameters, SplittingParameters
from covid_xray.studies.questions import rows_of_question
from covid_xray.studies.study import RadiographyStudy


def recover_planted_truth(
    radiography_study: RadiographyStudy,
    radiograph_index: pd.DataFrame,
    radiograph_features: pd.DataFrame,
    images: NDArray[np.uint8],
    rejected_radiographs: pd.DataFrame,
    duplicate_groups: pd.DataFrame,
    splits: pd.DataFrame,
    segmentation_pair_scores: pd.DataFrame | NotMade,
    classifier_predictions: pd.DataFrame | NotMade,
    sharpness: SharpnessParameters,
    intervals: Intervals,
) -> pd.DataFrame:
    """What was planted in a phantom study, and how much of it was found; empty for any other."""
    from covid_xray.training.thumbnails import predict_from_thumbnails

    truth = _read_truth(radiography_study)
    if truth is None:
        return pd.DataFrame(columns=list(DEMO_TRUTH.columns))
    is_blurred = radiograph_features["laplacian_variance"] < sharpness.min_laplacian_variance
    blurred = radiograph_features.loc[is_blurred, "image_id"]
    rows = [*find_copies(truth, duplicate_groups)]
    rows += find_flaws(truth, radiograph_index, rejected_radiographs, blurred)
    if not isinstance(segmentation_pair_scores, NotMade):
        rows.append(find_lungs(segmentation_pair_scores, "U-Net"))
    if not isinstance(classifier_predictions, NotMade):
        best = best_on_validation(classifier_predictions, intervals)
        name = f"{best['backbone'].iloc[0]}, {best['run'].iloc[0]}, best on validation"
        rows.append(find_classes("findings", best, f"the class of test radiographs: {name}"))
        seen = predict_from_thumbnails(images, rows_of_question(splits, None))
        how = "the class of test radiographs, by a linear model"
        rows.append(find_classes("classes, from 8x8 thumbnails", seen, how))
    return pd.DataFrame(rows, columns=list(DEMO_TRUTH.columns))


def _read_truth(study: RadiographyStudy) -> pd.DataFrame | None:
    by_name = {path.name: path for path in study.files.sizes}
    if not {TRUTH_FILE, PLAN_FILE} <= set(by_name):
        return None
    text = study.files.read(by_name[TRUTH_FILE])
    return pd.read_csv(io.BytesIO(text), keep_default_na=False)


def write_study_page(demo_truth: pd.DataFrame, **pages: str | NotMade) -> str:
    """An index of the study's pages, with the sections of each.

    Args:
        demo_truth: what was planted, and found; of phantom studies only.
        **pages: the pages by name; their files lie beside this one.
    """
    made = {name: text for name, text in pages.items() if isinstance(text, str)}
    found = {name: re.findall(r"^##? (.+)$", text, re.MULTILINE) for name, text in made.items()}
    absent = [
        f"{name.removesuffix('_page')}: {escape(page.reason)}"
        for name, page in pages.items()
        if isinstance(page, NotMade)
    ]
    return page(
        "The study, page by page",
        _planted(demo_truth) if len(demo_truth) else "",
        *(
            section(f"[{title}]({name}.md)", bullets(sections))
            for name, (title, *sections) in found.items()
        ),
        section("Not made", bullets(absent)) if absent else "",
    )


def _planted(demo_truth: pd.DataFrame) -> str:
    return section(
        "Planted and found", table(demo_truth, dict.fromkeys(DEMO_TRUTH.columns, AS_IT_IS))
    )


def write_study_summary(
    radiograph_index: pd.DataFrame,
    rejected_radiographs: pd.DataFrame,
    demo_truth: pd.DataFrame,
    classifier_runs: pd.DataFrame | NotMade,
    classifier_predictions: pd.DataFrame | NotMade,
    study_name: str,
    splitting: SplittingParameters,
    intervals: Intervals,
    **pages: str | NotMade,
) -> str:
    """What came out, in some lines that a terminal can show; `**pages` are those of the study."""
    summary = Summary(study_name, splitting)
    summary.tell_study(radiograph_index, len(rejected_radiographs))
    if len(demo_truth):
        summary.tell_planted(demo_truth)
    if not isinstance(classifier_predictions, NotMade):
        assert isinstance(classifier_runs, pd.DataFrame)
        best = best_on_validation(classifier_predictions, intervals)
        summary.tell_best(best, classifier_runs, intervals)
    summary.tell_not_made(pages)
    summary.tell_next()
    return summary.text()

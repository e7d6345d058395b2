"""Tables of Report B's results, ours beside the published figures."""

from __future__ import annotations

from functools import partial

import pandera.pandas as pa

from covid_xray.evaluation.comparison_tables import CLASS_SCORES
from covid_xray.evaluation.screening_scores import SCREENING_SCORES
from covid_xray.tables import (
    GROUP_ID,
    IMAGE_ID,
    LABEL,
    NOTE,
    SPLIT,
    Maybe,
    Number,
    Text,
    Whole,
    bounded,
    table,
)


def _published(*figures: str) -> dict[str, pa.Column]:
    columns = {}
    for figure in figures:
        columns[f"{figure}_published"] = pa.Column(nullable=True, description="the report's")
        columns[f"{figure}_difference"] = pa.Column(nullable=True, description="ours minus it")
    return columns


# Whole numbers, missing for an answer that could not be given.
_MaybeWhole = partial(pa.Column, "Int64", nullable=True)
_MODEL = Text(description="name of what answers")
_CLASS = Text(description="class, non-COVID, or all")
_POSITIVE = Whole(description="test radiographs with COVID")
_MS = Number(description="milliseconds a radiograph, on the CPU of the run")

CLASS_PROPORTIONS = table(
    "a class among training radiographs",
    {
        "question": Text(description="the classes that are told apart"),
        "sampling": Text(description="as they are, or in balanced batches"),
        "label": LABEL,
        "n_radiographs": Whole(description="radiographs of the class, or drawn in an epoch"),
        "share": Number(description="their share"),
    },
)
SCREENING_ANSWERS = table(
    'a held-out radiograph under something that answers "COVID or not"',
    {
        "backbone": Text(description="architecture of a run; vote; or classical"),
        "run": Text(description="name of what answers"),
        "image_id": IMAGE_ID,
        "group_id": GROUP_ID,
        "split": SPLIT,
        "label": Text(description="class, as the question names it"),
        "predicted": Text(description="likeliest class"),
        "^probability_": pa.Column(
            nullable=True, regex=True, description="of a class; missing if it is not asked for"
        ),
    },
)
SCREENING_COSTS = table(
    "a part of a screening system",
    {
        "part": Text(description="lung extractor, run or classical classifier"),
        "parameters": Whole(description="weights of a network; 0 for a classical classifier"),
        "file_bytes": Whole(
            description="size of what was fitted: weights of a network, arrays of a classifier"
        ),
        "ms_per_image": _MS,
    },
)
SCREENING_COMPARISON = table(
    'something that answers "COVID or not"',
    {
        "model": _MODEL,
        "title": Text(description="what readers call it"),
        **{
            column: each
            for score in SCREENING_SCORES
            for column, each in bounded(score, f"{score} of COVID on test").items()
        },
        "n_test": _MaybeWhole(description="test radiographs"),
        "n_positive": _MaybeWhole(description="test radiographs with COVID"),
        "parameters": _MaybeWhole(description="weights of all its parts"),
        "file_megabytes": Maybe(description="size of their files"),
        "ms_per_image": Maybe(description="milliseconds a radiograph, on the CPU of the run"),
        "note": NOTE,
        **_published("accuracy", "recall", "precision", "f1_score", "file_megabytes"),
    },
)
SCREENING_REPORTS = table(
    "a class of one of the report's two networks",
    {
        "model": _MODEL,
        "label": Text(description="COVID or non-COVID"),
        **bounded("f1_score", "F1"),
        **bounded("precision", "precision"),
        **bounded("recall", "recall"),
        "support": Whole(description="test radiographs"),
        **_published("precision", "recall", "f1_score", "support"),
    },
)
ALL_CLASSES_SCORES = table(
    "a score of a class under an answer of all classes",
    {"model": _MODEL, **CLASS_SCORES.columns},
)
OPERATING_POINTS = table(
    'something that answers "COVID or not", at the threshold that is chosen on validation',
    {
        "model": _MODEL,
        "threshold": Number(description="least probability of COVID that counts as found"),
        "wanted_sensitivity": Number(description="share of COVID that it has to find"),
        "validation_sensitivity": Number(description="share that it finds on validation"),
        "validation_specificity": Maybe(description="share of the rest that it leaves there"),
        **bounded("sensitivity", "share of COVID that it finds on test"),
        **bounded("specificity", "share of the rest that it leaves on test"),
        "n_validation_positive": Whole(description="validation radiographs with COVID"),
        "n_positive": _POSITIVE,
        "n_negative": Whole(description="test radiographs without"),
    },
)
LUNG_ATTRIBUTION = table(
    "a class of a network's test radiographs",
    {
        "model": _MODEL,
        "label": _CLASS,
        "n": Whole(description="test radiographs"),
        "n_without_evidence": Whole(description="those whose heatmap is all 0"),
        **bounded("mass_inside", "mean share of Grad-CAM inside the lungs"),
        "lung_area": Maybe(description="mean share of the picture that the lungs take up"),
        "ratio": Maybe(description="the first over the second; 1 if evidence is everywhere alike"),
    },
)
